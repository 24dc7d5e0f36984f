"""The log of one task: everything its engine said, in a file, and live where a person watches."""

from __future__ import annotations

import sys
from collections import deque
from pathlib import Path
from types import TracebackType
from typing import TextIO

from imagetasks.errors import StateError
from imagetasks.report.terminal import show

LIVE_VERBOSITY = 2
"""doit's verbosity at which a task's output is shown as it comes."""

TAIL_LINES = 20
"""How many lines of its end a failed build shows."""

TAIL_CHARACTERS = 2_000
"""How much of a long line it shows."""


class TaskLog:
    """Writes text to ``<folder>/<task, with - for :>.log``, and with ``live`` to standard output too.

    :raises StateError: on entering, the file cannot be made; on writing, the disk is full
    """

    def __init__(self, folder: Path, task: str, *, live: bool) -> None:
        self.path = folder / f"{task.replace(':', '-')}.log"
        self._live = live
        self._file: TextIO | None = None
        self._tail: deque[str] = deque(maxlen=TAIL_LINES)
        self._unfinished = ""

    def __enter__(self) -> TaskLog:
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self._file = self.path.open("w", encoding="utf-8", errors="replace")
        except OSError as error:
            raise StateError(f"the log {self.path} cannot be written: {error.strerror}") from error
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._file is not None:
            try:
                self._file.close()
            except OSError as failure:
                if error is None:
                    raise StateError(f"the log {self.path} cannot be written: {failure.strerror}") from failure

    def write(self, text: str) -> None:
        """Append ``text``, which may be any part of a line or several lines."""
        assert self._file is not None
        try:
            self._file.write(text)
            self._file.flush()
        except OSError as error:
            raise StateError(f"the log {self.path} cannot be written: {error.strerror}") from error
        if self._live:
            show(sys.stdout, text)
        *finished, unfinished = (self._unfinished + text).split("\n")
        self._tail.extend(line[-TAIL_CHARACTERS:] for line in finished if line.strip())
        self._unfinished = unfinished[-TAIL_CHARACTERS:]

    def tail(self) -> str:
        """The last lines, indented, without a line end."""
        lines = [*self._tail, self._unfinished] if self._unfinished.strip() else list(self._tail)
        return "\n".join(f"    {line}" for line in lines[-TAIL_LINES:])
