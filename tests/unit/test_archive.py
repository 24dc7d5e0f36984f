from __future__ import annotations

import io
import os
import shutil
import stat
import tarfile
from collections.abc import Callable
from pathlib import Path

import pytest

from imagetasks.context.archive import tar_stream
from imagetasks.context.scan import Scan, scan
from imagetasks.errors import ContextError


def members(stream: bytes) -> dict[str, tarfile.TarInfo]:
    with tarfile.open(fileobj=io.BytesIO(stream), encoding="utf-8", errors="surrogateescape") as archive:
        return {member.name: member for member in archive}


def contents(stream: bytes) -> dict[str, bytes]:
    found = {}
    with tarfile.open(fileobj=io.BytesIO(stream), encoding="utf-8", errors="surrogateescape") as archive:
        for member in archive:
            if member.isreg():
                file = archive.extractfile(member)
                assert file is not None
                found[member.name] = file.read()
    return found


def stream_of(found: Scan) -> bytes:
    return b"".join(tar_stream(found))


def test_members_are_as_the_entries_on_disk(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir(mode=0o750)
    (tmp_path / "folder" / "run.sh").write_text("#!/bin/sh\n")
    (tmp_path / "folder" / "run.sh").chmod(0o4751)
    os.utime(tmp_path / "folder" / "run.sh", ns=(1, 1_234_567_890_987_654_321))
    (tmp_path / "link").symlink_to("folder//run.sh")
    (tmp_path / "old").touch()
    os.utime(tmp_path / "old", (-5, -5))
    os.mkfifo(tmp_path / "pipe")
    found = members(stream_of(scan(tmp_path)))
    script = found["folder/run.sh"]
    assert (script.mode, script.mtime, script.uid, script.gid) == (0o4751, 1_234_567_890, 0, 0)
    assert (script.uname, script.gname) == ("", "")
    assert found["folder"].isdir()
    assert found["folder"].mode == 0o750
    assert (found["link"].issym(), found["link"].linkname) == (True, "folder//run.sh")
    assert found["old"].mtime == -5
    assert found["pipe"].isfifo()


def test_every_byte_of_every_file_is_there(tmp_path: Path) -> None:
    sizes = [0, 1, 511, 512, 513, (1 << 18) - 1, 1 << 18, (1 << 18) + 1, 3_000_000]
    expected = {}
    for size in sizes:
        expected[str(size)] = os.urandom(size)
        (tmp_path / str(size)).write_bytes(expected[str(size)])
    assert contents(stream_of(scan(tmp_path))) == expected


def test_names_of_any_bytes_and_length_survive(tmp_path: Path) -> None:
    names = [
        b"\xff\xfe",
        b"new\nline",
        "é".encode(),
        b"x" * 255,
        b"/".join([b"d" * 20] * 64) + b"/file",
        b" a ",
        b"-",
    ]
    for name in names:
        path = Path(tmp_path, os.fsdecode(name))
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(name)
    found = contents(stream_of(scan(tmp_path)))
    assert {path.encode("utf-8", "surrogateescape"): content for path, content in found.items()} == {
        name: name for name in names
    }


def test_hard_links_become_files_of_their_own(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("content")
    (tmp_path / "b").hardlink_to(tmp_path / "a")
    assert contents(stream_of(scan(tmp_path))) == {"a": b"content", "b": b"content"}


def test_extra_files_are_added_or_take_the_place_of_a_scanned_one(tmp_path: Path) -> None:
    (tmp_path / "Dockerfile").write_text("FROM scratch\n")
    (tmp_path / "a").write_text("a")
    stream = b"".join(tar_stream(scan(tmp_path), {"Dockerfile": b"FROM base\n", "new/file": b"x" * 512}))
    assert contents(stream) == {"Dockerfile": b"FROM base\n", "a": b"a", "new/file": b"x" * 512}
    assert members(stream)["Dockerfile"].mode == 0o644


def test_an_empty_context_is_an_empty_archive(tmp_path: Path) -> None:
    assert members(stream_of(scan(tmp_path))) == {}


def test_chunks_are_neither_tiny_nor_huge(tmp_path: Path) -> None:
    for number in range(600):
        (tmp_path / str(number)).write_bytes(bytes(1000))
    (tmp_path / "big").write_bytes(bytes(5_000_000))
    *chunks, _ = [len(chunk) for chunk in tar_stream(scan(tmp_path))]
    assert min(chunks) >= 1 << 18
    assert max(chunks) < 1 << 20


def append(file: Path) -> None:
    with file.open("ab") as opened:
        opened.write(b"x")


def rewrite(file: Path) -> None:
    with file.open("r+b") as opened:
        opened.write(b"x")


def replace(file: Path) -> None:
    copy = file.with_name("copy")
    shutil.copy2(file, copy)
    copy.replace(file)


CHANGES: list[Callable[[Path], None]] = [append, rewrite, replace, Path.unlink, lambda file: os.truncate(file, 0)]


def broken_stream(found: Scan, after_first_chunk: Callable[[], None] = lambda: None) -> bytes:
    sent = b""
    with pytest.raises(ContextError, match="'m' changed while the build context was being read"):
        for chunk in tar_stream(found):
            if not sent:
                after_first_chunk()
            sent += chunk
    return sent


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("size", [1, 512, 1 << 20])
def test_a_file_that_changed_since_the_scan_breaks_the_archive(
    tmp_path: Path, size: int, change: Callable[[Path], None]
) -> None:
    for name in "amz":
        (tmp_path / name).write_bytes(bytes(size))
    found = scan(tmp_path)
    change(tmp_path / "m")
    with pytest.raises(tarfile.ReadError):
        contents(broken_stream(found))


@pytest.mark.parametrize("change", [append, rewrite, lambda file: os.truncate(file, 1 << 18)])
@pytest.mark.parametrize("size", [1 << 20, (1 << 20) + 1, (1 << 20) - 512])
def test_a_file_that_changes_while_it_is_sent_breaks_the_archive(
    tmp_path: Path, size: int, change: Callable[[Path], None]
) -> None:
    (tmp_path / "m").write_bytes(bytes(size))
    found = scan(tmp_path)
    with pytest.raises(tarfile.ReadError):
        contents(broken_stream(found, lambda: change(tmp_path / "m")))


def test_a_mode_that_changed_since_the_scan_breaks_the_archive(tmp_path: Path) -> None:
    (tmp_path / "m").touch()
    found = scan(tmp_path)
    (tmp_path / "m").chmod(stat.S_IRUSR)
    with pytest.raises(tarfile.ReadError):
        contents(broken_stream(found))
