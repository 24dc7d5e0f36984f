from __future__ import annotations

from pathlib import Path

import pytest

from imagetasks.local_clusters import LocalCluster, find_local_builds, local_cluster

KUBECONFIG = """
current-context: {context}
contexts:
- name: {context}
  context: {{cluster: one}}
- name: elsewhere
  context: {{cluster: one}}
clusters:
- name: one
  cluster: {{server: "https://127.0.0.1:6443"}}
"""


@pytest.mark.parametrize(
    ("context", "provider", "name"),
    [
        ("docker-desktop", "", "docker-desktop"),
        ("docker-for-desktop", "", "docker-for-desktop"),
        ("minikube", "minikube", "minikube"),
        ("kind-shop", "kind", "shop"),
        ("k3d-shop-2", "k3d", "shop-2"),
        ("mine", "", "mine"),
    ],
)
def test_contexts_of_local_clusters_are_known_by_their_names(context: str, provider: str, name: str) -> None:
    cluster = local_cluster(context, "https://127.0.0.1:6443", ("mine",))

    assert cluster is not None
    assert (cluster.provider, cluster.name) == (provider, name)


@pytest.mark.parametrize("context", ["", "gke_shop", "minikube-2", "kind", "docker-desktop-2"])
def test_other_contexts_are_not_local(context: str) -> None:
    assert local_cluster(context, "", ("mine",)) is None


def kubeconfig(folder: Path, context: str) -> dict[str, str]:
    file = folder / "kubeconfig"
    file.write_text(KUBECONFIG.format(context=context))
    return {"KUBECONFIG": str(file), "PATH": str(folder / "bin")}


def program(folder: Path, name: str, script: str) -> None:
    file = folder / "bin" / name
    file.parent.mkdir(exist_ok=True)
    file.write_text(f"#!/bin/sh\n{script}\n")
    file.chmod(0o755)


def test_the_current_context_decides_unless_another_is_named(tmp_path: Path) -> None:
    environ = kubeconfig(tmp_path, "kind-shop")

    builds = find_local_builds(environ, "", ())
    assert builds == (LocalCluster("kind-shop", "kind", "https://127.0.0.1:6443"), environ, "")
    assert find_local_builds(environ, "elsewhere", ()) == (None, environ, "")


def test_without_a_kubeconfig_nothing_is_local(tmp_path: Path) -> None:
    environ = {"KUBECONFIG": str(tmp_path / "none")}

    assert find_local_builds(environ, "", ()) == (None, environ, "")


def test_a_kubeconfig_that_cannot_be_read_is_told_and_does_not_keep_from_building(tmp_path: Path) -> None:
    (tmp_path / "kubeconfig").write_text("contexts: [")

    builds = find_local_builds({"KUBECONFIG": str(tmp_path / "kubeconfig")}, "", ())

    assert builds.cluster is None
    assert "the kubeconfig" in builds.warning


def test_minikube_says_which_daemon_is_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    environ = kubeconfig(tmp_path, "minikube")
    monkeypatch.setenv("PATH", environ["PATH"], prepend=":")
    lines = ["DOCKER_TLS_VERIFY=1", "DOCKER_HOST=tcp://192.168.49.2:2376", "DOCKER_CERT_PATH=/certs"]
    program(tmp_path, "minikube", "\n".join(f"echo '{line}'" for line in lines))

    builds = find_local_builds(environ, "", ())

    assert builds.cluster == LocalCluster("minikube", "minikube", "https://127.0.0.1:6443")
    assert builds.environ == {**environ, **dict(line.split("=") for line in lines)}


@pytest.mark.parametrize("script", ["exit 85", "echo no answer"])
def test_a_minikube_that_does_not_run_leaves_building_and_pushing_to_this_machine(
    script: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    environ = kubeconfig(tmp_path, "minikube")
    monkeypatch.setenv("PATH", environ["PATH"], prepend=":")
    program(tmp_path, "minikube", script)

    builds = find_local_builds(environ, "", ())

    assert builds[:2] == (None, environ)
    assert "minikube" in builds.warning
