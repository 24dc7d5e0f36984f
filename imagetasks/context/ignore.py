"""What ``.dockerignore`` leaves out of a build context.

The rules are those of ``docker build``, that is of the Go package ``github.com/moby/patternmatcher`` (reading of the
file, meaning of a pattern, what a pattern for a folder means for what the folder holds) and of the walk in
``github.com/moby/go-archive`` (which excluded folders are entered all the same). Where the documentation at
https://docs.docker.com/build/concepts/context/#dockerignore-files and those two differ, the program that builds wins.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from itertools import dropwhile, groupby

from imagetasks.errors import ContextError, Position

__all__ = ["IgnorePattern", "IgnoreRules", "is_excluded"]

_BYTE_ORDER_MARK = "\ufeff"
# What Go takes for white space at the ends of a line: unlike Python's, without the separators 1C to 1F.
_SPACE = "\t\n\v\f\r \x85\xa0\u1680" + "".join(map(chr, range(0x2000, 0x200B))) + "\u2028\u2029\u202f\u205f\u3000"

# What Go's filepath.Match accepts, which Docker tries on ".": brackets hold at least one character or range, and a
# backslash escapes something. It looks no further than to the first wildcard that "." does not reach.
_IN_BRACKETS = r"(?:\\[^\udc80-\udcff]|[^\\\]\udc80-\udcff-])"
_RANGES = rf"(?:{_IN_BRACKETS}(?:-{_IN_BRACKETS})?)+\]"
_UP_TO_WILDCARD = rf"\**+(?:\\.|[^\\\[*]|\[\^?+{_RANGES})*+(?:\*|\Z)"
_WELL_FORMED = re.compile(rf"(?:\**+(?:\\?\.|\?|\[\^{_RANGES})(?=\*))?+{_UP_TO_WILDCARD}", re.DOTALL)

_SPECIAL = re.compile(r"[*?\[\]\\]")
_WILDCARD = re.compile(r"\*\*/?|[*?]|\\.|[.+()$]", re.DOTALL)
_WILDCARDS = {"**": "(?:.*/)?", "**/": "(?:.*/)?", "*": "[^/]*", "?": "[^/]"}

# How Go's regular expressions differ from Python's: a class may hold classes, there are fewer escapes, "{,2}"
# repeats nothing, and bytes that are no text count as U+FFFD. The matcher looks for "^" + expression + "$" and leaves
# "|" alone, so that what is before the first "|" is a beginning, and what is after the last one is an end.
_TOKEN = re.compile(r"\\.|\[\^?+\]?+(?:\[:\^?[a-z]+:\]|\\.|[^\\\]])*\]|\[|\||\{,|[\ufffd\udc80-\udcff]", re.DOTALL)
_TOKEN_WITHIN_BRACKETS = re.compile(r"\[:\^?[a-z]+:\]|\\.|[\[&~|\ufffd]", re.DOTALL)
_OTHERWISE = {"|": "(?s:.*)|(?s:.*)", "{,": r"\{,"}
_NO_TEXT = "\ufffd\udc80-\udcff"
_ESCAPES_WITHIN_BRACKETS = "afnrtvxdDsSwW"
_ESCAPES = _ESCAPES_WITHIN_BRACKETS + "AbB"
_NAMED_CLASSES = {
    "alnum": "0-9A-Za-z",
    "alpha": "A-Za-z",
    "ascii": r"\x00-\x7f",
    "blank": r"\t ",
    "cntrl": r"\x00-\x1f\x7f",
    "digit": "0-9",
    "graph": r"!-\~",
    "lower": "a-z",
    "print": r" -\~",
    "punct": r"!-/:-@\[-`{-\~",
    "space": r"\s",
    "upper": "A-Z",
    "word": r"\w",
    "xdigit": "0-9A-Fa-f",
}


@dataclass(frozen=True)
class IgnorePattern:
    """One pattern of an ignore file: the user's text, its line (from 1), and whether it is an exception (``!``)."""

    text: str
    line: int
    negated: bool
    cleaned: str = field(repr=False)


