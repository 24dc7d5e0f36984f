"""doit's side: the task loader that puts our tasks, and the user's own of a ``dodo.py``, into one graph."""

from __future__ import annotations

import functools
import gc
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, ParamSpec, TypeVar

from doit import doit_cmd
from doit.cmd_base import Command, DodoTaskLoader, opt_cwd
from doit.cmd_run import Run
from doit.cmdparse import CmdOption, CmdParse, CmdParseError
from doit.exceptions import InvalidDodoFile
from doit.loader import generate_tasks
from doit.task import Task

from imagetasks.config.questions import asker_here
from imagetasks.errors import ConfigError, UserError
from imagetasks.graph import TaskDict, dependencies_of, task_dicts
from imagetasks.interrupt import INTERRUPTED
from imagetasks.options import DoitOption, check_assignments, doit_options, make_options, parse_after_tasks
from imagetasks.plan import Dependencies
from imagetasks.project import Project, find_config, open_project
from imagetasks.state import STATE_FOLDER

WORKERS = 8
"""How many tasks run at once unless ``-n`` says otherwise: they wait for a daemon, not for this machine's cores."""

_DODO = "dodo.py"

P = ParamSpec("P")
T = TypeVar("T")


def _as_doit_error(function: Callable[P, T]) -> Callable[P, T]:
    """Hand a user's mistake to doit in the form that it prints as one line, with exit code 3.

    Who breaks off with Ctrl-C while a project is loaded, at a question say, has the exit code of an interrupted run.
    """

    @functools.wraps(function)
    def wrapped(*args: P.args, **kwargs: P.kwargs) -> T:
        try:
            return function(*args, **kwargs)
        except UserError as error:
            raise InvalidDodoFile(str(error)) from error
        except KeyboardInterrupt:
            sys.stderr.write("\ninterrupted\n")
            raise SystemExit(INTERRUPTED) from None

    return wrapped


class ImageTaskLoader(DodoTaskLoader):  # type: ignore[misc]
    """The loader ``imagetasks`` of doit (``[tool.doit] loader = "imagetasks"``).

    A ``dodo.py`` is read where doit's own loader would find it, but there need not be one; ``reads_dodo=False`` never
    reads it.
    """

    def __init__(self, *, reads_dodo: bool = True, arguments: Sequence[str] | None = None) -> None:
        super().__init__()
        self._reads_dodo = reads_dodo
        self._arguments = sys.argv[1:] if arguments is None else list(arguments)
        self._options = doit_options(self._arguments)
        self.cmd_options = (*(DodoTaskLoader.cmd_options if reads_dodo else [opt_cwd]), *self._options)
        self._values: dict[str, Any] = {}
        self._file = Path()

    @_as_doit_error
    def setup(self, opt_values: dict[str, Any]) -> None:
        """Load the ``dodo.py``, if there is one, and find the configuration."""
        check_assignments(self._arguments)
        self._values = opt_values
        self.namespace: dict[str, Any] = {}
        start = Path.cwd()
        folder = start / (opt_values["cwdPath"] or "")
        if self._reads_dodo and (_names_a_dodo(opt_values) or Path(_DODO).exists()):
            super().setup(opt_values)  # moves to the folder of the dodo.py, or the one that -d names
            folder = Path.cwd()
        config = opt_values["config"] or _config_after_tasks(self._arguments)
        self._file = find_config(config, start if config else folder)

    def load_doit_config(self) -> dict[str, Any]:
        """Our defaults, less what the user's own configuration files set, under the user's ``DOIT_CONFIG``."""
        config = self.config or {}
        chosen = {*config.get("GLOBAL", {}), *config.get("run", {})}
        defaults = {name: value for name, value in doit_defaults(self._file.parent).items() if name not in chosen}
        return {**defaults, **super().load_doit_config()}

    @_as_doit_error
    def load_tasks(self, cmd: Command, pos_args: list[str]) -> list[Task]:
        """All tasks. For a command that runs them: check what it needs, and let no other run in beside it."""
        parsed, pos_args[:] = parse_after_tasks(pos_args, self._options)
        options = make_options({**self._values, **parsed}, doit_cmd._CMDLINE_VARS or {})
        project = open_project(self._file, options, asker=asker_here() if cmd.execute_tasks else None)
        _tell_left_open(project)
        ours = list(task_dicts(project.projects, project.pull_secrets, self._options))
        own: list[Task] = super().load_tasks(cmd, pos_args)
        our_dependencies = dependencies_of(ours)
        _check_names(our_dependencies, own)
        dependencies = {**our_dependencies, **_dependencies_of_own(own)}
        project.selection.choose(cmd.sel_tasks or list(dependencies), dependencies)
        if cmd.execute_tasks:
            from imagetasks.preparation import prepare_run

            if options.build_sequential:
                # doit makes its runner from this very dict, after the tasks are loaded.
                self._values["num_process"] = 0
            prepare_run(project, ours, sequential=self._values.get("num_process") in (0, 1), timings=options.timings)
        # What is there by now lives as long as the process: the garbage collector need not search it, at exit least.
        gc.freeze()
        return [*own, *generate_tasks("imagetasks", (task for task in ours))]


