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
from collections.abc import Iterator, Sequence
from multiprocessing.pool import ThreadPool

from imagetasks.context.entries import LARGE
from imagetasks.context.filecache import FileDigests, StampedPath
from imagetasks.context.scan import Scan, open_unchanged, stamp_of, stamped_size
from imagetasks.context.snapshot import DIGEST_VERSION

__all__ = ["context_digest", "entry_digests"]

_CHUNK = 1 << 18
_READ_ONLY = os.O_RDONLY | getattr(os, "O_BINARY", 0)
_THREADS = min(8, (os.cpu_count() or 1) + 1)


def context_digest(scan: Scan, digests: FileDigests) -> str:
    """The digest of a scanned context as 64 hexadecimal digits; only files that ``digests`` does not know are read.

    It is the SHA-256 of a version and four parts, each after its length: the paths with NULs between them, the modes
    (type and permission bits) as 16-bit numbers, the SHA-256 of each regular file, the link targets with NULs between
    them; all in the order of the scan, numbers with the low byte first.

    Raises :class:`ContextError` for a file that cannot be read or that changed since the scan.
    """
    whole = hashlib.sha256(DIGEST_VERSION)
    for part in (
        _joined(scan.paths),
        struct.pack(f"<{len(scan)}H", *scan.modes),
        b"".join(_file_digests(scan, digests)),
        _joined(list(scan.targets.values())),
    ):
        whole.update(len(part).to_bytes(8, "little"))
        whole.update(part)
    return whole.hexdigest()


def entry_digests(scan: Scan, digests: FileDigests) -> Iterator[tuple[str, int, bytes]]:
    """The path and mode of each entry of a scanned context, and the SHA-256 of a file's content or a link's target.

    Raises :class:`ContextError` as :func:`context_digest` does.
    """
    for path, mode, content in zip(scan.paths, scan.modes, _file_digests(scan, digests), strict=True):
        target = scan.targets.get(path)
        yield path, mode, content if target is None else hashlib.sha256(os.fsencode(target)).digest()


def _joined(texts: Sequence[str]) -> bytes:
    return "\0".join(texts).encode("utf-8", "surrogateescape")


def _file_digests(scan: Scan, digests: FileDigests) -> list[bytes]:
    """The digest of each entry that is a regular file, ``b""`` for all others."""
    found = list(scan.digests)
    unread = [number for number, digest in enumerate(found) if not digest and stat.S_ISREG(scan.modes[number])]
    if not unread:
        return found
    files = [(scan.paths[number], scan.stamps[number]) for number in unread]
    for number, digest in zip(unread, _known_or_read(scan.folder, files, digests), strict=True):
        found[number] = digest
    return found


def _known_or_read(folder: str, files: Sequence[StampedPath], digests: FileDigests) -> list[bytes]:
    found = digests.find(folder, files)
    missing = [file for file, digest in zip(files, found, strict=True) if not digest]
    if not missing:
        return found
    read_at = digests.clock()
    read = _read(folder, missing)
    digests.record(folder, read, read_at)
    return [digest or read[file] for file, digest in zip(files, found, strict=True)]


def _read(folder: str, files: Sequence[StampedPath]) -> dict[StampedPath, bytes]:
    """Large files are read by several threads at once; while small ones are read, there is little to do at once."""
    large = [file for file in files if stamped_size(file[1]) >= LARGE]
    read = {file: _read_small_file(folder, *file) for file in files if stamped_size(file[1]) < LARGE}
    if large:
        # The threads of this pool, unlike those of concurrent.futures, do not keep an interrupted run from ending.
        with ThreadPool(min(_THREADS, len(large))) as pool:
            read.update(zip(large, pool.imap(lambda file: _read_file(folder, *file), large), strict=True))
    return read


def _read_small_file(folder: str, path: str, stamp: bytes) -> bytes:
    """As :func:`_read_file`, with as little beside the reading as can be."""
    size = stamped_size(stamp)
    try:
        descriptor = os.open(f"{folder}/{path}", _READ_ONLY)
        try:
            is_unchanged = stamp_of(os.fstat(descriptor)) == stamp
            content = os.read(descriptor, size + 1)
        finally:
            os.close(descriptor)
    except OSError:
        is_unchanged = False
    if is_unchanged and len(content) == size:
        return hashlib.sha256(content).digest()
    return _read_file(folder, path, stamp)


def _read_file(folder: str, path: str, stamp: bytes) -> bytes:
    content = hashlib.sha256()
    with open_unchanged(folder, path, stamp) as file:
        while chunk := file.read(_CHUNK):
            content.update(chunk)
    return content.digest()
