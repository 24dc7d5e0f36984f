"""What ``imagetasks why`` and ``imagetasks context`` tell, and that it is what a build then does."""

from __future__ import annotations

import os
import sqlite3

import docker
import pytest

from tests.integration.images import only_image
from tests.projects import Project
from tests.registries import Registry

pytestmark = [pytest.mark.docker, pytest.mark.registry]

NO_DAEMON = {"DOCKER_HOST": "unix:///nowhere/docker.sock"}
NO_ANSWER = "no Docker daemon answers at unix://{}; start one, or set DOCKER_HOST to one that runs"


@pytest.fixture
def shop(project: Project) -> Project:
    """``base``, ``api`` FROM it, and ``tools``, which a command builds; none is built yet."""
    project.write("base/Dockerfile", "FROM scratch\nCOPY . /\n")
    project.write("base/ground.txt", "ground\n")
    project.write("api/Dockerfile", f"FROM {project.repository('base')}\nARG TOKEN\nCOPY . /\n")
    project.write("api/main.py", "print()\n")
    project.write("build.sh", f'#!/bin/sh\ndocker tag "$(docker images -q {project.repository("base")})" $1\n', 0o755)
    write_file(project)
    return project


def write_file(project: Project, token: str = "correct horse", more: str = "") -> None:
    project.write(
        "devspace.yaml",
        f"""\
version: v1beta6
images:
  base: {{image: {project.repository("base")}, context: base, dockerfile: base/Dockerfile}}
  api:
    image: {project.repository("api")}
    context: api
    dockerfile: api/Dockerfile
    build: {{docker: {{options: {{buildArgs: {{TOKEN: {token}}}}}}}}}
    {more}
  tools: {{image: {project.repository("tools")}, build: {{custom: {{command: ./build.sh, onChange: [build.sh]}}}}}}
""",
    )


@pytest.fixture
def built(shop: Project) -> Project:
    """The shop, with ``base`` and ``api`` built and not pushed."""
    result = shop.doit("tag:base", "tag:api", "--skip-push")
    assert result.returncode == 0, result.stdout + result.stderr
    return shop


def why(project: Project, *words: str, env: dict[str, str] | None = None) -> list[str]:
    result = project.imagetasks("why", "--skip-push", *words, env=env)
    assert result.returncode == 0, result.stderr
    return result.stdout.splitlines()


def test_what_was_never_built_is_to_be_built_without_asking_a_daemon(shop: Project) -> None:
    assert why(shop, env=NO_DAEMON) == [
        "base is to be built:",
        "  no build of it is on record",
        "api is to be built:",
        "  no build of it is on record",
        "  its base image base is to be built before it",
        "tools is to be built:",
        "  no build of it is on record",
    ]
    assert not (shop.folder / ".devspace").exists()


def test_an_unchanged_image_is_told_with_its_time_and_tag(built: Project) -> None:
    (line,) = why(built, "api")

    assert line.startswith("api is up to date since 2")
    assert f" as {built.repository('api')}:" in line


def test_what_has_changed_is_named_and_counted(built: Project) -> None:
    built.write("api/main.py", "print(1)\n")
    built.write("api/odd\nname.py", "")
    (built.folder / "api" / os.fsdecode(b"\xff.py")).write_text("")
    built.write("api/Dockerfile", f"FROM {built.repository('base')}\nARG TOKEN\nCOPY . /app/\n")
    write_file(built, token="battery staple", more="entrypoint: [/run]")

    assert why(built, "api") == [
        "api is to be built:",
        "  the Dockerfile was modified",
        "  `entrypoint` was modified",
        "  the build argument TOKEN was modified",
        r"  2 files added: odd\nname.py, \xff.py",
        "  1 file modified: main.py",
    ]


