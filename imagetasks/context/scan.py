"""Which files are in a build context, and what ``stat`` tells about each.

This is the hot path of a run that has nothing to do, so the entries are parallel lists instead of objects: 100,000
of them take some 25 MB.
"""

from __future__ import annotations

import hashlib
import io
import os
import stat
import struct
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

from imagetasks.context.ignore import IgnoreRules, is_excluded
from imagetasks.context.looks import Folder, Look, StatKey, look, stat_key
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
    whether a file is still the one that was seen. ``targets`` holds what each symbolic link points to. ``folders``
    are those that were looked through, each before those below it, ``fingerprint`` is that of
    :class:`imagetasks.context.looks.Looks` for them, and ``newest`` the latest mtime or ctime of what was seen.
    """

    folder: str
    paths: list[str] = field(default_factory=list)
    modes: list[int] = field(default_factory=list)
    stamps: list[bytes] = field(default_factory=list)
    targets: dict[str, str] = field(default_factory=dict)
    folders: list[Folder] = field(default_factory=list, compare=False)
    fingerprint: bytes = field(default=b"", compare=False)
    newest: int = field(default=0, compare=False)

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
    return _Walk(str(root), rules, frozenset(always), frozenset(never)).run()


def stamp_of(status: os.stat_result) -> bytes:
    """What changes when a file does, packed: size, mtime, ctime, inode and mode."""
    return _packed(stat_key(status))


def _packed(key: StatKey) -> bytes:
    size, mtime, ctime, inode, mode = key
    return _STAMP.pack(size, mtime, ctime, inode & _INODE_BITS, mode)


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

    def __init__(self, folder: str, rules: IgnoreRules, always: frozenset[str], never: frozenset[str]) -> None:
        self._found = Scan(folder)
        self._rules = rules
        self._always = always
        self._never = never
        self._ways = {str(way) for path in always for way in Path(path).parents}
        self._fingerprint = hashlib.sha256()
        self._newest = 0

    def run(self) -> Scan:
        pending = [("", 0)]
        while pending:
            prefix, state = pending.pop()
            pending.extend(reversed(self._folder(prefix, state)))
        return replace(self._found, fingerprint=self._fingerprint.digest(), newest=self._newest)

    def _folder(self, prefix: str, parent: int) -> list[tuple[str, int]]:
        """Take in one folder's entries; the folders to enter next, with the state that each has for the rules."""
        states: dict[str, int] = {}

        def is_unseen(name: str) -> bool:
            path = prefix + name
            states[name] = self._rules.state(path, name, parent)
            return path in self._never or not (self._is_sent(path, states[name]) or self._leads_on(path))

        seen = self._look(prefix, is_unseen)
        below: list[tuple[str, int]] = []
        for name, key in sorted(zip(seen.seen, seen.keys, strict=True)):
            path = prefix + name
            if self._is_sent(path, states[name]):
                self._take(path, key)
            if stat.S_ISDIR(key[4]):
                below.append((path + "/", states[name]))
        return below

    def _look(self, prefix: str, is_unseen: Callable[[str], bool]) -> Look:
        folder = f"{self._found.folder}/{prefix}".rstrip("/")
        try:
            seen = look(folder, is_unseen)
        except OSError as error:
            path = os.path.relpath(error.filename, self._found.folder)
            raise _unreadable(self._found.folder if path == "." else path, error) from error
        unseen = frozenset(seen.names).difference(seen.seen)
        self._found.folders.append(Folder(prefix.rstrip("/") or ".", unseen))
        self._fingerprint.update(seen.fingerprint)
        self._newest = max(self._newest, seen.newest)
        return seen

    def _is_sent(self, path: str, state: int) -> bool:
        return not is_excluded(state) or path in self._always

    def _leads_on(self, path: str) -> bool:
        return path in self._ways or self._rules.may_reenter(path)

    def _take(self, path: str, key: StatKey) -> None:
        """Add one entry."""
        found = self._found
        mode = key[4]
        if stat.S_ISLNK(mode):
            found.targets[path] = self._target(path)
            mode = _SYMLINK_MODE
        elif stat.S_ISSOCK(mode):
            return
        elif stat.S_ISCHR(mode) or stat.S_ISBLK(mode):
            raise ContextError(f"{path!r} in the build context is a device, name it in .dockerignore or remove it")
        found.paths.append(path)
        found.modes.append(mode)
        found.stamps.append(_packed(key))

    def _target(self, path: str) -> str:
        try:
            return os.readlink(f"{self._found.folder}/{path}")  # noqa: PTH115 - Path would tidy up the target
        except OSError as error:
            raise _unreadable(path, error) from error


def _unreadable(path: str, error: OSError) -> ContextError:
    if isinstance(error, FileNotFoundError):
        return _changed(path)
    reason = error.strerror or "error"
    return ContextError(
        f"{path!r} in the build context cannot be read ({reason}), allow it or name it in .dockerignore"
    )


def _changed(path: str) -> ContextError:
    return ContextError(f"{path!r} changed while the build context was being read, try again once it is written")
