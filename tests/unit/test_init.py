"""``imagetasks init``, called as the program calls it."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from imagetasks.cli import main
from imagetasks.config.load import load_config
from tests.projects import Project

TOLD = """\
devspace.yaml: written
  image shop: registry.example.com/we/shop from Dockerfile, context this folder
  image api: registry.example.com/we/api from api/Dockerfile, context api/
  deployment shop: kubectl
doit.cfg: chooses our loader
.gitignore: ignores .devspace/
next: `doit list`, then `doit build`
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with two Dockerfiles and a manifest, which is the current one."""
    folder = tmp_path / "shop"
    for file, text in {
        "Dockerfile": "FROM busybox:1.36\nCOPY . .\n",
        "api/Dockerfile": "FROM busybox:1.36\n",
        "k8s/api.yaml": "apiVersion: v1\nkind: Pod\nspec: {containers: [{name: api, image: example.com/api}]}\n",
    }.items():
        (folder / file).parent.mkdir(parents=True, exist_ok=True)
        (folder / file).write_text(text)
    monkeypatch.chdir(folder)
    return folder


def texts(folder: Path) -> dict[str, str]:
    return {str(path): path.read_text() for path in folder.iterdir() if path.is_file()}


def test_init_writes_what_doit_needs_and_tells_it(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    subprocess.run(["git", "init", "--quiet", folder], check=True)

    assert main(["init", "--yes", "--registry", "registry.example.com/we/"]) == 0

    assert capsys.readouterr().out == TOLD
    images = load_config(folder / "devspace.yaml", variables={}, environ={}).images
    assert [image.image for image in images] == ["registry.example.com/we/shop", "registry.example.com/we/api"]


def test_doit_lists_the_tasks_at_once(folder: Path) -> None:
    project = Project(folder)
    (folder / "pyproject.toml").unlink()
    assert main(["init", "--yes"]) == 0

    listed = project.doit("list", "--all", "--quiet")

    assert listed.returncode == 0, listed.stderr
    assert {"build:shop", "push:api", "deploy:shop"} <= set(listed.stdout.split())


def test_init_replaces_no_devspace_yaml_and_then_touches_nothing(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    Path("devspace.yaml").write_text("version: v1beta6\n")
    before = texts(folder)

    assert main(["init", "--yes"]) == 3

    assert "devspace.yaml is there already, and init replaces nothing; " in capsys.readouterr().err
    assert texts(folder) == before


def test_lines_that_are_there_are_not_written_again(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    subprocess.run(["git", "init", "--quiet", folder], check=True)
    Path(".gitignore").write_text("/.devspace\n")
    Path("pyproject.toml").write_text('[tool.doit]\nloader = "imagetasks"\n')
    before = texts(folder)

    assert main(["init", "--yes"]) == 0

    after = texts(folder)
    assert {name: after[name] for name in before} == before
    assert not Path("doit.cfg").exists()


def test_a_folder_without_git_gets_no_ignore_file(folder: Path) -> None:
    assert main(["init", "--yes"]) == 0
    assert not Path(".gitignore").exists()


def test_another_loader_stays_and_the_user_is_told(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    Path("doit.cfg").write_text("[GLOBAL]\nloader = mine\n")

    assert main(["init", "--yes"]) == 0

    assert Path("doit.cfg").read_text() == "[GLOBAL]\nloader = mine\n"
    assert "doit.cfg: left as it is: doit.cfg chooses the loader mine; " in capsys.readouterr().out


@pytest.mark.parametrize(
    ("prepare", "arguments", "message"),
    [
        ("rm -r Dockerfile api", [], "there is no Dockerfile in "),
        (
            "rm -r Dockerfile; echo x > api/Dockerfile",
            [],
            "there is no Dockerfile that can be built: api/Dockerfile: ",
        ),
        ("true", ["--registry", "Example/We"], "--registry: 'Example/We/app' "),
        ("ln -s nowhere/devspace.yaml devspace.yaml", [], "devspace.yaml is there already"),
        ("mkdir pyproject.toml", [], "pyproject.toml cannot be read: Is a directory"),
        (r"printf '\377' > doit.cfg", [], "doit.cfg is not UTF-8 text"),
    ],
)
def test_what_stands_in_the_way_is_told_in_a_sentence_and_nothing_is_written(
    prepare: str, arguments: list[str], message: str, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    subprocess.run(["sh", "-c", prepare], check=True)

    assert main(["init", "--yes", *arguments]) == 3

    error = capsys.readouterr().err
    assert message in error
    assert error.count("\n") == 1
    assert not Path("devspace.yaml").exists()
    assert not Path(".gitignore").exists()
