"""Mistakes of a user's: one sentence each, where it is, an exit code, and no traceback."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.projects import PROGRAMS, Project
from tests.registries import Registry

HEAD = "version: v1beta6\n"
IMAGE = "images:\n  api:\n    image: registry.example/shop/api\n"
NO_DAEMON = {"DOCKER_HOST": "unix:///nowhere/docker.sock"}

CASES = {
    "unknown key": (HEAD + IMAGE + "    dockerfil: x\n", 5, 5, "did you mean `dockerfile`?"),
    "wrong type": (HEAD + IMAGE + "    entrypoint: sleep\n", 5, 17, "list"),
    "no Dockerfile": (HEAD + IMAGE + "    dockerfile: other/Dockerfile\n", 5, 5, "is not there"),
    "context is a file": (HEAD + IMAGE + "    context: devspace.yaml\n", 5, 5, "is no folder"),
    "context is missing": (HEAD + IMAGE + "    context: nowhere\n", 5, 5, "is not there"),
    "same image twice": (HEAD + IMAGE + "  web:\n    image: registry.example/shop/api\n", 6, 12, "same"),
    "images is a list": (HEAD + "images: []\n", 2, 9, "images"),
    "not YAML": (HEAD + "images: {api: [\n", 2, 15, ""),
    "empty": ("", 1, 1, "empty"),
    "bad tag": (HEAD + IMAGE + "    tag: a b\n", 5, 10, "is no tag"),
    "bad repository": (HEAD + "images:\n  api:\n    image: Shop/API\n", 4, 12, "capital"),
    "tag in the repository": (HEAD + "images:\n  api:\n    image: shop/api:1\n", 4, 12, "tag"),
    "undefined variable": (HEAD + "images:\n  api:\n    image: shop/${NAEM}\n", 4, 12, "NAEM"),
}


@pytest.mark.parametrize(("text", "line", "column", "words"), CASES.values(), ids=CASES)
def test_a_mistake_in_the_file_is_a_sentence_with_its_place(
    project: Project, text: str, line: int, column: int, words: str
) -> None:
    project.write("devspace.yaml", text)
    if "dockerfile:" not in text:
        project.write("Dockerfile", "FROM scratch\n")

    result = project.doit("build", env=NO_DAEMON)

    assert result.returncode == 3
    [sentence] = result.stderr.splitlines()
    assert sentence.startswith(f"ERROR: devspace.yaml:{line}:{column}: ")
    assert words in sentence
    assert not result.stdout


def test_a_billion_laughs_end_in_a_sentence(project: Project) -> None:
    lines = ["a: &a [x, x, x, x, x, x, x, x, x, x]"]
    lines += [
        f"{name}: &{name} [{', '.join(['*' + before] * 10)}]"
        for before, name in zip("abcdefgh", "bcdefghi", strict=True)
    ]
    project.write("devspace.yaml", HEAD + "\n".join(lines))

    result = project.doit("list")

    assert result.returncode == 3
    assert "Traceback" not in result.stderr
    assert len(result.stderr) < 500


def test_a_cycle_of_images_is_printed(project: Project) -> None:
    names = ("one", "two", "three")
    for name, base in zip(names, ("two", "three", "one"), strict=True):
        project.write(f"{name}/Dockerfile", f"FROM registry.example/{base}\n")
    project.write(
        "devspace.yaml",
        HEAD
        + "images:\n"
        + "".join(f"  {name}: {{image: registry.example/{name}, dockerfile: {name}/Dockerfile}}\n" for name in names),
    )

    result = project.doit("list")

    assert result.returncode == 3
    assert "one -> two -> three -> one" in result.stderr


def test_a_missing_dockerfile_does_not_hinder_other_tasks(project: Project) -> None:
    project.write("devspace.yaml", HEAD + IMAGE)
    project.write("dodo.py", "def task_smoke():\n    return {'actions': ['true']}\n")

    assert project.doit("list", "--all").returncode == 0
    assert project.doit("smoke").returncode == 0


def test_a_bad_tag_option_is_refused_before_anything_runs(project: Project) -> None:
    project.write("devspace.yaml", HEAD + IMAGE)
    project.write("Dockerfile", "FROM scratch\n")

    result = project.doit("build", "-t", "no tag", env=NO_DAEMON)

    assert result.returncode == 3
    assert "--tag" in result.stderr
    assert not result.stdout


def test_a_daemon_that_is_not_there_is_a_sentence(project: Project) -> None:
    project.write("devspace.yaml", HEAD + IMAGE)
    project.write("Dockerfile", "FROM scratch\n")

    result = project.doit("build", env=NO_DAEMON)

    assert result.returncode == 1
    assert "!! build:api failed: no Docker daemon answers at unix:///nowhere/docker.sock" in result.stdout
    assert "Traceback" not in result.stdout + result.stderr


def test_an_unknown_build_target_names_the_stages(project: Project) -> None:
    project.write("devspace.yaml", HEAD + IMAGE + "    build: {docker: {options: {target: nope}}}\n")
    project.write("Dockerfile", "FROM scratch AS first\nFROM scratch AS second\n")

    result = project.doit("build", env=NO_DAEMON)

    assert result.returncode == 3
    assert result.stderr.startswith("ERROR: devspace.yaml:5:32: ")
    assert "first" in result.stderr
    assert "Traceback" not in result.stderr


@pytest.mark.docker
def test_a_failed_build_shows_its_last_lines_and_the_log(project: Project, busybox: str) -> None:
    entries = ", ".join(f"{name}: {{image: {project.repository(name)}}}" for name in ("api", "web"))
    project.write("devspace.yaml", HEAD + f"images: {{{entries}}}\n")
    project.write("Dockerfile", f"FROM {busybox}\nRUN for i in $(seq 50); do echo line $i; done; exit 7\n")

    result = project.doit("build", "--skip-push")

    assert result.returncode == 1
    assert "line 50" in result.stdout
    assert "line 1\n" not in result.stdout
    assert "returned a non-zero code: 7" in result.stdout
    log = project.folder / ".devspace" / "logs" / "build-api.log"
    assert str(log) in result.stdout
    assert "line 1\n" in log.read_text()


@pytest.mark.docker
@pytest.mark.registry
def test_a_refused_push_names_the_registry_the_user_and_what_to_run(
    project: Project, private_registry: Registry, docker_config: Path
) -> None:
    project.write("Dockerfile", "FROM scratch\nCOPY Dockerfile /\n")
    project.write(
        "devspace.yaml",
        HEAD + f"images: {{api: {{image: {project.repository('api', private_registry.address)}}}}}\n",
    )

    stranger = project.doit("build")
    login = project.imagetasks("login", "-u", "ann", private_registry.address, env={"PATH": "/nowhere"})
    (docker_config / "config.json").write_text(
        json.dumps({"auths": {private_registry.address: {"auth": "YW5uOndyb25n"}}})
    )
    wrong = project.doit("build")

    assert stranger.returncode == wrong.returncode == 1
    assert f"registry {private_registry.address} does not let somebody who is not logged in push" in stranger.stdout
    assert f"login {private_registry.address}`" in stranger.stdout
    assert "does not let user ann push" in wrong.stdout
    assert "wrong" not in wrong.stdout
    assert login.returncode == 3
    assert "--password-stdin" in login.stderr


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A folder on a file system of its own, with room for some files."""
    folder = tmp_path / "disk"
    folder.mkdir()
    if os.geteuid() != 0:
        pytest.skip("only root can mount a small file system")
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=512k", "tmpfs", folder], check=True)
    yield folder
    subprocess.run(["umount", folder], check=True)


