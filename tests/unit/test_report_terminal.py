from __future__ import annotations

import errno
import io
import os
import pty
from collections.abc import Iterator
from pathlib import Path
from typing import TextIO, cast

import pytest

from imagetasks.report.terminal import can_redraw, plain_text, show

TERMINAL = {"TERM": "xterm-256color"}


@pytest.fixture
def terminal() -> Iterator[TextIO]:
    master, other_end = pty.openpty()
    with os.fdopen(other_end, "w", encoding="utf-8") as stream:
        yield stream
    os.close(master)


def test_a_terminal_is_drawn_on(terminal: TextIO) -> None:
    assert can_redraw(terminal, TERMINAL)


@pytest.mark.parametrize("environ", [{"NO_COLOR": "1"}, {"CI": "true"}, {"TERM": "dumb"}, {"TERM": ""}])
def test_where_lines_are_written_instead(terminal: TextIO, environ: dict[str, str]) -> None:
    assert not can_redraw(terminal, {**TERMINAL, **environ})


def test_an_empty_no_color_says_nothing(terminal: TextIO) -> None:
    assert can_redraw(terminal, {**TERMINAL, "NO_COLOR": ""})


def test_what_is_no_terminal_is_not_drawn_on() -> None:
    assert not can_redraw(io.StringIO(), TERMINAL)


@pytest.mark.parametrize(
    ("text", "plain"),
    [
        ("a\tb\nc", "a\tb\nc"),
        ("\x1b[1;31mred\x1b[0m", "red"),
        ("\x1b]0;title\x07text", "text"),
        ("\x1b(Btext\x08\x7f\x9b", "text"),
        ("größe 世界", "größe 世界"),
    ],
)
def test_text_without_what_a_terminal_obeys(text: str, plain: str) -> None:
    assert plain_text(text) == plain


class Gone:
    """A stream whose reader has gone away when something is written to it."""

    def __init__(self, stream: TextIO, number: int) -> None:
        self.stream = stream
        self._number = number

    def write(self, text: str) -> None:
        raise OSError(self._number, os.strerror(self._number))

    def fileno(self) -> int:
        return self.stream.fileno()


@pytest.mark.parametrize("number", [errno.EIO, errno.EPIPE])
def test_a_reader_that_has_gone_away_does_not_end_the_run(number: int, tmp_path: Path) -> None:
    with (tmp_path / "stream").open("w") as stream:
        show(cast(TextIO, Gone(stream, number)), "lost\n")

        assert os.path.samestat(os.fstat(stream.fileno()), Path(os.devnull).stat())


def test_a_full_disk_is_told(tmp_path: Path) -> None:
    with (tmp_path / "stream").open("w") as stream, pytest.raises(OSError, match="No space"):
        show(cast(TextIO, Gone(stream, errno.ENOSPC)), "lost\n")
