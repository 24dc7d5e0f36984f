"""The files of the context of an image.

A run that skips an image needs no more of them than a look at what ``stat`` tells, so that what reads them is
imported only where something has changed.
"""

from __future__ import annotations

import functools
import hashlib
import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from imagetasks.context.looks import ALONE, COARSE_MARGIN, Looks
from imagetasks.context.snapshot import Snapshot, read_snapshot, write_snapshot
from imagetasks.errors import ContextError
from imagetasks.state import STATE_FOLDER

if TYPE_CHECKING:
    from imagetasks.context.ignore import IgnoreRules
    from imagetasks.context.scan import Scan

_SNAPSHOTS = "contexts"


class ContextFiles:
    """The files of one context, shared by the images that have its folder and its ignore file in common.

    Safe to share between threads.
    """

    def __init__(self, folder: Path, ignore_file: Path | None, project: Path, looks: Looks | None = None) -> None:
        self.folder = folder
        self.ignore_file = ignore_file
        self._project = project
        self._looks = looks or Looks()
        self._found: Scan | None = None
        self._digest = ""

    @functools.cached_property
    def ignore_text(self) -> bytes:
        """The content of the ignore file that counts, empty if there is none."""
        return read_file(self.ignore_file) if self.ignore_file else b""

    @property
    def scan(self) -> Scan:
        """The files that the ignore file leaves in, as they were when they were first asked for.

        :raises ContextError: the folder or the ignore file cannot be read, or what is there is not what was hashed
        """
        with ALONE:
            if self._found is None:
                found = self._scan()
                if self._digest:
                    self._check_digest(found)
                self._found = found
            return self._found

    def digest(self) -> str:
        """The digest of the files, as 64 hexadecimal digits.

        :raises ContextError: a file cannot be read
        """
        with ALONE:
            self._digest = self._digest or self._remembered_digest() or self._computed_digest()
            return self._digest

    def entries(self) -> Iterator[tuple[str, int, bytes]]:
        """The path and mode of each entry, and the SHA-256 of a file's content or a link's target.

        :raises ContextError: a file cannot be read
        """
        from imagetasks.context.digest import entry_digests
        from imagetasks.context.filecache import project_digests

        return entry_digests(self.scan, project_digests(self._project))

    def check_stat_tells(self) -> None:
        """Look whether size and mtime tell all changes, for an engine that looks at nothing else.

        :raises ContextError: a file has changed, and they do not tell
        """
        from imagetasks.context.filecache import project_digests

        for path in project_digests(self._project).disguised(self.scan.folder, self.scan.paths):
            raise ContextError(
                f"{path!r} in the build context has changed, but not in size or time of modification, "
                "which are all that BuildKit looks at; `touch` it"
            )

    def check_unchanged(self) -> None:
        """Look whether the files are still those of :attr:`scan`.

        :raises ContextError: they are not
        """
        if self._scan() != self.scan:
            raise ContextError(f"the build context {self.folder} changed while it was built; run the build again")

    @property
    def state_folders(self) -> tuple[str, ...]:
        """Paths that never belong to the context: its own state folder, and the project's."""
        return state_folders(self.folder, self._project)

    @property
    def ignore_rules(self) -> IgnoreRules:
        """The patterns of the ignore file.

        :raises ContextError: it cannot be read, or has a pattern that Docker refuses too
        """
        from imagetasks.context.ignore import IgnoreRules

        return IgnoreRules.parse(self.ignore_text, str(self.ignore_file or ""))

    def _scan(self, contents: bool = False) -> Scan:
        from imagetasks.context.scan import scan

        return scan(self.folder, self.ignore_rules, never=self.state_folders, contents=contents)

    def _check_digest(self, found: Scan) -> None:
        """Hold a scan against the digest of what was there when it was only looked at."""
        from imagetasks.context.digest import context_digest
        from imagetasks.context.filecache import project_digests

        if context_digest(found, project_digests(self._project)) != self._digest:
            raise ContextError(f"the build context {self.folder} changed after it was hashed; run the build again")

    def _remembered_digest(self) -> str:
        """The digest of the snapshot if nothing has changed since it was taken, else ``""``."""
        snapshot = read_snapshot(self._snapshot_file, self._identity)
        if snapshot is None:
            return ""
        try:
            seen = self._looks.fingerprint(str(self.folder), snapshot.folders)
        except OSError:
            return ""
        return snapshot.digest.hex() if seen == snapshot.fingerprint else ""

    def _computed_digest(self) -> str:
        from imagetasks.context.digest import context_digest
        from imagetasks.context.filecache import project_digests

        digests = project_digests(self._project)
        now = digests.clock() if self._found is None else 0
        if self._found is None:
            self._found = self._scan(contents=digests.is_new(str(self.folder)))
        found = self._found
        is_settled = found.newest + COARSE_MARGIN < now
        paths, stamps, contents = found.read_along()
        if is_settled and paths:
            digests.record_new(found.folder, paths, stamps, contents)
        elif paths:
            digests.record(found.folder, dict(zip(zip(paths, stamps, strict=True), contents, strict=True)), now)
        digest = context_digest(found, digests)
        if is_settled:
            write_snapshot(
                self._snapshot_file,
                Snapshot(self._identity, bytes.fromhex(digest), found.fingerprint, found.folders),
            )
        return digest

    @functools.cached_property
    def _identity(self) -> bytes:
        """What decides which entries are seen, as one number."""
        parts = [
            os.fsencode(relative_path(self.folder, self._project)),
            *map(os.fsencode, sorted(self.state_folders)),
        ]
        return hashlib.sha256(b"\0".join([*parts, self.ignore_text])).digest()

    @property
    def _snapshot_file(self) -> Path:
        ignore_file = relative_path(self.ignore_file, self._project) if self.ignore_file else ""
        names = os.fsencode(f"{relative_path(self.folder, self._project)}\0{ignore_file}")
        return self._project / STATE_FOLDER / _SNAPSHOTS / hashlib.sha256(names).hexdigest()[:32]


def find_ignore_file(context: Path, dockerfile: Path) -> Path | None:
    """The ignore file of an image: ``<Dockerfile>.dockerignore`` beside the Dockerfile, else the context's own."""
    candidates = (dockerfile.with_name(dockerfile.name + ".dockerignore"), context / ".dockerignore")
    return next((candidate for candidate in candidates if candidate.is_file()), None)


def relative_path(path: Path, folder: Path) -> str:
    """A path as contexts write it: from ``folder``, with ``/``."""
    return os.path.relpath(path, folder).replace(os.sep, "/")


def read_file(file: Path) -> bytes:
    """The content of a file.

    :raises ContextError: it cannot be read
    """
    try:
        return file.read_bytes()
    except OSError as error:
        raise ContextError(f"{file} cannot be read: {error.strerror}") from error


def state_folders(folder: Path, project: Path) -> tuple[str, ...]:
    """Paths from a folder that never belong to its files: its own state folder, and that of the project."""
    return tuple({STATE_FOLDER, relative_path(project / STATE_FOLDER, folder)})
