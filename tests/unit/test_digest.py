from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from imagetasks.context.digest import context_digest
from imagetasks.context.filecache import FileDigests
from imagetasks.context.scan import scan
from imagetasks.errors import ContextError


@pytest.fixture
def context(tmp_path: Path) -> Path:
    folder = tmp_path / "context"
    (folder / "src").mkdir(parents=True)
    (folder / "src" / "main.py").write_text("print('hello')\n")
    (folder / "src" / "empty.py").touch()
    (folder / "big").write_bytes(os.urandom(1 << 20))
    (folder / "link").symlink_to("src/main.py")
    return folder


def digest(folder: Path) -> str:
    return context_digest(scan(folder), FileDigests.load(folder.parent / "cache", folder.parent))


def test_the_digest_is_the_same_if_files_were_read_along(context: Path, tmp_path: Path) -> None:
    read_along = scan(context, contents=True)
    assert context_digest(read_along, FileDigests(tmp_path / "cache", tmp_path)) == digest(context)


def point_elsewhere(folder: Path) -> None:
    (folder / "link").unlink()
    (folder / "link").symlink_to("src/empty.py")


def write_the_target_into_a_file(folder: Path) -> None:
    (folder / "link").unlink()
    (folder / "link").write_text("src/main.py")


def swap(folder: Path) -> None:
    (folder / "big").rename(folder / "swap")
    (folder / "src" / "empty.py").rename(folder / "big")
    (folder / "swap").rename(folder / "src" / "empty.py")


CHANGES: dict[str, Callable[[Path], object]] = {
    "bytes": lambda folder: (folder / "src" / "main.py").write_text("print('hallo')\n"),
    "a new file": lambda folder: (folder / "new").touch(),
    "a new folder": lambda folder: (folder / "new").mkdir(),
    "a file removed": lambda folder: (folder / "src" / "empty.py").unlink(),
    "a file renamed": lambda folder: (folder / "big").rename(folder / "large"),
    "a file moved": lambda folder: (folder / "big").rename(folder / "src" / "big"),
    "two files swapped": swap,
    "permission bits": lambda folder: (folder / "src" / "main.py").chmod(0o755),
    "permission bits of a folder": lambda folder: (folder / "src").chmod(0o700),
    "a link's target": point_elsewhere,
    "a file for a link": write_the_target_into_a_file,
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES.keys())
def test_the_digest_changes_with(change: Callable[[Path], object], context: Path) -> None:
    before = digest(context)
    change(context)
    assert digest(context) != before


def test_the_digest_is_that_of_a_copy_elsewhere(context: Path, tmp_path: Path) -> None:
    copy = shutil.copytree(context, tmp_path / "else" / "where", symlinks=True)
    assert digest(copy) == digest(context)


def test_the_digest_does_not_depend_on_times(context: Path) -> None:
    before = digest(context)
    for path in (context / "big", context / "src"):
        os.utime(path, (1, 1))
    assert digest(context) == before


def test_the_digest_does_not_depend_on_the_order_in_which_files_were_made(tmp_path: Path) -> None:
    for folder, names in (("one", "abcdefgh"), ("two", "hgfedcba")):
        (tmp_path / folder).mkdir()
        for name in names:
            (tmp_path / folder / name).write_text(name)
    assert digest(tmp_path / "one") == digest(tmp_path / "two")


def test_the_digest_of_a_known_context_stays_what_it_is(tmp_path: Path) -> None:
    folder = tmp_path / "context"
    folder.mkdir()
    (folder / "a").write_text("a")
    (folder / "a").chmod(0o644)
    (folder / "b").symlink_to("a")
    assert digest(folder) == "4d3a4132bddc03a598adc737ab7b7fa232b7ed9198289d4f7b1857719577b864"


def test_names_of_any_bytes_have_a_digest(tmp_path: Path) -> None:
    folder = tmp_path / "context"
    folder.mkdir()
    before = digest(folder)
    Path(os.fsdecode(os.fsencode(folder) + b"/\xff\n")).touch()
    assert digest(folder) != before


class OldClock(FileDigests):
    """A cache for which every file has been written long ago, whatever its ctime, which no test can set."""

    def clock(self) -> int:
        return super().clock() + 3_600_000_000_000


def test_a_known_file_is_not_read_again(context: Path, tmp_path: Path) -> None:
    digests = OldClock.load(tmp_path / "cache", tmp_path)
    found = scan(context)
    before = context_digest(found, digests)
    digests.save()
    shutil.rmtree(context)
    assert context_digest(found, FileDigests.load(tmp_path / "cache", tmp_path)) == before


def test_many_new_files_are_read(tmp_path: Path) -> None:
    folder = tmp_path / "context"
    folder.mkdir()
    for number in range(300):
        (folder / str(number)).write_text(str(number))
    digests = OldClock.load(tmp_path / "cache", tmp_path)
    before = context_digest(scan(folder), digests)
    assert context_digest(scan(folder), digests) == before
    (folder / "299").write_text("300")
    assert context_digest(scan(folder), digests) != before


def test_a_file_that_is_gone_since_the_scan_is_an_error(context: Path, tmp_path: Path) -> None:
    found = scan(context)
    (context / "big").unlink()
    with pytest.raises(ContextError, match="'big' changed while the build context was being read"):
        context_digest(found, FileDigests.load(tmp_path / "cache", tmp_path))