def fill(folder: Path) -> Path:
    """Leave no room on the disk that a folder is on; returns the file to remove."""
    filler = folder / "filler"
    with contextlib.suppress(OSError):
        filler.write_bytes(bytes(1 << 20))
    return filler


@pytest.fixture
def built(small_disk: Path) -> Project:
    """A project on a small disk, with an image that is built."""
    project = Project(small_disk)
    project.write("api/Dockerfile", "FROM scratch\nCOPY Dockerfile /\n")
    project.write("fill.sh", "#!/bin/sh\ntest -e filler || dd if=/dev/zero of=filler bs=1k; true\n", mode=0o755)
    project.write(
        "devspace.yaml",
        f"{HEAD}images:\n"
        f"  api: {{image: {project.repository('api')}, context: api, dockerfile: api/Dockerfile}}\n"
        f"  worker: {{image: {project.repository('worker')}, build: {{custom: {{command: ./fill.sh}}}}}}\n",
    )
    assert project.doit("tag:api").returncode == 0
    return project


@pytest.mark.docker
def test_a_full_disk_is_a_sentence_before_anything_runs(built: Project) -> None:
    filler = fill(built.folder)

    full = built.doit("tag:api")
    filler.unlink()
    again = built.doit("tag:api")

    assert full.returncode == 3
    assert "cannot be written: database or disk is full" in full.stderr
    assert "Traceback" not in full.stdout + full.stderr
    assert again.stdout == "   images: 1 up to date\n"


