"""The files that the custom command of an image watches: its ``onChange``."""

from __future__ import annotations

import glob
import hashlib
import itertools
import os
from collections.abc import Iterator, Sequence
from pathlib import Path

from imagetasks.context.digest import context_digest, entry_digests
from imagetasks.context.filecache import project_digests
from imagetasks.context.files import relative_path, state_folders
from imagetasks.context.ignore import IgnoreRules
from imagetasks.context.looks import ALONE
from imagetasks.context.scan import Scan, scan
from imagetasks.state import STATE_FOLDER


def watched_digest(patterns: Sequence[str], project: Path) -> str:
    """The digest of the files and folders that globs name, relative to the project's folder.

    A link that a pattern names counts as what it leads to, if that is there. The state folder is never part of it.

    :raises ContextError: one of them cannot be read
    """
    digests = project_digests(project)
    whole = hashlib.sha256()
    with ALONE:
        for found in _watched(patterns, project):
            whole.update(os.fsencode(relative_path(Path(found.folder), project)) + b"\0")
            whole.update(context_digest(found, digests).encode())
    return whole.hexdigest()


def watched_entries(patterns: Sequence[str], project: Path) -> Iterator[tuple[str, int, bytes]]:
    """As :meth:`ContextFiles.entries`, for what globs name; paths are relative to the project's folder.

    :raises ContextError: one of them cannot be read
    """
    digests = project_digests(project)
    for found in _watched(patterns, project):
        folder = relative_path(Path(found.folder), project)
        for path, mode, content in entry_digests(found, digests):
            yield os.path.normpath(f"{folder}/{path}"), mode, content


def unmatched_patterns(patterns: Sequence[str], project: Path) -> list[str]:
    """The globs that name nothing, which are likely misspelled."""
    return [pattern for pattern in patterns if not _matches(pattern, project)]


def _watched(patterns: Sequence[str], project: Path) -> Iterator[Scan]:
    """The folders that patterns name, each with all that it holds, then the files by the folders they are in."""
    named = {path for pattern in patterns for path in _matches(pattern, project)}
    paths = sorted(named | {path.resolve() for path in named if path.is_symlink() and path.exists()})
    folders = frozenset(path for path in paths if path.is_dir() and not path.is_symlink())
    outermost = [path for path in paths if folders.isdisjoint(path.parents)]
    for folder in (path for path in outermost if path in folders):
        yield scan(folder, never=state_folders(folder, project))
    files = (path for path in outermost if path not in folders)
    for parent, members in itertools.groupby(files, lambda file: file.parent):
        yield scan(parent, IgnoreRules.parse(b"*", ""), always=[file.name for file in members])


def _matches(pattern: str, project: Path) -> set[Path]:
    names = glob.iglob(pattern, root_dir=project, recursive=True, include_hidden=True)  # noqa: PTH207
    paths = {Path(os.path.normpath(project / name)) for name in names}
    state = project / STATE_FOLDER
    return {path for path in paths if path != state and state not in path.parents}
