from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import docker
import pytest

from imagetasks.cluster.client import Cluster
from imagetasks.cluster.pull_secrets import ensure_pull_secret, is_current, pull_secret_name
from imagetasks.errors import ClusterError
from imagetasks.registry.credentials import Credentials, store_credentials
from tests.cluster import delete_namespace, run_pod, unused_namespace
from tests.registries import Registry

ANN = Credentials("ann", "correct horse")
REGISTRY = "registry.example:5000"


@pytest.fixture
def private_image(daemon: docker.DockerClient, busybox: str, private_registry: Registry) -> Iterator[str]:
    """An image that only the registry has, which gives it to ``ann`` alone."""
    repository = f"{private_registry.address}/team/app"
    daemon.images.get(busybox).tag(repository, "1")
    daemon.images.push(repository, "1", auth_config={"username": ANN.username, "password": ANN.password})
    daemon.images.remove(f"{repository}:1")
    yield f"{repository}:1"
    if daemon.images.list(repository):
        daemon.images.remove(f"{repository}:1")


def ensure(cluster: Cluster, registry: str = REGISTRY) -> bool:
    return ensure_pull_secret(cluster, registry, print)


def content(cluster: Cluster, registry: str = REGISTRY) -> Any:
    """What the cluster holds as the pull secret of a registry."""
    path = f"/api/v1/namespaces/{cluster.target.namespace}/secrets/{pull_secret_name(registry)}"
    secret = cluster.read(path)
    assert secret is not None
    assert secret["type"] == "kubernetes.io/dockerconfigjson"
    return json.loads(base64.b64decode(secret["data"][".dockerconfigjson"]))["auths"]


def pull_secrets(cluster: Cluster) -> list[str]:
    account = cluster.read(f"/api/v1/namespaces/{cluster.target.namespace}/serviceaccounts/default") or {}
    return [entry["name"] for entry in account.get("imagePullSecrets", ())]


def encoded(pair: str) -> str:
    return base64.b64encode(pair.encode()).decode()


@pytest.mark.parametrize(
    ("registry", "name"),
    [
        ("docker.io", "devspace-auth-docker"),
        ("ghcr.io", "devspace-auth-ghcr-io"),
        ("127.0.0.1:5000", "devspace-auth-127-0-0-1-5000"),
        ("Registry.Example", "devspace-auth-registry-example"),
    ],
)
def test_a_pull_secret_is_called_after_its_registry(registry: str, name: str) -> None:
    assert pull_secret_name(registry) == name


@pytest.mark.cluster
@pytest.mark.docker
@pytest.mark.registry
@pytest.mark.usefixtures("docker_config")
def test_a_pod_that_names_no_pull_secret_runs_an_image_of_a_private_registry(
    cluster: Cluster, private_registry: Registry, private_image: str
) -> None:
    before = run_pod(cluster, "before", private_image, "true")
    assert before.get("reason") in ("ErrImagePull", "ImagePullBackOff"), before

    store_credentials(private_registry.address, ANN)
    assert ensure(cluster, private_registry.address)
    after = run_pod(cluster, "after", private_image, "true")
    assert after["phase"] == "Succeeded", after


@pytest.mark.cluster
@pytest.mark.usefixtures("docker_config")
def test_a_second_time_nothing_is_changed(cluster: Cluster) -> None:
    store_credentials(REGISTRY, ANN)
    assert not is_current(cluster, REGISTRY)
    assert ensure(cluster)
    assert content(cluster) == {REGISTRY: {"auth": encoded("ann:correct horse")}}
    assert is_current(cluster, REGISTRY)
    assert not ensure(cluster)
    assert pull_secrets(cluster).count(pull_secret_name(REGISTRY)) == 1


@pytest.mark.cluster
@pytest.mark.usefixtures("docker_config")
def test_other_credentials_take_the_place_of_the_stored_ones(cluster: Cluster) -> None:
    store_credentials(REGISTRY, ANN)
    ensure(cluster)
    store_credentials(REGISTRY, Credentials("bob", "battery"))
    assert not is_current(cluster, REGISTRY)
    assert ensure(cluster)
    assert content(cluster) == {REGISTRY: {"auth": encoded("bob:battery")}}


