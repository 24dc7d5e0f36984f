"""Pods that this program runs for itself: made, fed, watched, listened to, and always deleted.

Whatever ends a run takes its pods along (:mod:`imagetasks.interrupt`). What a killed one leaves is found by labels,
which say on which machine, in which project and by which process a pod was made, so that nobody else's is touched.
"""

from __future__ import annotations

import hashlib
import json
import os
import socket
import threading
import time
import uuid
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlencode

from imagetasks import interrupt
from imagetasks.cluster.client import Cluster
from imagetasks.cluster.rollout import pod_problem
from imagetasks.errors import ClusterError
from imagetasks.output import Output

_OWNER_LABEL = "imagetasks/owner"
_PROCESS_LABEL = "imagetasks/process"
_SCALING_UP = frozenset({"TriggeredScaleUp", "Nominated"})
"""Events by which autoscalers (the cluster's own, Karpenter) say that a node is on its way."""
_LOOK_SECONDS = 5
_PATIENCE_SECONDS = 12.0
_SILENCE_SECONDS = 60.0
_CREATION_SECONDS = 1.0
_PAUSE_SECONDS = 0.2
_NO_ACCOUNT_YET = 'serviceaccount "default" not found'
_STDIN, _STDERR, _ERROR = 0, 2, 3
_PID_NAMESPACE = Path("/proc/self/ns/pid")

Object = Mapping[str, Any]


class ContainerEnd(NamedTuple):
    """How a container ended.

    :ivar reason: the kubelet's word for it, such as ``Error`` or ``OOMKilled``
    """

    exit_code: int
    reason: str


class Pod:
    """A pod in the cluster's namespace."""

    def __init__(self, cluster: Cluster, name: str) -> None:
        self.name = name
        self._cluster = cluster
        self._path = f"{_pods_path(cluster)}/{name}"

    def wait_for(self, container: str, output: Output) -> None:
        """Return when a container runs or has ended; ``output`` is told what it waits for.

        :raises ClusterError: it does not start, and why
        """
        deadline = time.monotonic() + _PATIENCE_SECONDS
        told = ""
        while True:
            problem = ""
            for pod in self._states(_LOOK_SECONDS):
                if _state(pod, container).keys() & {"running", "terminated"}:
                    return
                problem = pod_problem(pod)
                if problem and pod["spec"].get("nodeName"):
                    raise ClusterError(problem)
            problem = problem or self._last_warning()
            if problem and not self._has_event(_SCALING_UP) and time.monotonic() > deadline:
                raise ClusterError(problem)
            if problem and problem != told:
                output.write(f"{problem}\n")
                told = problem

    def run(self, container: str, script: str, standard_input: Iterable[bytes]) -> None:
        """Run a shell script in a container, which reads from its standard input what is made meanwhile.

        :raises ClusterError: it failed, with what it wrote to standard error
        :raises UserError: whatever the making of the input raised
        """
        arguments = [("command", word) for word in ("sh", "-c", script)]
        query = urlencode([("container", container), ("stdin", "true"), ("stderr", "true"), *arguments])
        client = self._cluster.open_websocket(f"{self._path}/exec?{query}")
        from websocket import WebSocketException

        try:
            client.sock.settimeout(_SILENCE_SECONDS)
            for chunk in standard_input:
                client.write_channel(_STDIN, chunk)
            client.run_forever(timeout=_SILENCE_SECONDS)
            status = json.loads(client.read_channel(_ERROR) or "{}")
            said = client.read_channel(_STDERR) or b""
        except (WebSocketException, OSError) as error:
            raise ClusterError(f"the connection to pod {self.name} broke: {self._problem() or error}") from None
        finally:
            client.sock.shutdown()
        if status.get("status") != "Success":
            reason = " ".join(said.decode(errors="replace").split()) or status.get("message") or self._problem()
            raise ClusterError(f"pod {self.name} did not take what it was sent: {reason or 'it does not answer'}")

    def follow(self, container: str, output: Output) -> ContainerEnd:
        """Write a container's log as it comes, and return how the container ended.

        :raises ClusterError: it has no end, since the pod is gone
        """
        log = LogLines(output)
        while True:
            self._copy_log(container, log)
            for pod in self._states(_LOOK_SECONDS):
                if end := _state(pod, container).get("terminated"):
                    self._copy_log(container, log)  # what came while the connection was lost
                    return ContainerEnd(end["exitCode"], end.get("reason", ""))
                if pod.get("status", {}).get("phase") == "Failed":
                    raise ClusterError(pod_problem(pod))

    def _states(self, seconds: int) -> Iterator[Object]:
        """The pod as it is and as it becomes, for some seconds."""
        query = {"watch": "true", "fieldSelector": f"metadata.name={self.name}", "timeoutSeconds": seconds}
        path = f"{_pods_path(self._cluster)}?{urlencode(query)}"
        found: Object | None = None
        with self._cluster.follow(path, seconds + _SILENCE_SECONDS) as pieces:
            for line in whole_lines(pieces):
                event = json.loads(line) if line.endswith(b"\n") else {}
                if event.get("type") not in ("ADDED", "MODIFIED"):
                    break
                found = event["object"]
                yield found
        if found is None:
            time.sleep(_PAUSE_SECONDS)
        found = self._cluster.read(self._path)
        if found is None:
            raise ClusterError(f"pod {self.name} was deleted while it was needed")
        yield found

    def _copy_log(self, container: str, log: LogLines) -> None:
        query = {"container": container, "follow": "true", "timestamps": "true"}
        if log.last_time:
            query["sinceTime"] = log.last_time
        with self._cluster.follow(f"{self._path}/log?{urlencode(query)}", _SILENCE_SECONDS) as pieces:
            log.add(whole_lines(pieces))

    def _problem(self) -> str:
        with suppress(ClusterError):
            pod = self._cluster.read(self._path)
            return pod_problem(pod) if pod else "it was deleted"
        return ""

    def _last_warning(self) -> str:
        """What the cluster says of the pod, if that is a warning."""
        events = self._events()
        if not events or events[-1].get("type") != "Warning":
            return ""
        return f"pod {self.name} does not start: {events[-1].get('reason')}: {events[-1].get('message')}"

    def _has_event(self, reasons: frozenset[str]) -> bool:
        return any(event.get("reason") in reasons for event in self._events())

    def _events(self) -> list[Object]:
        """The events of the pod, the last one last; none where we may not see them."""
        query = urlencode({"fieldSelector": f"involvedObject.name={self.name}"})
        events: list[Object] = []
        with suppress(ClusterError):
            path = f"/api/v1/namespaces/{self._cluster.target.namespace}/events?{query}"
            events = (self._cluster.read(path) or {}).get("items") or []
        return sorted(events, key=lambda event: str(event.get("lastTimestamp") or event.get("eventTime")))


