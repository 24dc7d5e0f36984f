"""The engine ``custom``: a command of the user's builds."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from imagetasks.config.model import CustomBuild
from imagetasks.config.shell import shell_command
from imagetasks.errors import BuildError, DaemonError
from imagetasks.output import Output
from imagetasks.processes import run
from imagetasks.runtime import fill_runtime


@dataclass(frozen=True)
class CustomBuilder:
    """Runs a command in the project's folder.

    It is ``command [args...] [imageFlag] IMAGE:TAG`` (reference, "Building", 5). In later versions the image may be
    left out, and the command find it as ``${runtime.images.NAME.image}`` and ``.tag``; a command that has no argument
    at all is one for a shell (DevSpace's documentation, https://www.devspace.sh/docs/configuration/images/custom).
    """

    settings: CustomBuild
    name: str
    folder: Path

    def build(self, reference: str, output: Output) -> str:
        """Run the command; see :class:`imagetasks.builders.base.Builder`."""
        if not self.settings.command:
            raise BuildError("none of `commands` is for this operating system")
        words = [self._told(self.settings.command, reference), *self._arguments(reference)]
        command = words if len(words) > 1 else shell_command(words[0])
        try:
            code = run(command, folder=self.folder, environ=os.environ, write=output.write)
        except OSError as error:
            raise BuildError(
                f"the command `{self.settings.command}` cannot be started in {self.folder}: {error.strerror}"
            ) from error
        if code != 0:
            raise BuildError(f"the command `{self.settings.command}` ended with exit code {code}")
        return _image_id(reference)

    def _arguments(self, reference: str) -> Iterator[str]:
        for argument in self.settings.args:
            yield self._told(argument, reference)
        if not self.settings.skip_image_arg:
            if self.settings.image_flag:
                yield self.settings.image_flag
            yield reference.rpartition(":")[2] if self.settings.image_tag_only else reference
        for argument in self.settings.append_args:
            yield self._told(argument, reference)

    def _told(self, text: str, reference: str) -> str:
        return fill_runtime(text, {self.name: reference})


def _image_id(reference: str) -> str:
    """The id of what the command built, or ``""`` where it built elsewhere than in the daemon."""
    from imagetasks.daemon import Daemon

    try:
        return Daemon().image_id(reference) or ""
    except DaemonError:
        return ""
