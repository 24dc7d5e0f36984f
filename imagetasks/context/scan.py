"""Which files are in a build context, and what ``stat`` tells about each.

This is the hot path of a run that has nothing to do, so the entries are parallel lists instead of objects: 100,000
of them take some 25 MB.
"""

from __future__ import annotations

import hashlib
import io
import os
import stat
from collections.abc import Iterable, Iterator, Set
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from itertools import compress
from pathlib import Path

from imagetasks.context.entries import STAMP, Entries, Listing, pack_stamp, stat_key
from imagetasks.context.ignore import IgnoreRules, is_excluded
from imagetasks.context.looks import Folder
from imagetasks.context.readers import read_folders
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

STAMP_SIZE = STAMP.size

_PLAIN = frozenset((stat.S_IFREG, stat.S_IFDIR))
_SYMLINK_MODE = stat.S_IFLNK | 0o777
_NO_RULES = IgnoreRules.parse(b"", "")


@dataclass(frozen=True)
class Scan:
    """The entries of a context: each folder before what it holds, the entries of one folder in the order of names.

    ``folder`` is absolute. ``paths`` are relative to it, with ``/``, and undecodable bytes as surrogates. ``modes``
    are those of ``stat``: type and permission bits, the latter always 0777 for a symbolic link. ``stamps`` tell
    whether a file is still the one that was seen. ``targets`` holds what each symbolic link points to. ``digests``
    are the SHA-256 of files that were read along, ``b""`` for all other entries. ``folders`` are those that were
    looked through, each before those below it, ``fingerprint`` is that of
    :class:`imagetasks.context.looks.Looks` for them, and ``newest`` the latest mtime or ctime of what was seen.
    """

    folder: str
    paths: list[str] = field(default_factory=list)
    modes: list[int] = field(default_factory=list)
    stamps: list[bytes] = field(default_factory=list)
    targets: dict[str, str] = field(default_factory=dict)
    digests: list[bytes] = field(default_factory=list, compare=False)
    folders: list[Folder] = field(default_factory=list, compare=False)
    fingerprint: bytes = field(default=b"", compare=False)
    newest: int = field(default=0, compare=False)

    def __len__(self) -> int:
        return len(self.paths)

    def read_along(self) -> tuple[list[str], list[bytes], list[bytes]]:
        """The paths, stamps and digests of the files that were read along."""
        digests = self.digests
        return list(compress(self.paths, digests)), list(compress(self.stamps, digests)), list(filter(None, digests))


def scan(
    folder: str | os.PathLike[str],
    rules: IgnoreRules = _NO_RULES,
    always: Iterable[str] = (),
    never: Iterable[str] = (STATE_FOLDER,),
    contents: bool = False,
) -> Scan:
    """List what ``docker build`` would send of a folder.

    ``always`` are files that are sent although the rules leave them out (the Dockerfile and ``.dockerignore``: the
    daemon reads them and then applies the rules itself), ``never`` are entries that are no part of the context, with
    all that they hold. Both are relative to the folder, with ``/``. An excluded folder that leads to something that
    is sent is not itself sent. Sockets are left out, as Docker does. ``contents`` is for who is going to read all
    files: small ones are read along.

    Raises :class:`ContextError` for a folder that is none or cannot be read, and for a device.
    """
    root = Path(folder).absolute()
    if not root.is_dir():
        raise ContextError(f"the build context {root} is not a folder, it has to be one that exists")
    return _Walk(str(root), rules, frozenset(always), frozenset(never), contents).run()


def stamp_of(status: os.stat_result) -> bytes:
    """What changes when a file does, packed: size, mtime, ctime, inode and mode."""
    return pack_stamp(stat_key(status))


def stamped_size(stamp: bytes) -> int:
    """The size in bytes that a stamp tells."""
    size: int = STAMP.unpack(stamp)[0]
    return size


