"""The interface of the ways to deploy."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple, Protocol

from imagetasks.output import Announce, Output, no_announcement


class BuiltImage(NamedTuple):
    """An image of the project as it is to be deployed.

    :ivar name: its name in ``images``
    :ivar repository: as the file has it, without a tag
    :ivar tag: the tag of its last build
    """

    name: str
    repository: str
    tag: str


class Deployer(Protocol):
    """One deployment with all that it needs."""

    def digest(self) -> str:
        """A digest of all that the user gives for it: manifests or chart, values and settings, by content alone.

        :raises DeployError: what it names is not there or cannot be read
        """

    def render(self, images: Sequence[BuiltImage]) -> str:
        """The manifests that would be applied, as YAML documents.

        :param images: those whose tags are put into manifests or values
        :raises DeployError: they cannot be made
        """

    def deploy(
        self, images: Sequence[BuiltImage], output: Output, announce: Announce = no_announcement
    ) -> tuple[str, ...]:
        """Deploy, and return the API paths of what is in the cluster now (``/apis/apps/v1/namespaces/…``).

        :param announce: is told what is waited for
        :raises UserError: why it is not deployed
        """

    def purge(self, objects: Sequence[str], output: Output) -> None:
        """Remove what was deployed.

        :param objects: the API paths that the last deployment left, empty if they are not known
        :raises UserError: why something is left
        """
