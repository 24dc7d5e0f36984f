"""The Kubernetes API of the cluster that a run is for.

Objects are dictionaries as the API has them, and stand at paths: ``/apis/apps/v1/namespaces/shop/deployments/web``.
"""

from __future__ import annotations

import json
import math
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from imagetasks.cluster.connection import Connection, connect
from imagetasks.cluster.mistakes import (
    connection_mistake,
    context_words,
    is_terminating,
    status_mistake,
    terminating_mistake,
)
from imagetasks.cluster.resources import Resource, objects_in, resources_in, root_of
from imagetasks.errors import ClusterError, ConflictError

if TYPE_CHECKING:
    from urllib3 import BaseHTTPResponse, Retry

    from imagetasks.kubeconfig import Target

_JSON = "application/json"
_MERGE_PATCH = "application/merge-patch+json"
_METADATA = f"{_JSON};as=PartialObjectMetadata;g=meta.k8s.io;v=v1, {_JSON}"
_CONNECT_TIMEOUT, _READ_TIMEOUT = 10.0, 60.0
_CHANNELS = "v4.channel.k8s.io"
"""The protocol of a container's streams that every API server knows: one cannot be closed by itself in it."""
_LOOKERS = 4
_HARMLESS_TWICE = frozenset({"GET", "PUT", "DELETE"})


