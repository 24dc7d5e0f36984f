"""What ``stat`` tells of a folder's entries, as one fingerprint that changes when any of them may have changed.

This is all that a run with nothing to do looks at, so that loops over entries are left to the interpreter's own code.
"""

from __future__ import annotations

import hashlib
import os
import threading
from collections.abc import Callable, Iterable
from typing import NamedTuple

from imagetasks.context.entries import StatKey, fingerprint, stat_key

__all__ = ["ALONE", "COARSE_MARGIN", "Folder", "Look", "Looks", "StatKey", "is_settled", "look", "stat_key"]

_SECOND = 1_000_000_000
# A file system that counts in fractions of a second takes them from the kernel's tick, of 10 ms at most.
_FINE_MARGIN = 50_000_000
# FAT counts mtime in steps of two seconds.
COARSE_MARGIN = 2 * _SECOND

ALONE = threading.RLock()
"""Held by a thread while it looks at files or hashes them, that is, asks the system for one after the other.

At each such call a thread lends the interpreter to another that has something to compute, and waits until that is
done or has had it for 5 ms. So threads that do this side by side are much slower than one after the other.
"""


class Folder(NamedTuple):
    """A folder of a context, and the names of those of its entries that are no part of it whatever they are.

    ``path`` is relative to the context, ``.`` for the context itself.
    """

    path: str
    unseen: frozenset[str]


class Look(NamedTuple):
    """What a folder holds.

    :ivar names: of its entries, as it lists them
    :ivar seen: those of them that are not unseen
    :ivar keys: what ``stat`` tells of the latter
    """

    names: list[str]
    seen: list[str]
    keys: list[StatKey]

    @property
    def newest(self) -> int:
        """The latest mtime or ctime in ns."""
        return max((max(mtime, ctime) for _, mtime, ctime, _, _ in self.keys), default=0)

    @property
    def fingerprint(self) -> bytes:
        """The SHA-256 of all that."""
        return fingerprint(self.names, self.keys)


def look(folder: str, unseen: Callable[[str], bool] | None = None) -> Look:
    """Look at a folder, but not at entries that are ``unseen`` by their names.

    Raises OSError, with the path of what cannot be looked at.
    """
    names = os.listdir(folder)  # noqa: PTH208
    seen = names if unseen is None else [name for name in names if not unseen(name)]
    return Look(names, seen, list(map(stat_key, map(os.lstat, map(f"{folder}/".__add__, seen)))))


def is_settled(mtime: int, ctime: int, at: int) -> bool:
    """Whether times in ns are so long before another that what is written from then on has other times.

    A later write within the clock's granularity need not show in them: Git calls such a file racily clean
    (Documentation/technical/racy-git.txt).
    """
    margin = _FINE_MARGIN if mtime % _SECOND and ctime % _SECOND else COARSE_MARGIN
    return max(mtime, ctime) + margin < at


class Looks:
    """Fingerprints of folders, each looked at once for all contexts that it is a part of; for threads one by one."""

    def __init__(self) -> None:
        self._found: dict[tuple[str, frozenset[str]], bytes] = {}

    def fingerprint(self, root: str, folders: Iterable[Folder]) -> bytes:
        """The fingerprint of several folders below ``root``. Raises OSError if one cannot be looked at."""
        whole = hashlib.sha256()
        for path, unseen in folders:
            key = (os.path.normpath(f"{root}/{path}"), unseen)
            found = self._found.get(key)
            if found is None:
                seen = look(key[0], unseen.__contains__ if unseen else None)
                found = self._found[key] = seen.fingerprint
            whole.update(found)
        return whole.digest()
