"""What later versions of the format add to images, with the daemon and a registry."""

from __future__ import annotations

import json
import re
import urllib.request

import docker
import pytest

from tests.integration.images import only_image, settings
from tests.projects import Project
from tests.registries import Registry

pytestmark = pytest.mark.docker


def write(project: Project, settings_of_image: str, *, version: str = "v2beta1", registry: str = "") -> None:
    image = project.repository("app", registry)
    project.write("devspace.yaml", f"version: {version}\nimages:\n  app:\n    image: {image}\n{settings_of_image}")


def write_files(project: Project, text: str = "one") -> None:
    project.write("Dockerfile", "FROM scratch AS first\nCOPY app.txt /\nFROM first\nENV LAST=1\n")
    project.write("app.txt", text)


def image_tags(project: Project, daemon: docker.DockerClient, registry: str = "") -> dict[str, str]:
    """The id of each tag that the daemon has."""
    images = daemon.images.list(project.repository("app", registry))
    return {tag.rpartition(":")[2]: str(image.id) for image in images for tag in image.tags}


def pushed_tags(project: Project, registry: Registry) -> set[str]:
    with urllib.request.urlopen(f"{registry.url}/v2/{project.repository('app')}/tags/list") as answer:
        return set(json.load(answer)["tags"])


@pytest.mark.registry
def test_every_tag_is_given_and_pushed_and_then_left_alone(
    project: Project, registry: Registry, daemon: docker.DockerClient
) -> None:
    write_files(project)
    write(project, "    tags: [fixed, 'v1-####', latest]\n", registry=registry.address)

    first = project.doit("build")
    tags = image_tags(project, daemon, registry.address)
    again = project.doit("build")

    assert first.returncode == 0, first.stderr
    assert len(set(tags.values())) == 1
    [random] = tags.keys() - {"fixed", "latest"}
    assert re.fullmatch(r"v1-[a-z0-9]{4}", random)
    assert pushed_tags(project, registry) == set(tags)
    assert again.returncode == 0
    assert image_tags(project, daemon, registry.address) == tags


def test_a_tag_that_is_added_is_given_without_a_build(project: Project, daemon: docker.DockerClient) -> None:
    write_files(project)
    write(project, "    tags: [one]\n    skipPush: true\n")
    assert project.doit("build").returncode == 0
    before = image_tags(project, daemon)
    write(project, "    tags: [one, two]\n    skipPush: true\n")

    result = project.doit("build")

    assert result.returncode == 0, result.stderr
    assert image_tags(project, daemon) == {"one": before["one"], "two": before["one"]}


def test_a_missing_tag_of_several_is_given_again(project: Project, daemon: docker.DockerClient) -> None:
    write_files(project)
    write(project, "    tags: [one, two]\n    skipPush: true\n")
    assert project.doit("build").returncode == 0
    before = image_tags(project, daemon)
    daemon.images.remove(f"{project.repository('app')}:two")

    assert project.doit("build").returncode == 0

    assert image_tags(project, daemon) == before


def test_instructions_are_appended_to_the_target_before_the_overrides(
    project: Project, daemon: docker.DockerClient
) -> None:
    write_files(project)
    write(
        project,
        "    skipPush: true\n    target: first\n    cmd: [run]\n"
        "    appendDockerfileInstructions: ['ENV ADDED=1', 'CMD [\"other\"]', \"LABEL a=1 \\\\\\n  b=2\"]\n",
    )

    result = project.doit("build")

    assert result.returncode == 0, result.stderr
    found = settings(daemon, only_image(daemon, project, "app"))
    assert "ADDED=1" in str(found["Env"])
    assert "LAST=1" not in str(found["Env"])
    assert (found["Cmd"], found["Labels"]) == (["run"], {"a": "1", "b": "2"})


@pytest.mark.parametrize(
    ("strategy", "unchanged", "context_changed", "dockerfile_changed"),
    [
        ("default", False, True, True),
        ("always", True, True, True),
        ("ignoreContextChanges", False, False, True),
    ],
)
def test_the_strategy_says_when_an_image_is_built_again(
    project: Project, strategy: str, unchanged: bool, context_changed: bool, dockerfile_changed: bool
) -> None:
    write_files(project)
    write(project, f"    skipPush: true\n    rebuildStrategy: {strategy}\n")

    def builds() -> bool:
        result = project.doit("build:app")
        assert result.returncode == 0, result.stderr
        return "Successfully built" in result.stdout + result.stderr

    assert builds()
    assert builds() == unchanged
    project.write("app.txt", "two")
    assert builds() == context_changed
    project.write("Dockerfile", "FROM scratch\nCOPY app.txt /\nENV NEW=1\n")
    assert builds() == dockerfile_changed


def test_a_custom_command_finds_the_image_and_its_tag(project: Project) -> None:
    write(
        project,
        "    tags: [v1]\n    skipPush: true\n    custom:\n"
        "      command: |-\n"
        "        echo ${runtime.images.app.image} ${runtime.images.app.tag} > out\n"
        "        echo ${runtime.images.app} >> out\n",
    )

    result = project.doit("build:app")

    assert result.returncode == 0, result.stderr
    repository = project.repository("app")
    assert (project.folder / "out").read_text() == f"{repository} v1\n{repository}:v1\n"


def test_what_has_no_meaning_is_named_by_runs_and_not_by_lists(project: Project) -> None:
    write_files(project)
    write(project, "    skipPush: true\npipelines: {build: echo}\n")
    warning = "WARNING: devspace.yaml:6:1: `pipelines` has no meaning here: "

    listed, hashed = project.doit("list", "--all"), project.doit("hash:app")

    assert (listed.returncode, hashed.returncode) == (0, 0)
    assert listed.stderr == ""
    assert hashed.stderr.count(warning) == 1
