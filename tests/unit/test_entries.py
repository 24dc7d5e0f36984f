from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from pathlib import Path
from unittest.mock import patch

import pytest

from imagetasks.context import entries
from imagetasks.context.entries import LARGE, Entries, pack_stamp, read_entries, stat_key


def read(folder: Path, *names: str) -> Entries:
    """What is found of these names, of which the caller believes that they are files."""
    return read_entries((f"{folder}/", list(names), list(names), [True] * len(names)))


def digests(found: Entries) -> list[bytes]:
    return found[-1]


def sha256(content: bytes) -> bytes:
    return hashlib.sha256(content).digest()


def test_small_files_are_read_and_told_in_the_order_of_names(tmp_path: Path) -> None:
    (tmp_path / "b").write_bytes(b"content")
    (tmp_path / "a").touch()
    _, newest, names, modes, stamps, contents = read(tmp_path, "b", "a")
    assert names == ["a", "b"]
    assert contents == [sha256(b""), sha256(b"content")]
    statuses = [(tmp_path / name).stat() for name in names]
    assert modes == [status.st_mode for status in statuses]
    assert stamps == [pack_stamp(stat_key(status)) for status in statuses]
    assert newest == max(status.st_ctime_ns for status in statuses)


def test_an_empty_folder_has_no_entries(tmp_path: Path) -> None:
    assert read(tmp_path)[1:] == (0, [], [], [], [])


def test_the_largest_file_that_is_read_whole_has_the_digest_of_all_of_it(tmp_path: Path) -> None:
    content = os.urandom(LARGE - 1)
    (tmp_path / "small").write_bytes(content)
    (tmp_path / "large").write_bytes(content + b"\n")
    assert digests(read(tmp_path, "small", "large")) == [b"", sha256(content)]


def test_what_has_become_no_file_since_it_was_listed_is_looked_at_and_not_read(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("content")
    (tmp_path / "link").symlink_to("file")
    (tmp_path / "folder").mkdir()
    os.mkfifo(tmp_path / "pipe")
    names = ["folder", "link", "pipe"]
    found = read(tmp_path, *names)
    assert digests(found) == [b"", b"", b""]
    assert found[3] == [(tmp_path / name).lstat().st_mode for name in names]


def test_a_file_that_grows_while_it_is_read_counts_as_not_read(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_text("content")
    real = os.fstat

    def fstat_and_append(descriptor: int) -> os.stat_result:
        status = real(descriptor)
        with file.open("a") as more:
            more.write("!")
        return status

    with patch("imagetasks.context.entries.os.fstat", fstat_and_append):
        found = read(tmp_path, "file")
    assert digests(found) == [b""]
    assert found[4] != [pack_stamp(stat_key(file.stat()))]


def test_a_file_that_is_gone_is_an_error_with_its_path(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError) as error:
        read(tmp_path, "gone")
    assert error.value.filename == f"{tmp_path}/gone"


def test_the_program_starts_without_the_package_and_ends_with_its_input() -> None:
    done = subprocess.run([sys.executable, "-I", "-S", entries.__file__], input=b"", capture_output=True, check=True)
    assert (done.stdout, done.stderr) == (b"", b"")
