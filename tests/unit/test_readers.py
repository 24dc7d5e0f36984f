from __future__ import annotations

import os
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import IO
from unittest.mock import patch

import pytest

from imagetasks.context import entries, readers
from imagetasks.context.entries import Listing, read_entries
from imagetasks.context.readers import read_folders


@pytest.fixture(autouse=True)
def few_are_many(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(readers, "_PROCESSES", 2)
    monkeypatch.setattr(readers, "_BUNDLE", 5)
    monkeypatch.setattr(readers, "_MANY", 2)


@pytest.fixture
def listings(tmp_path: Path) -> list[Listing]:
    """Those of 20 folders with three files each, one of which has a name that is no text."""
    found: list[Listing] = []
    for number in range(20):
        folder = tmp_path / f"{number:02}"
        folder.mkdir()
        names = ["b", "a", os.fsdecode(b"\xff")]
        for name in names:
            (folder / name).write_text(f"{number} {name!a}")
        found.append((f"{folder}/", names, names, [True] * 3))
    return found


@pytest.fixture
def started() -> Iterator[list[subprocess.Popen[bytes]]]:
    """The processes that were started meanwhile."""
    processes: list[subprocess.Popen[bytes]] = []
    real = subprocess.Popen

    def popen(*arguments: object, **options: object) -> subprocess.Popen[bytes]:
        process: subprocess.Popen[bytes] = real(*arguments, **options)  # type: ignore[call-overload]
        processes.append(process)
        return process

    with patch.object(subprocess, "Popen", popen):
        yield processes


def wait_for_threads() -> None:
    for thread in threading.enumerate():
        if thread.name == "reader":
            thread.join(10)


def test_several_processes_find_what_one_does_in_the_same_order(
    listings: list[Listing], started: list[subprocess.Popen[bytes]]
) -> None:
    assert list(read_folders(listings)) == list(map(read_entries, listings))
    assert len(started) == 2


def test_the_processes_have_ended_when_all_is_read(
    listings: list[Listing], started: list[subprocess.Popen[bytes]]
) -> None:
    list(read_folders(listings))
    wait_for_threads()
    assert [process.returncode for process in started] == [0, 0]


def test_no_process_is_started_for_a_few_files(
    listings: list[Listing], started: list[subprocess.Popen[bytes]]
) -> None:
    assert list(read_folders(listings[:1])) == list(map(read_entries, listings[:1]))
    assert list(read_folders([])) == []
    assert started == []


@pytest.mark.parametrize("program", ["", shutil.which("false"), shutil.which("true")])
def test_what_other_processes_do_not_do_is_done_by_this_one(
    program: str, listings: list[Listing], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "executable", program)
    assert list(read_folders(listings)) == list(map(read_entries, listings))


def test_a_process_that_is_killed_leaves_its_work_to_this_one(
    listings: list[Listing], started: list[subprocess.Popen[bytes]]
) -> None:
    real = entries.receive

    def kill_and_receive(stream: IO[bytes]) -> bytes:
        for process in started:
            process.kill()
        return real(stream)

    with patch.object(entries, "receive", kill_and_receive):
        assert list(read_folders(listings)) == list(map(read_entries, listings))
        wait_for_threads()
    assert any(process.returncode for process in started)


def test_a_file_that_is_gone_is_an_error_with_its_path(listings: list[Listing]) -> None:
    gone = listings[10][0] + "a"
    Path(gone).unlink()
    with pytest.raises(FileNotFoundError) as error:
        list(read_folders(listings))
    assert error.value.filename == gone
