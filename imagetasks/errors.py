"""What can go wrong for a user, one class for each kind of mistake.

The text of each error is one sentence: what is wrong, where, and what would be right. It never holds a secret.
"""

from __future__ import annotations

from typing import NamedTuple


class Position(NamedTuple):
    """A place in a user's file; line and column count from 1."""

    file: str
    line: int
    column: int

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}"


class UserError(Exception):
    """Something that the user, not the program, has to put right."""

    def __init__(self, message: str, position: Position | None = None) -> None:
        super().__init__(f"{position}: {message}" if position else message)
        self.message = message
        self.position = position


class ConfigError(UserError):
    """A mistake in ``devspace.yaml``, or in a value put into it."""


class OptionError(UserError):
    """A mistake on the command line."""


class ReferenceSyntaxError(UserError):
    """A text that is no image reference or no tag."""


class DockerfileError(UserError):
    """A Dockerfile that cannot be read, or an override that does not fit it."""


class ContextError(UserError):
    """A build context that cannot be read."""


class DaemonError(UserError):
    """A Docker daemon that does not answer or cannot be reached."""


class BuildError(UserError):
    """A build that ended without an image."""


class HookError(UserError):
    """A hook's command that cannot be started or has failed."""


class PushError(UserError):
    """A push that the registry did not take."""


class LoginError(UserError):
    """Credentials that are missing, refused or cannot be stored."""


class StateError(UserError):
    """A state folder that cannot be read or written."""


class ClusterError(UserError):
    """A Kubernetes cluster that cannot be reached, or does not do what it is asked."""


class UnreachableError(ClusterError):
    """A Kubernetes cluster that cannot be reached: whatever else it is asked, it does not answer."""


class ConflictError(ClusterError):
    """An object in the cluster that somebody else has made or changed in the meantime."""


class DeployError(UserError):
    """A deployment that cannot be made."""
