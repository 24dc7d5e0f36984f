"""The regular expressions of a file: what values a variable may have, and when a profile is active.

DevSpace reads them with Go's library (https://pkg.go.dev/regexp/syntax). What people write for that is understood
here, such as ``\\pL``, ``\\z`` and ``[[:alpha:]]``, and its limit of repeats is kept; its rarer forms ``\\Q…\\E``,
``\\C``, ``\\x{…}`` and ``(?U)`` are refused. ``\\d``, ``\\w`` and ``\\b`` know more than ASCII.

Python's own library reads the patterns that mean the same to it and cannot take long, which are most: importing
another one costs a tenth of a run that has nothing to do.
"""

from __future__ import annotations

import contextlib
import re
from typing import TYPE_CHECKING

from imagetasks.config.reader import MAX_SHOWN
from imagetasks.errors import ConfigError

if TYPE_CHECKING:
    import regex

MAX_REPEATS = 1000
MAX_SECONDS = 1.0
"""How long one match may take: a pattern that repeats what is repeated can take longer than anybody waits."""

_REPEAT = r"\{(?P<least>[0-9]{1,9})(?P<most>,[0-9]{0,9})?\}"
_TOKEN = rf"(?s:\\.|\[\^?\]?(?:\\.|\[:\^?[a-z]+:\]|[^\]\\])*+(?:\]|\\?\Z)|{_REPEAT}|.)"


_IN_CLASS = r"(?:[^\\\[\]]|\\[^A-Za-z0-9]|\\[dws])"
_PLAIN = re.compile(rf"(?:[^\\()\[{{]|\\[^A-Za-z0-9]|\\[dws]|\[\^?{_IN_CLASS}+\]|\((?!\?)|\)(?![*+{{]))*")
"""What means the same in Go and Python, and repeats nothing that repeats something itself."""


def compile_pattern(text: str) -> re.Pattern[str] | regex.Pattern[str]:
    """The pattern. Raises ConfigError, without a position, if the text is none."""
    if _PLAIN.fullmatch(text):
        with contextlib.suppress(re.error, RecursionError):
            return re.compile(text)
    import regex

    try:
        if _repeats(text) <= MAX_REPEATS:
            return regex.compile(text)
        reason = f"it repeats something more than {MAX_REPEATS} times"
    except (regex.error, OverflowError) as error:
        reason = str(error)
    except RecursionError:
        reason = "it is nested too deeply"
    shown = text if len(text) <= MAX_SHOWN else f"{text[:MAX_SHOWN]}…"
    raise ConfigError(f"`{shown}` is no regular expression: {reason}")


def matches(pattern: str, value: str, *, whole: bool = False) -> bool:
    """Whether a part of the value matches, or the ``whole`` of it.

    Raises ConfigError, without a position, if the pattern is none or the match takes more than :data:`MAX_SECONDS`.
    """
    compiled = compile_pattern(pattern)
    if isinstance(compiled, re.Pattern):
        return (compiled.fullmatch if whole else compiled.search)(value) is not None
    try:
        found = (compiled.fullmatch if whole else compiled.search)(value, timeout=MAX_SECONDS)
    except TimeoutError:
        raise ConfigError(f"`{pattern}` takes too long to match; avoid repeats of what is repeated itself") from None
    return found is not None


def _repeats(pattern: str) -> int:
    """How often counts such as ``{3}`` and ``{1,5}`` repeat a part of the pattern at most; nested ones multiply."""
    groups = [1]
    last = 1
    for token in re.finditer(_TOKEN, pattern):
        if token[0] == "(":
            groups.append(1)
            last = 1
        elif token[0] == ")" and len(groups) > 1:
            last = groups.pop()
        elif token["least"]:
            last *= int((token["most"] or "").lstrip(",") or token["least"])
        else:
            last = 1
        groups[-1] = max(groups[-1], last)
    return max(groups)
