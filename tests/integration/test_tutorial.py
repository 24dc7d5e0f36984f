"""The tutorial is followed to the letter: its files are written, its commands run, and its outputs compared."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

import docker
import pytest
import yaml

from imagetasks.cluster.client import Cluster
from tests.conftest import ROOT
from tests.projects import PROGRAMS, TIMEOUT

PAGE = ROOT / "docs" / "tutorial.md"
LAST_PART = "\n## Deploy it\n"
FOLDER = "hello"
LEFT_OUT = "…"

BLOCK = re.compile(
    r'^```(?P<language>\w+)(?: title="(?P<title>[^"]+)")?\n(?P<text>.*?)^```$', re.MULTILINE | re.DOTALL
)
CHANGING = {
    re.compile(r"\b\d+\.\d+ s\b"): "N s",
    re.compile(rf"\b{FOLDER}/(\w+):[a-z0-9]{{5}}\b"): rf"{FOLDER}/\1:TAG",
    re.compile(r"\b\d{4}-\d\d-\d\d \d\d:\d\d\b"): "TIME",
}


class Step(NamedTuple):
    """Either a file to write or a command to run: ``text`` is what is in it, or what it prints."""

    text: str
    file: str = ""
    command: str = ""


def steps_in(page: str) -> Iterator[Step]:
    for block in BLOCK.finditer(page):
        if block["title"]:
            yield Step(block["text"], file=block["title"])
        elif block["language"] == "console":
            for command, text in re.findall(r"^\$ (.*)\n((?:(?!\$ ).*\n)*)", block["text"], re.MULTILINE):
                yield Step(text, command=command)


def follow(page: str, folder: Path, environ: Mapping[str, str]) -> None:
    for step in steps_in(page):
        if step.file:
            file = folder / step.file
            file.parent.mkdir(exist_ok=True)
            file.write_text(step.text)
            continue
        done = subprocess.run(
            ["sh", "-c", step.command],
            cwd=folder,
            env={**environ, "PATH": f"{PROGRAMS}{os.pathsep}{environ['PATH']}"},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=TIMEOUT,
            check=False,
        )
        assert done.returncode == 0, f"$ {step.command}\n{done.stdout}"
        assert is_as_told(done.stdout, step.text), f"$ {step.command}\n{done.stdout}\nthe page says:\n{step.text}"


def is_as_told(output: str, told: str) -> bool:
    """Whether an output is what the page tells, where a line of dots stands for any lines, or none.

    Warnings about what the machine lacks (credentials, say) are passed over.
    """
    said = "".join(line for line in plain(output).splitlines(keepends=True) if not line.startswith("WARNING: "))
    pattern = "".join(
        "(.*\n)*" if line.strip() == LEFT_OUT else re.escape(line) for line in plain(told).splitlines(keepends=True)
    )
    return re.fullmatch(pattern, said) is not None


def plain(text: str) -> str:
    for changing, name in CHANGING.items():
        text = changing.sub(name, text)
    return text


@pytest.fixture
def hello(tmp_path: Path, daemon: docker.DockerClient) -> Iterator[Path]:
    """The folder; images that were there before, perhaps since somebody has followed the tutorial, are left alone."""
    folder = tmp_path / FOLDER
    folder.mkdir()
    others = images_in(daemon)
    yield folder
    for name in images_in(daemon) - others:
        daemon.images.remove(name, force=True)


def images_in(daemon: docker.DockerClient) -> set[str]:
    return {name for image in daemon.images.list(f"{FOLDER}/*") for name in image.tags}


@pytest.mark.docker
def test_first_parts_of_the_tutorial_happen_as_told(hello: Path, busybox: str) -> None:
    first_parts, _, _ = PAGE.read_text().partition(LAST_PART)
    assert f"FROM {busybox}\n" in first_parts
    follow(first_parts, hello, os.environ)


@pytest.mark.docker
@pytest.mark.cluster
def test_whole_tutorial_happens_as_told(hello: Path, busybox: str, cluster: Cluster, tmp_path: Path) -> None:
    kubeconfig = tmp_path / "kubeconfig"
    kubeconfig.write_text(as_docker_desktop(cluster))
    follow(PAGE.read_text(), hello, {**os.environ, "KUBECONFIG": str(kubeconfig)})


def as_docker_desktop(cluster: Cluster) -> str:
    """A kubeconfig with the cluster as that of Docker Desktop, whose nodes run what the daemon holds."""
    source = yaml.safe_load(Path(os.environ["KUBECONFIG"]).read_text())
    (context,) = (each for each in source["contexts"] if each["name"] == cluster.target.context)
    context["name"] = source["current-context"] = "docker-desktop"
    context["context"]["namespace"] = cluster.target.namespace
    return yaml.safe_dump(source)


@pytest.mark.parametrize(
    ("output", "told", "expected"),
    [
        ("built web in 0.4 s\n", "built web in 1.2 s\n", True),
        ("-- hello/web:abcde\n", "-- hello/web:fghij\n", True),
        ("one\ntwo\nthree\n", "…\nthree\n", True),
        ("three\n", "…\nthree\n", True),
        ("one\n", "two\n", False),
        ("one\ntwo\n", "one\n", False),
        ("one\n", "one\ntwo\n", False),
    ],
)
def test_outputs_are_compared_without_times_and_tags(output: str, told: str, expected: bool) -> None:
    assert is_as_told(output, told) is expected
