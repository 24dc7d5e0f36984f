"""The digest of a build context: one number for all that reaches the builder, and for nothing else.

It depends on each entry's path relative to the context, type, permission bits, and bytes or link target. It does not
depend on where the context lies, times, owners, inodes, the order in which a folder lists its entries, or locale; so
two checkouts have one digest unless a umask gave their files other permission bits, which the image would show too.
"""

from __future__ import annotations

import hashlib
import os
import stat
import struct
from collections.abc import Sequence
from multiprocessing.pool import ThreadPool

from imagetasks.context.filecache import FileDigests, StampedPath
from imagetasks.context.scan import Scan, open_unchanged

__all__ = ["context_digest"]

_VERSION = b"imagetasks context 1\n"
_CHUNK = 1 << 18
_FILES_AT_ONCE = 64
_THREADS = min(8, (os.cpu_count() or 1) + 1)


def context_digest(scan: Scan, digests: FileDigests) -> str:
    """The digest of a scanned context as 64 hexadecimal digits; only files that ``digests`` does not know are read.

    It is the SHA-256 of a version and four parts, each after its length: the paths with NULs between them, the modes
    (type and permission bits) as 16-bit numbers, the SHA-256 of each regular file, the link targets with NULs between
    them; all in the order of the scan, numbers with the low byte first.

    Raises :class:`ContextError` for a file that cannot be read or that changed since the scan.
    """
    files = [
        (path, stamp)
        for path, mode, stamp in zip(scan.paths, scan.modes, scan.stamps, strict=True)
        if stat.S_ISREG(mode)
    ]
    whole = hashlib.sha256(_VERSION)
    for part in (
        _joined(scan.paths),
        struct.pack(f"<{len(scan)}H", *scan.modes),
        b"".join(_file_digests(scan.folder, files, digests)),
        _joined(list(scan.targets.values())),
    ):
        whole.update(len(part).to_bytes(8, "little"))
        whole.update(part)
    return whole.hexdigest()


def _joined(texts: Sequence[str]) -> bytes:
    return "\0".join(texts).encode("utf-8", "surrogateescape")


def _file_digests(folder: str, files: Sequence[StampedPath], digests: FileDigests) -> list[bytes]:
    found = digests.find(folder, files)
    missing = [file for file, digest in zip(files, found, strict=True) if not digest]
    if not missing:
        return found
    read_at = digests.clock()
    read = _read(folder, missing)
    digests.record(folder, read, read_at)
    return [digest or read[file] for file, digest in zip(files, found, strict=True)]


def _read(folder: str, files: Sequence[StampedPath]) -> dict[StampedPath, bytes]:
    batches = [files[start : start + _FILES_AT_ONCE] for start in range(0, len(files), _FILES_AT_ONCE)]

    def read_batch(batch: Sequence[StampedPath]) -> list[bytes]:
        return [_read_file(folder, path, stamp) for path, stamp in batch]

    # The threads of this pool, unlike those of concurrent.futures, do not keep an interrupted run from ending.
    with ThreadPool(_THREADS) as pool:
        read = [digest for batch in pool.imap(read_batch, batches) for digest in batch]
    return dict(zip(files, read, strict=True))


def _read_file(folder: str, path: str, stamp: bytes) -> bytes:
    content = hashlib.sha256()
    with open_unchanged(folder, path, stamp) as file:
        while chunk := file.read(_CHUNK):
            content.update(chunk)
    return content.digest()