def stamped_times(stamp: bytes) -> tuple[int, int]:
    """The mtime and the ctime in ns that a stamp tells."""
    mtime: int
    ctime: int
    _, mtime, ctime, _, _ = STAMP.unpack(stamp)
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

    def __init__(
        self, folder: str, rules: IgnoreRules, always: frozenset[str], never: frozenset[str], contents: bool
    ) -> None:
        self._found = Scan(folder)
        self._rules = rules
        self._always = always
        self._never = never
        self._ways = {str(way) for path in always for way in Path(path).parents}
        self._contents = contents
        self._unsent: list[set[str]] = []

    def run(self) -> Scan:
        found = self._found
        fingerprint = hashlib.sha256()
        newest = 0
        try:
            for number, entries in enumerate(read_folders(self._listings())):
                fingerprint.update(entries[0])
                newest = max(newest, entries[1])
                self._take(_prefix(found.folders[number].path), entries, self._unsent[number])
        except OSError as error:
            path = os.path.relpath(error.filename, found.folder)
            raise _unreadable(found.folder if path == "." else path, error) from error
        return replace(found, fingerprint=fingerprint.digest(), newest=newest)

    def _listings(self) -> Iterator[Listing]:
        """What to look at in each folder, each before those that it holds."""
        pending = [(".", 0)]
        while pending:
            listing, below = self._listing(*pending.pop())
            pending.extend(sorted(below, reverse=True))
            yield listing

    def _listing(self, folder: str, parent: int) -> tuple[Listing, list[tuple[str, int]]]:
        """What to look at in a folder, and the folders in it to go on with, with the state each has for the rules."""
        names = []
        seen = []
        is_read = []
        unsent = set()
        below = []
        state_of = self._rules.state
        prefix = _prefix(folder)
        with os.scandir(f"{self._found.folder}/{prefix}") as entries:
            for entry in entries:
                name = entry.name
                names.append(name)
                path = prefix + name
                if path in self._never:
                    continue
                state = state_of(path, name, parent)
                if state and is_excluded(state) and path not in self._always:
                    if not self._leads_on(path):
                        continue
                    unsent.add(name)
                is_file = entry.is_file(follow_symlinks=False)
                seen.append(name)
                is_read.append(is_file and self._contents)
                if not is_file and entry.is_dir(follow_symlinks=False):
                    below.append((path, state))
        self._found.folders.append(Folder(folder, frozenset(names).difference(seen)))
        self._unsent.append(unsent)
        return (f"{self._found.folder}/{prefix}", names, seen, is_read), below

    def _leads_on(self, path: str) -> bool:
        return path in self._ways or self._rules.may_reenter(path)

    def _take(self, prefix: str, entries: Entries, unsent: Set[str]) -> None:
        """Add one folder's entries."""
        found = self._found
        _, _, names, modes, stamps, digests = entries
        if not unsent and _PLAIN.issuperset(map(stat.S_IFMT, set(modes))):
            found.paths.extend(map(prefix.__add__, names))
            found.modes.extend(modes)
            found.stamps.extend(stamps)
            found.digests.extend(digests)
            return
        for name, mode, stamp, digest in zip(names, modes, stamps, digests, strict=True):
            if name in unsent or stat.S_ISSOCK(mode):
                continue
            path = prefix + name
            found.paths.append(path)
            found.modes.append(self._sent_mode(path, mode))
            found.stamps.append(stamp)
            found.digests.append(digest)

    def _sent_mode(self, path: str, mode: int) -> int:
        if stat.S_ISLNK(mode):
            self._found.targets[path] = os.readlink(f"{self._found.folder}/{path}")  # noqa: PTH115 - Path would tidy up
            return _SYMLINK_MODE
        if stat.S_ISCHR(mode) or stat.S_ISBLK(mode):
            raise ContextError(f"{path!r} in the build context is a device, name it in .dockerignore or remove it")
        return mode


def _prefix(folder: str) -> str:
    return "" if folder == "." else f"{folder}/"


def _unreadable(path: str, error: OSError) -> ContextError:
    if isinstance(error, FileNotFoundError):
        return _changed(path)
    reason = error.strerror or "error"
    return ContextError(
        f"{path!r} in the build context cannot be read ({reason}), allow it or name it in .dockerignore"
    )


def _changed(path: str) -> ContextError:
    return ContextError(f"{path!r} changed while the build context was being read, try again once it is written")