@contextmanager
def running_pod(cluster: Cluster, manifest: Object, project: Path) -> Iterator[Pod]:
    """A pod that goes with the block, or with the process if that ends before; first, those that earlier runs left.

    :param manifest: the pod without its labels that say whose it is
    :param project: the folder of the project that it is for
    :raises ClusterError: it cannot be created
    """
    owner = _owner(project)
    _delete_leftovers(cluster, owner)
    process = f"{os.getpid()}-{uuid.uuid4().hex[:12]}"
    labels = {**manifest["metadata"].get("labels", {}), _OWNER_LABEL: owner, _PROCESS_LABEL: process}
    labelled = {**manifest, "metadata": {**manifest["metadata"], "labels": labels}}
    creating = threading.Lock()

    def delete() -> None:
        # A pod that is being created by another thread has to be there before it can be deleted.
        if creating.acquire(timeout=_CREATION_SECONDS):
            creating.release()
        with suppress(ClusterError):  # then the next run deletes it
            _delete(cluster, f"{_PROCESS_LABEL}={process}")

    with interrupt.doing_at_end(delete):
        with creating:
            created = _create(cluster, labelled)
        yield Pod(cluster, created["metadata"]["name"])


def _create(cluster: Cluster, manifest: Object) -> dict[str, Any]:
    """Create a pod; a new namespace has no service account yet, without which it takes none."""
    deadline = time.monotonic() + _PATIENCE_SECONDS
    while True:
        try:
            return cluster.create(_pods_path(cluster), manifest)
        except ClusterError as error:
            if _NO_ACCOUNT_YET not in str(error) or time.monotonic() > deadline:
                raise
            time.sleep(_PAUSE_SECONDS)


def _delete_leftovers(cluster: Cluster, owner: str) -> None:
    """Delete the pods of processes on this machine that are no more."""

    def is_left(pod: Object) -> bool:
        process = pod["metadata"]["labels"].get(_PROCESS_LABEL, "").partition("-")[0]
        return process.isdigit() and not _runs(int(process))

    _delete(cluster, f"{_OWNER_LABEL}={owner}", is_left)


def _delete(cluster: Cluster, selector: str, is_meant: Callable[[Object], bool] = lambda _: True) -> None:
    path = _pods_path(cluster)
    found = cluster.read(f"{path}?{urlencode({'labelSelector': selector})}") or {}
    for pod in found.get("items") or ():
        if is_meant(pod):
            cluster.delete(f"{path}/{pod['metadata']['name']}", at_once=True)


def _runs(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except OSError:
        return True
    return True


def _owner(project: Path) -> str:
    """A label's value for a project's folder on a machine, and in a container, whose processes have numbers anew."""
    processes = _PID_NAMESPACE.readlink() if _PID_NAMESPACE.is_symlink() else ""
    words = (socket.gethostname(), f"{uuid.getnode():x}", str(processes), str(project))
    return hashlib.sha256("\0".join(words).encode(errors="surrogateescape")).hexdigest()[:32]


def _pods_path(cluster: Cluster) -> str:
    return f"/api/v1/namespaces/{cluster.target.namespace}/pods"


def _state(pod: Object, container: str) -> Object:
    """The state of a container: a map with the key ``waiting``, ``running`` or ``terminated``."""
    status = pod.get("status", {})
    found: Iterable[Object] = (
        *(status.get("initContainerStatuses") or ()),
        *(status.get("containerStatuses") or ()),
    )
    return next((each.get("state", {}) for each in found if each["name"] == container), {})


class LogLines:
    """Writes lines that come with their times, each once, however often the same ones come."""

    def __init__(self, output: Output) -> None:
        self._output = output
        self.last_time = ""

    def add(self, lines: Iterable[bytes]) -> None:
        """Write those of the lines that are later than what was written before."""
        seen = self.last_time
        for line in lines:
            at, _, text = line.decode(errors="replace").partition(" ")
            if at > seen:
                self._output.write(text)
                self.last_time = at


def whole_lines(pieces: Iterable[bytes]) -> Iterator[bytes]:
    """Whole lines with their ends; the last may have none."""
    rest = b""
    for piece in pieces:
        *lines, rest = (rest + piece).split(b"\n")
        for line in lines:
            yield line + b"\n"
    if rest:
        yield rest
