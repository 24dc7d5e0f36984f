"""What kubectl and helm print, without the objects that they quote in their errors: a Secret's content is secret."""

from __future__ import annotations

import re

from imagetasks.output import Output

_NOT_SHOWN = "(not shown)"
_PIECE = re.compile(r", error found in #\d+ byte of .*")
_OBJECT = re.compile(r'(?<=Invalid value: )\\*"(?:map\[|\\*\{)(?:.*"(?=: [^"\]}]*$)|.*)')
_BEFORE_OBJECT = "error when applying patch:"
_ADVICE = "ensure CRDs are installed first"
"""What kubectl says below an error where the cluster does not know a kind."""
_MAX_KEPT = 10_000
_MAX_SHOWN = 500


class Messages:
    """Hands on what a program prints, line by line.

    :ivar text: the end of what it has printed
    :ivar last: the last line that says something
    """

    def __init__(self, output: Output) -> None:
        self.text = ""
        self.last = ""
        self._output = output
        self._unfinished = ""
        self._hides_next = False

    def write(self, text: str) -> None:
        """Take a piece of text, any part of a line or several lines."""
        *lines, self._unfinished = (self._unfinished + text).split("\n")
        for line in lines:
            self._add(f"{line}\n")

    def end(self) -> None:
        """Hand on a last line that has no end."""
        if self._unfinished:
            self._add(self._unfinished)

    def _add(self, line: str) -> None:
        shown = f"{_NOT_SHOWN}\n" if self._hides_next else _OBJECT.sub(_NOT_SHOWN, _PIECE.sub("", line))
        self._hides_next = line.rstrip().endswith(_BEFORE_OBJECT)
        self.text = (self.text + shown)[-_MAX_KEPT:]
        if shown.strip() != _ADVICE:
            self.last = shown.strip()[-_MAX_SHOWN:] or self.last
        self._output.write(shown)


def shown_messages(text: str) -> str:
    """The end of a text that a program has printed."""
    messages = Messages(_Nowhere())
    messages.write(text)
    messages.end()
    return messages.text


class _Nowhere:
    def write(self, text: str) -> None:
        pass
