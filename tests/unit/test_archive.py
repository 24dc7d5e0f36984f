from __future__ import annotations

import io
import os
import shutil
import stat
import tarfile
from collections.abc import Callable
from dataclasses import replace as with_changes
from pathlib import Path

import pytest

from imagetasks.context.archive import tar_size, tar_stream
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


def test_the_size_of_a_stream_is_known_before_it_is_made(tmp_path: Path) -> None:
    for size in (0, 1, 512, 100_000):
        (tmp_path / f"{size}").write_bytes(bytes(size))
    (tmp_path / "folder").mkdir()
    found = scan(tmp_path)

    assert len(stream_of(found)) - 1024 == tar_size(found)  # two empty blocks end it


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


def test_headers_are_those_that_tarfile_writes(tmp_path: Path) -> None:
    for name in ("x" * 99, "x" * 100, "x" * 101, "é" * 50, "é" * 51, "run"):
        (tmp_path / name).write_text(name)
    (tmp_path / "run").chmod(0o4755)
    os.utime(tmp_path / ("x" * 100), (8**11, 8**11))
    os.utime(tmp_path / ("x" * 99), (8**11 - 1, 8**11 - 1))
    (tmp_path / "folder").mkdir()
    (tmp_path / "link").symlink_to("run")
    stream = stream_of(scan(tmp_path))
    for member in members(stream).values():
        header = member.tobuf(tarfile.GNU_FORMAT, "utf-8", "surrogateescape")
        assert stream[member.offset : member.offset_data] == header


@pytest.mark.parametrize("size", [5 << 30, 8**11 - 1, 8**11])
def test_sizes_above_4_gb_are_told(tmp_path: Path, size: int) -> None:
    with (tmp_path / "sparse").open("wb") as file:
        file.truncate(size)
    beginning = next(tar_stream(scan(tmp_path)))
    header = tarfile.TarInfo.frombuf(beginning[: tarfile.BLOCKSIZE], "utf-8", "surrogateescape")
    assert (header.name, header.size) == ("sparse", size)


def test_links_that_lead_nowhere_or_out_of_the_context_stay_links(tmp_path: Path) -> None:
    targets = {"dangling": "nowhere", "out": "../../etc/passwd", "absolute": "/etc", "loop": "loop", "folder": "."}
    for name, target in targets.items():
        (tmp_path / name).symlink_to(target)
    found = members(stream_of(scan(tmp_path)))
    assert {name: member.linkname for name, member in found.items()} == targets


def test_a_context_that_vanishes_breaks_the_archive(tmp_path: Path) -> None:
    context = tmp_path / "context"
    context.mkdir()
    (context / "m").touch()
    found = scan(context)
    shutil.rmtree(context)
    with pytest.raises(tarfile.ReadError):
        contents(broken_stream(found))


def test_hard_links_stay_links_to_what_was_sent_first(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("content")
    (tmp_path / "b").hardlink_to(tmp_path / "a")
    (tmp_path / "c").write_text("content")
    stream = stream_of(scan(tmp_path))
    assert contents(stream) == {"a": b"content", "c": b"content"}
    assert members(stream)["b"].islnk()
    assert members(stream)["b"].linkname == "a"
    replaced = b"".join(tar_stream(scan(tmp_path), {"a": b"other"}))
    assert contents(replaced) == {"a": b"other", "b": b"content", "c": b"content"}


def test_files_that_a_file_system_cannot_tell_apart_are_sent_each(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("content")
    (tmp_path / "b").write_text("CONTENT")
    found = scan(tmp_path)
    same = with_changes(found, stamps=[found.stamps[0]] * 2)
    with pytest.raises(ContextError, match="'b' changed"):
        stream_of(same)


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
