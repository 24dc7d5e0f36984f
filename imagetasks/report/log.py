"""The log of one task: everything its engine said but passwords, in a file, and live where a person watches."""

from __future__ import annotations

import os
import sys
from collections import deque
from collections.abc import Iterable, Sequence
from pathlib import Path
from types import TracebackType
from typing import TextIO

from imagetasks.errors import StateError
from imagetasks.report import phases
from imagetasks.report.masking import Masking
from imagetasks.report.terminal import plain_text, show

LIVE_VERBOSITY = 2
"""doit's verbosity at which a task's output is shown as it comes."""

TAIL_LINES = 20
"""How many lines of its end a failed build shows."""

TAIL_CHARACTERS = 2_000
"""How much of a long line it shows."""


class TaskLog:
    """Writes text to ``<folder>/<task, with - for :>.log``, and with ``live`` to standard output too: there line by
    line, since others write there as well, after the task's name, and without control characters.

    The file is for its owner alone. A mask takes the place of each of the ``secrets``.

    :raises StateError: on entering, the file cannot be made; on writing, the disk is full
    """

    def __init__(self, folder: Path, task: str, *, live: bool, secrets: Iterable[str] = ()) -> None:
        self.path = folder / f"{task.replace(':', '-')}.log"
        self._task = task
        self._live = live
        self._file: TextIO | None = None
        self._tail: deque[str] = deque(maxlen=TAIL_LINES)
        self._unfinished = ""
        self._masking = Masking(secrets)

    def __enter__(self) -> TaskLog:
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self._file = open(self.path, "w", encoding="utf-8", errors="replace", opener=_open_private)
        except OSError as error:
            raise self._not_written(error) from error
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._file is None:
            return
        try:
            with self._file:
                self._append(self._masking.rest())
                if self._unfinished:
                    self._show([self._unfinished])
        except OSError as failure:
            if error is None:
                raise self._not_written(failure) from failure

    def write(self, text: str) -> None:
        """Append ``text``, which may be any part of a line or several lines."""
        try:
            self._append(self._masking.feed(text))
        except OSError as error:
            raise self._not_written(error) from error

    def mask(self, text: str) -> str:
        """A text without the secrets, for what is told of the task elsewhere."""
        return self._masking.mask(text)

    def tail(self) -> str:
        """The last lines, indented, without a line end."""
        unfinished = self._unfinished + self._masking.held
        lines = [*self._tail, unfinished] if unfinished.strip() else list(self._tail)
        return "\n".join(f"    {plain_text(line)}" for line in lines[-TAIL_LINES:])

    def _append(self, text: str) -> None:
        assert self._file is not None
        self._file.write(text)
        self._file.flush()
        *finished, unfinished = (self._unfinished + text).split("\n")
        self._show(finished)
        for line in finished:
            phases.read_line(self._task, line)
        self._tail.extend(line[-TAIL_CHARACTERS:] for line in finished if line.strip())
        self._unfinished = unfinished[-TAIL_CHARACTERS:]

    def _show(self, lines: Sequence[str]) -> None:
        """Show lines where a person watches; of one that was written over and over again, such as a bar, the last."""
        if self._live and lines:
            last = (plain_text(line.rstrip("\r").rpartition("\r")[2]) for line in lines)
            show(sys.stdout, "".join(f"{self._task} | {line}".rstrip() + "\n" for line in last))

    def _not_written(self, error: OSError) -> StateError:
        return StateError(f"the log {self.path} cannot be written: {error.strerror}")


def _open_private(path: str, flags: int) -> int:
    """Open a file for its owner alone, also one that is there and was for others."""
    descriptor = os.open(path, flags, 0o600)
    os.chmod(path, 0o600)  # noqa: PTH101
    return descriptor
