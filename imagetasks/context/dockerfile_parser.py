"""The text of a Dockerfile, split into instructions that remember where each of their characters stands.

The rules are those of the Dockerfile reference (https://docs.docker.com/reference/dockerfile/, sections "Format",
"Parser directives" and "Here-Documents") and, where it is silent, those of BuildKit's parser. An instruction that a
builder would refuse is kept as it is: the builder judges.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from typing import NamedTuple

DEFAULT_ESCAPE = "\\"

_KNOWN_DIRECTIVES = frozenset({"check", "escape", "syntax"})
_SEPARATOR = re.compile(r"[\t\v\f\r ]+")
_SPACE = re.compile(r"\s*")
_TAKES_HEREDOC = re.compile(r"(?:ONBUILD\s+)?(?:ADD|COPY|RUN)\s", re.IGNORECASE)
_HEREDOC = re.compile(r"\d*<<(?P<strip_tabs>-?)(?P<delimiter>[^<]+)")


class Instruction(NamedTuple):
    """One instruction.

    ``text`` is what the builder reads as one line: continued lines are joined, comments between them are left out,
    and white space at both ends is cut. ``offsets`` holds the place in the file of each character of ``text``.
    ``start`` and ``end`` enclose the instruction in the file, with its last line ending and its here-documents.
    ``unfinished`` says that the file ends where another line of the instruction is announced.
    """

    text: str
    offsets: tuple[int, ...]
    start: int
    end: int
    unfinished: bool

    @property
    def keyword(self) -> str:
        """The instruction's name in capitals, as in ``FROM``."""
        return self._first_word.upper()

    @property
    def arguments(self) -> str:
        """What follows the keyword."""
        return self.text[len(self._first_word) :].strip()

    @property
    def text_end(self) -> int:
        """The place in the file just after the last character of ``text``."""
        return self.offsets[-1] + 1 if self.offsets else self.start

    def words(self, escape: str = DEFAULT_ESCAPE) -> Iterator[re.Match[str]]:
        """The words of ``text`` after the keyword, see :func:`split_words`."""
        return split_words(self.text, len(self._first_word), escape)

    def flags(self) -> Iterator[re.Match[str]]:
        """The words like ``--from=name`` that stand before all others."""
        for word in self.words():
            if not word[0].startswith("--"):
                return
            yield word

    @property
    def _first_word(self) -> str:
        return _SEPARATOR.split(self.text, maxsplit=1)[0]


class _Line(NamedTuple):
    """One line of the file, ``text`` without its ending."""

    start: int
    end: int
    text: str

    @property
    def is_comment(self) -> bool:
        return self.text.lstrip().startswith("#")

    @property
    def is_blank(self) -> bool:
        return not self.text.strip()


def escape_character(text: str) -> str:
    """The escape character of a Dockerfile: a backtick if its ``escape`` directive says so, else a backslash."""
    for line in _lines(text):
        name, _, value = (part.strip() for part in line.text.strip().partition("="))
        if name[:1] != "#" or name[1:].lstrip().lower() not in _KNOWN_DIRECTIVES or not value:
            break
        if name.lower().endswith("escape"):
            return "`" if value == "`" else DEFAULT_ESCAPE
    return DEFAULT_ESCAPE


def parse_instructions(text: str) -> tuple[Instruction, ...]:
    """All instructions of a Dockerfile in their order. Any text can be parsed."""
    continuation = _continuation_pattern(escape_character(text))
    lines = _lines(text)
    instructions = []
    index = 0
    while index < len(lines):
        if lines[index].is_blank or lines[index].is_comment:
            index += 1
        else:
            instruction, index = _read_instruction(lines, index, continuation)
            instructions.append(instruction)
    return tuple(instructions)


def split_words(text: str, start: int = 0, escape: str = DEFAULT_ESCAPE) -> Iterator[re.Match[str]]:
    """The words of ``text`` from ``start`` on, as a shell splits them, with their quotes.

    Ends early at a quote that is never closed.
    """
    pattern = _word_pattern(escape)
    while word := pattern.match(text, _end_of_space(text, start)):
        yield word
        start = word.end()


def _lines(text: str) -> list[_Line]:
    lines = []
    start = 0
    for line in text.split("\n"):
        content = line.removeprefix("\ufeff") if start == 0 else line
        end = start + len(line)
        lines.append(_Line(end - len(content), min(end + 1, len(text)), content.rstrip("\r")))
        start = end + 1
    return lines


def _read_instruction(lines: list[_Line], first: int, continuation: re.Pattern[str]) -> tuple[Instruction, int]:
    """The instruction that begins in the line ``first``, and the index of the line after it."""
    characters: list[str] = []
    offsets: list[int] = []
    index = first
    continues = True
    while continues and index < len(lines):
        line = lines[index]
        index += 1
        if line.is_comment or line.is_blank:
            continue
        escape = continuation.search(line.text)
        continues = escape is not None
        part = line.text[: escape.start()] if escape else line.text
        characters.extend(part)
        offsets.extend(range(line.start, line.start + len(part)))
    joined = "".join(characters)
    text = joined.strip()
    indent = len(joined) - len(joined.lstrip())
    index = _skip_heredocs(text, lines, index)
    instruction = Instruction(
        text=text,
        offsets=tuple(offsets[indent : indent + len(text)]),
        start=lines[first].start + _end_of_space(lines[first].text, 0),
        end=lines[index - 1].end,
        unfinished=continues,
    )
    return instruction, index


def _skip_heredocs(text: str, lines: list[_Line], index: int) -> int:
    """The index of the line after the here-documents of an instruction, whose first line would be ``index``.

    If one of them is never closed, none is skipped: BuildKit refuses the file, and for the classic builder, which
    knows no here-documents, the next line is an instruction.
    """
    after = index
    for heredoc in _heredocs(text):
        delimiter = re.sub(r"""['"\\]""", "", heredoc["delimiter"])
        while after < len(lines):
            line = lines[after].text
            after += 1
            if (line.lstrip("\t") if heredoc["strip_tabs"] else line) == delimiter:
                break
        else:
            return index
    return after


def _heredocs(text: str) -> list[re.Match[str]]:
    if "<<" not in text or not _TAKES_HEREDOC.match(text):
        return []
    words = list(split_words(text))
    if words[-1].end() < len(text):  # a quote is never closed: BuildKit then sees no here-document either
        return []
    return [heredoc for word in words if (heredoc := _HEREDOC.fullmatch(word[0]))]


def _end_of_space(text: str, start: int) -> int:
    space = _SPACE.match(text, start)
    return space.end() if space else start


@cache
def _continuation_pattern(escape: str) -> re.Pattern[str]:
    char = re.escape(escape)
    return re.compile(rf"(?<!{char}){char}[ \t]*\Z")


@cache
def _word_pattern(escape: str) -> re.Pattern[str]:
    char = re.escape(escape)
    return re.compile(rf"""(?:{char}.?|'[^']*'|"(?:{char}.|[^"{char}])*"|[^\s'"{char}])+""", re.DOTALL)
