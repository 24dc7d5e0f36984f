"""A program that runs at a terminal, and the person in front of it."""

from __future__ import annotations

import os
import pty
import select
import subprocess
from collections.abc import Sequence
from pathlib import Path

PATIENCE = 60
BACKSPACE = "\x7f"
CTRL_C = "\x03"
DOWN = "\x1b[B"
ENTER = "\r"

_WHERE_IS_THE_CURSOR = "\x1b[6n"
_TOP_LEFT = "\x1b[1;1R"


class Terminal:
    """``command``, running in ``folder`` with a pseudo-terminal as its standard streams."""

    def __init__(self, command: Sequence[str | Path], folder: Path) -> None:
        self.shown = ""
        self._seen = 0
        self._descriptor, other_end = pty.openpty()
        self._process = subprocess.Popen(
            command,
            cwd=folder,
            env={**os.environ, "TERM": "xterm"},
            stdin=other_end,
            stdout=other_end,
            stderr=other_end,
            start_new_session=True,
        )
        os.close(other_end)

    def wait_for(self, text: str) -> None:
        """Wait until the program has shown a text after those that were waited for before."""
        while (found := self.shown.find(text, self._seen)) < 0:
            assert self._read(), f"the program ended without showing {text!r}: {self.shown}"
        self._seen = found + len(text)

    def type(self, *keys: str) -> None:
        """Press keys."""
        os.write(self._descriptor, "".join(keys).encode())

    def end(self) -> int:
        """Wait for the program's end, and return its exit code."""
        while self._read():
            pass
        os.close(self._descriptor)
        return self._process.wait(PATIENCE)

    def _read(self) -> bool:
        ready, _, _ = select.select([self._descriptor], [], [], PATIENCE)
        if not ready:
            self._process.kill()
            raise TimeoutError(f"nothing happens for {PATIENCE} s after: {self.shown}")
        try:
            shown = os.read(self._descriptor, 1 << 16).decode(errors="replace")
        except OSError:  # Linux's way to say that the other end is closed
            return False
        self.shown += shown
        if _WHERE_IS_THE_CURSOR in shown:
            self.type(_TOP_LEFT)
        return bool(shown)
