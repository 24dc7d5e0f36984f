from __future__ import annotations

import hashlib
import os
from pathlib import Path

import pytest

from imagetasks.context.filecache import FileDigests
from imagetasks.context.scan import stamp_of

SECOND = 1_000_000_000
DIGEST = hashlib.sha256(b"content").digest()
OTHER = hashlib.sha256(b"other").digest()


def stamp(mtime: int = 1_000_000_001, size: int = 7, ctime: int | None = None) -> bytes:
    """A stamp with times in ns; a fraction of a second stands for a file system that counts them finely."""
    status = os.stat_result((0o100644, 5, 1, 1, 0, 0, size, 0, 0, 0), _times(mtime, ctime or mtime))
    return stamp_of(status)


def _times(mtime: int, ctime: int) -> dict[str, int]:
    return {"st_mtime_ns": mtime, "st_ctime_ns": ctime}


LONG_AFTER = 100 * SECOND


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / ".devspace" / "files"


def saved(file: Path, *paths: str) -> None:
    digests = FileDigests.load(file, file.parent.parent)
    digests.record(str(file.parent.parent), {(path, stamp()): DIGEST for path in paths}, LONG_AFTER)
    digests.save()


def known(file: Path, path: str) -> bytes:
    return FileDigests.load(file, file.parent.parent).find(str(file.parent.parent), [(path, stamp())])[0]


def test_a_digest_outlives_the_run(file: Path) -> None:
    saved(file, "a", "b/c", b"\xff".decode("utf-8", "surrogateescape"), "new\nline")
    assert known(file, "b/c") == DIGEST
    assert known(file, "\udcff") == DIGEST
    assert known(file, "new\nline") == DIGEST
    assert known(file, "c") == b""


@pytest.mark.parametrize("other", [stamp(size=8), stamp(mtime=2_000_000_001), stamp(ctime=2_000_000_001)])
def test_a_digest_is_not_believed_for_another_stamp(file: Path, other: bytes) -> None:
    saved(file, "a")
    project = file.parent.parent
    assert FileDigests.load(file, project).find(str(project), [("a", other)]) == [b""]


def test_contexts_that_overlap_share_digests(file: Path) -> None:
    project = file.parent.parent
    digests = FileDigests.load(file, project)
    digests.record(str(project / "api"), {("src/a", stamp()): DIGEST}, LONG_AFTER)
    assert digests.find(str(project), [("api/src/a", stamp())]) == [DIGEST]
    assert digests.find(str(project / "api" / "src"), [("a", stamp())]) == [DIGEST]
    digests.save()
    assert known(file, "api/src/a") == DIGEST


def test_what_was_read_along_with_a_new_folder_is_found_and_outlives_the_run(file: Path) -> None:
    project = file.parent.parent
    digests = FileDigests.load(file, project)
    digests.record_new(str(project / "api"), ["a", "b"], [stamp(), stamp(size=8)], [DIGEST, OTHER])
    digests.record_new(str(project / "web"), ["a"], [stamp()], [OTHER])
    digests.save()
    assert [known(file, path) for path in ("api/a", "api/b", "web/a")] == [DIGEST, b"", OTHER]
    assert digests.find(str(project), [("api/a", stamp()), ("api/b", stamp(size=8))]) == [DIGEST, OTHER]
    digests.save()
    assert [known(file, path) for path in ("api/a", "web/a")] == [DIGEST, OTHER]


def test_a_folder_is_new_until_it_or_one_that_overlaps_was_asked_for(file: Path) -> None:
    project = file.parent.parent
    digests = FileDigests.load(file, project)
    assert digests.is_new(str(project / "api"))
    digests.find(str(project / "api" / "src"), [])
    digests.record_new(str(project / "web"), ["a"], [stamp()], [DIGEST])
    new = [digests.is_new(str(project / name)) for name in (".", "api", "api/src/deep", "web", "apis")]
    assert new == [False, False, False, False, True]
    digests.save()
    assert not FileDigests.load(file, project).is_new(str(project / "apis"))


def test_a_context_outside_of_the_project_is_cached_too(file: Path) -> None:
    project = file.parent.parent
    digests = FileDigests.load(file, project)
    digests.record(str(project.parent / "shared"), {("a", stamp()): DIGEST}, LONG_AFTER)
    digests.save()
    assert known(file, "../shared/a") == DIGEST