def test_a_changed_base_is_told_with_what_is_built_on_it(built: Project) -> None:
    (built.folder / "base" / "ground.txt").unlink()

    assert why(built, "base", "api") == [
        "base is to be built:",
        "  1 file removed: ground.txt",
        "api is to be built:",
        "  its base image base is to be built before it",
    ]

    built.doit("tag:base")

    assert why(built, "api") == ["api is to be built:", "  its base image base is another one now"]


def test_an_image_that_is_gone_from_the_daemon_is_told(built: Project, daemon: docker.DockerClient) -> None:
    image = only_image(daemon, built, "api")
    daemon.images.remove(image)

    assert why(built, "api") == ["api is to be built:", f"  its image {image} is gone"]


def test_a_daemon_that_is_away_is_said_of_the_images_that_need_it(shop: Project) -> None:
    way = shop.folder / "docker.sock"
    way.symlink_to("/var/run/docker.sock")
    engine = {"DOCKER_HOST": f"unix://{way}"}
    assert shop.doit("tag:base", "tag:api", "--skip-push", env=engine).returncode == 0
    way.unlink()
    shop.write("api/main.py", "print(1)\n")

    result = shop.imagetasks("why", "--skip-push", "base", "api", env=engine)

    assert result.returncode == 1
    assert result.stdout.splitlines() == [
        f"cannot tell more of base: {NO_ANSWER.format(way)}",
        "api is to be built:",
        "  1 file modified: main.py",
        f"cannot tell more of api: {NO_ANSWER.format(way)}",
    ]


def test_files_that_cannot_be_named_are_said_to_be_unknown(built: Project) -> None:
    built.write("api/main.py", "print(1)\n")
    for manifest in (built.folder / ".devspace" / "manifests").iterdir():
        manifest.write_bytes(b"damaged")

    assert why(built, "api") == [
        "api is to be built:",
        "  what it is built from has changed; which files or settings is not known",
    ]


def test_a_failed_build_is_told_with_its_log(built: Project) -> None:
    built.write("api/Dockerfile", f"FROM {built.repository('base')}\nCOPY nowhere /\n")
    assert built.doit("build:api").returncode == 1

    (_, reason) = why(built, "api")

    assert "the last one failed" in reason
    assert reason.endswith("build-api.log")


def test_an_outstanding_push_is_told_and_goes_away(project: Project, registry: Registry) -> None:
    project.write("Dockerfile", "FROM scratch\nCOPY . /\n")
    project.write(
        "devspace.yaml", f"version: v1beta6\nimages: {{api: {{image: {registry.address}/{project.namespace}/api}}}}\n"
    )
    project.doit("tag:api")

    assert project.imagetasks("why").stdout.startswith("api is to be pushed:\n  the registry has not taken ")

    project.doit("build")

    assert project.imagetasks("why").stdout.startswith("api is up to date since ")


def test_an_image_that_is_built_each_time_is_told(shop: Project) -> None:
    file = shop.folder / "devspace.yaml"
    file.write_text(file.read_text().replace(", onChange: [build.sh]", ""))

    assert "  its command is run each time, as it has no `onChange`" in why(shop, "tools")


def test_an_unknown_image_is_a_sentence_with_the_nearest(shop: Project) -> None:
    for command, kind in (("why", "image or deployment"), ("context", "image")):
        result = shop.imagetasks(command, "apy")

        assert result.returncode == 3
        assert result.stderr == f"ERROR: devspace.yaml has no {kind} apy; did you mean api?\n"


def test_options_stand_before_between_and_after_images(shop: Project) -> None:
    told = shop.imagetasks("why", "--skip-push", "tools", "--var", "A=1", "base", "-t", "v1").stdout

    assert [line.split()[0] for line in told.splitlines() if line.endswith(":")] == ["tools", "base"]


