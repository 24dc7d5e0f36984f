"""The files that an image depends on: those of its context, or those that its custom command watches."""

from __future__ import annotations

import functools
import glob
import hashlib
import itertools
import os
from collections.abc import Iterator, Sequence
from pathlib import Path

from imagetasks.context.digest import context_digest
from imagetasks.context.filecache import FileDigests
from imagetasks.context.ignore import IgnoreRules, find_ignore_file
from imagetasks.context.scan import Scan, scan
from imagetasks.errors import ContextError
from imagetasks.state import STATE_FOLDER

_CACHE_FILE = "files.cache"


class ContextFiles:
    """The files of one image's context."""

    def __init__(self, folder: Path, dockerfile_path: Path, project: Path) -> None:
        self.folder = folder
        self.dockerfile_path = dockerfile_path
        self._project = project

    @functools.cached_property
    def ignore_text(self) -> bytes:
        """The content of the ignore file that counts, empty if there is none."""
        return read_file(self._ignore_file) if self._ignore_file else b""

    @functools.cached_property
    def _ignore_file(self) -> Path | None:
        return find_ignore_file(self.folder, self.dockerfile_path)

    @functools.cached_property
    def scan(self) -> Scan:
        """The files that the ignore file leaves in, as they were when they were first asked for.

        :raises ContextError: the folder or the ignore file cannot be read
        """
        return self._scan()

    def check_stat_tells(self) -> None:
        """Look whether size and mtime tell all changes, for an engine that looks at nothing else.

        :raises ContextError: a file has changed, and they do not tell
        """
        for path in _file_digests(self._project).disguised(self.scan.folder, self.scan.paths):
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

    def _scan(self) -> Scan:
        rules = IgnoreRules.parse(self.ignore_text, str(self._ignore_file or ""))
        return scan(self.folder, rules, never=self.state_folders)

    @property
    def state_folders(self) -> tuple[str, ...]:
        """Paths that never belong to the context: its own state folder, and the project's."""
        return _state_folders(self.folder, self._project)

    def digest(self) -> str:
        """The digest of the files, as 64 hexadecimal digits.

        :raises ContextError: a file cannot be read
        """
        digests = _file_digests(self._project)
        digest = context_digest(self.scan, digests)
        digests.save()
        return digest


def watched_digest(patterns: Sequence[str], project: Path) -> str:
    """The digest of the files and folders that globs name, relative to the project's folder.

    A link that a pattern names counts as what it leads to. The state folder is never part of it.

    :raises ContextError: one of them cannot be read
    """
    digests = _file_digests(project)
    whole = hashlib.sha256()
    for found in _watched(patterns, project):
        whole.update(os.fsencode(relative_path(Path(found.folder), project)) + b"\0")
        whole.update(context_digest(found, digests).encode())
    digests.save()
    return whole.hexdigest()


def unmatched_patterns(patterns: Sequence[str], project: Path) -> list[str]:
    """The globs that name nothing, which are likely misspelled."""
    return [pattern for pattern in patterns if not _matches(pattern, project)]


def _watched(patterns: Sequence[str], project: Path) -> Iterator[Scan]:
    """The folders that patterns name, each with all that it holds, then the files by the folders they are in."""
    named = {path for pattern in patterns for path in _matches(pattern, project)}
    paths = sorted(named | {path.resolve() for path in named if path.is_symlink()})
    folders = frozenset(path for path in paths if path.is_dir() and not path.is_symlink())
    outermost = [path for path in paths if folders.isdisjoint(path.parents)]
    for folder in (path for path in outermost if path in folders):
        yield scan(folder, never=_state_folders(folder, project))
    files = (path for path in outermost if path not in folders)
    for parent, members in itertools.groupby(files, lambda file: file.parent):
        yield scan(parent, IgnoreRules.parse(b"*", ""), always=[file.name for file in members])


def _matches(pattern: str, project: Path) -> set[Path]:
    names = glob.iglob(pattern, root_dir=project, recursive=True, include_hidden=True)  # noqa: PTH207
    paths = {Path(os.path.normpath(project / name)) for name in names}
    state = project / STATE_FOLDER
    return {path for path in paths if path != state and state not in path.parents}


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


def _state_folders(folder: Path, project: Path) -> tuple[str, ...]:
    return tuple({STATE_FOLDER, relative_path(project / STATE_FOLDER, folder)})


@functools.cache
def _file_digests(project: Path) -> FileDigests:
    """The cache that all images of a project share."""
    return FileDigests.load(project / STATE_FOLDER / _CACHE_FILE, project)