@pytest.mark.cluster
@pytest.mark.usefixtures("docker_config")
def test_a_secret_of_another_type_is_refused(cluster: Cluster) -> None:
    store_credentials(REGISTRY, ANN)
    namespace = cluster.target.namespace
    cluster.create(f"/api/v1/namespaces/{namespace}/secrets", {"metadata": {"name": pull_secret_name(REGISTRY)}})
    assert not is_current(cluster, REGISTRY)
    with pytest.raises(ClusterError, match="immutable"):
        ensure(cluster)


@pytest.mark.cluster
@pytest.mark.usefixtures("docker_config")
def test_docker_hub_goes_by_the_name_that_nodes_look_for(cluster: Cluster) -> None:
    store_credentials("docker.io", ANN)
    ensure(cluster, "docker.io")
    assert content(cluster, "docker.io") == {"https://index.docker.io/v1/": {"auth": encoded("ann:correct horse")}}


@pytest.mark.cluster
@pytest.mark.usefixtures("docker_config")
@pytest.mark.parametrize(("username", "sent"), [("ann", "ann"), ("", "00000000-0000-0000-0000-000000000000")])
def test_an_identity_token_is_also_the_password_for_nodes(cluster: Cluster, username: str, sent: str) -> None:
    store_credentials(REGISTRY, Credentials(username, identity_token="a.b.c"))
    ensure(cluster)
    assert content(cluster) == {REGISTRY: {"auth": encoded(f"{sent}:a.b.c"), "identitytoken": "a.b.c"}}


@pytest.mark.cluster
@pytest.mark.usefixtures("docker_config")
def test_without_credentials_there_is_a_warning_and_no_secret(cluster: Cluster) -> None:
    warnings: list[str] = []
    assert not ensure_pull_secret(cluster, REGISTRY, warnings.append)
    assert len(warnings) == 1
    assert f"run `imagetasks login {REGISTRY}`" in warnings[0]
    assert not is_current(cluster, REGISTRY), "who does not heed it is warned again"
    secret = f"/api/v1/namespaces/{cluster.target.namespace}/secrets/{pull_secret_name(REGISTRY)}"
    assert cluster.missing([secret]) == [secret]
    assert pull_secret_name(REGISTRY) not in pull_secrets(cluster)


@pytest.mark.cluster
@pytest.mark.usefixtures("docker_config")
def test_a_namespace_that_is_not_there_is_made_and_its_service_account_waited_for(cluster: Cluster) -> None:
    store_credentials(REGISTRY, ANN)
    elsewhere = Cluster(cluster.target._replace(namespace=unused_namespace()))
    try:
        assert ensure(elsewhere)
        assert is_current(elsewhere, REGISTRY)
    finally:
        delete_namespace(elsewhere, elsewhere.target.namespace)


@pytest.mark.cluster
@pytest.mark.usefixtures("docker_config")
def test_of_many_who_add_at_once_nobody_loses_a_secret(cluster: Cluster) -> None:
    registries = [f"registry-{number}.example" for number in range(20)]
    for registry in registries:
        store_credentials(registry, ANN)
    with ThreadPoolExecutor(len(registries)) as writers:
        assert all(writers.map(lambda registry: ensure(cluster, registry), registries))
    assert sorted(pull_secrets(cluster)) == sorted(map(pull_secret_name, registries))


@pytest.mark.cluster
@pytest.mark.usefixtures("docker_config")
def test_many_who_store_the_same_secret_at_once_all_succeed(cluster: Cluster) -> None:
    store_credentials(REGISTRY, ANN)
    with ThreadPoolExecutor(20) as writers:
        assert any(writers.map(lambda _: ensure(cluster), range(20)))
    assert pull_secrets(cluster) == [pull_secret_name(REGISTRY)]
    assert is_current(cluster, REGISTRY)


@pytest.mark.cluster
def test_what_the_service_account_had_stays(cluster: Cluster, docker_config: Path) -> None:
    store_credentials(REGISTRY, ANN)
    store_credentials("other.example", ANN)
    ensure(cluster, "other.example")
    account = f"/api/v1/namespaces/{cluster.target.namespace}/serviceaccounts/default"
    cluster.patch(account, {"imagePullSecrets": [{"name": "by-hand"}]})
    ensure(cluster)
    assert pull_secrets(cluster) == ["by-hand", pull_secret_name(REGISTRY)]
