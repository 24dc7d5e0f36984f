"""Whether the Docker daemon holds an image, asked as cheaply as that can be done.

A run that has nothing to do asks nothing else of a daemon, and importing docker-py would double its time. So the one
request (Docker Engine API, ``ImageInspect``) is written here by hand, in HTTP/1.0, which needs no parser for chunks.
"""

from __future__ import annotations

import json
import socket
from collections.abc import Mapping

from imagetasks.endpoint import daemon_endpoint

_DEFAULT_SOCKET = "/var/run/docker.sock"
_SECONDS = 10


def holds_image(name: str, image_id: str, environ: Mapping[str, str]) -> bool:
    """Whether a name or id stands for the image ``image_id`` in the daemon.

    :raises DaemonError: no daemon answers
    """
    path = _socket_path(environ)
    if not path:
        return _ask_by_library(name, environ) == image_id
    try:
        return _ask_by_socket(path, name) == image_id
    except (OSError, ValueError):
        return _ask_by_library(name, environ) == image_id


def _socket_path(environ: Mapping[str, str]) -> str:
    """The daemon's Unix socket, or ``""`` where it is reached in another way."""
    endpoint = daemon_endpoint(environ)
    if not hasattr(socket, "AF_UNIX"):
        return ""
    if endpoint == "default":
        return _DEFAULT_SOCKET
    return endpoint.removeprefix("unix://") if endpoint.startswith("unix://") else ""


def _ask_by_socket(path: str, name: str) -> str | None:
    with socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(_SECONDS)
        connection.connect(path)
        connection.sendall(f"GET /images/{name}/json HTTP/1.0\r\nHost: docker\r\n\r\n".encode())
        with connection.makefile("rb") as answer:
            head, _, body = answer.read().partition(b"\r\n\r\n")
    if head.split(maxsplit=2)[1:2] != [b"200"]:
        return None
    return str(json.loads(body)["Id"])


def _ask_by_library(name: str, environ: Mapping[str, str]) -> str | None:
    from imagetasks.daemon import Daemon

    return Daemon(environ).image_id(name)
