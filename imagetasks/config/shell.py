"""Commands that a ``devspace.yaml`` has run while it is loaded, for the sake of what they print."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from imagetasks.errors import ConfigError


class CommandResult(NamedTuple):
    """How a command ended, and what it printed."""

    code: int
    output: str
    error_output: str

    @property
    def reason(self) -> str:
        """Why it failed: the last line on its standard error, with its exit code."""
        ending = f"exit code {self.code}" if self.code > 0 else f"signal {-self.code}"
        lines = self.error_output.split("\n")
        last = next((line.strip() for line in reversed(lines) if line.strip()), "")
        return f"{last} ({ending})" if last else ending


def shell_command(script: str) -> tuple[str, ...]:
    """The command that runs a script: with bash, or where there is none, with ``sh``.

    DevSpace's own shell understands what is common in bash and not in every ``sh``, such as ``[ a == b ]``.
    """
    return (shutil.which("bash") or "sh", "-c", script)


def run(command: Sequence[str], folder: Path, environ: Mapping[str, str]) -> CommandResult:
    """Run a command in ``folder``, with nothing to read, to its end. Raises ConfigError if it cannot be started."""
    try:
        result = subprocess.run(
            command,
            cwd=folder,
            env=dict(environ),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            encoding="utf-8",
            errors="replace",
            check=False,
        )
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise ConfigError(f"{command[0]} cannot be started: {reason}") from None
    return CommandResult(result.returncode, result.stdout, result.stderr)
