from __future__ import annotations

from pathlib import Path

import pytest

from imagetasks.config.model import BuildOptions, DockerBuild, Image
from imagetasks.context.inputs import DockerInputs


def digest(folder: Path, *args: str, **build_args: str) -> str:
    build = DockerBuild(use_cli=True, args=args, options=BuildOptions(build_args=build_args))
    return DockerInputs(Image("api", "shop/api", build=build), folder).digest()


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "Dockerfile").write_text("FROM scratch\nARG VERSION\nCOPY . /\n")
    monkeypatch.setenv("VERSION", "1")
    return tmp_path


@pytest.mark.parametrize("args", [("--build-arg", "VERSION"), ("--build-arg=VERSION", "--quiet")])
def test_a_build_argument_that_the_environment_gives_is_an_input(
    folder: Path, monkeypatch: pytest.MonkeyPatch, args: tuple[str, ...]
) -> None:
    before = digest(folder, *args)
    monkeypatch.setenv("VERSION", "2")
    after = digest(folder, *args)
    monkeypatch.delenv("VERSION")

    assert len({before, after, digest(folder, *args)}) == 3


@pytest.mark.parametrize("args", [("--build-arg", "VERSION=1"), ("--label", "VERSION"), ()])
def test_what_no_build_argument_takes_from_the_environment_is_none(
    folder: Path, monkeypatch: pytest.MonkeyPatch, args: tuple[str, ...]
) -> None:
    before = digest(folder, *args)
    monkeypatch.setenv("VERSION", "2")

    assert digest(folder, *args) == before


def test_a_value_of_the_file_goes_before_that_of_the_environment(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = digest(folder, "--build-arg", "VERSION", VERSION="3")
    monkeypatch.setenv("VERSION", "2")

    assert digest(folder, "--build-arg", "VERSION", VERSION="3") == before