@pytest.mark.parametrize(
    ("seen", "read_at", "kept"),
    [
        (stamp(10 * SECOND + 1), 10 * SECOND + 1, False),
        (stamp(10 * SECOND + 1), 10 * SECOND + 20_000_000, False),
        (stamp(10 * SECOND + 1), 10 * SECOND + 100_000_000, True),
        (stamp(10 * SECOND), 11 * SECOND, False),
        (stamp(10 * SECOND), 13 * SECOND, True),
        (stamp(1 * SECOND + 1, ctime=10 * SECOND + 1), 10 * SECOND + 1, False),
        (stamp(20 * SECOND + 1, ctime=1 * SECOND + 1), 10 * SECOND + 1, False),
    ],
)
def test_a_file_that_was_written_just_before_it_was_read_is_read_again(
    file: Path, seen: bytes, read_at: int, kept: bool
) -> None:
    project = file.parent.parent
    digests = FileDigests.load(file, project)
    digests.record(str(project), {("a", seen): DIGEST}, read_at)
    assert digests.find(str(project), [("a", seen)]) == [DIGEST if kept else b""]


def test_the_clock_is_not_behind_what_was_written_before(file: Path) -> None:
    digests = FileDigests.load(file, file.parent.parent)
    before = file.parent.parent / "before"
    before.touch()
    assert digests.clock() >= before.stat().st_mtime_ns
    assert list(file.parent.iterdir()) == []


@pytest.mark.parametrize("at", [0, 10, 30, 60, 80, 100, -1])
def test_a_damaged_cache_is_dropped(file: Path, at: int) -> None:
    saved(file, "a", "b")
    content = bytearray(file.read_bytes())
    content[at] ^= 1
    file.write_bytes(content)
    assert known(file, "a") == b""
    saved(file, "a")
    assert known(file, "a") == DIGEST


@pytest.mark.parametrize("length", [0, 10, 40, 70, 100])
def test_a_cache_that_was_cut_short_is_dropped(file: Path, length: int) -> None:
    saved(file, "a", "b")
    file.write_bytes(file.read_bytes()[:length])
    assert known(file, "a") == b""


def test_nothing_is_written_if_nothing_is_new(file: Path) -> None:
    saved(file, "a")
    before = file.stat()
    digests = FileDigests.load(file, file.parent.parent)
    digests.find(str(file.parent.parent), [("a", stamp())])
    digests.save()
    assert file.stat().st_ino == before.st_ino


def test_what_is_gone_from_a_folder_is_forgotten_and_the_rest_kept(file: Path) -> None:
    project = file.parent.parent
    (project / "api").mkdir()
    (project / "api" / "excluded-for-now").touch()
    saved(file, "api/gone", "api/met", "api/excluded-for-now", "web/not-looked-at")
    digests = FileDigests.load(file, project)
    digests.find(str(project / "api"), [("met", stamp())])
    digests.record(str(project / "api"), {("new", stamp()): OTHER}, LONG_AFTER)
    digests.save()
    assert known(file, "api/gone") == b""
    assert known(file, "api/met") == DIGEST
    assert known(file, "api/excluded-for-now") == DIGEST
    assert known(file, "web/not-looked-at") == DIGEST
    assert known(file, "api/new") == OTHER


def test_a_new_digest_takes_the_place_of_the_old_one(file: Path) -> None:
    saved(file, "a")
    project = file.parent.parent
    digests = FileDigests.load(file, project)
    digests.record(str(project), {("a", stamp(size=8)): OTHER}, LONG_AFTER)
    digests.save()
    assert FileDigests.load(file, project).find(str(project), [("a", stamp(size=8))]) == [OTHER]
    assert known(file, "a") == b""


def test_a_state_folder_that_cannot_be_written_is_no_error(tmp_path: Path) -> None:
    (tmp_path / ".devspace").write_text("a file where the folder should be")
    file = tmp_path / ".devspace" / "files"
    assert FileDigests.load(file, tmp_path).clock() == 0
    saved(file, "a")
    assert known(file, "a") == b""


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full")
def test_a_full_disk_is_no_error_and_leaves_the_cache_as_it_was(file: Path) -> None:
    saved(file, "a")
    file.with_name(f"files.{os.getpid()}.tmp").symlink_to("/dev/full")
    saved(file, "b")
    assert known(file, "a") == DIGEST
    assert [path.name for path in file.parent.iterdir()] == ["files"]
