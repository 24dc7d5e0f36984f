"""Tags: the schema, the command line, and what happens when only the tag changes."""

from __future__ import annotations

import re

import docker
import pytest

from tests.projects import Project
from tests.registries import Registry

pytestmark = [pytest.mark.docker, pytest.mark.registry]


def write(project: Project, registry: Registry, tag: str = "") -> None:
    project.write("Dockerfile", "FROM scratch\nCOPY app.txt /\n")
    project.write("app.txt", "app")
    line = f"    tag: {tag}\n" if tag else ""
    project.write(
        "devspace.yaml",
        f"version: v1beta6\nimages:\n  app:\n    image: {project.repository('app', registry.address)}\n{line}",
    )


def tags(project: Project, registry: Registry, daemon: docker.DockerClient) -> set[str]:
    images = daemon.images.list(project.repository("app", registry.address))
    return {tag.rpartition(":")[2] for image in images for tag in image.tags}


def test_the_default_tag_is_five_random_letters_and_digits(
    project: Project, registry: Registry, daemon: docker.DockerClient
) -> None:
    write(project, registry)

    assert project.doit("build").returncode == 0

    [tag] = tags(project, registry, daemon)
    assert re.fullmatch("[a-z0-9]{5}", tag)


@pytest.mark.parametrize(
    ("schema", "pattern"),
    [
        ("1.10", r"1\.10"),
        ("dev-${DEVSPACE_RANDOM}", "dev-[a-z0-9]{6}"),
        ("${DEVSPACE_TIMESTAMP}", "[0-9]{10}"),
        ("${USER_TAG}-x", "mine-x"),
    ],
)
def test_a_schema_with_variables_tags(
    project: Project, registry: Registry, daemon: docker.DockerClient, schema: str, pattern: str
) -> None:
    write(project, registry, schema)

    first = project.doit("build", env={"USER_TAG": "mine"})
    again = project.doit("build", env={"USER_TAG": "mine"})

    assert first.returncode == 0, first.stderr
    [tag] = tags(project, registry, daemon)
    assert re.fullmatch(pattern, tag)
    assert again.stdout == "   images: 1 up to date\n"


def test_a_new_tag_for_an_unchanged_image_is_pushed_without_a_build(
    project: Project, registry: Registry, daemon: docker.DockerClient
) -> None:
    write(project, registry)
    assert project.doit("build").returncode == 0

    again = project.doit("build", "-t", "v2")

    assert ".  build" not in again.stdout
    assert f"pushed {project.repository('app', registry.address)}:v2" in again.stdout
    assert "v2" in tags(project, registry, daemon)


def test_a_build_under_the_last_tag_is_warned_of(project: Project, registry: Registry) -> None:
    write(project, registry, "stable")
    first = project.doit("build")
    project.write("app.txt", "changed")

    again = project.doit("build")

    assert "WARNING" not in first.stderr
    assert "is built under the name of its last build" in again.stderr
    assert again.returncode == 0


def test_images_come_back_from_a_registry_that_asks_for_a_login(
    project: Project, private_registry: Registry, daemon: docker.DockerClient, docker_config: object
) -> None:
    write(project, private_registry, "v1")
    login = ("login", "-u", "ann", "--password-stdin", private_registry.address)
    stored = project.imagetasks(*login, stdin="correct horse\n")
    assert stored.returncode == 0, stored.stderr

    result = project.doit("build")

    assert result.returncode == 0, result.stdout
    name = f"{project.repository('app', private_registry.address)}:v1"
    daemon.images.remove(name, force=True)
    daemon.images.pull(name, auth_config={"username": "ann", "password": "correct horse"})


def test_skip_push_of_the_image_keeps_it_local(project: Project, daemon: docker.DockerClient) -> None:
    project.write("Dockerfile", "FROM scratch\nCOPY Dockerfile /\n")
    project.write(
        "devspace.yaml",
        f"version: v1beta6\nimages:\n  app:\n    image: nowhere.invalid/{project.repository('app')}\n"
        "    build: {docker: {skipPush: true}}\n",
    )

    result = project.doit("build")

    assert result.returncode == 0
    assert daemon.images.list(f"nowhere.invalid/{project.repository('app')}")


def test_a_push_that_is_left_out_is_not_told_as_one(project: Project, registry: Registry) -> None:
    write(project, registry, "v1")
    assert project.doit("build").returncode == 0

    again = project.doit("-a", "build", "--skip-push")

    assert "pushed" not in again.stdout


def test_a_new_tag_that_is_not_pushed_is_told(project: Project, registry: Registry) -> None:
    write(project, registry)
    assert project.doit("build", "--skip-push").returncode == 0

    again = project.doit("build", "--skip-push", "-t", "v2")

    assert f"tagged {project.repository('app', registry.address)}:v2" in again.stdout


def test_another_repository_gets_the_image_without_a_build_and_only_once(
    project: Project, registry: Registry, daemon: docker.DockerClient
) -> None:
    write(project, registry)
    project.write(".dockerignore", "*\n!app.txt\n")
    assert project.doit("build").returncode == 0
    file = project.folder / "devspace.yaml"
    file.write_text(file.read_text().replace("/app", "/renamed"))

    moved = project.doit("build")
    again = project.doit("build")

    assert moved.returncode == 0, moved.stdout + moved.stderr
    assert ".  build" not in moved.stdout
    [image] = daemon.images.list(project.repository("renamed", registry.address))
    assert any(f"pushed {tag} " in moved.stdout for tag in image.tags if "/renamed:" in tag)
    assert again.stdout == "   images: 1 up to date\n"
