"""When a task has nothing to do: doit's ``uptodate`` checks of our tasks.

doit calls a check in its main thread, after the tasks before it have ended. Each compares what the task's last
success recorded with what is there now; the records are the values that :mod:`imagetasks.actions` returns.
"""

from __future__ import annotations

from collections.abc import Sequence

from doit.dependency import UptodateCalculator
from doit.exceptions import InvalidDodoFile
from doit.task import Task

from imagetasks.builders import can_fall_back
from imagetasks.errors import DaemonError, UserError
from imagetasks.local_images import holds_image
from imagetasks.plan import ImagePlan
from imagetasks.reasons import Values, build_reasons, push_reasons, tag_reasons


def daemon_holds(plan: ImagePlan, name: str, image_id: str) -> bool:
    """Whether a name or id stands for an image in the daemon that builds it; not if kaniko is to build without one.

    :raises DaemonError: no daemon answers
    """
    try:
        return holds_image(name, image_id, plan.environ)
    except DaemonError:
        if can_fall_back(plan.image.build, plan.find_target):
            return False
        raise


class _Check(UptodateCalculator):  # type: ignore[misc]
    """What the checks share: the plan, and the facts (:class:`imagetasks.reasons.Facts`) that doit has in a run."""

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
        """The values of a task's last success, whether it ran in this run or not; empty if there was none."""
        values: Values = self.tasks_dict[task].values or self.get_val(task, "_values_:") or {}
        return values

    def digest(self, plan: ImagePlan) -> str:
        """The digest that the image's hash task has left, or would leave if it ran."""
        hash_task = self.tasks_dict[plan.task("hash")]
        return str(hash_task.values["digest"]) if hash_task.executed else plan.inputs.digest()

    def holds(self, plan: ImagePlan, name: str, image_id: str) -> bool:
        """Whether a name or id stands for an image in the daemon that builds it."""
        return daemon_holds(plan, name, image_id)

    def __repr__(self) -> str:
        return self.meaning


class BuildIsCurrent(_Check):
    """The same inputs, engine and bases as in the last build, and the image is there if it is still needed."""

    meaning = "the image is built from what is there now"

    def is_current(self, values: Values) -> bool:
        """Tell whether the build can be skipped."""
        return next(build_reasons(self.plan, self), None) is None


class TagIsCurrent(_Check):
    """The image that was built last has the name that it should have, in the daemon if it is still needed there."""

    meaning = "the image has its tag"

    def is_current(self, values: Values) -> bool:
        """Tell whether tagging can be skipped."""
        return next(tag_reasons(self.plan, self), None) is None


class PushIsCurrent(_Check):
    """The registry took this image under this name, or is not to get it."""

    meaning = "the registry has the image"

    def is_current(self, values: Values) -> bool:
        """Tell whether the push can be skipped."""
        return next(push_reasons(self.plan, self), None) is None


class LastBuildServes(UptodateCalculator):  # type: ignore[misc]
    """Nothing is hashed, since nothing is built."""

    def __call__(self, task: Task, values: Values) -> bool:
        """Tell doit that hashing can be skipped."""
        return True

    def __repr__(self) -> str:
        return "the last build serves"


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


class HookHasSeenBuild(_Check):
    """The hook has run since the image was last built."""

    meaning = "it has run since the build"

    def is_current(self, values: Values) -> bool:
        """Tell whether the hook can be skipped."""
        build = self.plan.task("build")
        return not self.tasks_dict[build].executed and bool(values) and values["id"] == self.record(build).get("id")
