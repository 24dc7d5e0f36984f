"""Standard output as it is: what it can show, and writing to it whatever has become of it."""

from __future__ import annotations

import errno
import os
import re
from collections.abc import Mapping
from typing import TextIO

_GONE = (errno.EPIPE, errno.EIO)
"""How writing fails where the reader of a pipe has ended, and where a terminal was closed."""

_ESCAPE = r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)?|[ -/]*[0-~])"
"""An escape sequence of ECMA-48: a control sequence, a string for the terminal such as its title, or a short one."""

_CONTROL = r"[\x00-\x08\x0b-\x1f\x7f-\x9f]"


def printable(text: str) -> str:
    """A file's name as it may be shown: without control characters, and with bytes that are no text as escapes."""
    decoded = os.fsencode(text).decode("utf-8", "backslashreplace")
    return "".join(each if each.isprintable() else each.encode("unicode_escape").decode() for each in decoded)


def plain_text(text: str) -> str:
    """What a program has printed without its colours and control characters; lines and tabs stay."""
    if text.isprintable():
        return text
    return re.sub(_CONTROL, "", re.sub(_ESCAPE, "", text))


def can_redraw(stream: TextIO, environ: Mapping[str, str] = os.environ) -> bool:
    """Whether what was shown can be drawn anew: at a terminal that is none of a CI's, and where colour is welcome.

    ``NO_COLOR`` is as https://no-color.org has it, and ``CI`` is what all CI services set.
    """
    return (
        stream.isatty()
        and environ.get("TERM", "") not in ("", "dumb")
        and not environ.get("NO_COLOR")
        and not environ.get("CI")
        and (stream.encoding or "").lower().startswith("utf")
    )


def show(stream: TextIO, text: str) -> None:
    """Write text at once, since whoever reads a pipe or a log wants to see it as it happens.

    What the stream's encoding lacks is written as an escape. A reader that has gone away (``doit build | head``) or a
    terminal that was closed ends the output, not the run.
    """
    try:
        try:
            stream.write(text)
        except UnicodeEncodeError:
            encoding = stream.encoding or "ascii"
            stream.write(text.encode(encoding, "backslashreplace").decode(encoding))
        stream.flush()
    except OSError as error:
        if error.errno not in _GONE:
            raise
        # Python flushes standard output once more when it ends.
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