@pytest.mark.docker
def test_a_disk_that_fills_up_during_a_run_is_a_sentence_and_loses_no_state(built: Project) -> None:
    full = built.doit("tag:worker")
    (built.folder / "filler").unlink()
    again = built.doit("tag")

    assert full.returncode == 1
    assert "cannot be written" in full.stdout + full.stderr
    assert "Traceback" not in full.stdout + full.stderr
    assert "1 up to date" in again.stdout


BROKEN_STORES = {
    "a helper that fails": '{"credsStore": "broken"}',
    "a helper that is missing": '{"credsStore": "nowhere"}',
    "a registry's helper that fails": '{"credHelpers": {"other.example": "broken"}}',
}


@pytest.mark.docker
@pytest.mark.parametrize("store", BROKEN_STORES.values(), ids=BROKEN_STORES)
def test_a_credential_helper_that_fails_fails_no_build(project: Project, docker_config: Path, store: str) -> None:
    project.write("bin/docker-credential-broken", "#!/bin/sh\necho s3cr3t; exit 1\n", mode=0o755)
    (docker_config / "config.json").write_text(store)
    project.write("Dockerfile", "FROM scratch\nCOPY Dockerfile /\n")
    project.write("devspace.yaml", HEAD + f"images: {{api: {{image: {project.repository('api')}}}}}\n")

    result = project.doit("build", "--skip-push", env={"PATH": f"{project.folder}/bin:{os.environ['PATH']}"})

    assert result.returncode == 0, result.stdout + result.stderr
    assert "s3cr3t" not in result.stdout + result.stderr


@pytest.mark.docker
@pytest.mark.parametrize(
    "config", ["[]", '{"auths": {"x": "y"}}', '{"auths": {"x": {"auth": "%%%"}}}', '{"credsStore": 5}']
)
def test_a_docker_configuration_that_is_broken_is_a_sentence(
    project: Project, docker_config: Path, config: str
) -> None:
    (docker_config / "config.json").write_text(config)
    project.write("Dockerfile", "FROM scratch\nCOPY Dockerfile /\n")
    project.write("devspace.yaml", HEAD + f"images: {{api: {{image: localhost:1/{project.repository('api')}}}}}\n")

    result = project.doit("build")

    assert result.returncode == 1
    assert "Traceback" not in result.stdout + result.stderr
    assert "config.json" in result.stdout


def test_a_wrong_option_of_login_is_a_sentence(project: Project) -> None:
    result = project.imagetasks("login", "--bogus")

    assert result.returncode == 3
    assert "--bogus" in result.stderr


@pytest.mark.docker
@pytest.mark.parametrize(("name", "content"), [("lock.db", b"no database" * 500), ("doit.db", b"no database" * 500)])
def test_a_damaged_state_heals(project: Project, name: str, content: bytes) -> None:
    project.write("Dockerfile", "FROM scratch\nCOPY Dockerfile /\n")
    project.write("devspace.yaml", HEAD + f"images: {{api: {{image: {project.repository('api')}}}}}\n")
    assert project.doit("build", "--skip-push").returncode == 0
    (project.folder / ".devspace" / name).write_bytes(content)

    for _ in range(2):
        assert project.doit("build", "--skip-push").returncode == 0


def test_a_dockerfile_that_is_a_folder_is_told(project: Project) -> None:
    project.write("Dockerfile/x", "")
    project.write("devspace.yaml", HEAD + IMAGE)

    result = project.doit("build", env=NO_DAEMON)

    assert result.returncode == 3
    assert "is no file" in result.stderr


def test_a_user_without_a_home_is_no_traceback(project: Project) -> None:
    project.write("devspace.yaml", HEAD + IMAGE)
    project.write("Dockerfile", "FROM scratch\n")

    result = subprocess.run(
        ["env", "-u", "HOME", "-u", "DOCKER_CONFIG", PROGRAMS / "doit", "list", "--all"],
        cwd=project.folder,
        capture_output=True,
        text=True,
        check=False,
    )

    assert result.returncode == 0, result.stderr


def test_a_configuration_without_images_says_so(project: Project) -> None:
    project.write("devspace.yaml", HEAD)

    result = project.doit("build")

    assert result.returncode == 0
    assert "names no images to build" in result.stderr
