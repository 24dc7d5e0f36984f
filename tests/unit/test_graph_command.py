"""``imagetasks graph`` and ``--timings`` as a user runs them."""

from __future__ import annotations

from pathlib import Path

import pytest
from doit.dependency import JSONCodec

from imagetasks.backend import TaskResults
from imagetasks.cli import main
from imagetasks.deployment_checks import deployment_digest
from imagetasks.loader import doit_defaults
from imagetasks.options import Options
from imagetasks.project import open_project
from tests.api_server import write_kubeconfig

FILE = """\
version: v1beta6
images:
  base: {image: shop/base, build: {custom: {command: "true", onChange: [missing]}}}
  api: {image: shop/api, build: {custom: {command: "true", onChange: [missing]}}}
"""


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "devspace.yaml").write_text(FILE)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_the_terminal_shows_what_would_run_and_why(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["graph", "tag:api"]) == 0

    assert capsys.readouterr().out.splitlines()[:2] == [
        "● tag:api  (after build:api)",
        "└─ ● build:api  (no build of it is on record)",
    ]


def test_what_a_cluster_that_cannot_be_reached_does_not_tell_is_not_known(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "devspace.yaml").write_text(
        "version: v1beta6\ndeployments: [{name: web, kubectl: {manifests: [web.yaml]}}]\n"
    )
    (folder / "web.yaml").write_text("{apiVersion: v1, kind: Service, metadata: {name: web}}")
    for name, value in write_kubeconfig(folder, "http://127.0.0.1:1").items():
        monkeypatch.setenv(name, value)
    remember_deployment("web", ["/api/v1/namespaces/shop/services/web"])

    assert main(["graph", "deploy:web"]) == 0

    told = capsys.readouterr().out
    assert told.startswith("? deploy:web  (the API server http://127.0.0.1:1 of context test cannot be reached")


def remember_deployment(name: str, objects: list[str]) -> None:
    """Leave what a success of ``deploy:NAME`` leaves in doit's database."""
    [plan] = open_project(Path("devspace.yaml"), Options()).deployments
    target = plan.find_target()
    values = {
        "digest": deployment_digest(plan, target),
        "target": list(target),
        "images": {},
        "objects": objects,
    }
    results = TaskResults(doit_defaults(Path.cwd())["dep_file"], JSONCodec())
    results.set(f"deploy:{name}", "_values_:", values)
    results.dump()


def test_without_status_nothing_is_looked_at(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["graph", "--no-status", "tag:api"]) == 0

    assert capsys.readouterr().out == "tag:api\n└─ build:api\n   └─ hash:api\n"
    assert not (folder / ".devspace").exists()


@pytest.mark.parametrize(
    ("name", "beginning"),
    [("g.html", "<!doctype html>"), ("g.svg", "<svg"), ("g.dot", "digraph"), ("g.mmd", "flowchart LR")],
)
def test_the_ending_of_the_file_chooses_the_format(name: str, beginning: str, folder: Path) -> None:
    assert main(["graph", "-o", name]) == 0

    text = (folder / name).read_text(encoding="utf-8")
    assert text.startswith(beginning)
    assert "push:api" in text


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["-o", "g.png"], "no ending that names a format: .html, .svg, .dot, .mmd"),
        (["-o", "nowhere/g.svg"], "nowhere/g.svg cannot be written: No such file or directory"),
        (["psuh:api"], "there is no task psuh:api; did you mean push:api?"),
    ],
)
def test_a_mistake_is_one_sentence(words: list[str], told: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["graph", *words]) == 3

    assert capsys.readouterr().err.strip().endswith(told)
