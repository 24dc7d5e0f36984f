"""A stand-in for a Docker daemon that only takes build contexts, to see what the docker CLI sends in a moment."""

from __future__ import annotations

import io
import os
import subprocess
import tarfile
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Self


class ContextReceiver:
    """Listens while it is entered. One build at a time."""

    def __enter__(self) -> Self:
        self._server = _Server(("127.0.0.1", 0), _Handler)
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    def build(self, cli: str, folder: Path) -> tuple[subprocess.CompletedProcess[str], bytes]:
        """Run ``docker build`` without BuildKit on a folder: how it ended, and the tar archive that it sent."""
        self._server.context = b""
        host = f"tcp://127.0.0.1:{self._server.server_port}"
        environment = {**os.environ, "DOCKER_BUILDKIT": "0", "DOCKER_HOST": host}
        command = [cli, "build", str(folder)]
        ended = subprocess.run(
            command, env=environment, check=False, capture_output=True, text=True, errors="replace"
        )
        return ended, self._server.context


def paths_of(archive: bytes) -> list[str]:
    """The paths of a tar archive, sorted, with undecodable bytes as surrogates."""
    with tarfile.open(fileobj=io.BytesIO(archive), encoding="utf-8", errors="surrogateescape") as members:
        return sorted(member.name for member in members)


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    context = b""


class _Handler(BaseHTTPRequestHandler):
    """Of the Docker Engine API as much as ``docker build`` asks for."""

    server: _Server
    protocol_version = "HTTP/1.1"

    def do_HEAD(self) -> None:
        self._answer(b"")

    def do_GET(self) -> None:
        self._answer(b"{}")

    def do_POST(self) -> None:
        self.server.context = b"".join(iter(self._chunk, b""))
        self._answer(b"{}")

    def _chunk(self) -> bytes:
        """The next piece of a body with ``Transfer-Encoding: chunked``, empty at its end."""
        size = int(self.rfile.readline(), 16)
        data = self.rfile.read(size)
        self.rfile.readline()
        return data

    def _answer(self, body: bytes) -> None:
        self.send_response(200)
        self.send_header("Api-Version", "1.41")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""
