"""What a user reads when a cluster does not do what it is asked, and what is tried again."""

from __future__ import annotations

import base64
import json
import os
import shlex
import socket
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from kubernetes.config import incluster_config

from imagetasks.cluster import connection
from imagetasks.cluster.client import Cluster
from imagetasks.errors import ClusterError, ConflictError
from imagetasks.kubeconfig import find_target
from tests.api_server import Answer, ApiServer, refusal, write_kubeconfig
from tests.cluster import delete_namespace, unused_namespace, wait_for
from tests.registries import self_signed_certificate

THERE = Answer(200, {"kind": "ConfigMap", "metadata": {"name": "settings"}})
BUSY = Answer(429, refusal(429, "TooManyRequests", "the server has received too many requests"), {"Retry-After": "0"})
SETTINGS = "/api/v1/namespaces/shop/configmaps/settings"


def cluster_at(folder: Path, server: str, **settings: Mapping[str, Any]) -> Cluster:
    environ = write_kubeconfig(folder, server, **settings)
    return Cluster(find_target(environ), environ)


@pytest.fixture
def real_server() -> str:
    return find_target(os.environ).server


@pytest.fixture
def nobody(tmp_path: Path, cluster: Cluster, real_server: str) -> Cluster:
    """The cluster, for a service account that may do nothing."""
    namespace = cluster.target.namespace
    cluster.create(f"/api/v1/namespaces/{namespace}/serviceaccounts", {"metadata": {"name": "nobody"}})
    secret = {
        "metadata": {"name": "nobody-token", "annotations": {"kubernetes.io/service-account.name": "nobody"}},
        "type": "kubernetes.io/service-account-token",
    }
    cluster.create(f"/api/v1/namespaces/{namespace}/secrets", secret)
    path = f"/api/v1/namespaces/{namespace}/secrets/nobody-token"
    token = wait_for(lambda: ((cluster.read(path) or {}).get("data") or {}).get("token"), "the token")
    user = {"token": base64.b64decode(token).decode()}
    return cluster_at(tmp_path, real_server, user=user, cluster={"insecure-skip-tls-verify": True})


@pytest.fixture
def terminating(cluster: Cluster) -> Iterator[Cluster]:
    """The cluster, with a namespace that is being deleted and cannot go because of what is in it."""
    elsewhere = Cluster(cluster.target._replace(namespace=unused_namespace()))
    name = elsewhere.target.namespace
    elsewhere.ensure_namespace(name)
    clinging = {"metadata": {"name": "clinging", "finalizers": ["example.org/test"]}}
    elsewhere.create(f"/api/v1/namespaces/{name}/configmaps", clinging)
    delete_namespace(elsewhere, name)
    yield elsewhere
    elsewhere.patch(f"/api/v1/namespaces/{name}/configmaps/clinging", {"metadata": {"finalizers": None}})


@pytest.mark.cluster
def test_who_may_not_do_what_where_is_told(nobody: Cluster, cluster: Cluster) -> None:
    namespace = cluster.target.namespace
    with pytest.raises(ClusterError) as raised:
        nobody.create(f"/api/v1/namespaces/{namespace}/secrets", {"metadata": {"name": "mine"}})
    assert raised.value.message == (
        f"user system:serviceaccount:{namespace}:nobody may not create secrets in namespace {namespace} "
        "of context test; a role that allows it has to be bound to them"
    )
    with pytest.raises(ClusterError, match=r"may not get deployments\.apps in namespace shop of context test"):
        nobody.missing(["/apis/apps/v1/namespaces/shop/deployments/web"])


@pytest.mark.cluster
def test_who_may_not_look_at_namespaces_is_taken_to_have_one(nobody: Cluster) -> None:
    nobody.ensure_namespace("shop")


@pytest.mark.cluster
def test_a_namespace_that_is_being_deleted_is_told(terminating: Cluster) -> None:
    name = terminating.target.namespace
    sentence = f"namespace {name} of context .* is being deleted; wait until it is gone"
    with pytest.raises(ClusterError, match=sentence):
        terminating.ensure_namespace(name)
    with pytest.raises(ClusterError, match=sentence):
        terminating.create(f"/api/v1/namespaces/{name}/configmaps", {"metadata": {"name": "late"}})
    clinging = f"/api/v1/namespaces/{name}/configmaps/clinging"
    wait_for(lambda: terminating.missing([clinging]), "the deletion, which has begun,")


