"""Clusters that need no registry. The programs that load images into their nodes are stand-ins that take notes."""

from __future__ import annotations

from pathlib import Path

import docker
import pytest

from tests.integration.images import only_image
from tests.projects import Project

pytestmark = pytest.mark.docker

CONTEXTS = ("minikube", "docker-desktop", "kind-shop", "k3d-shop", "mine", "elsewhere")


@pytest.fixture
def local_project(project: Project, monkeypatch: pytest.MonkeyPatch) -> Project:
    """The image ``api``, for a registry that cannot be reached, and stand-ins for the programs of local clusters."""
    project.write("Dockerfile", "FROM scratch\nCOPY main.py /\n")
    project.write("api/main.py", "print()\n")
    repository = project.repository("api", "127.0.0.1:1")
    project.write("devspace.yaml", f"version: v1beta6\nimages:\n  api:\n    image: {repository}\n    context: api\n")
    contexts = "".join(f"- {{name: {name}, context: {{cluster: c}}}}\n" for name in CONTEXTS)
    project.write(
        "kubeconfig",
        f"contexts:\n{contexts}clusters:\n- {{name: c, cluster: {{server: 'https://127.0.0.1:6443'}}}}\n",
    )
    monkeypatch.setenv("KUBECONFIG", str(project.folder / "kubeconfig"))
    for name in ("kind", "k3d"):
        project.write(f"bin/{name}", f'#!/bin/sh\necho {name} "$@" >> {project.folder}/asked\n', 0o755)
    socket = project.folder / "minikube.sock"
    socket.symlink_to("/var/run/docker.sock")
    script = f'#!/bin/sh\necho minikube "$@" >> {project.folder}/asked\necho DOCKER_HOST=unix://{socket}\n'
    project.write("bin/minikube", script, 0o755)
    monkeypatch.setenv("PATH", str(project.folder / "bin"), prepend=":")
    return project


def asked(project: Project) -> list[str]:
    notes = project.folder / "asked"
    return notes.read_text().splitlines() if notes.exists() else []


@pytest.mark.parametrize(
    ("context", "options"), [("docker-desktop", ()), ("mine", ("--local-contexts", "other,mine"))]
)
def test_a_cluster_on_the_same_daemon_gets_its_images_without_a_push(
    context: str, options: tuple[str, ...], local_project: Project, daemon: docker.DockerClient
) -> None:
    built = local_project.doit("build", "--kube-context", context, *options)

    assert built.returncode == 0, built.stdout + built.stderr
    assert "   images: 1 built in " in built.stdout
    assert only_image(daemon, local_project, "api", "127.0.0.1:1")
    again = local_project.doit("build", "--kube-context", context, *options)
    assert "images: 1 up to date\n" in again.stdout


@pytest.mark.parametrize(
    ("context", "words"),
    [
        ("kind-shop", "kind load docker-image {image} --name shop"),
        ("k3d-shop", "k3d image import {image} --cluster shop"),
    ],
)
def test_images_are_loaded_into_the_nodes_of_kind_and_k3d_once(
    context: str, words: str, local_project: Project, daemon: docker.DockerClient
) -> None:
    built = local_project.doit("build", "--kube-context", context)

    assert built.returncode == 0, built.stdout + built.stderr
    image = only_image(daemon, local_project, "api", "127.0.0.1:1")
    assert asked(local_project) == [words.format(image=image)]
    assert f"loaded {image}" in built.stdout
    again = local_project.doit("build", "--kube-context", context)
    assert "images: 1 up to date\n" in again.stdout
    assert len(asked(local_project)) == 1


def test_a_cluster_that_was_made_anew_is_loaded_again(local_project: Project) -> None:
    local_project.doit("build", "--kube-context", "kind-shop")
    kubeconfig = local_project.folder / "kubeconfig"
    kubeconfig.write_text(kubeconfig.read_text().replace("6443", "6444"))

    again = local_project.doit("build", "--kube-context", "kind-shop")

    assert "   images: 1 pushed in " in again.stdout
    assert len(asked(local_project)) == 2


def test_a_failed_load_is_told_and_tried_again(local_project: Project) -> None:
    kind = local_project.write("bin/kind", "#!/bin/sh\necho no nodes found\nexit 1\n", 0o755)

    failed = local_project.doit("build", "--kube-context", "kind-shop")

    assert failed.returncode == 1
    assert "kind load docker-image" in failed.stdout
    assert "ended with exit code 1" in failed.stdout
    kind.write_text(f"#!/bin/sh\necho loaded >> {local_project.folder}/asked\n")
    assert local_project.doit("build", "--kube-context", "kind-shop").returncode == 0
    assert asked(local_project) == ["loaded"]


def test_a_missing_kind_is_one_sentence(local_project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    (local_project.folder / "bin" / "kind").unlink()
    monkeypatch.setenv("PATH", str(Path("/usr/bin")))

    failed = local_project.doit("build", "--kube-context", "kind-shop")

    assert failed.returncode == 1
    assert "by `kind`, which cannot be started (No such file or directory); install it" in failed.stdout


def test_minikube_builds_with_its_own_daemon_and_another_cluster_builds_anew(local_project: Project) -> None:
    built = local_project.doit("build", "--kube-context", "minikube")

    assert built.returncode == 0, built.stdout + built.stderr
    assert "   images: 1 built in " in built.stdout
    assert asked(local_project) == ["minikube docker-env --shell none"]
    elsewhere = local_project.doit("build", "--kube-context", "elsewhere")
    assert ".  build api" in elsewhere.stdout
    assert ".  push  api" in elsewhere.stdout


def test_listing_asks_no_program(local_project: Project) -> None:
    assert local_project.doit("list", "--all", "--kube-context", "minikube").returncode == 0
    assert asked(local_project) == []


def test_an_image_that_does_not_prefer_the_local_daemon_is_pushed(local_project: Project) -> None:
    file = local_project.folder / "devspace.yaml"
    file.write_text(file.read_text() + "    build: {docker: {preferMinikube: false}}\n")

    built = local_project.doit("build", "--kube-context", "docker-desktop")

    assert built.returncode == 1
    assert "push:api failed" in built.stdout
