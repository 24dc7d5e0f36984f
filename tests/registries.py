"""Throw-away registries: Debian's ``docker-registry`` program on a free loopback port, files in a temporary folder.

For example::

    with Registry(htpasswd={"ann": "secret"}, tls=True) as registry:
        client.tag(image, f"{registry.address}/team/app")
"""

from __future__ import annotations

import json
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Self

PROGRAM = "docker-registry"
START_TIMEOUT = 20.0


class Registry:
    """A registry that runs while its ``with`` block does.

    ``address`` (``HOST:PORT``) is known before the start and stays the same when a test stops the registry and
    starts it again; so does what was pushed. ``htpasswd`` maps user names to passwords, and without it anyone may
    push. ``tls`` serves HTTPS with a certificate that nobody trusts.
    """

    def __init__(
        self, *, htpasswd: Mapping[str, str] | None = None, tls: bool = False, host: str = "127.0.0.1"
    ) -> None:
        self.address = f"{host}:{_free_port(host)}"
        self.tls = tls
        self.folder = Path(tempfile.mkdtemp(prefix="registry-"))
        self._htpasswd = htpasswd
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"{'https' if self.tls else 'http'}://{self.address}"

    @property
    def log(self) -> str:
        """What the registry has written so far."""
        return (self.folder / "log").read_text()

    def start(self) -> None:
        """Start the program and return once it answers."""
        configuration = self.folder / "config.yml"
        configuration.write_text(json.dumps(self._configuration()))  # JSON is YAML
        with (self.folder / "log").open("ab") as log:
            self._process = subprocess.Popen([PROGRAM, "serve", str(configuration)], stdout=log, stderr=log)
        try:
            self._wait(self._process)
        except RuntimeError:
            self.stop()
            raise

    def stop(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def __enter__(self) -> Self:
        try:
            self.start()
        except BaseException:
            shutil.rmtree(self.folder)
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.stop()
        shutil.rmtree(self.folder)

    def _configuration(self) -> dict[str, Any]:
        http: dict[str, Any] = {"addr": self.address, "secret": "shared by nobody"}
        configuration: dict[str, Any] = {
            "version": 0.1,
            "storage": {"filesystem": {"rootdirectory": str(self.folder / "data")}, "delete": {"enabled": True}},
            "http": http,
        }
        if self.tls:
            http["tls"] = self_signed_certificate(self.folder)
        if self._htpasswd is not None:
            path = _htpasswd_file(self.folder, self._htpasswd)
            configuration["auth"] = {"htpasswd": {"realm": "tests", "path": path}}
        return configuration

    def _wait(self, process: subprocess.Popen[bytes]) -> None:
        host, port = self.address.split(":")
        deadline = time.monotonic() + START_TIMEOUT
        while process.poll() is None and time.monotonic() < deadline:
            try:
                socket.create_connection((host, int(port)), timeout=1).close()
            except OSError:
                time.sleep(0.02)
            else:
                return
        raise RuntimeError(f"{PROGRAM} did not start: {self.log}")


def _free_port(host: str) -> int:
    with socket.socket() as probe:
        probe.bind((host, 0))
        port: int = probe.getsockname()[1]
        return port


def _htpasswd_file(folder: Path, users: Mapping[str, str]) -> str:
    """The registry takes bcrypt alone; the lowest cost keeps the tests quick."""
    file = folder / "htpasswd"
    hashed = [
        subprocess.run(
            ["htpasswd", "-niB", "-C", "4", user], input=password, text=True, capture_output=True, check=True
        ).stdout.strip()
        for user, password in users.items()
    ]
    file.write_text("\n".join(hashed) + "\n")
    return str(file)


def self_signed_certificate(folder: Path) -> dict[str, str]:
    """The files of a key and its certificate for 127.0.0.1, made in ``folder`` unless they are there."""
    key, certificate = folder / "tls.key", folder / "tls.crt"
    if not certificate.exists():
        command = "openssl req -x509 -nodes -days 2 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -subj /CN=registry"
        files = ["-keyout", str(key), "-out", str(certificate)]
        subprocess.run(
            [*command.split(), "-addext", "subjectAltName=IP:127.0.0.1", *files], check=True, capture_output=True
        )
    return {"certificate": str(certificate), "key": str(key)}
