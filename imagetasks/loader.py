"""doit's side: the task loader that puts our tasks, and the user's own of a ``dodo.py``, into one graph."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, ParamSpec, TypeVar

from doit import doit_cmd
from doit.cmd_base import Command, DodoTaskLoader
from doit.exceptions import InvalidDodoFile
from doit.loader import generate_tasks
from doit.task import Task

from imagetasks import interrupt
from imagetasks.errors import ConfigError, UserError
from imagetasks.graph import task_dicts
from imagetasks.lock import ProjectLock
from imagetasks.options import Options, doit_options, make_options, parse_after_tasks
from imagetasks.project import Project, find_config, open_project

WORKERS = 8
"""How many tasks run at once unless ``-n`` says otherwise: they wait for a daemon, not for this machine's cores."""

P = ParamSpec("P")
T = TypeVar("T")


def _as_doit_error(method: Callable[P, T]) -> Callable[P, T]:
    """Hand a user's mistake to doit in the form that it prints as one line, with exit code 3."""

    def wrapped(*args: P.args, **kwargs: P.kwargs) -> T:
        try:
            return method(*args, **kwargs)
        except UserError as error:
            raise InvalidDodoFile(str(error)) from error

    return wrapped


class ImageTaskLoader(DodoTaskLoader):  # type: ignore[misc]
    """The loader ``imagetasks`` of doit (``[tool.doit] loader = "imagetasks"``).

    A ``dodo.py`` is read if there is one; ``reads_dodo=False`` never reads it.
    """

    def __init__(self, *, reads_dodo: bool = True, arguments: Sequence[str] | None = None) -> None:
        super().__init__()
        self._reads_dodo = reads_dodo
        self._options = doit_options(sys.argv[1:] if arguments is None else arguments)
        self.cmd_options = (*DodoTaskLoader.cmd_options, *self._options) if reads_dodo else self._options
        self._values: Any = {}
        self._file = Path()
        self._lock: ProjectLock | None = None

    @_as_doit_error
    def setup(self, opt_values: Any) -> None:
        """Find the configuration, and load the ``dodo.py`` beside it, if there is one."""
        self._values = opt_values
        start = Path.cwd()
        self.namespace: dict[str, Any] = {}
        if self._reads_dodo and (opt_values["dodoFile"] != "dodo.py" or Path("dodo.py").exists()):
            super().setup(opt_values)
        elif opt_values.get("cwdPath"):
            start = start / opt_values["cwdPath"]
        self._file = find_config(opt_values["config"], start)

    def load_doit_config(self) -> dict[str, Any]:
        """Our defaults, less what the user's own configuration files set, under the user's ``DOIT_CONFIG``."""
        config = self.config or {}
        chosen = {*config.get("GLOBAL", {}), *config.get("run", {})}
        defaults = {name: value for name, value in doit_defaults(self._file.parent).items() if name not in chosen}
        return {**defaults, **super().load_doit_config()}

    @_as_doit_error
    def load_tasks(self, cmd: Command, pos_args: list[str]) -> list[Task]:
        """All tasks. For a command that runs them: check what it needs, and let no other run in beside it."""
        values = {**self._values, **parse_after_tasks(pos_args, self._options)}
        options = make_options(values, doit_cmd._CMDLINE_VARS or {})
        project = open_project(self._file, options)
        dicts = task_dicts(project.plans, project.config.deployments, self._options, pos_args)
        tasks = [*super().load_tasks(cmd, pos_args), *generate_tasks("imagetasks", dicts)]
        _check_names(tasks)
        project.selection.choose(cmd.sel_tasks or (), _dependencies(tasks))
        if cmd.execute_tasks:
            self._prepare_run(project, options, tasks)
        return tasks

    def _prepare_run(self, project: Project, options: Options, tasks: Sequence[Task]) -> None:
        for warning in project.config.warnings:
            sys.stderr.write(f"WARNING: {warning}\n")
        project.check()
        builds = [task for task in tasks if task.name.startswith("build:") and task.name in project.selection]
        if options.build_sequential:
            # doit makes its runner from this very dict of options, after the tasks are loaded.
            self._values["num_process"] = 0
        if options.build_sequential or len(builds) == 1:
            for task in builds:
                task.verbosity = 2
        interrupt.install()
        self._lock = ProjectLock(project.config.state_folder)
        self._lock.acquire()


def doit_defaults(folder: Path) -> dict[str, Any]:
    """What doit is to do unless told otherwise, for a project in ``folder``; for a ``DOIT_CONFIG``, say."""
    return {
        "default_tasks": ["build"],
        "num_process": WORKERS,
        "par_type": "thread",
        "backend": "imagetasks",
        "dep_file": str(folder / ".devspace" / "doit.db"),
        "reporter": "imagetasks",
    }


def tasks(config: str = "", **defaults: Any) -> Iterator[dict[str, Any]]:
    """Yield our tasks from a task creator of a ``dodo.py`` that doit's own loader reads.

    :param config: the configuration file; without it ``devspace.yaml`` in the current folder or the nearest above
    :param defaults: values for options, by the names of :class:`imagetasks.options.Options`; those that the command
        line gives after the name of one of our tasks win
    :raises doit.exceptions.InvalidDodoFile: a mistake in the configuration or the options
    """
    yield from _dodo_tasks(config, defaults)


@_as_doit_error
def _dodo_tasks(config: str, defaults: Mapping[str, Any]) -> list[dict[str, Any]]:
    words = sys.argv[1:]
    options = doit_options(words)
    values = {"config": config, **defaults, **parse_after_tasks(words, options)}
    chosen = make_options(values, doit_cmd._CMDLINE_VARS or {})
    project = open_project(find_config(chosen.config, Path.cwd()), chosen)
    interrupt.install()
    return list(task_dicts(project.plans, project.config.deployments, options, words))


def _dependencies(tasks: Sequence[Task]) -> dict[str, list[str]]:
    return {task.name: [*task.task_dep, *task.setup_tasks] for task in tasks}


def _check_names(tasks: Sequence[Task]) -> None:
    seen: set[str] = set()
    for task in tasks:
        if task.name in seen:
            raise ConfigError(f"dodo.py has a task named {task.name}, which is one of ours; give yours another name")
        seen.add(task.name)
