"""What a run would do to each task: for the reasons that ``imagetasks why`` tells, else as doit's own checks say."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import partial

from doit.dependency import Dependency
from doit.exceptions import InvalidDodoFile
from doit.loader import generate_tasks
from doit.task import Task

from imagetasks.backend import TaskResults
from imagetasks.errors import UserError
from imagetasks.explanation import Explanation
from imagetasks.graph import TaskDict
from imagetasks.loader import doit_defaults
from imagetasks.picture.task_graph import Verdict
from imagetasks.project import Project
from imagetasks.records import Records
from imagetasks.report.terminal import printable

Reasons = Callable[[], Iterator[str]]


def verdicts_of(project: Project, tasks: Iterable[TaskDict], chosen: Sequence[str]) -> dict[str, Verdict]:
    """A verdict for each chosen task of a project; see :func:`imagetasks.picture.task_graph.with_verdicts` for more.

    Contexts are hashed for it, and the daemon and the cluster are asked. What cannot be told, say because one of them
    does not answer, is not known.
    """
    by_name = {task.name: task for task in generate_tasks("imagetasks", (dict(task) for task in tasks))}
    results = Dependency(TaskResults, doit_defaults(project.config.folder)["dep_file"])
    reasons = _reasons_by_task(project)
    return {name: _verdict(by_name[name], by_name, results, reasons.get(name)) for name in chosen}


def _reasons_by_task(project: Project) -> Mapping[str, Reasons]:
    explanation = Explanation(project.plans, Records(project.config.folder))
    found: dict[str, Reasons] = {}
    for plan in project.plans:
        found[plan.task("build")] = partial(explanation.build_reasons, plan)
        found[plan.task("tag")] = partial(explanation.tag_reasons, plan)
        found[plan.task("push")] = partial(explanation.push_reasons, plan)
    for deployment in project.deployments:
        found[deployment.task("deploy")] = partial(explanation.deploy_reasons, deployment)
    for secret in project.pull_secrets:
        found[secret.task] = partial(explanation.secret_reasons, secret)
    return found


def _verdict(task: Task, tasks: dict[str, Task], results: Dependency, reasons: Reasons | None) -> Verdict:
    try:
        if results.status_is_ignore(task):
            return Verdict(False, "`doit ignore` says so")
        return _for_reasons(reasons()) if reasons else _as_doit_says(task, tasks, results)
    except InvalidDodoFile as error:
        return Verdict(None, printable(str(error)))


def _as_doit_says(task: Task, tasks: dict[str, Task], results: Dependency) -> Verdict:
    status = results.get_status(task, tasks, get_log=True)
    if status.status == "up-to-date":
        return Verdict(False)
    if not task.uptodate:
        return Verdict(True, "it always does")
    if not results.get_values(task.name):
        return Verdict(True, "no success of it is on record")
    checks = [repr(check) for check, _, _ in status.reasons["uptodate_false"]]
    return Verdict(True, f"no longer so: {', '.join(checks)}")


def _for_reasons(reasons: Iterator[str]) -> Verdict:
    found: list[str] = []
    try:
        for reason in reasons:
            found.append(printable(reason))
    except UserError as error:
        if not found:
            return Verdict(None, printable(str(error)))
    return Verdict(bool(found), "; ".join(found))
