"""When a task has nothing to do: doit's ``uptodate`` checks of our tasks.

doit calls a check in its main thread, after the tasks before it have ended. Each compares what the task's last
success recorded with what is there now; the records are the values that :mod:`imagetasks.actions` returns.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from doit.dependency import UptodateCalculator
from doit.exceptions import InvalidDodoFile
from doit.task import Task

from imagetasks.builders import can_fall_back
from imagetasks.deploy import deployer_for
from imagetasks.errors import BuildError, DaemonError, UserError
from imagetasks.local_images import holds_image
from imagetasks.plan import DeploymentPlan, ImagePlan, SecretPlan, is_elsewhere

Values = dict[str, Any]


class _Check(UptodateCalculator):  # type: ignore[misc]
    """What the checks share: the plan, and the records of other tasks, whether they ran in this run or not."""

    meaning = ""

    def __init__(self, plan: ImagePlan) -> None:
        super().__init__()
        self.plan = plan

    def __call__(self, task: Task, values: Values) -> bool:
        """Tell doit whether the task can be skipped, and leave its last record for its action.

        :raises doit.exceptions.InvalidDodoFile: that cannot be told; the run ends, and no record is lost
        """
        task.meta = {**(task.meta or {}), "last": values}
        try:
            return self.is_current(values)
        except UserError as error:
            raise InvalidDodoFile(str(error)) from error

    def is_current(self, values: Values) -> bool:
        """Tell whether what ``values`` record is still so."""
        raise NotImplementedError

    def record(self, task: str) -> Values:
        """The values of a task's last success, empty if there was none."""
        values: Values = self.tasks_dict[task].values or self.get_val(task, "_values_:") or {}
        return values

    def is_pushed(self, image_id: str) -> bool:
        """Whether the registry has the image under the name that it is to have, so that the daemon need not."""
        pushed = self.record(self.plan.task("push"))
        if self.plan.stays_local or not self.is_push_of_tag(pushed):
            return False
        return bool(pushed["id"] == image_id and self.has_its_name(pushed))

    def is_push_of_tag(self, pushed: Values) -> bool:
        """Whether a push has brought what was tagged last to where it is to go now."""
        tagged = self.record(self.plan.task("tag"))
        return bool(pushed) and pushed == {**tagged, "destination": self.plan.destination}

    def has_its_name(self, values: Values) -> bool:
        """Whether a record holds the repository and the tagging schemas that are asked for now."""
        repository, _, _ = str(values["reference"]).rpartition(":")
        return repository == self.plan.image.image and values["schemas"] == list(self.plan.schemas)

    def __repr__(self) -> str:
        return self.meaning


class BuildIsCurrent(_Check):
    """The same inputs, engine and bases as in the last build, and the image is there if it is still needed."""

    meaning = "the image is built from what is there now"

    def is_current(self, values: Values) -> bool:
        """Tell whether the build can be skipped.

        :raises BuildError: it is to be skipped, and there was none
        """
        if self.plan.skips_build:
            return self._has_been_built(values)
        if self.plan.force or self.plan.always_builds or not values:
            return False
        return self._has_same_inputs(values) and self._is_there(values)

    def _has_been_built(self, values: Values) -> bool:
        if not values:
            name = self.plan.name
            raise BuildError(f"{name} has never been built here; run `doit build:{name}`, or leave out --skip-build")
        return True

    def _has_same_inputs(self, values: Values) -> bool:
        bases = {base: self.record(f"tag:{base}").get("id") for base in self.plan.base_names}
        now = {"digest": self._digest(), "engine": self.plan.engine, "bases": bases}
        return now == {key: values.get(key) for key in now}

    def _digest(self) -> str:
        hash_task = self.tasks_dict[self.plan.task("hash")]
        return str(hash_task.values["digest"]) if hash_task.executed else self.plan.inputs.digest()

    def _is_there(self, values: Values) -> bool:
        if is_elsewhere(values["id"]):
            return self.has_its_name(values) and (values.get("is_pushed", True) or not self.plan.may_push)
        return self.is_pushed(values["id"]) or self._is_in_daemon(values["id"])

    def _is_in_daemon(self, image_id: str) -> bool:
        try:
            return holds_image(image_id, image_id, self.plan.environ)
        except DaemonError:
            if can_fall_back(self.plan.image.build, self.plan.find_target):
                return False
            raise


class TagIsCurrent(_Check):
    """The image that was built last has the name that it should have, in the daemon if it is still needed there."""

    meaning = "the image has its tag"

    def is_current(self, values: Values) -> bool:
        """Tell whether tagging can be skipped."""
        if self.plan.skips_build and values:
            return True
        built = self.record(self.plan.task("build"))
        if not (values and built and values["id"] == built["id"] and self.has_its_name(values)):
            return False
        if built["schemas"] == list(self.plan.schemas) and values["reference"] != built["reference"]:
            return False
        if is_elsewhere(values["id"]) or self.is_pushed(values["id"]):
            return True
        names = (values["reference"], *values["others"])
        return all(holds_image(name, values["id"], self.plan.environ) for name in names)


class PushIsCurrent(_Check):
    """The registry took this image under this name, or is not to get it."""

    meaning = "the registry has the image"

    def is_current(self, values: Values) -> bool:
        """Tell whether the push can be skipped."""
        if not self.plan.is_pushed:
            return True
        return self.is_push_of_tag(values)


class LastBuildServes(UptodateCalculator):  # type: ignore[misc]
    """Nothing is hashed, since nothing is built."""

    def __call__(self, task: Task, values: Values) -> bool:
        """Tell doit that hashing can be skipped."""
        return True

    def __repr__(self) -> str:
        return "the last build serves"


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


class HookIsIdle(UptodateCalculator):  # type: ignore[misc]
    """What a hook runs before is not built in this run, which asks no more of it than its digest."""

    def __init__(self, plans: Sequence[ImagePlan]) -> None:
        super().__init__()
        self.plans = plans

    def __call__(self, task: Task, values: Values) -> bool:
        """Tell doit whether the hook can be skipped: it can where only hashing waits for it."""
        return not self.may_build() and any(plan.selection.includes(plan.task("hash")) for plan in self.plans)

    def may_build(self) -> bool:
        """Whether the run may come to a build of what the hook runs before."""
        return any(plan.selection.may_include(plan.task("build")) for plan in self.plans)

    def __repr__(self) -> str:
        return "nothing is built"


class HookHasNoBuild(BuildIsCurrent):
    """The image that the hook runs before is not built."""

    meaning = "the image is not built"

    def is_current(self, values: Values) -> bool:
        """Tell whether the hook can be skipped."""
        return super().is_current(self.record(self.plan.task("build")))


class HookHasSeenBuild(_Check):
    """The hook has run since the image was last built."""

    meaning = "it has run since the build"

    def is_current(self, values: Values) -> bool:
        """Tell whether the hook can be skipped."""
        build = self.plan.task("build")
        return not self.tasks_dict[build].executed and bool(values) and values["id"] == self.record(build).get("id")
