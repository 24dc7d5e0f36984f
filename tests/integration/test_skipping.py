"""What a second run skips, and what makes it build again."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import docker
import pytest

from tests.projects import PROGRAMS, Project
from tests.registries import Registry

pytestmark = [pytest.mark.docker, pytest.mark.registry]


@pytest.fixture
def two_images(project: Project, registry: Registry) -> Project:
    """The images ``api`` and ``web``, which have nothing to do with each other; built and pushed."""
    write_images(project, registry)
    built = project.doit("build")
    assert built.returncode == 0, built.stdout + built.stderr
    assert "images: 2 built, 2 pushed" in built.stdout
    return project


def write_images(project: Project, registry: Registry, more: str = "") -> None:
    for name in ("api", "web"):
        project.write(f"{name}/Dockerfile", "FROM scratch\nCOPY . /\n")
        project.write(f"{name}/main.py", f"print('{name}')\n")
    project.write(
        "devspace.yaml",
        "version: v1beta6\nimages:\n"
        + "".join(
            f"  {name}:\n    image: {project.repository(name, registry.address)}\n"
            f"    context: {name}\n    dockerfile: {name}/Dockerfile\n{more}"
            for name in ("api", "web")
        ),
    )


def built_images(output: str) -> set[str]:
    return {line.split()[-1] for line in output.splitlines() if line.startswith(".  build ")}


def pushed_images(output: str) -> set[str]:
    return {line.split()[-1] for line in output.splitlines() if line.startswith(".  push ")}


def test_unchanged_images_are_skipped_in_one_line(two_images: Project) -> None:
    again = two_images.doit("build")

    assert again.returncode == 0
    assert again.stdout == "   images: 2 up to date\n"


def test_each_unchanged_image_is_told_on_demand(two_images: Project) -> None:
    again = two_images.doit("-v", "2", "build")

    assert again.returncode == 0
    *images, summary = again.stdout.splitlines()
    assert [line.partition(":")[0] for line in sorted(images)] == ["-- api is up to date", "-- web is up to date"]
    for name, line in zip(("api", "web"), sorted(images), strict=True):
        assert f"{two_images.repository(name)}:" in line
    assert summary == "   images: 2 up to date"


def test_a_change_rebuilds_and_pushes_only_the_image_it_belongs_to(two_images: Project) -> None:
    two_images.write("api/main.py", "print('changed')\n")

    again = two_images.doit("build")

    assert built_images(again.stdout) == pushed_images(again.stdout) == {"api"}
    assert "   images: 1 built, 1 pushed, 1 up to date in " in again.stdout


def touch(project: Project) -> None:
    for file in project.folder.rglob("*.py"):
        file.touch()


def rewrite(project: Project) -> None:
    for file in project.folder.rglob("*.py"):
        text = file.read_text()
        file.unlink()
        file.write_text(text)


@pytest.mark.parametrize("change", [touch, rewrite])
def test_files_of_the_same_content_rebuild_nothing(two_images: Project, change: Callable[[Project], None]) -> None:
    change(two_images)

    assert built_images(two_images.doit("build").stdout) == set()


def test_a_checkout_elsewhere_with_the_state_folder_rebuilds_nothing(two_images: Project, tmp_path: Path) -> None:
    elsewhere = tmp_path / "deep" / "elsewhere"
    shutil.copytree(two_images.folder, elsewhere, copy_function=shutil.copy, ignore=shutil.ignore_patterns("deep"))

    again = subprocess.run([PROGRAMS / "doit", "build"], cwd=elsewhere, capture_output=True, text=True, check=True)

    assert built_images(again.stdout) == pushed_images(again.stdout) == set()


def test_force_build_builds_everything_wherever_the_option_stands(two_images: Project) -> None:
    for words in (["build", "-b"], ["-b", "build"], ["build", "--force-build"], ["-b"]):
        assert built_images(two_images.doit(*words).stdout) == {"api", "web"}, words


def test_a_changed_mode_rebuilds(two_images: Project) -> None:
    (two_images.folder / "api" / "main.py").chmod(0o755)

    assert built_images(two_images.doit("build").stdout) == {"api"}


def test_a_changed_override_rebuilds(two_images: Project, registry: Registry) -> None:
    write_images(two_images, registry, more='    entrypoint: ["/main.py"]\n')

    assert built_images(two_images.doit("build").stdout) == {"api", "web"}


def test_a_changed_build_argument_rebuilds(two_images: Project, registry: Registry) -> None:
    write_images(two_images, registry, more="    build: {docker: {options: {buildArgs: {A: 1}}}}\n")

    assert built_images(two_images.doit("build").stdout) == {"api", "web"}


def test_another_daemon_rebuilds(two_images: Project) -> None:
    again = two_images.doit("build", env={"DOCKER_HOST": "unix:///run/docker.sock"})

    assert built_images(again.stdout) == {"api", "web"}


def test_an_image_that_was_removed_after_its_push_is_not_needed(
    two_images: Project, daemon: docker.DockerClient, registry: Registry
) -> None:
    for image in daemon.images.list(two_images.repository("api", registry.address)):
        daemon.images.remove(str(image.id), force=True)

    assert built_images(two_images.doit("build").stdout) == set()


def test_an_image_that_was_removed_and_is_wanted_in_the_daemon_is_built_again(
    two_images: Project, daemon: docker.DockerClient, registry: Registry
) -> None:
    for image in daemon.images.list(two_images.repository("api", registry.address)):
        daemon.images.remove(str(image.id), force=True)

    again = two_images.doit("build:api")

    assert built_images(again.stdout) == {"api"}
    assert daemon.images.list(two_images.repository("api", registry.address))


def test_an_image_that_is_never_pushed_is_built_again_when_it_is_removed(
    project: Project, daemon: docker.DockerClient, registry: Registry
) -> None:
    write_images(project, registry)
    assert project.doit("build", "--skip-push").returncode == 0
    for image in daemon.images.list(project.repository("web", registry.address)):
        daemon.images.remove(str(image.id), force=True)

    again = project.doit("build", "--skip-push")

    assert built_images(again.stdout) == {"web"}


def test_what_was_skipped_to_push_is_pushed_by_the_next_run_without_a_build(
    project: Project, registry: Registry
) -> None:
    write_images(project, registry)
    assert pushed_images(project.doit("build", "--skip-push").stdout) == set()

    again = project.doit("build")

    assert built_images(again.stdout) == set()
    assert pushed_images(again.stdout) == {"api", "web"}


def test_failed_push_is_retried_without_a_rebuild(project: Project) -> None:
    with Registry() as unsteady:
        write_images(project, unsteady)
        unsteady.stop()
        failed = project.doit("-c", "build")
        assert failed.returncode in (1, 2)  # doit's own: 2 when -c comes to a task that waits for a failed one
        assert f"registry {unsteady.address}" in failed.stdout
        unsteady.start()

        again = project.doit("build")

    assert again.returncode == 0
    assert built_images(again.stdout) == set()
    assert pushed_images(again.stdout) == {"api", "web"}


def test_failed_build_is_never_up_to_date(two_images: Project) -> None:
    good = (two_images.folder / "api" / "Dockerfile").read_text()
    two_images.write("api/Dockerfile", good + "COPY missing /\n")
    assert two_images.doit("build").returncode == 1
    assert two_images.doit("build").returncode == 1

    two_images.write("api/Dockerfile", good)

    assert built_images(two_images.doit("build").stdout) == {"api"}


def test_deleting_the_state_folder_costs_a_build_and_nothing_else(two_images: Project) -> None:
    shutil.rmtree(two_images.folder / ".devspace")

    assert built_images(two_images.doit("build").stdout) == {"api", "web"}
    assert built_images(two_images.doit("build").stdout) == set()


def test_a_damaged_database_is_set_aside(two_images: Project) -> None:
    (two_images.folder / ".devspace" / "doit.db").write_bytes(b"no database" * 1000)

    again = two_images.doit("build")

    assert again.returncode == 0
    assert "was damaged" in again.stderr
    assert built_images(again.stdout) == {"api", "web"}


def remove_local(daemon: docker.DockerClient, repository: str) -> None:
    for image in daemon.images.list(repository):
        daemon.images.remove(str(image.id), force=True)


def test_an_image_that_was_renamed_and_then_removed_is_built_again(
    two_images: Project, daemon: docker.DockerClient, registry: Registry
) -> None:
    assert two_images.doit("tag:api", "-t", "v2").returncode == 0
    remove_local(daemon, two_images.repository("api", registry.address))

    again = two_images.doit("build")

    assert again.returncode == 0, again.stdout
    assert built_images(again.stdout) == {"api"}


def test_a_daemon_that_is_away_costs_no_state(project: Project, registry: Registry) -> None:
    write_images(project, registry)
    way = project.folder / "docker.sock"
    way.symlink_to("/var/run/docker.sock")
    environ = {"DOCKER_HOST": f"unix://{way}"}
    assert project.doit("build", "--skip-push", env=environ).returncode == 0

    way.rename(project.folder / "away")
    away = project.doit("build", "--skip-push", env=environ)
    (project.folder / "away").rename(way)
    again = project.doit("build", "--skip-push", env=environ)

    assert away.returncode == 3
    assert f"no Docker daemon answers at unix://{way}" in away.stderr
    assert built_images(again.stdout) == set()


def test_a_run_of_everything_that_pushes_nothing_keeps_what_was_pushed(project: Project, registry: Registry) -> None:
    write_images(project, registry, more="    tag: v1\n")
    assert project.doit("build").returncode == 0
    assert built_images(project.doit("-a", "build", "--skip-push").stdout) == {"api", "web"}

    assert pushed_images(project.doit("build").stdout) == set()


def test_tasks_of_the_user_s_own_that_name_ours_by_a_pattern_rebuild_nothing(
    two_images: Project, daemon: docker.DockerClient, registry: Registry
) -> None:
    remove_local(daemon, two_images.repository("api", registry.address))
    two_images.write("dodo.py", "def task_all():\n    return {'actions': ['true'], 'task_dep': ['push:*']}\n")

    assert built_images(two_images.doit("all").stdout) == set()
