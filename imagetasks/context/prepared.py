"""A context with the Dockerfile that is to be built, as an engine takes it."""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from imagetasks.context.archive import tar_size, tar_stream
from imagetasks.context.dockerfile import Dockerfile
from imagetasks.context.files import ContextFiles, read_file, relative_path
from imagetasks.context.hiding import IGNORE_FILE, hide_dockerfile
from imagetasks.context.ignore import IgnoreRules
from imagetasks.output import Progress, no_progress

_SPECIAL = re.compile(r"[\\*?\[\]!#]")


@dataclass(frozen=True)
class PreparedContext:
    """A :class:`imagetasks.builders.base.BuildContext`.

    :ivar dockerfile_path: where the user's own Dockerfile is
    :ivar progress: is told of the bytes of the stream that an engine has taken
    """

    files: ContextFiles
    dockerfile: Dockerfile
    dockerfile_path: Path
    progress: Progress = no_progress

    @property
    def folder(self) -> Path:
        """The context's folder, absolute."""
        return self.files.folder

    def dockerfile_text(self) -> str:
        """The Dockerfile as it is to be built."""
        return self.dockerfile.text

    def ignore_text(self) -> bytes:
        """The user's patterns, and the state folders, which no exception of theirs brings back."""
        folders = [os.fsencode(_SPECIAL.sub(r"\\\g<0>", folder)) for folder in self.files.state_folders]
        return b"\n".join([self.files.ignore_text, *folders, b""])

    def check_stat_tells(self) -> None:
        """Look whether size and mtime tell all changes.

        :raises ContextError: they do not
        """
        self.files.check_stat_tells()

    def check_unchanged(self) -> None:
        """Compare the files with those that were hashed.

        :raises ContextError: they are others
        """
        self.files.check_unchanged()

    def tar(self) -> tuple[str, Iterator[bytes]]:
        """The Dockerfile's name in the stream, and the stream.

        The user's own Dockerfile serves if it says what is to be built; else another one is hidden beside it, so
        that ``COPY . .`` copies what it would have copied.

        :raises ContextError: also while the stream is read: a file cannot be read, or has changed since it was hashed
        """
        found = self.files.scan
        own_name = relative_path(self.dockerfile_path, self.folder)
        text = self.dockerfile.text.encode()
        visible = read_file(self.folder / IGNORE_FILE) if IGNORE_FILE in found.paths else None
        if self._can_serve(own_name, visible) and read_file(self.dockerfile_path) == text:
            return own_name, self._counted(tar_stream(found))
        name, extra = hide_dockerfile(text, found.paths, visible)
        return name, self._counted(tar_stream(found, extra))

    def _counted(self, stream: Iterator[bytes]) -> Iterator[bytes]:
        total = tar_size(self.files.scan)
        sent = 0
        for part in stream:
            yield part
            sent += len(part)
            self.progress(min(sent, total), total)

    def _can_serve(self, own_name: str, visible: bytes | None) -> bool:
        """Whether the user's Dockerfile is a file of the context that no builder takes out of it again."""
        found = self.files.scan
        if own_name not in found.paths or not stat.S_ISREG(found.modes[found.paths.index(own_name)]):
            return False
        return visible is None or not IgnoreRules.parse(visible, IGNORE_FILE).excludes(own_name)
