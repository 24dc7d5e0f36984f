"""How many replicas of a Helm release are ready, told while helm waits for them."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, NamedTuple
from urllib.parse import urlencode

from imagetasks.cluster.client import Cluster
from imagetasks.errors import ClusterError
from imagetasks.output import Announce

_WORKLOADS = ("deployments", "statefulsets", "daemonsets")
_HELMS_OWN = urlencode({"labelSelector": "app.kubernetes.io/managed-by=Helm"})
_RELEASE = "meta.helm.sh/release-name"
"""With this annotation and the label above helm marks the objects of a release, and adopts those that have them."""
_SECONDS_BETWEEN = 1.0


class Replicas(NamedTuple):
    """How far a rollout is."""

    ready: int
    wanted: int


@contextmanager
def replicas_announced(cluster: Cluster, release: str, announce: Announce) -> Iterator[None]:
    """Announce ``waiting for 2/3 replicas`` as the number changes, in a thread that ends with the ``with`` block.

    Nothing is announced before something is waited for. Should the cluster not tell, that ends the telling alone.
    """
    has_ended = threading.Event()
    arguments = (cluster, release, announce, has_ended)
    watcher = threading.Thread(target=_watch, args=arguments, name=f"replicas of {release}", daemon=True)
    watcher.start()
    try:
        yield
    finally:
        has_ended.set()
        watcher.join(_SECONDS_BETWEEN)  # an answer that takes longer is not waited for


def replicas_of(workload: Mapping[str, Any]) -> Replicas:
    """How many replicas of a Deployment, StatefulSet or DaemonSet are as it has them now, and ready.

    The status counts ready ones of the former template too. It does not tell how many, so that all of these are
    taken to be ready.
    """
    status = workload.get("status") or {}
    wanted = status.get("desiredNumberScheduled", workload.get("spec", {}).get("replicas", 0))
    if status.get("observedGeneration", 0) < workload["metadata"].get("generation", 0):
        return Replicas(0, wanted)
    present = status.get("currentNumberScheduled", status.get("replicas", 0))
    updated = status.get("updatedNumberScheduled", status.get("updatedReplicas", 0))
    ready = status.get("numberReady", status.get("readyReplicas", 0))
    return Replicas(min(max(ready - (present - updated), 0), wanted), wanted)


def _watch(cluster: Cluster, release: str, announce: Announce, has_ended: threading.Event) -> None:
    announced: Replicas | None = None
    while not has_ended.is_set():
        try:
            found = _replicas_of_release(cluster, release)
        except ClusterError:
            return
        is_news = found != announced and (announced or found.ready < found.wanted)
        if is_news and not has_ended.is_set():
            announced = found
            announce(f"waiting for {found.ready}/{found.wanted} replicas")
        has_ended.wait(_SECONDS_BETWEEN)


def _replicas_of_release(cluster: Cluster, release: str) -> Replicas:
    collections = f"/apis/apps/v1/namespaces/{cluster.target.namespace}"
    found = [
        replicas_of(workload)
        for plural in _WORKLOADS
        for workload in (cluster.read(f"{collections}/{plural}?{_HELMS_OWN}") or {}).get("items") or ()
        if (workload["metadata"].get("annotations") or {}).get(_RELEASE) == release
    ]
    return Replicas(sum(each.ready for each in found), sum(each.wanted for each in found))