def test_no_value_of_a_build_argument_is_shown_or_kept(built: Project) -> None:
    write_file(built, token="battery staple")
    told = built.imagetasks("why", "--skip-push")
    kept = b"".join(file.read_bytes() for file in (built.folder / ".devspace" / "manifests").iterdir())

    assert "TOKEN" in told.stdout
    for secret in ("correct horse", "battery staple"):
        assert secret not in told.stdout + told.stderr
        assert secret.encode() not in kept


def test_a_run_that_holds_the_lock_is_not_waited_for(built: Project) -> None:
    with sqlite3.connect(built.folder / ".devspace" / "lock.db", isolation_level=None) as lock:
        lock.execute("begin exclusive")

        assert why(built, "api")[0].startswith("api is up to date")


def test_what_is_told_is_what_a_build_does(built: Project) -> None:
    built.write("base/ground.txt", "other\n")
    told = {line.split()[0] for line in why(built, "base", "api") if line.endswith("is to be built:")}

    result = built.doit("tag:base", "tag:api", "--skip-push")

    assert result.returncode == 0, result.stdout + result.stderr
    assert told == {line.split()[-1] for line in result.stdout.splitlines() if line.startswith(".  build ")}
    assert all("is up to date" in line for line in why(built, "base", "api"))


@pytest.fixture
def ignoring(shop: Project) -> Project:
    """The shop whose ``api`` has an ignore file, and files of several sizes."""
    shop.write("api/.dockerignore", "# not for the image\n*.log\ndocs\n!docs/index.md\nDockerfile\n")
    shop.write("api/docs/index.md", "i" * 1500)
    shop.write("api/docs/more.md", "more")
    shop.write("api/large.bin", "l" * 2_340_000)
    shop.write("api/run.log", "log")
    return shop


def test_a_context_is_listed_with_its_largest_files_first(ignoring: Project) -> None:
    result = ignoring.imagetasks("context", "api", env=NO_DAEMON)

    assert result.returncode == 0, result.stderr
    assert result.stdout.splitlines() == [
        "  2.3 MB  large.bin",
        "  1.5 kB  docs/index.md",
        "    57 B  .dockerignore",
        "     8 B  main.py",
        f"  2.3 MB  in all, 4 files of {ignoring.folder}/api",
    ]


@pytest.mark.parametrize(
    ("path", "told"),
    [
        ("run.log", "run.log is not sent: `*.log` in {file}:2 excludes it"),
        ("api/run.log", "run.log is not sent: `*.log` in {file}:2 excludes it"),
        ("docs/more.md", "docs/more.md is not sent: `docs` in {file}:3 excludes it"),
        ("docs/index.md", "docs/index.md is sent: `!docs/index.md` in {file}:4 makes an exception of it"),
        ("./main.py", "main.py is sent: no pattern in {file} excludes it"),
        ("base/ground.txt", "base/ground.txt is not sent: there is no such file in {folder}"),
        (".", ". is not sent: there is no such file in {folder}"),
        (
            "Dockerfile",
            "Dockerfile is not sent: `Dockerfile` in {file}:5 excludes it; being the Dockerfile it reaches the "
            "builder all the same, but no COPY",
        ),
    ],
)
def test_what_decides_about_a_file_is_named(ignoring: Project, path: str, told: str) -> None:
    result = ignoring.imagetasks("context", "api", "--explain", path)

    folder = ignoring.folder / "api"
    assert result.stdout == told.format(file=folder / ".dockerignore", folder=folder) + "\n"


def test_the_state_folder_is_explained(ignoring: Project) -> None:
    ignoring.write("api/.devspace/doit.db", "")

    told = ignoring.imagetasks("context", "api", "--explain", ".devspace/doit.db").stdout

    assert told == ".devspace/doit.db is not sent: what imagetasks keeps for itself is never part of a context\n"


def test_an_image_that_a_command_builds_has_no_context(shop: Project) -> None:
    result = shop.imagetasks("context", "tools")

    assert result.returncode == 3
    assert result.stderr == "ERROR: tools is built by a command of its own, which is not sent a context\n"
