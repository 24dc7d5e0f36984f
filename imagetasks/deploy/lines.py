"""What kubectl and helm print, line by line, but for the pieces of objects in their errors: a Secret's is secret."""

from __future__ import annotations

import re

from imagetasks.output import Output

_PIECE = re.compile(r', error found in #\d+ byte of .*|(?<=patch: Invalid value: )"map\[.*"')
_BEFORE_PIECE = "error when applying patch:"
_HIDDEN = "(not shown)"
_ADVICE = "ensure CRDs are installed first"
"""What kubectl says below an error where the cluster does not know a kind."""
_MAX_KEPT = 10_000
_MAX_SHOWN = 500


def without_pieces(line: str) -> str:
    """A line of an error without the object, or part of one, that it quotes."""
    return _PIECE.sub(lambda piece: _HIDDEN if piece[0].startswith('"') else "", line)


class Lines:
    """Hands on what a program prints, and keeps the end of it.

    :ivar last: the last line that is not empty, for an error
    :ivar text: the last lines
    """

    def __init__(self, output: Output) -> None:
        self._output = output
        self._unfinished = ""
        self._hides_next = False
        self.last = ""
        self.text = ""

    def write(self, text: str) -> None:
        """Take a piece of text, be it in the middle of a line."""
        *lines, self._unfinished = (self._unfinished + text).split("\n")
        for line in lines:
            self._line(line)

    def end(self) -> None:
        """Take the last line, if nothing ends it."""
        if self._unfinished:
            self._line(self._unfinished)

    def _line(self, line: str) -> None:
        line = _HIDDEN if self._hides_next else without_pieces(line)
        self._hides_next = line.endswith(_BEFORE_PIECE)
        if line != _ADVICE:
            self.last = line.strip()[-_MAX_SHOWN:] or self.last
        self.text = f"{self.text}{line}\n"[-_MAX_KEPT:]
        self._output.write(f"{line}\n")