def doit_defaults(folder: Path) -> dict[str, Any]:
    """What doit is to do unless told otherwise, for a project in ``folder``."""
    return {
        "default_tasks": ["build"],
        "num_process": 0 if "--build-sequential" in sys.argv else WORKERS,
        "par_type": "thread",
        "backend": "imagetasks",
        "dep_file": str(folder / STATE_FOLDER / "doit.db"),
        "reporter": "imagetasks",
    }


@_as_doit_error
def tasks_for_dodo(config: str, chosen: Mapping[str, Any]) -> list[TaskDict]:
    """What :func:`imagetasks.tasks` yields, prepared as by the loader as far as doit's own loader lets us know.

    :raises doit.exceptions.InvalidDodoFile: a mistake in the configuration or the options
    """
    check_assignments(sys.argv[1:])
    words = _without_assignments(sys.argv[1:])
    doit_forms = doit_options(sys.argv[1:])
    parsed, names = parse_after_tasks(words, doit_forms)
    options = make_options({"config": config, **parsed}, doit_cmd._CMDLINE_VARS or {}, chosen)
    command, names = _doit_command(names)
    asker = asker_here() if command == Run.get_name() else None
    project = open_project(find_config(options.config, Path.cwd()), options, asker=asker)
    _tell_left_open(project)
    ours = list(task_dicts(project.projects, project.pull_secrets, doit_forms, words))
    if names:
        project.selection.choose(names, dependencies_of(ours))
    if command == Run.get_name():
        from imagetasks.preparation import prepare_run

        prepare_run(project, ours, sequential=options.build_sequential, timings=options.timings)
    return ours


def _tell_left_open(project: Project) -> None:
    for line in project.left_open:
        sys.stderr.write(f"WARNING: {line}\n")


def _config_after_tasks(arguments: Sequence[str]) -> str:
    """The value of ``--config`` after a task's name, which is needed before doit hands over such options."""
    parsed, _ = parse_after_tasks(_without_assignments(arguments), doit_options(arguments))
    return str(parsed.get("config", ""))


def _without_assignments(arguments: Sequence[str]) -> list[str]:
    """The words that doit leaves on a command line when it has taken its variables off."""
    return [word for word in arguments if word.startswith("-") or "=" not in word]


def _doit_command(words: Sequence[str]) -> tuple[str, list[str]]:
    """The command that doit runs for a command line, and the words that are left for it; found as doit finds them."""
    rest = _without_options(DodoTaskLoader.cmd_options, words)
    commands = {command.get_name() for command in doit_cmd.DoitMain.DOIT_CMDS}
    command = rest.pop(0) if rest and rest[0] in commands else Run.get_name()
    if command != Run.get_name():
        return command, rest
    return command, _without_options((*Run.base_options, *DodoTaskLoader.cmd_options, *Run.cmd_options), rest)


def _without_options(options: Sequence[DoitOption], words: Sequence[str]) -> list[str]:
    rest: list[str]
    try:
        _, rest = CmdParse([CmdOption(option) for option in options]).parse_only(list(words))
    except CmdParseError:
        return list(words)
    return rest


def _names_a_dodo(values: Mapping[str, Any]) -> bool:
    return values["dodoFile"] != _DODO or bool(values["seek_file"])


def _dependencies_of_own(own: Sequence[Task]) -> Dependencies:
    """What the user's tasks depend on; None where only running them tells."""
    makers = {target: task.name for task in own for target in task.targets}
    return {
        task.name: None
        if task.calc_dep or task.loader
        else [
            *task.task_dep,
            *task.setup_tasks,
            *task.wild_dep,
            *(makers[file] for file in task.file_dep & makers.keys()),
        ]
        for task in own
    }


def _check_names(ours: Iterable[str], own: Sequence[Task]) -> None:
    for name in sorted({task.name for task in own}.intersection(ours)):
        raise ConfigError(f"dodo.py has a task named {name}, which is one of ours; give yours another name")
