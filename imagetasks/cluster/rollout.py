"""What keeps a rollout from ending: the reasons that pods and their owners give, and the last lines of their logs."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any
from urllib.parse import urlencode

from imagetasks.cluster.client import Cluster
from imagetasks.errors import ClusterError

_NAMESPACED = re.compile(r"(/.+/namespaces/([^/]+))/([^/]+)/([^/]+)")
_WORKLOADS = frozenset({"deployments", "statefulsets", "daemonsets", "replicasets", "jobs"})
_HARMLESS = frozenset({"ContainerCreating", "PodInitializing", "Completed"})
_MAX_PROBLEMS = 5
_LOG_LINES = 5
_LOG_SECONDS = 10

Object = Mapping[str, Any]


def explain_rollout(cluster: Cluster, paths: Sequence[str]) -> str:
    """What is wrong with the pods of some objects, one line for each with the end of its log below; empty if nothing.

    It is for somebody who has waited in vain, so it says what it finds, and never fails itself.

    :param paths: API paths of what was deployed; all that have no pods are passed over
    """
    found: dict[str, None] = {}
    try:
        for path in paths:
            for problem in _problems(cluster, path):
                found[problem] = None
                if len(found) == _MAX_PROBLEMS:
                    return "\n".join(found)
    except ClusterError as error:
        found[str(error)] = None
    return "\n".join(found)


def pod_problem(pod: Object) -> str:
    """Why a pod is not running, as its status says it in a sentence; empty if it is or only starts.

    :param pod: the pod as the API has it
    """
    name, status = pod["metadata"]["name"], pod.get("status", {})
    for container in _containers(pod):
        if reason := _container_problem(container):
            return f"pod {name}: container {container['name']} {reason}"
    for condition in status.get("conditions", ()):
        if condition["type"] == "PodScheduled" and condition["status"] == "False":
            return f"pod {name} has no node: {condition.get('message') or condition.get('reason')}"
    if status.get("phase") == "Failed":
        return f"pod {name} has failed: {status.get('message') or status.get('reason') or 'its containers ended'}"
    return ""


def _container_problem(container: Object) -> str:
    waiting = container.get("state", {}).get("waiting", {})
    reason = waiting.get("reason", "")
    ended = _end(container)
    if container.get("ready"):
        return ""
    if ended and (ended.get("exitCode") or reason == "CrashLoopBackOff"):
        return f"ended with exit code {ended.get('exitCode')} ({ended.get('reason')}), {_restarts(container)}"
    if reason and reason not in _HARMLESS:
        image, message = container.get("image", ""), waiting.get("message", "")
        what = f"{reason} of {image}" if "Image" in reason and image not in message else reason
        return f"waits: {what}: {message}".removesuffix(": ")
    return ""


def _end(container: Object) -> Object:
    """How a container ended, now or before its last restart; empty if it has not."""
    ended: Object = container.get("state", {}).get("terminated") or container.get("lastState", {}).get("terminated")
    return ended or {}


def _restarts(container: Object) -> str:
    count = container.get("restartCount", 0)
    return f"restarted {count} {'time' if count == 1 else 'times'}"


def _containers(pod: Object) -> list[Object]:
    """The state of a pod's containers, those that come first in its life first."""
    status = pod.get("status", {})
    return [*(status.get("initContainerStatuses") or ()), *(status.get("containerStatuses") or ())]


def _problems(cluster: Cluster, path: str) -> Iterator[str]:
    match = _NAMESPACED.fullmatch(path)
    if match is None:
        return
    _, namespace, plural, name = match.groups()
    if plural == "pods" and (alone := cluster.read(path)):
        yield from _problems_of_pod(cluster, namespace, alone)
    elif plural in _WORKLOADS and (workload := cluster.read(path)):
        pods = _pods(cluster, namespace, workload)
        for pod in pods:
            yield from _problems_of_pod(cluster, namespace, pod)
        if not pods:
            owners = [name, *_replica_sets(cluster, namespace, workload)] if plural == "deployments" else [name]
            for owner in owners:
                yield from _warnings(cluster, namespace, owner)


def _problems_of_pod(cluster: Cluster, namespace: str, pod: Object) -> Iterator[str]:
    name = pod["metadata"]["name"]
    problem = pod_problem(pod)
    if problem:
        yield "\n".join([problem, *_log_of_ended(cluster, namespace, pod)])
    elif not all(container.get("ready") for container in _containers(pod)) and not _has_ended(pod):
        yield from _warnings(cluster, namespace, name)


def _has_ended(pod: Object) -> bool:
    phase: str = pod.get("status", {}).get("phase", "")
    return phase == "Succeeded"


def _pods(cluster: Cluster, namespace: str, workload: Object) -> list[Object]:
    """A workload's pods that are not going away, the newest first."""
    pods = [
        pod
        for pod in _selected(cluster, f"/api/v1/namespaces/{namespace}/pods", workload)
        if "deletionTimestamp" not in pod["metadata"]
    ]
    return sorted(pods, key=lambda pod: str(pod["metadata"].get("creationTimestamp")), reverse=True)


def _replica_sets(cluster: Cluster, namespace: str, workload: Object) -> list[str]:
    """The names of a deployment's replica sets, which are told why its pods are refused."""
    sets = _selected(cluster, f"/apis/apps/v1/namespaces/{namespace}/replicasets", workload)
    return [str(replica_set["metadata"]["name"]) for replica_set in sets]


def _selected(cluster: Cluster, path: str, workload: Object) -> Sequence[Object]:
    labels = workload.get("spec", {}).get("selector", {}).get("matchLabels") or {}
    if not labels:
        return ()
    return _items(cluster, path, labelSelector=",".join(f"{key}={value}" for key, value in labels.items()))


def _warnings(cluster: Cluster, namespace: str, name: str) -> Iterator[str]:
    """The last warning about an object."""
    events = _items(
        cluster, f"/api/v1/namespaces/{namespace}/events", fieldSelector=f"involvedObject.name={name},type=Warning"
    )
    if events:
        last = max(events, key=lambda event: str(event.get("lastTimestamp") or event.get("eventTime") or ""))
        kind = str(last["involvedObject"].get("kind", "object")).lower()
        yield f"{kind} {name}: {last.get('reason')}: {last.get('message')}"


def _items(cluster: Cluster, path: str, **query: str) -> Sequence[Object]:
    items: Sequence[Object] = (cluster.read(f"{path}?{urlencode(query)}") or {}).get("items") or ()
    return items


def _log_of_ended(cluster: Cluster, namespace: str, pod: Object) -> list[str]:
    """The last lines, indented, of the container that has ended with an error."""
    for container in _containers(pod):
        if _container_problem(container) and _end(container):
            has_restarted = "terminated" not in container.get("state", {})
            lines = _log(cluster, namespace, pod["metadata"]["name"], container["name"], previous=has_restarted)
            return [f"    {line}" for line in lines]
    return []


def _log(cluster: Cluster, namespace: str, pod: str, container: str, *, previous: bool) -> list[str]:
    api_client = cluster.api_client
    from kubernetes.client import CoreV1Api

    try:
        with cluster.telling_mistakes():
            text: str = CoreV1Api(api_client).read_namespaced_pod_log(
                pod,
                namespace,
                container=container,
                previous=previous,
                tail_lines=_LOG_LINES,
                _request_timeout=_LOG_SECONDS,
            )
    except ClusterError:
        return []  # the log of a container that is gone is no problem of the rollout's
    return text.splitlines()
