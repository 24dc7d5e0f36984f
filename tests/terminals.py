"""A program that runs at a terminal, and the person in front of it."""

from __future__ import annotations

import fcntl
import os
import pty
import select
import signal
import struct
import subprocess
import termios
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import pyte

PATIENCE = 60
BACKSPACE = "\x7f"
CTRL_C = "\x03"
DOWN = "\x1b[B"
ENTER = "\r"

_WHERE_IS_THE_CURSOR = "\x1b[6n"
_TOP_LEFT = "\x1b[1;1R"


class Terminal:
    """``command``, running in ``folder`` with a pseudo-terminal as its standard streams.

    :param environ: variables beside the tests' own; empty ones are taken away
    """

    def __init__(
        self,
        command: Sequence[str | Path],
        folder: Path,
        *,
        columns: int = 80,
        lines: int = 24,
        environ: Mapping[str, str] | None = None,
    ) -> None:
        self.shown = ""
        self._seen = 0
        self._screen = pyte.Screen(columns, lines)
        self._stream = pyte.Stream(self._screen)
        self._descriptor, other_end = pty.openpty()
        self._set_size(columns, lines)
        variables = {**os.environ, "TERM": "xterm", **(environ or {})}
        self._process = subprocess.Popen(
            command,
            cwd=folder,
            env={name: value for name, value in variables.items() if value},
            stdin=other_end,
            stdout=other_end,
            stderr=other_end,
            start_new_session=True,
        )
        os.close(other_end)

    def wait_for(self, text: str) -> None:
        """Wait until the program has shown a text after those that were waited for before."""
        deadline = time.monotonic() + PATIENCE
        while (found := self.shown.find(text, self._seen)) < 0:
            assert self._read(deadline), f"the program ended without showing {text!r}: {self.shown}"
        self._seen = found + len(text)

    @property
    def screen(self) -> list[str]:
        """The lines that stand on the terminal now, without the empty ones below."""
        return "\n".join(line.rstrip() for line in self._screen.display).rstrip("\n").split("\n")

    def wait_until(self, is_seen: Callable[[list[str]], bool]) -> list[str]:
        """Wait until the screen is as it should be, and return it."""
        deadline = time.monotonic() + PATIENCE
        while not is_seen(self.screen):
            assert self._read(deadline), "the program ended before that was seen:\n" + "\n".join(self.screen)
        return self.screen

    def resize(self, columns: int, lines: int) -> None:
        """Change the size of the window; this terminal cuts lines that are too long by then."""
        self._screen.resize(lines, columns)
        self._set_size(columns, lines)

    def interrupt(self) -> None:
        """Press Ctrl-C while the terminal is in its usual mode, in which the program gets a signal."""
        self._process.send_signal(signal.SIGINT)

    def freeze(self) -> int:
        """Read nothing any more, press Ctrl-C as :meth:`interrupt` does, and return the program's exit code."""
        self.interrupt()
        try:
            return self._process.wait(PATIENCE)
        finally:
            self._process.kill()
            os.close(self._descriptor)

    def close(self) -> int:
        """Close the window while the program runs, and return the program's exit code."""
        os.close(self._descriptor)
        self._process.send_signal(signal.SIGHUP)
        return self._process.wait(PATIENCE)

    def _set_size(self, columns: int, lines: int) -> None:
        fcntl.ioctl(self._descriptor, termios.TIOCSWINSZ, struct.pack("HHHH", lines, columns, 0, 0))

    def type(self, *keys: str) -> None:
        """Press keys."""
        os.write(self._descriptor, "".join(keys).encode())

    def end(self) -> int:
        """Wait for the program's end, and return its exit code."""
        deadline = time.monotonic() + PATIENCE
        while self._read(deadline):
            pass
        os.close(self._descriptor)
        return self._process.wait(PATIENCE)

    def _read(self, deadline: float) -> bool:
        ready, _, _ = select.select([self._descriptor], [], [], max(0.0, deadline - time.monotonic()))
        if not ready:
            self._process.kill()
            raise TimeoutError(f"it does not happen within {PATIENCE} s: {self.shown}")
        try:
            shown = os.read(self._descriptor, 1 << 16).decode(errors="replace")
        except OSError:  # Linux's way to say that the other end is closed
            return False
        self.shown += shown
        self._stream.feed(shown)
        if _WHERE_IS_THE_CURSOR in shown:
            self.type(_TOP_LEFT)
        return bool(shown)
