"""The digests of files, remembered from run to run by what ``stat`` tells of them.

A digest is believed as long as the file's stamp (see :mod:`imagetasks.context.scan`) is the one it was recorded
with. A file that was not settled when it was read (see :mod:`imagetasks.context.looks`) is recorded with a stamp
that no file has.

The cache is one file: a line with the version, the SHA-256 of the rest, the number of records, the length of the
paths, the paths, and for each path its stamp and digest. Anything else than that is taken for an empty cache.
"""

from __future__ import annotations

import atexit
import functools
import hashlib
import os
import struct
import threading
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from itertools import chain
from pathlib import Path

from imagetasks.context.looks import is_settled
from imagetasks.context.scan import STAMP_SIZE, stamped_times
from imagetasks.state import STATE_FOLDER

__all__ = ["FileDigests", "StampedPath", "project_digests"]

StampedPath = tuple[str, bytes]
"""A file, relative to some folder with ``/``, and its stamp."""

_CACHE_FILE = "files.cache"
_VERSION = b"imagetasks file digests 1\n"
_CHECKSUM_SIZE = 32
_COUNTS = struct.Struct("<QQ")
_DIGEST_SIZE = 32
_SIZE_AND_MTIME = 16
"""How many bytes of a stamp these two take, which come first."""
_RECORD_SIZE = STAMP_SIZE + _DIGEST_SIZE


class FileDigests:
    """SHA-256 digests of files, by paths relative to a project's folder; safe to share between threads.

    Contexts of different images overlap, so they share the digests of the files they share.
    """

    def __init__(self, file: Path, project: Path) -> None:
        self._file = file
        self._project = project
        self._rows: dict[str, int] = {}
        self._records = b""
        self._used = bytearray()
        self._fresh: dict[str, bytes] = {}
        self._new: list[tuple[list[str], list[bytes], list[bytes]]] = []
        self._disguised: set[str] = set()
        self._visited: set[str] = set()
        self._lock = threading.Lock()

    @classmethod
    def load(cls, file: Path, project: Path) -> FileDigests:
        """Read a cache; one that is missing, damaged or of another version is empty."""
        digests = cls(file, project)
        try:
            content = file.read_bytes()
        except OSError:
            return digests
        with suppress(ValueError, struct.error):
            digests._rows, digests._records = _unpack(content)
            digests._used = bytearray(len(digests._rows))
        return digests

    def find(self, folder: str, files: Iterable[StampedPath]) -> list[bytes]:
        """The digest of each file of a folder, in order; ``b""`` where none is known for its stamp."""
        prefix = self._prefix(folder)
        self._visited.add(prefix)
        self._merge()
        return [self._find(prefix + path, stamp) for path, stamp in files]

    def _find(self, path: str, stamp: bytes) -> bytes:
        row = self._rows.get(path, -1)
        start = row * _RECORD_SIZE
        if row >= 0 and self._records.startswith(stamp, start):
            self._used[row] = True
            return self._records[start + STAMP_SIZE : start + _RECORD_SIZE]
        record = self._fresh.get(path, b"")
        return record[STAMP_SIZE:] if record.startswith(stamp) else b""

    def is_new(self, folder: str) -> bool:
        """Whether nothing is known of any file in a folder, nor has been asked for."""
        prefix = self._prefix(folder)
        return not self._rows and not any(
            prefix.startswith(visited) or visited.startswith(prefix) for visited in self._visited
        )

    def clock(self) -> int:
        """The time in ns as the state folder's file system tells it, to be asked before files are read.

        0 if nothing can be written there, so that nothing is recorded.
        """
        probe = self._file.with_name(f"{self._file.name}.{os.getpid()}.{threading.get_ident()}.clock")
        try:
            probe.parent.mkdir(exist_ok=True)
            probe.write_bytes(b"\n")
            now = probe.stat().st_mtime_ns
            probe.unlink()
        except OSError:
            return 0
        return now

    def record(self, folder: str, digests: Mapping[StampedPath, bytes], read_at: int) -> None:
        """Remember the digests of files that were read after :meth:`clock` gave ``read_at``, by path and stamp."""
        prefix = self._prefix(folder)
        fresh = {}
        disguised = set()
        for (path, stamp), digest in digests.items():
            if self._is_disguised(prefix + path, stamp, digest):
                disguised.add(prefix + path)
            else:
                fresh[prefix + path] = (
                    stamp if is_settled(*stamped_times(stamp), read_at) else _doubted(stamp)
                ) + digest
        with self._lock:
            self._fresh.update(fresh)
            self._disguised |= disguised

    def record_new(self, folder: str, paths: list[str], stamps: list[bytes], digests: list[bytes]) -> None:
        """As :meth:`record`, for files of a folder that :meth:`is_new`, which were settled when they were read."""
        prefix = self._prefix(folder)
        self._visited.add(prefix)
        with self._lock:
            self._new.append((list(map(prefix.__add__, paths)), stamps, digests))

    def _merge(self) -> None:
        """Make what is new ready to be looked up, which a first run seldom has to."""
        with self._lock:
            for paths, stamps, digests in self._new:
                self._fresh.update(zip(paths, map(bytes.__add__, stamps, digests), strict=True))
            self._new.clear()

    def disguised(self, folder: str, paths: Iterable[str]) -> list[str]:
        """Those files of a folder that have other content than before under the same size and mtime.

        They are not recorded, so that they are found again in every run until their mtime tells.
        """
        prefix = self._prefix(folder)
        return [path for path in paths if prefix + path in self._disguised] if self._disguised else []

    def _is_disguised(self, path: str, stamp: bytes, digest: bytes) -> bool:
        row = self._rows.get(path, -1)
        old = self._records[row * _RECORD_SIZE : (row + 1) * _RECORD_SIZE] if row >= 0 else b""
        return old.startswith(stamp[:_SIZE_AND_MTIME]) and not old.endswith(digest)

    def save(self) -> None:
        """Write the cache if there is something new; one that cannot be written is not kept, without an error.

        Files that were not met in a folder that was looked through, and that are gone, are forgotten.
        """
        with self._lock:
            if self._fresh or self._new:
                known = {**self._kept(), **self._fresh}
                paths = list(known)
                parts = list(known.values())
                for new, stamps, digests in self._new:
                    paths += new
                    parts += chain.from_iterable(zip(stamps, digests, strict=True))
                self._write(_pack(paths, parts))

    def _write(self, pieces: Iterable[bytes]) -> None:
        temporary = self._file.with_name(f"{self._file.name}.{os.getpid()}.tmp")
        try:
            self._file.parent.mkdir(exist_ok=True)
            with temporary.open("wb") as file:
                file.writelines(pieces)
            temporary.replace(self._file)
        except OSError:
            with suppress(OSError):
                temporary.unlink()

    def _kept(self) -> dict[str, bytes]:
        visited = tuple(self._visited)
        return {
            path: self._records[row * _RECORD_SIZE : (row + 1) * _RECORD_SIZE]
            for path, row in self._rows.items()
            if self._used[row] or not path.startswith(visited) or (self._project / path).exists()
        }

    def _prefix(self, folder: str) -> str:
        relative = os.path.relpath(folder, self._project).replace(os.sep, "/")
        return "" if relative == "." else relative + "/"


