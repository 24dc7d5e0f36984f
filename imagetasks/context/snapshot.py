"""The digest of a context, remembered with what ``stat`` told of all its entries.

As long as ``stat`` tells the same, the digest is the same: no rule of the ignore file has to be applied, nothing
sorted, and the digest of no file looked up.

A snapshot is one file: two lines with versions, the SHA-256 of the rest, three numbers of 32 bytes (which context it
is of, the context's digest, the fingerprint of its folders), and the folders: each its path and the names not seen,
separated by slashes, with NULs between folders. Anything else than that is taken for no snapshot.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from imagetasks.context.looks import Folder

__all__ = ["DIGEST_VERSION", "Snapshot", "read_snapshot", "write_snapshot"]

DIGEST_VERSION = b"imagetasks context 1\n"
"""What a context's digest begins with; a snapshot holds a digest of this version."""

_VERSION = b"imagetasks context snapshot 1 of " + DIGEST_VERSION
_NUMBER_SIZE = 32
_BETWEEN_PATH_AND_NAMES = "//"


class Snapshot(NamedTuple):
    """A context as it was when its digest was computed.

    :ivar identity: the SHA-256 of which folder is meant and what decides which of its entries are seen
    :ivar digest: the context's digest, as bytes
    :ivar fingerprint: of its folders, see :mod:`imagetasks.context.looks`
    :ivar folders: its folders, each before those that it holds
    """

    identity: bytes
    digest: bytes
    fingerprint: bytes
    folders: Sequence[Folder]


def read_snapshot(file: Path, identity: bytes) -> Snapshot | None:
    """The snapshot of a context; None if there is none, or one that is damaged or of another context or version."""
    try:
        content = file.read_bytes()
    except OSError:
        return None
    start = len(_VERSION) + _NUMBER_SIZE
    body = content[start:]
    if content[:start] != _VERSION + hashlib.sha256(body).digest() or not body.startswith(identity):
        return None
    numbers = [body[at : at + _NUMBER_SIZE] for at in range(0, 3 * _NUMBER_SIZE, _NUMBER_SIZE)]
    return Snapshot(numbers[0], numbers[1], numbers[2], _folders(body[3 * _NUMBER_SIZE :]))


def write_snapshot(file: Path, snapshot: Snapshot) -> None:
    """Write a snapshot in place of the last one; one that cannot be written is not kept, without an error."""
    body = b"".join([snapshot.identity, snapshot.digest, snapshot.fingerprint, _text(snapshot.folders)])
    temporary = file.with_name(f"{file.name}.{os.getpid()}.tmp")
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        temporary.write_bytes(_VERSION + hashlib.sha256(body).digest() + body)
        temporary.replace(file)
    except OSError:
        with suppress(OSError):
            temporary.unlink()


def _text(folders: Iterable[Folder]) -> bytes:
    lines = (f"{path}{_BETWEEN_PATH_AND_NAMES}{'/'.join(unseen)}" for path, unseen in folders)
    return "\0".join(lines).encode("utf-8", "surrogateescape")


def _folders(text: bytes) -> list[Folder]:
    folders = []
    for line in text.decode("utf-8", "surrogateescape").split("\0"):
        path, _, names = line.partition(_BETWEEN_PATH_AND_NAMES)
        folders.append(Folder(path, frozenset(names.split("/") if names else ())))
    return folders
