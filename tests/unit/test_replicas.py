from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import pytest

from imagetasks.cluster.client import Cluster
from imagetasks.deploy.replicas import Replicas, replicas_announced, replicas_of
from imagetasks.kubeconfig import Target
from tests.api_server import Answer, ApiServer, refusal, write_kubeconfig
from tests.cluster import wait_for

PATIENCE = 20.0


def deployment(ready: int, release: str = "web") -> dict[str, Any]:
    metadata = {"annotations": {"meta.helm.sh/release-name": release}}
    status = {"replicas": 3, "updatedReplicas": 3, "readyReplicas": ready}
    return {"metadata": metadata, "spec": {"replicas": 3}, "status": status}


@pytest.mark.parametrize(
    ("generation", "status", "ready"),
    [
        (2, {"observedGeneration": 1, "replicas": 3, "updatedReplicas": 3, "readyReplicas": 3}, 0),
        (2, {"observedGeneration": 2, "replicas": 3, "updatedReplicas": 3, "readyReplicas": 2}, 2),
        (2, {"observedGeneration": 2, "replicas": 4, "updatedReplicas": 1, "readyReplicas": 3}, 0),
        (2, {"observedGeneration": 2, "replicas": 4, "updatedReplicas": 2, "readyReplicas": 4}, 2),
        (2, {"observedGeneration": 2, "replicas": 4, "updatedReplicas": 4, "readyReplicas": 4}, 3),
        (1, {"observedGeneration": 1}, 0),
        (1, {}, 0),
    ],
)
def test_replicas_of_a_former_template_are_not_counted(generation: int, status: dict[str, int], ready: int) -> None:
    workload = {"metadata": {"generation": generation}, "spec": {"replicas": 3}, "status": status}

    assert replicas_of(workload) == Replicas(ready, 3)


def test_a_daemon_set_wants_as_many_as_there_are_nodes_for_it() -> None:
    status = {"desiredNumberScheduled": 4, "currentNumberScheduled": 4, "updatedNumberScheduled": 3, "numberReady": 3}

    assert replicas_of({"metadata": {}, "spec": {}, "status": status}) == Replicas(2, 4)


class Announced:
    """What was announced, and a way to wait for it."""

    def __init__(self) -> None:
        self.words: list[str] = []
        self._is_new = threading.Condition()

    def __call__(self, words: str) -> None:
        with self._is_new:
            self.words.append(words)
            self._is_new.notify_all()

    def wait_for(self, count: int) -> None:
        with self._is_new:
            assert self._is_new.wait_for(lambda: len(self.words) >= count, PATIENCE), self.words


def looks(*ready: int) -> list[Answer]:
    """What a server answers that is asked for three kinds of workloads again and again."""
    nothing = Answer(200, {"items": []})
    other = deployment(0, release="other")
    return [
        each for count in ready for each in (Answer(200, {"items": [deployment(count), other]}), nothing, nothing)
    ]


def test_each_change_is_announced_once_and_nothing_before_something_is_waited_for(tmp_path: Path) -> None:
    announced = Announced()
    with ApiServer(*looks(3, 1, 1, 3)) as server:
        cluster = Cluster(Target("test", "shop"), write_kubeconfig(tmp_path, server.url))
        with replicas_announced(cluster, "web", announced):
            announced.wait_for(2)

    assert announced.words == ["waiting for 1/3 replicas", "waiting for 3/3 replicas"]


def test_a_cluster_that_does_not_tell_is_asked_no_more_and_hinders_nothing(tmp_path: Path) -> None:
    announced = Announced()
    with ApiServer(*looks(1), Answer(403, refusal(403, "Forbidden", "no"))) as server:
        cluster = Cluster(Target("test", "shop"), write_kubeconfig(tmp_path, server.url))
        with replicas_announced(cluster, "web", announced):
            announced.wait_for(1)
            wait_for(lambda: not any("replicas" in each.name for each in threading.enumerate()), "the thread's end")

    assert announced.words == ["waiting for 1/3 replicas"]
    assert len(server.requests) == 4
