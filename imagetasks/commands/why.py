"""``imagetasks why``: tell for each image and deployment whether it is up to date, or what has changed."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from datetime import datetime

from imagetasks.commands.parser import Parser, check_name, config_file, options_of
from imagetasks.config.questions import asker_here
from imagetasks.deployment_reasons import place
from imagetasks.errors import UserError
from imagetasks.explanation import Explanation
from imagetasks.plan import DeploymentPlan, ImagePlan
from imagetasks.project import Project, open_project
from imagetasks.records import Records
from imagetasks.report.terminal import printable, show


def main(words: Sequence[str]) -> int:
    """Print for images, then deployments, what the next run does to each and why, or since when it is up to date.

    The exit code is 1 if that cannot be told of one, say because no daemon answers.

    :raises UserError: a mistake in the configuration, or a name that it does not have
    """
    parser = Parser("why", "Tell why images would be built or pushed, and what would be deployed.")
    parser.add_configuration()
    parser.add_run()
    parser.add_argument("names", nargs="*", metavar="NAME", help="images and deployments to tell of [default: all]")
    found = parser.parse_intermixed_args(words)
    options = options_of(found)
    project = open_project(config_file(options), options, asker=asker_here())
    story = _Story(project)
    code = 0
    for title, lines in story.chapters(found.names):
        try:
            for line in lines:
                show(sys.stdout, f"{printable(line)}\n")
        except UserError as error:
            show(sys.stdout, f"cannot tell more of {title}: {error}\n")
            code = 1
    return code


class _Story:
    """What there is to tell of the images and deployments of a project when all of it is to be run."""

    def __init__(self, project: Project) -> None:
        self._project = project
        self._plans = {plan.name: plan for plan in project.plans}
        self._records = Records(project.config.folder)
        self._explanation = Explanation(project.plans, self._records)
        pushes = [plan.task("push") for plan in project.plans]
        project.selection.choose(pushes, dict.fromkeys(pushes, ()))

    def chapters(self, names: Sequence[str]) -> Iterator[tuple[str, Iterator[str]]]:
        """What is told of, and the lines on it, which raise UserError where something cannot be found out.

        :param names: those of images and deployments; without any, all
        :raises OptionError: there is none of a name
        """
        deployments = {plan.name: plan for plan in self._project.deployments}
        for name in names:
            check_name(name, self._plans | deployments, self._project, "image or deployment")
        for name in names or self._plans:
            if name in self._plans:
                yield name, self._of_image(self._plans[name])
        for name in names or deployments:
            if name in deployments:
                yield f"deployment {name}", self._of_deployment(deployments[name])

    def _of_image(self, plan: ImagePlan) -> Iterator[str]:
        for verb, reasons in (
            ("built", self._explanation.build_reasons(plan)),
            ("tagged", self._explanation.tag_reasons(plan)),
            ("pushed", self._explanation.push_reasons(plan)),
        ):
            first = next(reasons, None)
            if first is not None:
                yield f"{plan.name} is to be {verb}:"
                yield f"  {first}"
                yield from (f"  {reason}" for reason in reasons)
                return
        yield f"{plan.name} is up to date {self._since(plan)}"

    def _of_deployment(self, plan: DeploymentPlan) -> Iterator[str]:
        reasons = self._explanation.deploy_reasons(plan)
        first = next(reasons, None)
        if first is None:
            yield f"deployment {plan.name} is up to date in {place(plan.find_target())}"
            return
        yield f"deployment {plan.name} is to be deployed:"
        yield f"  {first}"
        yield from (f"  {reason}" for reason in reasons)

    def _since(self, plan: ImagePlan) -> str:
        built, tagged = (self._records.record(plan.task(kind)) for kind in ("build", "tag"))
        names = ", ".join([tagged["reference"], *tagged["others"]])
        if "time" not in built:  # a record of an earlier version
            return f"as {names}"
        return f"since {datetime.fromisoformat(built['time']).astimezone():%Y-%m-%d %H:%M} as {names}"
