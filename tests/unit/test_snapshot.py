from __future__ import annotations

import hashlib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imagetasks.context.looks import Folder
from imagetasks.context.snapshot import Snapshot, read_snapshot, write_snapshot

IDENTITY = hashlib.sha256(b"identity").digest()
NAMES = st.text(st.characters(exclude_characters="\0/", exclude_categories=()), min_size=1, max_size=5).filter(
    lambda name: name not in {".", ".."} and is_name(name)
)
PATHS = st.builds("/".join, st.lists(NAMES, min_size=1, max_size=3))


def is_name(text: str) -> bool:
    """Whether the system could give us this text for a file's name."""
    try:
        return text.encode("utf-8", "surrogateescape").decode("utf-8", "surrogateescape") == text
    except UnicodeEncodeError:
        return False


def snapshot(*folders: Folder) -> Snapshot:
    root = Folder(".", frozenset({".devspace"}))
    return Snapshot(IDENTITY, hashlib.sha256(b"digest").digest(), hashlib.sha256(b"looks").digest(), [root, *folders])


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / ".devspace" / "contexts" / "snapshot"


@given(st.lists(st.builds(Folder, PATHS, st.frozensets(NAMES, max_size=3))))
def test_a_snapshot_is_read_as_it_was_written(
    tmp_path_factory: pytest.TempPathFactory, folders: list[Folder]
) -> None:
    file = tmp_path_factory.getbasetemp() / "snapshots" / "snapshot"
    write_snapshot(file, snapshot(*folders))
    assert read_snapshot(file, IDENTITY) == snapshot(*folders)
    assert [path.name for path in file.parent.iterdir()] == ["snapshot"]


def test_a_snapshot_is_not_that_of_another_context(file: Path) -> None:
    write_snapshot(file, snapshot())
    assert read_snapshot(file, hashlib.sha256(b"other").digest()) is None


def test_a_damaged_snapshot_is_none(file: Path) -> None:
    write_snapshot(file, snapshot(Folder("src", frozenset("ab"))))
    content = file.read_bytes()
    for at in range(len(content)):
        file.write_bytes(content[:at] + bytes([content[at] ^ 1]) + content[at + 1 :])
        assert read_snapshot(file, IDENTITY) is None
        file.write_bytes(content[:at])
        assert read_snapshot(file, IDENTITY) is None


@given(st.binary(max_size=300))
def test_any_bytes_under_a_right_checksum_end_in_a_snapshot_or_none(
    tmp_path_factory: pytest.TempPathFactory, body: bytes
) -> None:
    file = tmp_path_factory.getbasetemp() / "hostile"
    write_snapshot(file, snapshot())
    written = file.read_bytes()
    checksum = hashlib.sha256(written[written.index(IDENTITY) :]).digest()
    version = written[: written.index(checksum)]
    for content in (body, IDENTITY + body):
        file.write_bytes(version + hashlib.sha256(content).digest() + content)
        found = read_snapshot(file, IDENTITY)
        assert (found is not None) == content.startswith(IDENTITY)


def test_a_snapshot_that_cannot_be_written_is_no_error(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    write_snapshot(tmp_path / "file" / "snapshot", snapshot())
    assert (tmp_path / "file").read_bytes() == b""
