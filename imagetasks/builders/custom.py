"""The engine ``custom``: a command of the user's builds."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from imagetasks.config.model import CustomBuild
from imagetasks.errors import BuildError, DaemonError
from imagetasks.output import Output
from imagetasks.processes import run


@dataclass(frozen=True)
class CustomBuilder:
    """Runs ``command [args...] [imageFlag] IMAGE:TAG`` in the project's folder (reference, "Building", 5)."""

    settings: CustomBuild
    folder: Path

    def build(self, reference: str, output: Output) -> str:
        """Run the command; see :class:`imagetasks.builders.base.Builder`."""
        flag = [self.settings.image_flag] if self.settings.image_flag else []
        command = [self.settings.command, *self.settings.args, *flag, reference]
        try:
            code = run(command, folder=self.folder, environ=os.environ, write=output.write)
        except OSError as error:
            raise BuildError(
                f"the command `{self.settings.command}` cannot be started in {self.folder}: {error.strerror}"
            ) from error
        if code != 0:
            raise BuildError(f"the command `{self.settings.command}` ended with exit code {code}")
        return _image_id(reference)


def _image_id(reference: str) -> str:
    """The id of what the command built, or ``""`` where it built elsewhere than in the daemon."""
    from imagetasks.daemon import Daemon

    try:
        return Daemon().image_id(reference) or ""
    except DaemonError:
        return ""
