"""Images that are built FROM another image of the same file."""

from __future__ import annotations

import docker
import pytest

from tests.integration.images import files, only_image
from tests.projects import Project

pytestmark = pytest.mark.docker

FORMS = {
    "FROM": "FROM {base}\n",
    "FROM latest": "FROM {base}:latest\n",
    "FROM with a platform": "from --platform=linux/amd64 {base} as final\n",
    "FROM an ARG's default": "ARG BASE={base}\nFROM ${{BASE}}\n",
    "FROM parts of ARGs": "ARG NS={namespace}\nFROM $NS/base AS x\nFROM x\n",
    "COPY --from": "FROM scratch\nCOPY --from={base} /base.txt /base.txt\n",
}


def write(project: Project, dockerfile: str, engine: str = "") -> None:
    # Content of its own keeps the daemon's cache from sharing layers with other runs.
    project.write("base/Dockerfile", f"FROM scratch\nLABEL project={project.namespace}\nCOPY base.txt /\n")
    project.write("base/base.txt", "first")
    project.write("app/Dockerfile", dockerfile + "COPY app.txt /\n")
    project.write("app/app.txt", "app")
    project.write(
        "devspace.yaml",
        "version: v1beta6\nimages:\n"
        + "".join(
            f"  {name}:\n    image: {project.repository(name)}\n    context: {name}\n"
            f"    dockerfile: {name}/Dockerfile\n    build: {{docker: {{skipPush: true{engine}}}}}\n"
            for name in ("app", "base")
        ),
    )


@pytest.mark.parametrize("engine", ["", ", useBuildKit: true"], ids=["classic", "buildkit"])
@pytest.mark.parametrize("form", FORMS.values(), ids=FORMS)
def test_an_image_is_built_from_the_base_of_the_same_run(
    project: Project, daemon: docker.DockerClient, form: str, engine: str
) -> None:
    write(project, form.format(base=project.repository("base"), namespace=project.namespace), engine)

    result = project.doit("build")

    assert result.returncode == 0, result.stdout + result.stderr
    assert files(daemon, only_image(daemon, project, "app"))["base.txt"] == b"first"


def test_a_changed_base_rebuilds_what_is_built_from_it(project: Project, daemon: docker.DockerClient) -> None:
    write(project, f"FROM {project.repository('base')}\n")
    assert project.doit("build").returncode == 0
    daemon.images.remove(only_image(daemon, project, "app"), force=True)
    assert project.doit("build").returncode == 0
    project.write("base/base.txt", "second")

    result = project.doit("build")

    assert "images: 2 built" in result.stdout
    newest, *_ = sorted(daemon.images.list(project.repository("app")), key=lambda image: image.attrs["Created"])[::-1]
    assert files(daemon, newest.tags[0])["base.txt"] == b"second"
    assert "images: 2 up to date" in project.doit("build").stdout


def test_building_one_image_builds_its_base_and_nothing_else(project: Project) -> None:
    write(project, "FROM scratch\n")

    assert ".  build base" not in project.doit("build:app").stdout

    write(project, f"FROM {project.repository('base')}\n")
    assert ".  build base" in project.doit("build:app").stdout


def test_a_pinned_tag_is_taken_at_its_word(project: Project) -> None:
    write(project, f"FROM {project.repository('base')}:1.0\n")

    assert "tag:base" not in project.doit("info", "build:app").stdout


def test_an_image_of_its_own_name_is_no_cycle(project: Project) -> None:
    write(project, f"FROM {project.repository('app')}\n")

    assert project.doit("list").returncode == 0


def test_a_failed_base_stops_what_is_built_from_it(project: Project) -> None:
    write(project, f"FROM {project.repository('base')}\n")
    project.write("base/Dockerfile", "FROM scratch\nCOPY missing /\n")

    result = project.doit("-c", "build")

    assert result.returncode in (1, 2)
    assert "!! build:base failed" in result.stdout
    assert "!! build:app was not started: tag:base failed" in result.stdout


def test_a_base_whose_name_was_given_to_another_image_is_the_one_that_was_built(
    project: Project, daemon: docker.DockerClient
) -> None:
    write(project, f"FROM {project.repository('base')}\n", ", args: []")
    config = (project.folder / "devspace.yaml").read_text()
    project.write(
        "devspace.yaml", config.replace(f"{project.namespace}/base\n", f"{project.namespace}/base\n    tag: dev\n")
    )
    assert project.doit("build").returncode == 0
    base = f"{project.repository('base')}:dev"
    built = daemon.images.get(base)
    built.tag(project.repository("kept"), "dev")
    project.write("other/Dockerfile", f"FROM scratch\nLABEL other={project.namespace}\n")
    daemon.images.build(path=str(project.folder / "other"), tag=base)
    daemon.images.remove(only_image(daemon, project, "app"), force=True)
    project.write("app/app.txt", "changed")

    result = project.doit("build:app")

    assert result.returncode == 0, result.stdout + result.stderr
    assert files(daemon, only_image(daemon, project, "app"))["base.txt"] == b"first"
