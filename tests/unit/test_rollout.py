from __future__ import annotations

from typing import Any

import pytest

from imagetasks.cluster.rollout import pod_problem

READY = {"name": "main", "ready": True, "state": {"running": {}}}
FAILED = {"terminated": {"exitCode": 3, "reason": "Error"}}


def pod(*containers: dict[str, Any], **status: Any) -> dict[str, Any]:
    return {"metadata": {"name": "web"}, "status": {"containerStatuses": containers, **status}}


def waiting(reason: str, **container: Any) -> dict[str, Any]:
    return {"name": "main", "ready": False, "state": {"waiting": {"reason": reason, "message": "why"}}, **container}


@pytest.mark.parametrize(
    "healthy",
    [
        pod(READY),
        pod({**READY, "lastState": FAILED}),
        pod(waiting("ContainerCreating")),
        pod(phase="Pending"),
        pod(phase="Succeeded"),
    ],
)
def test_a_pod_that_runs_or_starts_has_no_problem(healthy: dict[str, Any]) -> None:
    assert pod_problem(healthy) == ""


@pytest.mark.parametrize(
    ("sick", "expected"),
    [
        (pod(READY, waiting("ImagePullBackOff")), "pod web: container main waits: ImagePullBackOff: why"),
        (
            pod(waiting("CrashLoopBackOff", lastState=FAILED, restartCount=1)),
            "pod web: container main ended with exit code 3 (Error), restarted 1 time",
        ),
        (
            pod({"name": "main", "ready": False, "state": FAILED}),
            "pod web: container main ended with exit code 3 (Error), restarted 0 times",
        ),
        (
            pod(initContainerStatuses=[waiting("ErrImagePull")]),
            "pod web: container main waits: ErrImagePull: why",
        ),
        (
            pod(conditions=[{"type": "PodScheduled", "status": "False", "message": "0/1 nodes"}]),
            "pod web has no node: 0/1 nodes",
        ),
        (pod(phase="Failed", reason="Evicted"), "pod web has failed: Evicted"),
    ],
)
def test_the_reason_of_a_pod_that_does_not_run_is_told(sick: dict[str, Any], expected: str) -> None:
    assert pod_problem(sick) == expected
