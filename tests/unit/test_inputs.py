from __future__ import annotations

from pathlib import Path

import pytest

from imagetasks.config.model import BuildOptions, DockerBuild, Image
from imagetasks.context.inputs import DockerInputs


def digest(folder: Path, *args: str, **build_args: str) -> str:
    return digest_of(folder, DockerBuild(args=args, options=BuildOptions(build_args=build_args)))


def digest_of(folder: Path, build: DockerBuild) -> str:
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


@pytest.mark.parametrize(
    ("build", "is_input"),
    [
        (DockerBuild(use_buildkit=True), True),
        (DockerBuild(use_cli=True), True),
        (DockerBuild(args=("--quiet",)), True),
        (DockerBuild(), False),
    ],
)
def test_the_platform_that_the_docker_command_line_builds_for_is_an_input(
    folder: Path, monkeypatch: pytest.MonkeyPatch, build: DockerBuild, is_input: bool
) -> None:
    monkeypatch.delenv("DOCKER_DEFAULT_PLATFORM", raising=False)
    before = digest_of(folder, build)
    monkeypatch.setenv("DOCKER_DEFAULT_PLATFORM", "linux/arm64")

    assert (digest_of(folder, build) != before) is is_input