@pytest.mark.cluster
def test_a_change_that_meets_another_one_is_a_conflict(cluster: Cluster) -> None:
    objects = f"/api/v1/namespaces/{cluster.target.namespace}/configmaps"
    made = cluster.create(objects, {"metadata": {"name": "settings"}})
    with pytest.raises(ConflictError, match="already exists"):
        cluster.create(objects, {"metadata": {"name": "settings"}})
    cluster.patch(f"{objects}/settings", {"data": {"one": "1"}})
    version = {"resourceVersion": made["metadata"]["resourceVersion"]}
    with pytest.raises(ConflictError, match="the object has been modified"):
        cluster.patch(f"{objects}/settings", {"metadata": version, "data": {"two": "2"}})


@pytest.mark.cluster
def test_what_is_deleted_is_missing(cluster: Cluster) -> None:
    objects = f"/api/v1/namespaces/{cluster.target.namespace}/configmaps"
    cluster.create(objects, {"metadata": {"name": "settings"}})
    both = [f"{objects}/settings", f"{objects}/other"]
    assert cluster.missing(both) == both[1:]
    assert [cluster.delete(path) for path in both] == [True, False]
    assert cluster.missing(both) == both
    assert cluster.missing([]) == []


@pytest.mark.cluster
def test_paths_are_those_that_the_cluster_gives_its_kinds(cluster: Cluster) -> None:
    namespace = cluster.target.namespace
    manifests: list[dict[str, Any]] = [
        {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "web"}},
        {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "web", "namespace": "other"}},
        {
            "apiVersion": "v1",
            "kind": "List",
            "items": [{"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "shop"}}],
        },
        {"apiVersion": "batch/v1", "kind": "Job", "metadata": {"generateName": "import-"}},
    ]
    assert cluster.paths_of(manifests) == [
        f"/apis/apps/v1/namespaces/{namespace}/deployments/web",
        "/api/v1/namespaces/other/services/web",
        "/api/v1/namespaces/shop",
    ]
    with pytest.raises(ClusterError, match="knows no kind Deploy in apps/v1"):
        cluster.paths_of([{"apiVersion": "apps/v1", "kind": "Deploy", "metadata": {"name": "web"}}])
    with pytest.raises(ClusterError, match=r"knows no kind Tree in forest\.example/v1"):
        cluster.paths_of([{"apiVersion": "forest.example/v1", "kind": "Tree", "metadata": {"name": "oak"}}])


@pytest.mark.cluster
def test_the_path_of_a_custom_resource_is_known_once_its_kind_is(cluster: Cluster) -> None:
    group = f"{unused_namespace()}.example"
    names = {"kind": "Tree", "plural": "trees", "singular": "tree", "listKind": "TreeList"}
    schema = {"openAPIV3Schema": {"type": "object", "x-kubernetes-preserve-unknown-fields": True}}
    version = {"name": "v1", "served": True, "storage": True, "schema": schema}
    definition = {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"trees.{group}"},
        "spec": {"group": group, "scope": "Cluster", "names": names, "versions": [version]},
    }
    definitions = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
    cluster.create(definitions, definition)
    try:
        wait_for(lambda: cluster.read(f"/apis/{group}/v1"), "the new kind")
        tree = {"apiVersion": f"{group}/v1", "kind": "Tree", "metadata": {"name": "oak"}}
        assert cluster.paths_of([tree]) == [f"/apis/{group}/v1/trees/oak"]
    finally:
        cluster.delete(f"{definitions}/trees.{group}")


@pytest.mark.cluster
def test_a_token_that_is_not_accepted_is_told_without_it(tmp_path: Path, real_server: str) -> None:
    user = {"token": "not-a-token"}
    cluster = cluster_at(tmp_path, real_server, user=user, cluster={"insecure-skip-tls-verify": True})
    with pytest.raises(ClusterError, match="the credentials of context test are not accepted") as raised:
        cluster.read(SETTINGS)
    assert "not-a-token" not in raised.value.message


def test_a_certificate_that_is_not_trusted_is_told(tmp_path: Path) -> None:
    certificate = self_signed_certificate(tmp_path)
    sentence = r"the certificate of .* of context test is not accepted \(self"
    with ApiServer(THERE, certificate=certificate) as server, pytest.raises(ClusterError, match=sentence):
        cluster_at(tmp_path, server.url).read(SETTINGS)


def test_a_certificate_whose_authority_the_kubeconfig_gives_is_accepted(tmp_path: Path) -> None:
    certificate = self_signed_certificate(tmp_path)
    with ApiServer(THERE, certificate=certificate) as server:
        cluster = cluster_at(tmp_path, server.url, cluster={"certificate-authority": "tls.crt"})
        assert cluster.read(SETTINGS) is not None


