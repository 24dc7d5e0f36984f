"""Which files are in a build context, and what ``stat`` tells about each.

This is the hot path of a run that has nothing to do, so the entries are parallel lists instead of objects: 100,000
of them take some 25 MB.
"""

from __future__ import annotations

import io
import os
import stat
import struct
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from imagetasks.context.ignore import IgnoreRules, is_excluded
from imagetasks.errors import ContextError
from imagetasks.state import STATE_FOLDER

__all__ = [
    "STAMP_SIZE",
    "STATE_FOLDER",
    "Scan",
    "check_unchanged",
    "open_unchanged",
    "scan",
    "stamp_of",
    "stamped_size",
    "stamped_times",
]

# Size, mtime and ctime in ns, inode, mode.
_STAMP = struct.Struct("<QqqQH")
STAMP_SIZE = _STAMP.size

_INODE_BITS = (1 << 64) - 1
_SYMLINK_MODE = stat.S_IFLNK | 0o777
_NO_RULES = IgnoreRules.parse(b"", "")


@dataclass(frozen=True)
class Scan:
    """The entries of a context: each folder before what it holds, the entries of one folder in the order of names.

    ``folder`` is absolute. ``paths`` are relative to it, with ``/``, and undecodable bytes as surrogates. ``modes``
    are those of ``stat``: type and permission bits, the latter always 0777 for a symbolic link. ``stamps`` tell
    whether a file is still the one that was seen. ``targets`` holds what each symbolic link points to.
    """

    folder: str
    paths: list[str] = field(default_factory=list)
    modes: list[int] = field(default_factory=list)
    stamps: list[bytes] = field(default_factory=list)
    targets: dict[str, str] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.paths)


def scan(
    folder: str | os.PathLike[str],
    rules: IgnoreRules = _NO_RULES,
    always: Iterable[str] = (),
    never: Iterable[str] = (STATE_FOLDER,),
) -> Scan:
    """List what ``docker build`` would send of a folder.

    ``always`` are files that are sent although the rules leave them out (the Dockerfile and ``.dockerignore``: the
    daemon reads them and then applies the rules itself), ``never`` are entries that are no part of the context, with
    all that they hold. Both are relative to the folder, with ``/``. An excluded folder that leads to something that
    is sent is not itself sent. Sockets are left out, as Docker does.

    Raises :class:`ContextError` for a folder that is none or cannot be read, and for a device.
    """
    root = Path(folder).absolute()
    if not root.is_dir():
        raise ContextError(f"the build context {root} is not a folder, it has to be one that exists")
    walk = _Walk(Scan(str(root)), rules, frozenset(always), frozenset(never))
    walk.run()
    return walk.found


def stamp_of(status: os.stat_result) -> bytes:
    """What changes when a file does, packed: size, mtime, ctime, inode and mode."""
    inode = status.st_ino & _INODE_BITS
    return _STAMP.pack(status.st_size, status.st_mtime_ns, status.st_ctime_ns, inode, status.st_mode)


def stamped_size(stamp: bytes) -> int:
    """The size in bytes that a stamp tells."""
    size: int = _STAMP.unpack(stamp)[0]
    return size


def stamped_times(stamp: bytes) -> tuple[int, int]:
    """The mtime and the ctime in ns that a stamp tells."""
    mtime: int
    ctime: int
    _, mtime, ctime, _, _ = _STAMP.unpack(stamp)
    return mtime, ctime


@contextmanager
def open_unchanged(folder: str, path: str, stamp: bytes) -> Iterator[io.FileIO]:
    """Open a file of a context, unbuffered, if it is still the one that was scanned.

    Raises :class:`ContextError` if it is gone or changed, or cannot be read, also while it is read.
    """
    try:
        with io.FileIO(f"{folder}/{path}") as file:
            check_unchanged(file, path, stamp)
            yield file
    except OSError as error:
        raise _unreadable(path, error) from error


def check_unchanged(file: io.FileIO, path: str, stamp: bytes) -> None:
    """Raise :class:`ContextError` if an open file of a context is no longer as it was scanned."""
    if stamp_of(os.fstat(file.fileno())) != stamp:
        raise _changed(path)


class _Walk:
    """One walk through a context, folder by folder."""

    def __init__(self, found: Scan, rules: IgnoreRules, always: frozenset[str], never: frozenset[str]) -> None:
        self.found = found
        self._rules = rules
        self._always = always
        self._never = never
        self._ways = {str(way) for path in always for way in Path(path).parents}

    def run(self) -> None:
        pending = [("", 0)]
        while pending:
            prefix, state = pending.pop()
            pending.extend(reversed(self._folder(prefix, state)))

    def _folder(self, prefix: str, parent: int) -> list[tuple[str, int]]:
        """Take in one folder's entries; the folders to enter next, with the state that each has for the rules."""
        below: list[tuple[str, int]] = []
        for entry in self._entries(prefix):
            name = entry.name
            path = prefix + name
            if path in self._never:
                continue
            state = self._rules.state(path, name, parent)
            if is_excluded(state) and path not in self._always:
                enter = self._leads_on(path) and entry.is_dir(follow_symlinks=False)
            else:
                enter = self._take(path, entry)
            if enter:
                below.append((path + "/", state))
        return below

    def _entries(self, prefix: str) -> list[os.DirEntry[str]]:
        try:
            with os.scandir(f"{self.found.folder}/{prefix}") as entries:
                return sorted(entries, key=_name)
        except OSError as error:
            raise _unreadable(prefix.rstrip("/") or self.found.folder, error) from error

    def _leads_on(self, path: str) -> bool:
        return path in self._ways or self._rules.may_reenter(path)

    def _take(self, path: str, entry: os.DirEntry[str]) -> bool:
        """Add one entry; whether it is a folder."""
        found = self.found
        try:
            status = entry.stat(follow_symlinks=False)
            mode = status.st_mode
            if stat.S_ISLNK(mode):
                found.targets[path] = os.readlink(entry.path)  # noqa: PTH115 - Path would tidy up the target
                mode = _SYMLINK_MODE
        except OSError as error:
            raise _unreadable(path, error) from error
        if stat.S_ISSOCK(mode):
            return False
        if stat.S_ISCHR(mode) or stat.S_ISBLK(mode):
            raise ContextError(f"{path!r} in the build context is a device, name it in .dockerignore or remove it")
        found.paths.append(path)
        found.modes.append(mode)
        found.stamps.append(stamp_of(status))
        return stat.S_ISDIR(mode)


def _name(entry: os.DirEntry[str]) -> str:
    return entry.name


def _unreadable(path: str, error: OSError) -> ContextError:
    if isinstance(error, FileNotFoundError):
        return _changed(path)
    reason = error.strerror or "error"
    return ContextError(
        f"{path!r} in the build context cannot be read ({reason}), allow it or name it in .dockerignore"
    )


def _changed(path: str) -> ContextError:
    return ContextError(f"{path!r} changed while the build context was being read, try again once it is written")
