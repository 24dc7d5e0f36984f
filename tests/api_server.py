"""A stand-in for a Kubernetes API server, for faults that a real one does not produce on demand."""

from __future__ import annotations

import json
import ssl
import threading
from collections.abc import Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import TracebackType
from typing import Any, NamedTuple, Self


class Answer(NamedTuple):
    """What is answered; without a code, the connection is closed instead."""

    code: int
    body: Mapping[str, Any] | bytes = b"{}"
    headers: Mapping[str, str] = {}


def refusal(code: int, reason: str, message: str) -> dict[str, Any]:
    """The object that a real API server refuses with."""
    return {
        "kind": "Status",
        "apiVersion": "v1",
        "status": "Failure",
        "code": code,
        "reason": reason,
        "message": message,
    }


class ApiServer:
    """Gives its answers in their order, and the last one for ever, while its ``with`` block runs.

    :ivar requests: the first lines of the requests so far
    :ivar authorizations: what they had in ``Authorization``
    :ivar proxy_authorizations: what they had in ``Proxy-Authorization``
    """

    def __init__(self, *answers: Answer, certificate: Mapping[str, str] | None = None) -> None:
        self.requests: list[str] = []
        self.authorizations: list[str] = []
        self.proxy_authorizations: list[str] = []
        self._answers = list(answers)
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._server.daemon_threads = True
        if certificate:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(certificate["certificate"], certificate["key"])
            self._server.socket = context.wrap_socket(self._server.socket, server_side=True)
        self.url = f"{'https' if certificate else 'http'}://127.0.0.1:{self._server.server_port}"

    def __enter__(self) -> Self:
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._server.server_close()

    def _next(self, request: str) -> Answer:
        self.requests.append(request)
        return self._answers.pop(0) if len(self._answers) > 1 else self._answers[0]

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        server = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def _answer(self) -> None:
                self.rfile.read(int(self.headers.get("Content-Length") or 0))
                server.authorizations.append(self.headers.get("Authorization", ""))
                server.proxy_authorizations.append(self.headers.get("Proxy-Authorization", ""))
                answer = server._next(self.requestline.removesuffix(" HTTP/1.1"))
                if not answer.code:
                    self.close_connection = True
                    return
                body = answer.body if isinstance(answer.body, bytes) else json.dumps(answer.body).encode()
                self.send_response(answer.code)
                for name, value in {"Content-Length": str(len(body)), **answer.headers}.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(body)

            do_GET = do_POST = do_PATCH = do_DELETE = _answer  # noqa: N815 - the names that the base class looks for

            def log_message(self, format: str, *args: object) -> None:
                pass

        return Handler


def write_kubeconfig(
    folder: Path, server: str, *, user: Mapping[str, Any] | None = None, cluster: Mapping[str, Any] | None = None
) -> dict[str, str]:
    """Write a kubeconfig with one context, ``test``, and return an environment that names it."""
    file = folder / "kubeconfig"
    config = {
        "current-context": "test",
        "contexts": [{"name": "test", "context": {"cluster": "test", "user": "test", "namespace": "shop"}}],
        "clusters": [{"name": "test", "cluster": {"server": server, **(cluster or {})}}],
        "users": [{"name": "test", "user": user or {}}],
    }
    file.write_text(json.dumps(config))  # JSON is YAML
    return {"KUBECONFIG": str(file)}
