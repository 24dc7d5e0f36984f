"""When a task of a deployment has nothing to do: doit's ``uptodate`` checks, as in :mod:`imagetasks.uptodate`."""

from __future__ import annotations

from collections.abc import Sequence

from doit.dependency import UptodateCalculator
from doit.exceptions import InvalidDodoFile
from doit.task import Task

from imagetasks.deploy import deployer_for
from imagetasks.deployment_reasons import Values, deployment_reasons, secret_reasons
from imagetasks.errors import UserError
from imagetasks.kubeconfig import Target
from imagetasks.plan import DeploymentPlan, SecretPlan


def deployment_digest(plan: DeploymentPlan, target: Target) -> str:
    """The digest of what a deployment is made from now.

    :raises DeployError: it is not there or cannot be read
    """
    return deployer_for(plan.deployment, plan.project, target).digest()


class SecretIsCurrent(UptodateCalculator):  # type: ignore[misc]
    """The cluster has the pull secrets as they would be created."""

    def __init__(self, plan: SecretPlan) -> None:
        super().__init__()
        self.plan = plan

    def __call__(self, task: Task, values: Values) -> bool:
        """Tell doit whether the task can be skipped.

        :raises doit.exceptions.InvalidDodoFile: that cannot be told
        """
        try:
            return next(secret_reasons(self.plan, _has_pull_secret), None) is None
        except UserError as error:
            raise InvalidDodoFile(str(error)) from error

    def __repr__(self) -> str:
        return "the cluster has the pull secret"


class DeploymentIsCurrent(UptodateCalculator):  # type: ignore[misc]
    """What it is made from, its images and where it goes are as they were, and the cluster still has it.

    It has the facts (:class:`imagetasks.deployment_reasons.Facts`) of a run.
    """

    def __init__(self, plan: DeploymentPlan) -> None:
        super().__init__()
        self.plan = plan

    def __call__(self, task: Task, values: Values) -> bool:
        """Tell doit whether deploying can be skipped.

        :raises doit.exceptions.InvalidDodoFile: that cannot be told
        """
        try:
            return next(deployment_reasons(self.plan, self), None) is None
        except UserError as error:
            raise InvalidDodoFile(str(error)) from error

    def record(self, task: str) -> Values:
        """The values of a task's last success, whether it ran in this run or not; empty if there was none."""
        values: Values = self.tasks_dict[task].values or self.get_val(task, "_values_:") or {}
        return values

    def deployment_digest(self, plan: DeploymentPlan, target: Target) -> str:
        """The digest of what the deployment is made from now."""
        return deployment_digest(plan, target)

    def missing(self, target: Target, objects: Sequence[str]) -> Sequence[str]:
        """Those of some API paths where the cluster has nothing."""
        from imagetasks.cluster.client import Cluster

        return Cluster(target).missing(objects)

    def __repr__(self) -> str:
        return "the cluster has what would be deployed"


class FindsLastDeployment(UptodateCalculator):  # type: ignore[misc]
    """Never up to date: leaves the record of the last deployment for the task that removes it."""

    def __init__(self, plan: DeploymentPlan) -> None:
        super().__init__()
        self.plan = plan

    def __call__(self, task: Task, values: Values) -> bool:
        """Find the record."""
        last = self.get_val(self.plan.task("deploy"), "_values_:") or {}
        task.meta = {**(task.meta or {}), "last": last}
        return False

    def __repr__(self) -> str:
        return "nothing was deployed"


def _has_pull_secret(target: Target, registry: str) -> bool:
    from imagetasks.cluster.client import Cluster
    from imagetasks.cluster.pull_secrets import is_current

    return is_current(Cluster(target), registry)
