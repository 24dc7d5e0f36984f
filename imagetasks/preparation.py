"""What is done before the first task of a run."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from imagetasks import interrupt
from imagetasks.graph import TaskDict
from imagetasks.lock import lock_project
from imagetasks.project import Project
from imagetasks.report.log import LIVE_VERBOSITY
from imagetasks.uptodate import HookIsIdle


def prepare_run(project: Project, tasks: Sequence[TaskDict], *, sequential: bool, timings: bool) -> None:
    """Look whether the run can begin, choose what is shown live, take over the signals and lock the project.

    :param tasks: our tasks; those whose output is to be shown as it comes are told so
    :param sequential: whether tasks run one after the other
    :param timings: whether to record what takes how long
    :raises UserError: the run cannot begin, and why
    """
    project.check()
    for warning in project.warnings:
        sys.stderr.write(f"WARNING: {warning}\n")
    if project.selection.includes("build") and not project.plans:
        sys.stderr.write(f"{project.config.file.name} names no images to build\n")
    for name in _images_left_out(project):
        sys.stderr.write(f"WARNING: no deployment names the image {name}, so that it is not built\n")
    _hold_hooks_back(tasks)
    builds = [task for task in tasks if task["basename"] == "build" and task["name"] is not None]
    chosen = [task for task in builds if project.selection.may_include(f"build:{task['name']}")]
    if sequential or len(chosen) == 1:
        for task in chosen:
            task["verbosity"] = LIVE_VERBOSITY
    interrupt.install()
    lock_project(project.config.state_folder)
    if timings:
        from imagetasks.report.timings import record

        record(project.config.state_folder)


def _images_left_out(project: Project) -> list[str]:
    """The images that a run which deploys everything does not build, since nothing that is deployed names them."""
    *_, own = project.projects
    if not project.selection.includes("deploy") or len(own.deployments) < len(project.config.deployments):
        return []
    return [plan.image.image for plan in own.images if not project.selection.includes(plan.task("build"))]


def _hold_hooks_back(tasks: Sequence[TaskDict]) -> None:
    """Let hooks before images depend on what they only set up, where it is built: with ``--continue``, doit runs a
    task whose set-up has failed, but none whose dependency has.
    """
    for task in tasks:
        if any(isinstance(check, HookIsIdle) and check.may_build() for check in task.get("uptodate", ())):
            task["task_dep"] = [*task["task_dep"], *task["setup"]]
