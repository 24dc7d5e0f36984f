"""What the last runs have left in a project's database, and what is there now, for commands that are no tasks."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from doit.dependency import JSONCodec
from doit.exceptions import InvalidDodoFile

from imagetasks.backend import TaskResults
from imagetasks.deployment_checks import deployment_digest
from imagetasks.errors import StateError, UnreachableError
from imagetasks.kubeconfig import Target
from imagetasks.loader import doit_defaults
from imagetasks.plan import DeploymentPlan, ImagePlan
from imagetasks.reasons import Values
from imagetasks.uptodate import daemon_holds

if TYPE_CHECKING:
    from imagetasks.cluster.client import Cluster

_PATIENCE = 3.0
"""How many seconds a cluster is given: who asks what a run would do has not asked for one."""


class Records:
    """The facts of :class:`imagetasks.explanation.Facts`. A cluster that does not answer is asked once.

    :param folder: the project's
    """

    def __init__(self, folder: Path) -> None:
        self._results = TaskResults(doit_defaults(folder)["dep_file"], JSONCodec())
        self._unreachable: dict[str, UnreachableError] = {}

    def record(self, task: str) -> Values:
        """The values of a task's last success.

        :raises StateError: the database cannot be read
        """
        try:
            values: Values = self._results.get(task, "_values_:") or {}
        except InvalidDodoFile as error:
            raise StateError(str(error)) from error
        return values

    def digest(self, plan: ImagePlan) -> str:
        """The digest of what the image is built from now."""
        return plan.inputs.digest()

    def holds(self, plan: ImagePlan, name: str, image_id: str) -> bool:
        """Whether a name or id stands for an image in the daemon that builds it."""
        return daemon_holds(plan, name, image_id)

    def deployment_digest(self, plan: DeploymentPlan, target: Target) -> str:
        """The digest of what the deployment is made from now."""
        return deployment_digest(plan, target)

    def missing(self, target: Target, objects: Sequence[str]) -> Sequence[str]:
        """Those of some API paths where the cluster has nothing."""
        with self._asking(target) as cluster:
            return cluster.missing(objects)

    def has_pull_secret(self, target: Target, registry: str) -> bool:
        """Whether a cluster has a pull secret as it would be created."""
        from imagetasks.cluster.pull_secrets import is_current

        with self._asking(target) as cluster:
            return is_current(cluster, registry)

    @contextmanager
    def _asking(self, target: Target) -> Iterator[Cluster]:
        from imagetasks.cluster.client import Cluster

        if known := self._unreachable.get(target.context):
            raise known
        try:
            yield Cluster(target, patience=_PATIENCE)
        except UnreachableError as error:
            self._unreachable[target.context] = error
            raise