@dataclass(frozen=True)
class _Run:
    """Patterns that follow each other without a change between exclusion and exception, as one test."""

    negated: bool
    paths: frozenset[str]
    names: frozenset[str]
    prefixes: tuple[str, ...]
    suffixes: tuple[str, ...]
    fullmatch: Callable[[str], object] | None

    def matches(self, path: str, name: str) -> bool:
        return (
            path in self.paths
            or name in self.names
            or path.startswith(self.prefixes)
            or path.endswith(self.suffixes)
            or (self.fullmatch is not None and self.fullmatch(path) is not None)
        )


def is_excluded(state: int) -> bool:
    """Whether a state of :meth:`IgnoreRules.state` means that the entry is left out.

    The highest bit is the last run that matched, and runs take turns, beginning with exclusions.
    """
    return bool(state.bit_length() & 1)


class IgnoreRules:
    """The patterns of one ignore file, in the order of the file; the last one that matches decides.

    Paths are relative to the context, with ``/``, and without a leading or trailing one.
    """

    def __init__(self, patterns: Iterable[IgnorePattern], runs: Iterable[_Run]) -> None:
        self.patterns = tuple(patterns)
        self._runs = tuple((1 << number, run) for number, run in enumerate(runs))
        self._exceptions = tuple(pattern.cleaned + "/" for pattern in self.patterns if pattern.negated)

    @classmethod
    def parse(cls, text: bytes, file: str) -> IgnoreRules:
        """Read the content of an ignore file; ``file`` is its name in errors.

        Raises :class:`ContextError` for a pattern that Docker refuses too.
        """
        return cls.of(tuple(_read(text, file)), file)

    @classmethod
    def of(cls, patterns: tuple[IgnorePattern, ...], file: str) -> IgnoreRules:
        """The rules that patterns of a file make. Raises :class:`ContextError` as :meth:`parse` does."""
        not_idle = dropwhile(lambda each: each.negated, patterns)  # An exception to nothing is never tried.
        runs = [_run(negated, tuple(group), file) for negated, group in groupby(not_idle, lambda each: each.negated)]
        return cls(patterns, runs)

    def state(self, path: str, name: str, parent: int = 0) -> int:
        """Test one entry, whose last component is ``name``, given the state of the folder that holds it (root: 0).

        A run that matched the folder matches what it holds. As in Docker, a run that could not have changed the
        folder's outcome was not tried on it, and so does not reach down.
        """
        state = 0
        excluded = False
        for bit, run in self._runs:
            if parent & bit or (run.negated == excluded and run.matches(path, name)):
                state |= bit
                excluded = not run.negated
        return state

    def may_reenter(self, folder: str) -> bool:
        """Whether an exception leads into an excluded folder, so that it has to be looked through.

        As in Docker, it does if its text starts with the folder's path: ``!docs/*.md`` leads into ``docs``,
        ``!**/*.md`` does not.
        """
        below = folder + "/"
        return any(exception.startswith(below) for exception in self._exceptions)

    def excludes(self, path: str) -> bool:
        """Whether the entry is left out, by itself or with a folder that it is in."""
        *folders, name = path.split("/")
        state = 0
        for depth, folder in enumerate(folders, start=1):
            way = "/".join(folders[:depth])
            state = self.state(way, folder, state)
            if is_excluded(state) and not self.may_reenter(way):
                return True
        return is_excluded(self.state(path, name, state))

    def deciding_pattern(self, path: str) -> IgnorePattern | None:
        """The pattern from which on the entry is what it is, left out or sent; None if no pattern changes that."""
        decisive: IgnorePattern | None = None
        excluded = False
        ways = _ways(path)
        for number, pattern in enumerate(self.patterns, start=1):
            if pattern.negated != excluded or not _concerns(pattern, ways):
                continue
            if IgnoreRules.of(self.patterns[:number], "").excludes(path) != excluded:
                decisive, excluded = pattern, not excluded
        return decisive


def _ways(path: str) -> list[str]:
    """An entry and the folders that lead to it."""
    names = path.split("/")
    return ["/".join(names[:depth]) for depth in range(1, len(names) + 1)]


def _concerns(pattern: IgnorePattern, ways: Iterable[str]) -> bool:
    """Whether a pattern matches one of these paths, or is an exception that leads into one."""
    alone = IgnoreRules((pattern,), ())
    run = _run(pattern.negated, (pattern,), "")
    return any(run.matches(way, posixpath.basename(way)) or alone.may_reenter(way) for way in ways)


