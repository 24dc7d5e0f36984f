"""The entries of one folder: what ``stat`` tells of each, and the content of small files.

It is also a program that reads for another process (see :mod:`imagetasks.context.readers`). As such it is started as
a file of its own, and has to start fast, so that it imports next to nothing.
"""

from __future__ import annotations

import hashlib
import marshal
import os
import stat
import struct
import sys
from operator import attrgetter

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import IO

__all__ = [
    "LARGE",
    "STAMP",
    "Entries",
    "Listing",
    "StatKey",
    "fingerprint",
    "pack_stamp",
    "read_entries",
    "receive",
    "send",
    "stat_key",
]

StatKey = tuple[int, int, int, int, int]
"""What ``stat`` tells that changes with an entry: size, mtime and ctime in ns, inode, mode."""

Listing = tuple[str, list[str], list[str], list[bool]]
"""What to look at in a folder: its path with a slash at the end, the names in it in the order in which it lists them,
those of them to look at, and for each of the latter whether it is a file to read."""

Entries = tuple[bytes, int, list[str], list[int], list[bytes], list[bytes]]
"""What was found there: the fingerprint, the latest mtime or ctime in ns, and in the order of names: the names, the
modes, the stamps, and the SHA-256 of what was read, ``b""`` for all else."""

LARGE = 1 << 17
"""From this size on, files are left to be read in parts."""

STAMP = struct.Struct("<QqqQH")
"""A :data:`StatKey`, packed."""

stat_key: Callable[[os.stat_result], StatKey] = attrgetter(
    "st_size", "st_mtime_ns", "st_ctime_ns", "st_ino", "st_mode"
)
# Before each message between two processes stands its length in as many bytes, the low byte first.
_LENGTH_SIZE = 8
_INODE_BITS = (1 << 64) - 1
# The newest format in which equal values are equal bytes: later ones tell whether a value is referred to elsewhere.
_MARSHAL_FORMAT = 2
# What was a file when it was listed may have become a link or a pipe, that nobody writes to.
_READ_ONLY = os.O_RDONLY | sum(getattr(os, name, 0) for name in ("O_BINARY", "O_NOFOLLOW", "O_NONBLOCK"))


def pack_stamp(key: StatKey) -> bytes:
    """What ``stat`` tells of an entry, packed."""
    size, mtime, ctime, inode, mode = key
    return STAMP.pack(size, mtime, ctime, inode & _INODE_BITS, mode)


def fingerprint(names: list[str], keys: list[StatKey]) -> bytes:
    """The SHA-256 of a folder's names and of what ``stat`` tells of those looked at, both in the order listed."""
    return hashlib.sha256(marshal.dumps((names, keys), _MARSHAL_FORMAT)).digest()


def read_entries(listing: Listing) -> Entries:
    """Look at entries of a folder, and read small files.

    What is told of a file that was read is what ``stat`` told of that very file before. One that cannot be read, or
    that is not as long as it was, counts as not read.

    Raises OSError, with the path of what cannot be looked at.
    """
    folder, names, seen, is_read = listing
    keys = []
    digests = []
    for name, is_file in zip(seen, is_read):  # noqa: B905 - `strict` costs time here
        path = folder + name
        key, digest = _read(path) if is_file else (stat_key(os.lstat(path)), b"")
        keys.append(key)
        digests.append(digest)
    if not seen:
        return fingerprint(names, keys), 0, [], [], [], []
    _, mtimes, ctimes, _, modes = zip(*keys, strict=True)
    rows = sorted(zip(seen, modes, map(pack_stamp, keys), digests, strict=True))
    columns = map(list, zip(*rows, strict=True))
    return fingerprint(names, keys), max(*mtimes, *ctimes), *columns


def _read(path: str) -> tuple[StatKey, bytes]:
    """What ``stat`` tells of a file, and the SHA-256 of what is read after that, ``b""`` if that is not all of it."""
    try:
        descriptor = os.open(path, _READ_ONLY)
        try:
            key = stat_key(os.fstat(descriptor))
            size = key[0]
            if size >= LARGE or not stat.S_ISREG(key[4]):
                return key, b""
            content = os.read(descriptor, size + 1)
        finally:
            os.close(descriptor)
    except OSError:
        return stat_key(os.lstat(path)), b""
    return key, hashlib.sha256(content).digest() if len(content) == size else b""


def send(stream: IO[bytes], content: bytes) -> None:
    """Send a message to another process."""
    stream.write(len(content).to_bytes(_LENGTH_SIZE, "little") + content)
    stream.flush()


def receive(stream: IO[bytes]) -> bytes:
    """A message from another process; ``b""`` if that has ended."""
    size = int.from_bytes(stream.read(_LENGTH_SIZE), "little")
    content = stream.read(size)
    return content if len(content) == size else b""


def _main() -> None:
    """Answer each list of listings from standard input with a list of entries, ``b""`` if one cannot be looked at."""
    while request := receive(sys.stdin.buffer):
        listings: list[Listing] = marshal.loads(request)  # noqa: S302 - this comes from our own process
        try:
            answer = marshal.dumps(list(map(_read_from_within, listings)))
        except OSError:
            answer = b""
        send(sys.stdout.buffer, answer)


def _read_from_within(listing: Listing) -> Entries:
    """A process of its own can step into a folder, from where the way to each entry is shorter."""
    folder, names, seen, is_read = listing
    os.chdir(folder)
    return read_entries(("", names, seen, is_read))


if __name__ == "__main__":
    _main()
