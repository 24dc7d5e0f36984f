from __future__ import annotations

from pathlib import Path

import pytest

from imagetasks.errors import StateError
from imagetasks.report.log import TAIL_LINES, TaskLog


def test_the_tail_is_the_last_lines_however_they_came(tmp_path: Path) -> None:
    with TaskLog(tmp_path, "build:api", live=False) as log:
        for number in range(100):
            log.write(f"line {number}")
            log.write("\n\n")
        log.write("the end")

    tail = log.tail().splitlines()
    assert len(tail) == TAIL_LINES
    assert tail[0] == "    line 81"
    assert tail[-1] == "    the end"


def test_the_log_holds_everything_and_only_this_run(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for text in ("old\n", "new\udce9\n"):
        with TaskLog(tmp_path / "logs", "build:api", live=False) as log:
            log.write(text)

    assert (tmp_path / "logs" / "build-api.log").read_text() == "new?\n"
    assert not capsys.readouterr().out


def test_a_live_log_is_shown_line_by_line_as_it_comes(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with TaskLog(tmp_path, "build:api", live=True) as log:
        log.write("Step 1\n\nSt")

        assert capsys.readouterr().out == "build:api | Step 1\nbuild:api |\n"

        log.write("ep 2")

    assert capsys.readouterr().out == "build:api | Step 2\n"


def test_a_live_log_shows_no_colours_and_of_a_bar_its_end(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with TaskLog(tmp_path, "build:api", live=True) as log:
        log.write("\x1b[31mred\x1b[0m\r\n10 %\r50 %\r100 %\n")

    assert capsys.readouterr().out == "build:api | red\nbuild:api | 100 %\n"


def test_a_log_that_cannot_be_written_is_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "logs").write_text("")

    with pytest.raises(StateError, match="cannot be written"), TaskLog(tmp_path / "logs", "build:api", live=False):
        pass


def test_secrets_are_masked_in_file_and_tail_and_live(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with TaskLog(tmp_path, "build:api", live=True, secrets={"s3cret"}) as log:
        for piece in ("with s3", "cret, ", "s3"):
            log.write(piece)
        tail = log.tail()

    assert tail == "    with ********, s3"
    assert log.path.read_text() == "with ********, s3"
    assert capsys.readouterr().out == "build:api | with ********, s3\n"
