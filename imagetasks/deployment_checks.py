"""When a task of a deployment has nothing to do: doit's ``uptodate`` checks, as in :mod:`imagetasks.uptodate`."""

from __future__ import annotations

from typing import Any

from doit.dependency import UptodateCalculator
from doit.exceptions import InvalidDodoFile
from doit.task import Task

from imagetasks.deploy import deployer_for
from imagetasks.errors import UserError
from imagetasks.plan import DeploymentPlan, SecretPlan

Values = dict[str, Any]


class SecretIsCurrent(UptodateCalculator):  # type: ignore[misc]
    """The cluster has the pull secrets as they would be created."""

    def __init__(self, plan: SecretPlan) -> None:
        super().__init__()
        self.plan = plan

    def __call__(self, task: Task, values: Values) -> bool:
        """Tell doit whether the task can be skipped.

        :raises doit.exceptions.InvalidDodoFile: that cannot be told
        """
        from imagetasks.cluster.client import Cluster
        from imagetasks.cluster.pull_secrets import is_current

        try:
            return all(is_current(Cluster(target), self.plan.registry) for target in self.plan.find_targets())
        except UserError as error:
            raise InvalidDodoFile(str(error)) from error

    def __repr__(self) -> str:
        return "the cluster has the pull secret"


class DeploymentIsCurrent(UptodateCalculator):  # type: ignore[misc]
    """What it is made from, its images and where it goes are as they were, and the cluster still has it."""

    def __init__(self, plan: DeploymentPlan) -> None:
        super().__init__()
        self.plan = plan

    def __call__(self, task: Task, values: Values) -> bool:
        """Tell doit whether deploying can be skipped.

        :raises doit.exceptions.InvalidDodoFile: that cannot be told
        """
        if self.plan.force or not values:
            return False
        try:
            return self._is_current(values)
        except UserError as error:
            raise InvalidDodoFile(str(error)) from error

    def _is_current(self, values: Values) -> bool:
        target = self.plan.find_target()
        if values["target"] != list(target) or values["images"] != self._images():
            return False
        if values["digest"] != deployer_for(self.plan.deployment, self.plan.project, target).digest():
            return False
        from imagetasks.cluster.client import Cluster

        return bool(values["objects"]) and not Cluster(target).missing(values["objects"])

    def _images(self) -> dict[str, str | None]:
        """The references of the images, as they were tagged last."""
        return {image.name: self._tagged(image.task("tag")).get("reference") for image in self.plan.images}

    def _tagged(self, tag: str) -> Values:
        values: Values = self.tasks_dict[tag].values or self.get_val(tag, "_values_:") or {}
        return values

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