@functools.cache
def project_digests(project: Path) -> FileDigests:
    """The digests that all images of a project share; saved once, when the program ends."""
    digests = FileDigests.load(project / STATE_FOLDER / _CACHE_FILE, project)
    atexit.register(digests.save)
    return digests


def _doubted(stamp: bytes) -> bytes:
    """A stamp that no file has, so that its digest is not believed, with the size and mtime of this one."""
    return stamp[:_SIZE_AND_MTIME].ljust(STAMP_SIZE, b"\0")


def _pack(paths: Sequence[str], parts: Iterable[bytes]) -> list[bytes]:
    """A cache of these paths, in pieces; the parts, joined, are their records."""
    text = "\0".join(paths).encode("utf-8", "surrogateescape")
    body = [_COUNTS.pack(len(paths), len(text)), text, b"".join(parts)]
    checksum = hashlib.sha256()
    for piece in body:
        checksum.update(piece)
    return [_VERSION, checksum.digest(), *body]


def _unpack(content: bytes) -> tuple[dict[str, int], bytes]:
    """The row of each path and the records, one after the other; ValueError for what is no cache of this version."""
    start = len(_VERSION) + _CHECKSUM_SIZE
    body = content[start:]
    if content[:start] != _VERSION + hashlib.sha256(body).digest():
        raise ValueError("no cache of this version")
    count, length = _COUNTS.unpack_from(body)
    end = _COUNTS.size + length
    paths = body[_COUNTS.size : end].decode("utf-8", "surrogateescape").split("\0")
    return dict(zip(paths, range(count), strict=True)), body[end:]
