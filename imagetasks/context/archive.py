"""The tar stream of a build context, made while the files are read."""

from __future__ import annotations

import os
import stat
import tarfile
from collections.abc import Iterator, Mapping

from imagetasks.context.scan import Scan, check_unchanged, open_unchanged, stamped_size, stamped_times
from imagetasks.errors import ContextError

__all__ = ["tar_size", "tar_stream"]

_CHUNK = 1 << 18
_END = bytes(2 * tarfile.BLOCKSIZE)
_TYPES = {
    stat.S_IFDIR: tarfile.DIRTYPE,
    stat.S_IFLNK: tarfile.SYMTYPE,
    stat.S_IFIFO: tarfile.FIFOTYPE,
}
_IN_MEMORY_MODE = 0o644

# What the first form of a header has room for. Magic and version are GNU's, owner and group 0.
_NAME_SIZE = 100
_CHECKSUM_SIZE = 8
_NUMBERS = 8**11
_BEFORE_CHECKSUM = b"%b%07o\0" + b"%07o\0" % 0 * 2 + b"%011o\0%011o\0"
_AFTER_CHECKSUM = b"%b" + bytes(_NAME_SIZE) + b"ustar  \0"


def tar_stream(scan: Scan, extra: Mapping[str, bytes] | None = None) -> Iterator[bytes]:
    """Yield a scanned context as a tar archive, in chunks of about 256 KiB; no more than that is held in memory.

    Members have the permission bits and whole-second mtimes of the disk and belong to 0:0, as those that the docker
    CLI sends; what is hard linked is sent once, and by links to it. ``extra`` holds files, by path, that are added or
    that take the place of a scanned one. The format is GNU's, which takes any bytes in a name.

    Raises :class:`ContextError` if a file cannot be read or is not as it was scanned. The stream that was yielded
    until then ends in the middle of a member, so that no reader takes it for complete.
    """
    batch: list[bytes] = []
    size = 0
    try:
        for part in _parts(scan, extra or {}):
            batch.append(part)
            size += len(part)
            if size >= _CHUNK:
                yield b"".join(batch)
                batch.clear()
                size = 0
    except ContextError:
        yield b"".join(batch)
        raise
    yield b"".join(batch)


def tar_size(scan: Scan) -> int:
    """About how many bytes the stream of a scanned context has: what is hard linked counts each time."""
    return sum(
        tarfile.BLOCKSIZE + (_padded(stamped_size(stamp)) if stat.S_ISREG(mode) else 0)
        for mode, stamp in zip(scan.modes, scan.stamps, strict=True)
    )


def _parts(scan: Scan, extra: Mapping[str, bytes]) -> Iterator[bytes]:
    sent: dict[bytes, str] = {}
    for path, mode, stamp in zip(scan.paths, scan.modes, scan.stamps, strict=True):
        if path in extra:
            continue
        first = sent.setdefault(stamp, path)
        if not stat.S_ISREG(mode):
            yield _header(path, _TYPES[stat.S_IFMT(mode)], mode, stamp, scan.targets.get(path, ""))
        elif first != path and _is_hard_link(scan.folder, path):
            yield _header(path, tarfile.LNKTYPE, mode, stamp, first)
        else:
            yield from _file(scan.folder, path, stamp, _header(path, tarfile.REGTYPE, mode, stamp))
    for path, content in extra.items():
        member = tarfile.TarInfo(path)
        member.size = len(content)
        member.mode = _IN_MEMORY_MODE
        yield _encoded(member) + content + _padding(len(content))
    yield _END


def _is_hard_link(folder: str, path: str) -> bool:
    """Whether a file has other names too: not all file systems give each file an inode of its own."""
    try:
        return os.lstat(f"{folder}/{path}").st_nlink > 1
    except OSError:
        return False


def _header(path: str, kind: bytes, mode: int, stamp: bytes, target: str = "") -> bytes:
    mtime, _ = stamped_times(stamp)
    member = tarfile.TarInfo(path)
    member.type = kind
    member.mode = stat.S_IMODE(mode)
    member.mtime = mtime // 1_000_000_000
    member.size = stamped_size(stamp) if kind == tarfile.REGTYPE else 0
    member.linkname = target
    return _plain(member) or _encoded(member)


def _plain(member: tarfile.TarInfo) -> bytes:
    """What :func:`_encoded` makes of a file with a short name, at an eighth of the cost; empty for anything else."""
    name = member.name.encode("utf-8", "surrogateescape")
    mtime = int(member.mtime)
    if not member.isreg() or len(name) > _NAME_SIZE or member.size >= _NUMBERS or not 0 <= mtime < _NUMBERS:
        return b""
    before = _BEFORE_CHECKSUM % (name.ljust(_NAME_SIZE, b"\0"), member.mode, member.size, mtime)
    after = (_AFTER_CHECKSUM % member.type).ljust(tarfile.BLOCKSIZE - len(before) - _CHECKSUM_SIZE, b"\0")
    # The sum is taken with spaces in its own place.
    checksum = sum(before) + sum(after) + _CHECKSUM_SIZE * ord(" ")
    return b"%b%06o\0 %b" % (before, checksum, after)


def _encoded(member: tarfile.TarInfo) -> bytes:
    return member.tobuf(tarfile.GNU_FORMAT, "utf-8", "surrogateescape")


def _unfinished(path: str) -> bytes:
    """The header of a member whose content is missing, since readers take an end between members for the end."""
    member = tarfile.TarInfo(path)
    member.size = 1
    return _encoded(member)


def _padded(size: int) -> int:
    return size + -size % tarfile.BLOCKSIZE


def _padding(size: int) -> bytes:
    return bytes(-size % tarfile.BLOCKSIZE)


def _file(folder: str, path: str, stamp: bytes, header: bytes) -> Iterator[bytes]:
    """One member. The last chunk is held back until the file has proved unchanged, so that an error cuts it short."""
    left = size = stamped_size(stamp)
    unsent = header
    try:
        with open_unchanged(folder, path, stamp) as file:
            while left:
                chunk = file.read(min(left, _CHUNK))
                left -= len(chunk)
                if not left or not chunk:
                    check_unchanged(file, path, stamp)
                yield unsent
                unsent = b""
                yield chunk
    except ContextError:
        if unsent:
            yield _unfinished(path)
        raise
    yield unsent
    yield _padding(size)
