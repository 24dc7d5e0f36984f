"""The tar stream of a build context, made while the files are read."""

from __future__ import annotations

import stat
import tarfile
from collections.abc import Iterator, Mapping

from imagetasks.context.scan import Scan, check_unchanged, open_unchanged, stamped_size, stamped_times
from imagetasks.errors import ContextError

__all__ = ["tar_stream"]

_CHUNK = 1 << 18
_END = bytes(2 * tarfile.BLOCKSIZE)
_TYPES = {
    stat.S_IFREG: tarfile.REGTYPE,
    stat.S_IFDIR: tarfile.DIRTYPE,
    stat.S_IFLNK: tarfile.SYMTYPE,
    stat.S_IFIFO: tarfile.FIFOTYPE,
}
_IN_MEMORY_MODE = 0o644


def tar_stream(scan: Scan, extra: Mapping[str, bytes] | None = None) -> Iterator[bytes]:
    """Yield a scanned context as a tar archive, in chunks of about 256 KiB; no more than that is held in memory.

    Members have the permission bits and whole-second mtimes of the disk and belong to 0:0, as those that the docker
    CLI sends; hard links become files of their own. ``extra`` holds files, by path, that are added or that take
    the place of a scanned one. The format is GNU's, which takes any bytes in a name.

    Raises :class:`ContextError` if a file cannot be read or is not as it was scanned. The stream that was yielded
    until then ends in the middle of a member, so that no reader takes it for complete.
    """
    batch = bytearray()
    try:
        for part in _parts(scan, extra or {}):
            batch += part
            if len(batch) >= _CHUNK:
                yield bytes(batch)
                batch.clear()
    except ContextError:
        yield bytes(batch)
        raise
    yield bytes(batch)


def _parts(scan: Scan, extra: Mapping[str, bytes]) -> Iterator[bytes]:
    for path, mode, stamp in zip(scan.paths, scan.modes, scan.stamps, strict=True):
        if path in extra:
            continue
        header = _header(path, mode, stamp, scan.targets.get(path, ""))
        if stat.S_ISREG(mode):
            yield from _file(scan.folder, path, stamp, header)
        else:
            yield header
    for path, content in extra.items():
        member = tarfile.TarInfo(path)
        member.size = len(content)
        member.mode = _IN_MEMORY_MODE
        yield _encoded(member) + content + _padding(len(content))
    yield _END


def _header(path: str, mode: int, stamp: bytes, target: str) -> bytes:
    mtime, _ = stamped_times(stamp)
    member = tarfile.TarInfo(path)
    member.type = _TYPES[stat.S_IFMT(mode)]
    member.mode = stat.S_IMODE(mode)
    member.mtime = mtime // 1_000_000_000
    member.size = stamped_size(stamp) if stat.S_ISREG(mode) else 0
    member.linkname = target
    return _encoded(member)


def _encoded(member: tarfile.TarInfo) -> bytes:
    return member.tobuf(tarfile.GNU_FORMAT, "utf-8", "surrogateescape")


def _unfinished(path: str) -> bytes:
    """The header of a member whose content is missing, since readers take an end between members for the end."""
    member = tarfile.TarInfo(path)
    member.size = 1
    return _encoded(member)


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
                yield unsent + chunk
                unsent = b""
    except ContextError:
        if unsent:
            yield _unfinished(path)
        raise
    yield unsent + _padding(size)
