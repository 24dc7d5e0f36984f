"""The interface of the build engines."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Protocol

from imagetasks.output import Output


class BuildContext(Protocol):
    """The files and the Dockerfile of one build."""

    @property
    def folder(self) -> Path:
        """The context's folder, absolute."""

    def dockerfile_text(self) -> str:
        """The Dockerfile as it is to be built: with overrides, and with the tags of images built before it."""

    def ignore_text(self) -> bytes:
        """What an ignore file has to say so that the docker CLI sends the files that :meth:`tar` holds."""

    def check_stat_tells(self) -> None:
        """For an engine that takes a file whose size and mtime are the same for unchanged.

        :raises ContextError: one is not
        """

    def check_unchanged(self) -> None:
        """For an engine that reads the folder itself.

        :raises ContextError: the files are no longer those that were hashed
        """

    def tar(self) -> tuple[str, Iterator[bytes]]:
        """The Dockerfile's name in the stream, and the stream, which is made while it is read.

        :raises ContextError: while it is read: a file cannot be read, or changes
        """


class Builder(Protocol):
    """A build engine with all that it needs for one image."""

    def build(self, reference: str, output: Output) -> str:
        """Build the image under the name ``reference`` and return its id, or ``""`` if the daemon does not have it.

        :param reference: ``repository:tag``
        :raises UserError: there is no image, and why
        """