class Cluster:
    """A cluster, and in it the namespace of what does not name one.

    Making one costs nothing: it connects when it is first asked. Those of one context share a connection, and several
    threads may use them. Every method raises ClusterError, which says in one sentence why the cluster does not do it:
    it cannot be reached, does not accept us, misses a right, has too much to do. It is asked again only where that
    can help: when it asks for it (``Retry-After``), or when an answer was lost to what does no harm twice.

    :param patience: for how many seconds to wait at most for a connection, and for an answer
    """

    def __init__(
        self, target: Target, environ: Mapping[str, str] = os.environ, *, patience: float = math.inf
    ) -> None:
        self.target = target
        self._environ = environ
        self._patience = patience

    @property
    def api_client(self) -> Any:
        """The ``kubernetes.client.ApiClient``, for what is not here; use it inside :meth:`telling_mistakes`."""
        return self._connection.api_client

    @contextmanager
    def telling_mistakes(self) -> Iterator[None]:
        """Turn the exceptions of the kubernetes package, and of the connection beneath it, into ClusterErrors."""
        server = self._connection.server
        from kubernetes.client.exceptions import ApiException
        from urllib3.exceptions import HTTPError

        try:
            yield
        except ApiException as error:
            if error.status:
                raise status_mistake(error.status, error.body, self.target) from None
            raise connection_mistake(error, server, self.target) from None
        except (HTTPError, OSError) as error:
            raise connection_mistake(error, server, self.target) from None

    def read(self, path: str) -> dict[str, Any] | None:
        """The object or list at a path, or ``None`` if nothing is there."""
        response = self._send("GET", path)
        return None if response.status == HTTPStatus.NOT_FOUND else self._answer(response)

    def create(self, path: str, body: Mapping[str, Any]) -> dict[str, Any]:
        """Create an object in the collection at a path, and return it.

        :raises ConflictError: there is one of that name
        """
        return self._answer(self._send("POST", path, body))

    def patch(self, path: str, body: Mapping[str, Any]) -> dict[str, Any]:
        """Merge ``body`` into the object at a path by JSON merge patch, and return it.

        What is ``None`` goes, and lists are replaced.

        :raises ConflictError: ``body`` has a ``metadata.resourceVersion`` that is no longer the object's
        """
        return self._answer(self._send("PATCH", path, body, content_type=_MERGE_PATCH))

    @contextmanager
    def follow(self, path: str, silence: float) -> Iterator[Iterator[bytes]]:
        """What comes from a path as it comes: a log that is followed, or a watch.

        It ends too where the connection breaks, or nothing has come for ``silence`` seconds.
        """
        response = self._send("GET", path, read_timeout=silence, preload_content=False)
        try:
            if response.status >= HTTPStatus.BAD_REQUEST:
                raise status_mistake(response.status, response.data, self.target)
            yield _pieces(response)
        finally:
            response.close()

    def open_websocket(self, path: str) -> Any:
        """A ``kubernetes.stream.ws_client.WSClient`` for bytes, by which a container's streams are reached."""
        connection = self._connection
        from kubernetes.stream.ws_client import WSClient, get_websocket_url
        from websocket import WebSocketBadStatusException, WebSocketException

        headers = {key.lower(): value for key, value in connection.authorization().items()}
        headers["sec-websocket-protocol"] = _CHANNELS
        url = get_websocket_url(connection.server + path)
        try:
            with self.telling_mistakes():
                return WSClient(connection.api_client.configuration, url, headers, capture_all=False, binary=True)
        except WebSocketBadStatusException as error:
            raise status_mistake(error.status_code, error.resp_body, self.target) from None
        except WebSocketException as error:
            raise connection_mistake(error, connection.server, self.target) from None

    def delete(self, path: str, *, at_once: bool = False) -> bool:
        """Delete the object at a path, and in the background what it owns; says whether it was there.

        :param at_once: a pod is not given time to end
        """
        body = {"propagationPolicy": "Background", **({"gracePeriodSeconds": 0} if at_once else {})}
        response = self._send("DELETE", path, body)
        if response.status == HTTPStatus.NOT_FOUND:
            return False
        self._answer(response)
        return True

    def missing(self, paths: Sequence[str]) -> list[str]:
        """Those of some paths where there is nothing, or only what is being deleted.

        Objects come without their content, several at a time, over connections that stay open.
        """
        if not paths:
            return []
        with ThreadPoolExecutor(min(_LOOKERS, len(paths))) as lookers:
            there = list(lookers.map(self._has, paths))
        return [path for path, is_there in zip(paths, there, strict=True) if not is_there]

    def paths_of(self, manifests: Iterable[Mapping[str, Any]], *, of_known_kinds: bool = False) -> list[str]:
        """The paths of objects, custom resources too, by what the cluster says of their kinds.

        Lists stand for what they hold. What has no name yet (``generateName``) has no path.

        :param of_known_kinds: objects of other kinds, of which there can be none, are passed over
        :raises ClusterError: the cluster does not know a kind
        """
        known: dict[str, dict[str, Resource]] = {}
        found = ((entry, self._resource_of(entry, known)) for entry in objects_in(manifests))
        return [self._path_of(entry, resource) for entry, resource in found if resource or not of_known_kinds]

    def ensure_namespace(self, name: str) -> None:
        """Create a namespace if it is not there.

        Whoever may not look at namespaces has been given one, so that it is taken to be there.

        :raises ClusterError: it is being deleted, or may not be created
        """
        response = self._send("GET", f"/api/v1/namespaces/{name}")
        if response.status == HTTPStatus.FORBIDDEN:
            return
        if response.status == HTTPStatus.NOT_FOUND:
            self._create_namespace(name)
        elif is_terminating(self._answer(response)):
            raise terminating_mistake(name, self.target)

    @property
    def _connection(self) -> Connection:
        return connect(self.target.context, self._environ)

    def _create_namespace(self, name: str) -> None:
        try:
            self.create("/api/v1/namespaces", {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}})
        except ConflictError:
            return

    def _has(self, path: str) -> bool:
        response = self._send("GET", path, accept=_METADATA)
        if response.status == HTTPStatus.NOT_FOUND:
            return False
        return "deletionTimestamp" not in self._answer(response)["metadata"]

    def _resource_of(self, entry: Mapping[str, Any], known: dict[str, dict[str, Resource]]) -> Resource | None:
        version = str(entry.get("apiVersion"))
        if version not in known:
            known[version] = resources_in(root_of(version), self.read(root_of(version)) or {})
        return known[version].get(str(entry.get("kind")))

    def _path_of(self, entry: Mapping[str, Any], resource: Resource | None) -> str:
        if resource is None:
            kind, version = entry.get("kind"), entry.get("apiVersion")
            raise ClusterError(f"{context_words(self.target)} knows no kind {kind} in {version}")
        metadata = entry["metadata"]
        return resource.path(metadata["name"], metadata.get("namespace") or self.target.namespace)

    def _send(
        self,
        method: str,
        path: str,
        body: Mapping[str, Any] | None = None,
        *,
        content_type: str = _JSON,
        accept: str = _JSON,
        read_timeout: float = _READ_TIMEOUT,
        preload_content: bool = True,
    ) -> BaseHTTPResponse:
        connection = self._connection
        headers = {"Accept": accept, "Content-Type": content_type, "User-Agent": "imagetasks"}
        with self.telling_mistakes():
            response: BaseHTTPResponse = connection.api_client.rest_client.pool_manager.request(
                method,
                connection.server + path,
                body=None if body is None else json.dumps(body),
                headers=headers | connection.authorization(),
                timeout=_timeout(read_timeout, self._patience),
                retries=_retries(method),
                preload_content=preload_content,
            )
        return response

    def _answer(self, response: BaseHTTPResponse) -> dict[str, Any]:
        if response.status >= HTTPStatus.BAD_REQUEST:
            raise status_mistake(response.status, response.data, self.target)
        try:
            answer = json.loads(response.data)
        except ValueError:
            answer = None
        if not isinstance(answer, dict):
            raise ClusterError(f"what answers as the API server of {context_words(self.target)} is none")
        return answer


def _pieces(response: BaseHTTPResponse) -> Iterator[bytes]:
    from urllib3.exceptions import HTTPError

    with suppress(HTTPError, OSError):
        yield from response.stream()


def _timeout(read: float, patience: float) -> Any:
    from urllib3 import Timeout

    return Timeout(connect=min(_CONNECT_TIMEOUT, patience), read=min(read, patience))


def _retries(method: str) -> Retry:
    """One more try for a lost answer, five for a server that asks for it (429 and 503 with ``Retry-After``)."""
    from urllib3 import Retry

    return Retry(
        connect=0,
        read=1 if method in _HARMLESS_TWICE else 0,
        redirect=0,
        status=5,
        other=0,
        allowed_methods=None,
        raise_on_redirect=False,
        raise_on_status=False,
    )
