"""Writing to standard output, whatever has become of it."""

from __future__ import annotations

import os
from typing import TextIO


def printable(text: str) -> str:
    """A file's name as it may be shown: without control characters, and with bytes that are no text as escapes."""
    decoded = os.fsencode(text).decode("utf-8", "backslashreplace")
    return "".join(each if each.isprintable() else each.encode("unicode_escape").decode() for each in decoded)


def show(stream: TextIO, text: str) -> None:
    """Write text at once, since whoever reads a pipe or a log wants to see it as it happens.

    What the stream's encoding lacks is written as an escape. A reader that has gone away (``doit build | head``) ends
    the output, not the run.
    """
    try:
        try:
            stream.write(text)
        except UnicodeEncodeError:
            encoding = stream.encoding or "ascii"
            stream.write(text.encode(encoding, "backslashreplace").decode(encoding))
        stream.flush()
    except BrokenPipeError:
        # Python flushes standard output once more when it ends.
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
