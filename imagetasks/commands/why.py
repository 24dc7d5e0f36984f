"""``imagetasks why``: tell for each image whether it is up to date, or what has changed."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from datetime import datetime
from pathlib import Path

from doit.dependency import JSONCodec
from doit.exceptions import InvalidDodoFile

from imagetasks.backend import TaskResults
from imagetasks.commands.parser import Parser, config_file, image_plan, options_of
from imagetasks.config.questions import asker_here
from imagetasks.context.manifest import read_manifest, take_manifest
from imagetasks.errors import StateError, UserError
from imagetasks.loader import doit_defaults
from imagetasks.plan import ImagePlan
from imagetasks.project import Project, open_project
from imagetasks.reasons import (
    INPUTS_CHANGED,
    NOT_BUILT,
    Values,
    build_reasons,
    input_changes,
    push_reasons,
    tag_reasons,
)
from imagetasks.report.log import TaskLog
from imagetasks.report.terminal import printable, show
from imagetasks.uptodate import daemon_holds


def main(words: Sequence[str]) -> int:
    """Print for each image what the next build does to it and why, or since when it is up to date.

    The exit code is 1 if that cannot be told of an image, say because no daemon answers.

    :raises UserError: a mistake in the configuration, or an image that it does not have
    """
    parser = Parser("why", "Tell why images would be built, tagged or pushed, or since when they are up to date.")
    parser.add_configuration()
    parser.add_argument("--skip-push", action="store_true", help="for a build that does not push")
    parser.add_argument("-t", "--tag", metavar="TAG", default="", help="for a build with this tag")
    parser.add_argument("images", nargs="*", metavar="IMAGE", help="the images to tell of [default: all]")
    found = parser.parse_intermixed_args(words)
    options = options_of(found)._replace(skip_push=found.skip_push, tag=found.tag)
    project = open_project(config_file(options), options, asker=asker_here())
    plans = [image_plan(project, name) for name in found.images] or project.plans
    story = _Story(project)
    code = 0
    for plan in plans:
        try:
            for line in story.of(plan):
                show(sys.stdout, f"{printable(line)}\n")
        except UserError as error:
            show(sys.stdout, f"cannot tell more of {plan.name}: {error}\n")
            code = 1
    return code


class _Story:
    """What there is to tell of the images of a project when all of them are to be built."""

    def __init__(self, project: Project) -> None:
        self._plans = {plan.name: plan for plan in project.plans}
        self._facts = _Recorded(project.config.folder)
        pushes = [plan.task("push") for plan in project.plans]
        project.selection.choose(pushes, dict.fromkeys(pushes, ()))

    def of(self, plan: ImagePlan) -> Iterator[str]:
        """The lines on one image. Raises UserError where something cannot be found out."""
        for verb, reasons in (
            ("built", self._build_reasons(plan)),
            ("tagged", tag_reasons(plan, self._facts)),
            ("pushed", push_reasons(plan, self._facts)),
        ):
            first = next(reasons, None)
            if first is not None:
                yield f"{plan.name} is to be {verb}:"
                yield f"  {first}"
                yield from (f"  {reason}" for reason in reasons)
                return
        yield f"{plan.name} is up to date {self._since(plan)}"

    def _build_reasons(self, plan: ImagePlan) -> Iterator[str]:
        for reason in build_reasons(plan, self._facts):
            if reason == INPUTS_CHANGED:
                yield from self._input_changes(plan)
            elif reason == NOT_BUILT:
                yield reason + _last_try(plan)
            else:
                yield reason
        for base in plan.base_names:
            if self._is_to_be_built(self._plans[base]):
                yield f"its base image {base} is to be built before it"

    def _is_to_be_built(self, plan: ImagePlan) -> bool:
        has_reason = next(build_reasons(plan, self._facts), None) is not None
        return has_reason or any(self._is_to_be_built(self._plans[base]) for base in plan.base_names)

    def _input_changes(self, plan: ImagePlan) -> Iterator[str]:
        before = read_manifest(plan.manifest_file, self._facts.record(plan.task("build"))["digest"])
        now = take_manifest(plan.inputs, self._facts.digest(plan), before.salt) if before else None
        changes = list(input_changes(before, now)) if before and now else []
        yield from changes or [f"{INPUTS_CHANGED}; which files or settings is not known"]

    def _since(self, plan: ImagePlan) -> str:
        built, tagged = (self._facts.record(plan.task(kind)) for kind in ("build", "tag"))
        names = ", ".join([tagged["reference"], *tagged["others"]])
        if "time" not in built:  # a record of an earlier version
            return f"as {names}"
        return f"since {datetime.fromisoformat(built['time']).astimezone():%Y-%m-%d %H:%M} as {names}"


def _last_try(plan: ImagePlan) -> str:
    """What to say of a build that left a log and no record: doit keeps none of a task that failed or is forgotten."""
    log = TaskLog(plan.log_folder, plan.task("build"), live=False).path
    return f"; the last one failed, was forgotten or is not done, its log is {log}" if log.exists() else ""


class _Recorded:
    """The facts (:class:`imagetasks.reasons.Facts`) that the last runs have left in the database of a project."""

    def __init__(self, folder: Path) -> None:
        self._results = TaskResults(doit_defaults(folder)["dep_file"], JSONCodec())

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
