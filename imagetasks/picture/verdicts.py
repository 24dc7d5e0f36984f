"""What a run would do to each task, as doit's own checks tell."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

from doit.dependency import Dependency
from doit.exceptions import InvalidDodoFile
from doit.loader import generate_tasks
from doit.task import Task

from imagetasks.backend import TaskResults
from imagetasks.graph import TaskDict
from imagetasks.loader import doit_defaults
from imagetasks.picture.task_graph import Verdict


def verdicts_of(tasks: Iterable[TaskDict], chosen: Sequence[str], folder: Path) -> dict[str, Verdict]:
    """A verdict for each chosen task of the project in ``folder``, whatever would become of those before it.

    Contexts are hashed for it, and the daemon and the cluster are asked. What cannot be told, say because one of them
    does not answer, is not known.
    """
    by_name = {task.name: task for task in generate_tasks("imagetasks", (dict(task) for task in tasks))}
    results = Dependency(TaskResults, doit_defaults(folder)["dep_file"])
    return {name: _verdict(by_name[name], by_name, results) for name in chosen}


def _verdict(task: Task, tasks: dict[str, Task], results: Dependency) -> Verdict:
    try:
        if results.status_is_ignore(task):
            return Verdict(False, "`doit ignore` says so")
        status = results.get_status(task, tasks, get_log=True)
        if status.status == "up-to-date":
            return Verdict(False)
        if not task.uptodate:
            return Verdict(True, "it always does")
        if not results.get_values(task.name):
            return Verdict(True, "no success of it is on record")
    except InvalidDodoFile as error:
        return Verdict(None, str(error))
    checks = [repr(check) for check, _, _ in status.reasons["uptodate_false"]]
    return Verdict(True, f"no longer so: {', '.join(checks)}")
