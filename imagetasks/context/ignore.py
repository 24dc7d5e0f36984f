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
from itertools import groupby
from pathlib import Path

from imagetasks.errors import ContextError, Position

__all__ = ["IgnorePattern", "IgnoreRules", "find_ignore_file", "is_excluded"]

_BYTE_ORDER_MARK = b"\xef\xbb\xbf"

# What Go's filepath.Match accepts: brackets hold at least one character or range, and a backslash escapes something.
_IN_BRACKETS = r"(?:\\.|[^\\\]-])"
_WELL_FORMED = re.compile(rf"(?:\\.|[^\\\[]|\[\^?+(?:{_IN_BRACKETS}(?:-{_IN_BRACKETS})?)+\])*", re.DOTALL)

_SPECIAL = re.compile(r"[*?\[\]\\]")
_TOKEN_WITHIN_BRACKETS = re.compile(r"\\.|.", re.DOTALL)
_TOKEN = re.compile(r"\*\*/?|\[(?:\\.|[^\\\]])*\]|\\.|.", re.DOTALL)
_WILDCARDS = {"**": "(?:.*/)?", "**/": "(?:.*/)?", "*": "[^/]*", "?": "[^/]", "^": "^"}
# The matcher replaces wildcards between brackets too, and the first "]" of what they become closes the brackets.
_WITHIN_BRACKETS = {"*": r"\[^/]*", "?": r"\[^/]", "[": r"\[", "&": r"\&", "~": r"\~", "|": r"\|"}


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
        patterns = tuple(_read(text, file))
        runs = [_run(negated, tuple(group), file) for negated, group in groupby(patterns, lambda each: each.negated)]
        if runs and runs[0].negated:  # An exception to nothing.
            del runs[0]
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


def find_ignore_file(context: Path, dockerfile: Path) -> Path | None:
    """The ignore file of an image: ``<Dockerfile>.dockerignore`` beside the Dockerfile, else the context's own."""
    candidates = (dockerfile.with_name(dockerfile.name + ".dockerignore"), context / ".dockerignore")
    return next((candidate for candidate in candidates if candidate.is_file()), None)


def _read(text: bytes, file: str) -> Iterable[IgnorePattern]:
    content = text.removeprefix(_BYTE_ORDER_MARK).decode("utf-8", "surrogateescape")
    for number, line in enumerate(content.split("\n"), start=1):
        if line.startswith("#") or not line.strip():
            continue
        cleaned = _clean(line.strip())
        negated = cleaned.startswith("!")
        cleaned = cleaned.removeprefix("!")
        if (negated and cleaned in ("", "/")) or not _WELL_FORMED.fullmatch(cleaned):
            raise _invalid(line.strip(), file, number)
        yield IgnorePattern(line.strip(), number, negated, cleaned)


def _clean(pattern: str) -> str:
    """Go's ``filepath.Clean`` of what follows a ``!``, without a leading slash."""
    mark = "!" if pattern.startswith("!") else ""
    body = pattern.removeprefix("!").strip()
    return mark + (posixpath.normpath(body).lstrip("/") or "/" if body else "")


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
    expression = _TOKEN.sub(_translate, pattern.cleaned)
    try:
        re.compile(expression)
    except re.error as error:
        raise _invalid(pattern.text, file, pattern.line) from error
    return expression


def _translate(token: re.Match[str]) -> str:
    text = token[0]
    if text.startswith("**") and token.end() == len(token.string):
        return ".*"
    if text in _WILDCARDS:
        return _WILDCARDS[text]
    if text.startswith("[") and len(text) > 1:
        return f"[{_TOKEN_WITHIN_BRACKETS.sub(_translate_within_brackets, text[1:-1])}]"
    # The matcher hands escapes to the regular expression as they are, so that "\\d" is a digit.
    return text if text.startswith("\\") else re.escape(text)


def _translate_within_brackets(token: re.Match[str]) -> str:
    return _WITHIN_BRACKETS.get(token[0], token[0])
