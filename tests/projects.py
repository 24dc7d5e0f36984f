"""A user's project in a temporary folder, and the programs run in it as a user runs them."""

from __future__ import annotations

import os
import subprocess
import sysconfig
import uuid
from collections.abc import Mapping
from pathlib import Path

PROGRAMS = Path(sysconfig.get_path("scripts"))
TIMEOUT = 120


class Project:
    """A folder with files, and images whose repositories have a component of their own.

    The folder chooses the plugin as doit's loader. Programs run in it with the tests' environment (what a test sets
    with ``monkeypatch`` included) and no terminal.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.namespace = f"test-{uuid.uuid4().hex[:8]}"
        self.write("pyproject.toml", '[tool.doit]\nloader = "imagetasks"\n')

    def repository(self, name: str, registry: str = "") -> str:
        """A repository that belongs to this project alone: ``[registry/]test-1a2b3c4d/name``."""
        return "/".join(part for part in (registry, self.namespace, name) if part)

    def write(self, path: str, text: str, mode: int = 0o644) -> Path:
        """Write a file, and the folders that lead to it."""
        file = self.folder / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
        file.chmod(mode)
        return file

    def doit(self, *args: str, env: Mapping[str, str] | None = None) -> subprocess.CompletedProcess[str]:
        """Run ``doit`` to its end; standard output and standard error are kept apart."""
        return self._run("doit", args, env)

    def imagetasks(
        self, *args: str, env: Mapping[str, str] | None = None, stdin: str = ""
    ) -> subprocess.CompletedProcess[str]:
        """Run ``imagetasks`` to its end; it reads ``stdin``."""
        return self._run("imagetasks", args, env, stdin)

    def start(self, program: str, *args: str, env: Mapping[str, str] | None = None) -> subprocess.Popen[str]:
        """Start ``doit`` or ``imagetasks`` in a session of its own, for a test that interrupts it."""
        return subprocess.Popen(
            [PROGRAMS / program, *args],
            cwd=self.folder,
            env={**os.environ, **(env or {})},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )

    def _run(
        self, program: str, args: tuple[str, ...], env: Mapping[str, str] | None, stdin: str = ""
    ) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [PROGRAMS / program, *args],
            cwd=self.folder,
            env={**os.environ, **(env or {})},
            input=stdin,
            capture_output=True,
            text=True,
            timeout=TIMEOUT,
            check=False,
        )
