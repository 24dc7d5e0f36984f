"""When a task has nothing to do: doit's ``uptodate`` checks of our tasks.

doit calls a check in its main thread, after the tasks before it have ended. Each compares what the task's last
success recorded with what is there now; the records are the values that :mod:`imagetasks.actions` returns.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any

from doit.dependency import UptodateCalculator
from doit.exceptions import InvalidDodoFile
from doit.task import Task

from imagetasks.errors import UserError
from imagetasks.local_images import holds_image
from imagetasks.plan import ImagePlan, is_elsewhere

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
        if self.plan.stays_local or not pushed or pushed != self.record(self.plan.task("tag")):
            return False
        return bool(pushed["id"] == image_id and self.has_its_name(pushed))

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
        """Tell whether the build can be skipped."""
        if self.plan.force or self.plan.always_builds or not values:
            return False
        return self._has_same_inputs(values) and self._is_there(values)

    def _has_same_inputs(self, values: Values) -> bool:
        bases = {base: self.record(f"tag:{base}").get("id") for base in self.plan.base_names}
        now = {"digest": self._digest(), "engine": self.plan.engine, "bases": bases}
        return now == {key: values.get(key) for key in now}

    def _digest(self) -> str:
        hash_task = self.tasks_dict[self.plan.task("hash")]
        return str(hash_task.values["digest"]) if hash_task.executed else self.plan.inputs.digest()

    def _is_there(self, values: Values) -> bool:
        if is_elsewhere(values["id"]):
            return self.has_its_name(values)
        return self.is_pushed(values["id"]) or holds_image(values["id"], values["id"], os.environ)


class TagIsCurrent(_Check):
    """The image that was built last has the name that it should have, in the daemon if it is still needed there."""

    meaning = "the image has its tag"

    def is_current(self, values: Values) -> bool:
        """Tell whether tagging can be skipped."""
        built = self.record(self.plan.task("build"))
        if not (values and built and values["id"] == built["id"] and self.has_its_name(values)):
            return False
        if built["schemas"] == list(self.plan.schemas) and values["reference"] != built["reference"]:
            return False
        if is_elsewhere(values["id"]) or self.is_pushed(values["id"]):
            return True
        names = (values["reference"], *values["others"])
        return all(holds_image(name, values["id"], os.environ) for name in names)


class PushIsCurrent(_Check):
    """The registry took this image under this name, or is not to get it."""

    meaning = "the registry has the image"

    def is_current(self, values: Values) -> bool:
        """Tell whether the push can be skipped."""
        if not self.plan.is_pushed:
            return True
        return bool(values and values == self.record(self.plan.task("tag")))


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