def test_an_authority_that_is_not_there_is_named(tmp_path: Path) -> None:
    cluster = cluster_at(tmp_path, "https://127.0.0.1:1", cluster={"certificate-authority": "gone.crt"})
    with pytest.raises(ClusterError, match=r"context test of .* cannot be used: there is no .*gone\.crt"):
        cluster.read(SETTINGS)


def test_a_server_that_cannot_be_reached_is_told_without_its_password(tmp_path: Path) -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        port = closed.getsockname()[1]
    with pytest.raises(ClusterError) as raised:
        cluster_at(tmp_path, f"http://ann:secret@127.0.0.1:{port}").read(SETTINGS)
    assert raised.value.message == (
        f"the API server http://127.0.0.1:{port} of context test cannot be reached (Connection refused); "
        "is the cluster running, and is this its address?"
    )


def test_a_name_that_nobody_knows_is_told(tmp_path: Path) -> None:
    with pytest.raises(
        ClusterError, match=r"the API server https://cluster\.invalid of context test cannot be reached"
    ):
        cluster_at(tmp_path, "https://cluster.invalid").read(SETTINGS)


def test_a_proxy_of_the_kubeconfig_is_used(tmp_path: Path) -> None:
    with ApiServer(THERE) as proxy:
        cluster = cluster_at(tmp_path, "http://cluster.invalid", cluster={"proxy-url": proxy.url})
        assert cluster.read(SETTINGS) is not None
        assert proxy.requests == [f"GET http://cluster.invalid{SETTINGS}"]


def test_a_proxy_is_told_who_asks(tmp_path: Path) -> None:
    with ApiServer(THERE) as proxy:
        address = proxy.url.replace("//", "//ann:s%20cret@")
        cluster_at(tmp_path, "http://cluster.invalid", cluster={"proxy-url": address}).read(SETTINGS)
        assert proxy.proxy_authorizations == [f"Basic {base64.b64encode(b'ann:s cret').decode()}"]


def test_a_cluster_on_this_machine_is_reached_without_the_proxy_of_the_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in {"HTTP_PROXY": "http://127.0.0.1:1", "NO_PROXY": "elsewhere.example"}.items():
        monkeypatch.setenv(name, value)
    with ApiServer(THERE) as server:
        assert cluster_at(tmp_path, server.url).read(SETTINGS) is not None


@pytest.mark.parametrize("address", ["proxy.example", "http://ann:secret@[proxy.example"])
def test_a_proxy_whose_address_is_none_is_told_without_its_password(tmp_path: Path, address: str) -> None:
    cluster = cluster_at(tmp_path, "http://cluster.invalid", cluster={"proxy-url": address})
    with pytest.raises(ClusterError) as raised:
        cluster.read(SETTINGS)
    assert raised.value.message == (
        "the proxy that leads to context test has an address that is none: "
        "correct HTTPS_PROXY, or proxy-url in the kubeconfig"
    )


def test_a_proxy_that_cannot_be_reached_is_told_without_its_password(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "http://ann:secret@127.0.0.1:1")
    with pytest.raises(ClusterError) as raised:
        cluster_at(tmp_path, "https://cluster.invalid").read(SETTINGS)
    assert raised.value.message == (
        "the proxy that leads to the API server https://cluster.invalid of context test cannot be used "
        "(Connection refused); see HTTPS_PROXY and NO_PROXY, or proxy-url in the kubeconfig"
    )


def test_a_busy_server_is_asked_again_when_it_says_so(tmp_path: Path) -> None:
    with ApiServer(BUSY, BUSY, THERE) as server:
        made = cluster_at(tmp_path, server.url).create(
            SETTINGS.rpartition("/")[0], {"metadata": {"name": "settings"}}
        )
        assert made["metadata"]["name"] == "settings"
        assert len(server.requests) == 3


def test_a_server_that_stays_busy_is_told(tmp_path: Path) -> None:
    with ApiServer(BUSY) as server:
        with pytest.raises(ClusterError, match="context test has too many requests to answer; try again later"):
            cluster_at(tmp_path, server.url).read(SETTINGS)
        assert len(server.requests) == 6


def test_a_lost_answer_is_asked_for_again(tmp_path: Path) -> None:
    with ApiServer(Answer(0), THERE) as server:
        assert cluster_at(tmp_path, server.url).read(SETTINGS) is not None


