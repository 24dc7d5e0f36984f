"""Rows at the bottom of a terminal that tell what runs, below all that is written meanwhile."""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, TextIO, cast

from imagetasks.report.activities import Activities
from imagetasks.report.terminal import show

if TYPE_CHECKING:
    from imagetasks.report.drawing import Row

_PATIENCE_SECONDS = 1.0
"""How long a run that only looks around does so without rows."""

_PAUSE_SECONDS = 0.1
_DEFAULT_SIZE = os.terminal_size((80, 24))
_UP, _CLEAR_REST_OF_LINE, _CLEAR_BELOW = "\r\x1b[{}A", "\x1b[K", "\x1b[J"


class Display:
    """Draws rows on ``stream`` from a thread of its own, from :meth:`start` until :meth:`stop`.

    The cursor stays visible, and stands below the rows: so that a run that is killed leaves a sane terminal.

    :param counts: what the last row says
    """

    def __init__(self, stream: TextIO, activities: Activities, counts: Callable[[], str]) -> None:
        self._stream = stream
        self._activities = activities
        self._counts = counts
        self._lock = threading.RLock()
        self._is_writing = False
        self._rows: list[Row] = []
        self._size = _DEFAULT_SIZE
        self._pauses = 0
        self._wanted = threading.Event()
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._keep_drawing, daemon=True)
        self._streams: list[_Above] = []

    def above(self, stream: TextIO) -> TextIO:
        """A stream that takes the place of one of this terminal's: what is written to it appears above the rows."""
        self._streams.append(_Above(stream, self))
        return cast(TextIO, self._streams[-1])

    def start(self, *, at_once: bool) -> None:
        """Draw from now on, or after a moment of patience."""
        with self._lock:
            if self._thread.ident is None:
                self._thread.start()
        if at_once:
            self._wanted.set()

    def stop(self) -> None:
        """Take the rows away, for good."""
        self._ended.set()
        self._wanted.set()
        with self._lock:
            self._erase()

    def pause(self) -> None:
        """Leave the terminal to somebody else, until :meth:`resume` has been called as often."""
        with self._lock:
            self._pauses += 1
            self._erase()

    def resume(self) -> None:
        """Draw again."""
        with self._lock:
            self._pauses -= 1

    @contextmanager
    def writing(self) -> Iterator[bool]:
        """Nobody else writes meanwhile; false where a signal has come in between, and the rows may be half drawn."""
        with self._lock:
            if self._is_writing:
                yield False
                return
            self._is_writing = True
            try:
                yield True
            finally:
                self._is_writing = False

    def write(self, stream: TextIO, lines: str) -> None:
        """Write whole lines above the rows; only while :meth:`writing`."""
        cleared = lines.replace("\n", f"{_CLEAR_REST_OF_LINE}\n")
        if stream is self._stream:
            show(stream, self._way_back() + cleared + _text(self._rows))
            return
        show(self._stream, self._way_back())
        show(stream, cleared)
        show(self._stream, _text(self._rows))

    @property
    def is_drawn(self) -> bool:
        """Whether there are rows on the terminal."""
        return bool(self._rows)

    def _keep_drawing(self) -> None:
        self._wanted.wait(_PATIENCE_SECONDS)
        while not self._ended.wait(_PAUSE_SECONDS):
            with self.writing():
                if not self._pauses and not any(stream.is_within_line for stream in self._streams):
                    self._redraw()

    def _redraw(self) -> None:
        from imagetasks.report.drawing import draw

        size = self._size_now()
        rows = draw(self._activities.current(), self._counts(), self._activities.clock(), size)
        if self._ended.is_set() or (rows, size) == (self._rows, self._size):
            return
        way_back, self._rows, self._size = self._way_back(), rows, size
        show(self._stream, way_back + _text(rows))

    def _erase(self) -> None:
        with self.writing():
            if self._rows:
                way_back, self._rows = self._way_back(), []
                show(self._stream, way_back + _CLEAR_BELOW)
            for stream in self._streams:
                stream.release()

    def _way_back(self) -> str:
        """What brings the cursor to the first of the rows; nothing where there are none.

        Nothing is cleared before it is drawn over, since some terminals keep in their history what they clear. One
        that has become narrower has broken the rows that are too long for it by now.
        """
        if not self._rows:
            return ""
        width = self._size_now().columns
        return _UP.format(sum(max(1, -(-row.columns // width)) for row in self._rows))

    def _size_now(self) -> os.terminal_size:
        try:
            size = os.get_terminal_size(self._stream.fileno())
        except (OSError, ValueError):
            return _DEFAULT_SIZE
        return size if size.columns and size.lines else _DEFAULT_SIZE


class _Above:
    """A stream of the terminal, which holds unfinished lines back while there are rows."""

    def __init__(self, stream: TextIO, display: Display) -> None:
        self._stream = stream
        self._display = display
        self._held = ""
        self.is_within_line = False

    def write(self, text: str) -> int:
        """Write what makes whole lines, or all where there are no rows."""
        with self._display.writing() as is_alone:
            if not is_alone or not self._display.is_drawn:
                self.release()
                show(self._stream, text)
                self.is_within_line = not text.endswith("\n") if text else self.is_within_line
            else:
                lines, end, self._held = (self._held + text).rpartition("\n")
                if end:
                    self._display.write(self._stream, lines + end)
        return len(text)

    def release(self) -> None:
        """Write what is held back."""
        if self._held:
            held, self._held, self.is_within_line = self._held, "", True
            show(self._stream, held)

    def flush(self) -> None:
        """Nothing: all is written at once."""

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


def take_over_streams(display: Display) -> Callable[[], None]:
    """Let all that is printed appear above the rows.

    :returns: gives the streams back
    """
    outer = sys.stdout, sys.stderr
    inner = tuple(display.above(stream) if stream.isatty() else stream for stream in outer)
    sys.stdout, sys.stderr = inner

    def give_back() -> None:
        if (sys.stdout, sys.stderr) == inner:
            sys.stdout, sys.stderr = outer

    return give_back


def _text(rows: list[Row]) -> str:
    return "".join(f"{row.text}{_CLEAR_REST_OF_LINE}\n" for row in rows) + _CLEAR_BELOW
