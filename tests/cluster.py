"""The Kubernetes cluster that the tests use: the current context of ``KUBECONFIG``.

It has to be named there: a cluster that is only the user's default is left alone.
"""

from __future__ import annotations

import os
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

from imagetasks.cluster.client import Cluster
from imagetasks.errors import ClusterError
from imagetasks.kubeconfig import find_target

HOW_TO_GIVE_ONE = "set KUBECONFIG to one whose nodes run the images of the Docker daemon (kind, k3d, minikube)"
PATIENCE = 90.0

_Found = TypeVar("_Found")


def missing_cluster() -> str:
    """What hinders the use of the cluster, in a sentence; empty if nothing does."""
    if not os.environ.get("KUBECONFIG"):
        return f"no Kubernetes cluster is named: {HOW_TO_GIVE_ONE}"
    try:
        Cluster(find_target(os.environ)).read("/version")
    except ClusterError as error:
        return f"{error}; {HOW_TO_GIVE_ONE}"
    return ""


@contextmanager
def new_namespace() -> Iterator[Cluster]:
    """The cluster with a namespace of its own, which goes at the end with all that is in it."""
    cluster = Cluster(find_target(os.environ, namespace=unused_namespace()))
    cluster.ensure_namespace(cluster.target.namespace)
    try:
        yield cluster
    finally:
        delete_namespace(cluster, cluster.target.namespace)


def unused_namespace() -> str:
    return f"imagetasks-{uuid.uuid4().hex[:10]}"


def delete_namespace(cluster: Cluster, name: str) -> None:
    """Delete a namespace; the pods in it are not given time to end."""
    pods = f"/api/v1/namespaces/{name}/pods"
    for pod in (cluster.read(pods) or {}).get("items", ()):
        cluster.delete(f"{pods}/{pod['metadata']['name']}?gracePeriodSeconds=0")
    cluster.delete(f"/api/v1/namespaces/{name}")


def wait_for(look: Callable[[], _Found | None], what: str) -> _Found:
    """What ``look`` finds, as soon as it finds something."""
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        if found := look():
            return found
        time.sleep(0.1)
    raise AssertionError(f"{what} did not come within {PATIENCE:.0f} s")


def run_pod(cluster: Cluster, name: str, image: str, *command: str) -> dict[str, Any]:
    """Run a pod that names no pull secret to its end, and return its status, or what a container of it waits for."""
    pods = f"/api/v1/namespaces/{cluster.target.namespace}/pods"
    container = {"name": "main", "image": image, "imagePullPolicy": "Always", "command": list(command)}
    spec = {"restartPolicy": "Never", "containers": [container]}
    wait_for(lambda: cluster.read(pods.replace("/pods", "/serviceaccounts/default")), "the service account")
    cluster.create(pods, {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name}, "spec": spec})

    def look() -> dict[str, Any] | None:
        status: dict[str, Any] = (cluster.read(f"{pods}/{name}") or {})["status"]
        stuck = [
            waiting
            for each in status.get("containerStatuses", ())
            if (waiting := each["state"].get("waiting")) and waiting.get("reason") != "ContainerCreating"
        ]
        if stuck:
            return {"phase": status["phase"], **stuck[0]}
        return status if status["phase"] in ("Succeeded", "Failed") else None

    return wait_for(look, f"the end of pod {name}")