def test_an_object_is_not_created_twice_because_the_answer_was_lost(tmp_path: Path) -> None:
    with ApiServer(Answer(0), THERE) as server:
        with pytest.raises(ClusterError, match="it ends the connection"):
            cluster_at(tmp_path, server.url).create(SETTINGS.rpartition("/")[0], {"metadata": {"name": "settings"}})
        assert len(server.requests) == 1


@pytest.mark.parametrize(
    ("answer", "sentence"),
    [
        (Answer(500, refusal(500, "InternalError", "etcd has\n no leader")), "fails with 500: etcd has no leader"),
        (Answer(502, b"<html>oops"), "fails with 502: Bad Gateway"),
        (Answer(404, b"404 page not found"), "refuses it: Not Found"),
        (Answer(200, b"<html>Log in"), "what answers as the API server of context test is none"),
        (Answer(200, b"[]"), "what answers as the API server of context test is none"),
    ],
)
def test_what_else_goes_wrong_is_told_in_one_line(tmp_path: Path, answer: Answer, sentence: str) -> None:
    with ApiServer(answer) as server, pytest.raises(ClusterError, match=sentence) as raised:
        cluster_at(tmp_path, server.url).patch(SETTINGS, {})
    assert "\n" not in raised.value.message


def plugin(script: str) -> dict[str, Any]:
    """A user whose credentials a program gets."""
    version = "client.authentication.k8s.io/v1"
    return {"exec": {"command": "sh", "args": ["-c", script], "apiVersion": version, "interactiveMode": "Never"}}


def test_a_plugin_gets_the_credentials_once_for_all_namespaces_of_a_context(tmp_path: Path) -> None:
    version = "client.authentication.k8s.io/v1"
    status = {"token": "from plugin"}
    credential = json.dumps({"apiVersion": version, "kind": "ExecCredential", "status": status})
    runs = tmp_path / "runs"
    user = plugin(f"echo run >>{shlex.quote(str(runs))}; echo {shlex.quote(credential)}")
    with ApiServer(THERE) as server:
        cluster = cluster_at(tmp_path, server.url, user=user)
        other = Cluster(cluster.target._replace(namespace="other"), {"KUBECONFIG": str(tmp_path / "kubeconfig")})
        assert cluster.read(SETTINGS) is not None
        assert other.read(SETTINGS) is not None
        assert server.authorizations == ["Bearer from plugin"] * 2
    assert runs.read_text() == "run\n"


def test_a_plugin_that_fails_is_told_without_what_it_printed(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    cluster = cluster_at(tmp_path, "http://127.0.0.1:1", user=plugin("echo secret >&2; exit 1"))
    with pytest.raises(ClusterError, match="sh, which gets the credentials for context test, failed") as raised:
        cluster.read(SETTINGS)
    assert "secret" not in raised.value.message
    assert "secret" not in "".join(capfd.readouterr())


def test_a_plugin_that_is_not_installed_is_told(tmp_path: Path) -> None:
    user = {"exec": {"command": "no-such-plugin", "apiVersion": "client.authentication.k8s.io/v1"}}
    cluster = cluster_at(tmp_path, "http://127.0.0.1:1", user=user)
    with pytest.raises(
        ClusterError, match="no-such-plugin, which gets the credentials for context test, is not there"
    ):
        cluster.read(SETTINGS)


def test_in_a_pod_its_service_account_is_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    certificate = self_signed_certificate(tmp_path)
    (tmp_path / "token").write_text("of the pod")
    monkeypatch.setattr(connection, "_connection", connection.Connection)
    monkeypatch.setattr(incluster_config, "SERVICE_TOKEN_FILENAME", str(tmp_path / "token"))
    monkeypatch.setattr(incluster_config, "SERVICE_CERT_FILENAME", certificate["certificate"])
    with ApiServer(THERE, certificate=certificate) as server:
        host, port = server.url.removeprefix("https://").split(":")
        monkeypatch.setenv("KUBECONFIG", str(tmp_path / "none"))
        monkeypatch.setenv("KUBERNETES_SERVICE_HOST", host)
        monkeypatch.setenv("KUBERNETES_SERVICE_PORT", port)
        assert Cluster(find_target(os.environ)).read(SETTINGS) is not None
        assert [value.lower() for value in server.authorizations] == ["bearer of the pod"]


def test_a_pod_without_a_service_account_is_told(tmp_path: Path) -> None:
    environ = {"KUBECONFIG": str(tmp_path / "none"), "KUBERNETES_SERVICE_HOST": "10.96.0.1"}
    with pytest.raises(ClusterError, match="this pod has no service account's token"):
        Cluster(find_target(environ), environ).read(SETTINGS)