def _read(text: bytes, file: str) -> Iterable[IgnorePattern]:
    content = text.decode("utf-8", "surrogateescape").removeprefix(_BYTE_ORDER_MARK)
    for number, line in enumerate(content.split("\n"), start=1):
        written = line.strip(_SPACE)
        cleaned = "" if line.startswith("#") else _clean_line(written)
        if not cleaned:
            continue
        negated = cleaned.startswith("!")
        cleaned = cleaned.removeprefix("!")
        if not cleaned or not _WELL_FORMED.match(cleaned):
            raise _invalid(written, file, number)
        yield IgnorePattern(written, number, negated, cleaned)


def _clean_line(written: str) -> str:
    """A line as the matcher sees it. Docker tidies up twice: reading the file, and making the matcher."""
    mark = "!" if written.startswith("!") else ""
    path = _clean(written.removeprefix("!").strip(_SPACE))
    if path != "/":
        path = path.removeprefix("/")
    return _clean((mark + path).strip(_SPACE))


def _clean(path: str) -> str:
    """Go's ``filepath.Clean``, but nothing for nothing."""
    cleaned = posixpath.normpath(path) if path else ""
    return cleaned[1:] if cleaned.startswith("//") else cleaned


def _invalid(text: str, file: str, line: int) -> ContextError:
    return ContextError(
        f"{text!r} is not a valid pattern, write it as in Go's filepath.Match, with a backslash before [ and \\",
        Position(file, line, 1),
    )


def _run(negated: bool, patterns: tuple[IgnorePattern, ...], file: str) -> _Run:
    paths: set[str] = set()
    names: set[str] = set()
    prefixes: list[str] = []
    suffixes: list[str] = []
    expressions: list[str] = []
    for pattern in patterns:
        text = pattern.cleaned
        if not _SPECIAL.search(text):
            paths.add(text)
        elif text.startswith("**/") and not _SPECIAL.search(text, 3) and "/" not in text[3:]:
            names.add(text[3:])
        elif text.startswith("**") and not _SPECIAL.search(text, 2):
            suffixes.append(text[2:])
            paths.add(text[2:].removeprefix("/"))
        elif text.endswith("**") and not _SPECIAL.search(text[:-2]):
            prefixes.append(text[:-2])
        else:
            expressions.append(_expression(pattern, file))
    fullmatch = re.compile("|".join(expressions), re.ASCII).fullmatch if expressions else None
    return _Run(negated, frozenset(paths), frozenset(names), tuple(prefixes), tuple(suffixes), fullmatch)


def _expression(pattern: IgnorePattern, file: str) -> str:
    in_go = _WILDCARD.sub(_translate_wildcard, pattern.cleaned.removeprefix(_BYTE_ORDER_MARK))
    try:
        expression = _TOKEN.sub(_translate_token, in_go)
        re.compile(expression)
    except re.error as error:
        raise _invalid(pattern.text, file, pattern.line) from error
    return expression


def _translate_wildcard(wildcard: re.Match[str]) -> str:
    """To Go's regular expression, as the matcher does it: between brackets too, where that closes the brackets."""
    text = wildcard[0]
    if text == "**" and wildcard.end() == len(wildcard.string):
        return ".*"
    # The matcher hands escapes on as they are, so that "\\d" is a digit.
    return text if text.startswith("\\") else _WILDCARDS.get(text, "\\" + text)


def _translate_token(token: re.Match[str]) -> str:
    text = token[0]
    if text == "[":
        raise re.error("brackets that are not closed")
    if text.startswith("["):
        return "[" + _TOKEN_WITHIN_BRACKETS.sub(_translate_within_brackets, text[1:-1]) + "]"
    if text.startswith("\\"):
        return _escape(text, _ESCAPES)
    return _OTHERWISE.get(text, f"[{_NO_TEXT}]")


def _translate_within_brackets(token: re.Match[str]) -> str:
    text = token[0]
    if text.startswith("[:"):
        if text[2:-2] not in _NAMED_CLASSES:
            raise re.error("unknown class")
        return _NAMED_CLASSES[text[2:-2]]
    if text == "\ufffd":
        return _NO_TEXT
    return _escape(text, _ESCAPES_WITHIN_BRACKETS) if text.startswith("\\") else "\\" + text


def _escape(text: str, letters: str) -> str:
    escaped = text[1]
    if not escaped.isascii() or (escaped.isalnum() and escaped not in letters):
        raise re.error("unknown escape")
    return text
