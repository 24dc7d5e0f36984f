"""The names of commands, options, tasks, profiles, images and deployments: the programs' and the project's."""

from __future__ import annotations

import importlib
import io
import os
import re
from argparse import Namespace
from collections.abc import Mapping, Sequence
from contextlib import redirect_stdout, suppress
from functools import cached_property
from typing import TYPE_CHECKING, Any

from imagetasks.commands.parser import Parser, config_file, options_of
from imagetasks.completion.candidates import Candidate
from imagetasks.errors import UserError
from imagetasks.project import Project, open_project

if TYPE_CHECKING:
    from doit.doit_cmd import DoitMain

DOIT = "doit"

_HELP_OF_OPTION = re.compile(r"^  (?P<spellings>-\S.*?)(?:  +| *\n +)(?P<text>\S[^\n]*)$", re.MULTILINE)
_SPELLING = re.compile(r"(?:^|, )(--?[\w-]+)")


class NamesHere:
    """The names for a command line that is typed in the current folder; see :class:`candidates.Names`.

    Of a project that cannot be read there are none. Nothing is asked or run for them.

    :param program: ``doit`` or ``imagetasks``
    :param before: the words before the one that is typed: a profile or a file among them is heeded
    :param commands: our own commands with what they do
    """

    def __init__(self, program: str, before: Sequence[str], commands: Mapping[str, str]) -> None:
        self._program = program
        self._own = commands if program != DOIT else {}
        self._chosen = _chosen(before)

    def commands(self) -> list[Candidate]:
        """Ours, and doit's."""
        doits = [Candidate(name, command.doc_purpose) for name, command in self._doit_commands.items()]
        return [*(Candidate(name, text) for name, text in self._own.items()), *doits]

    def options(self, command: str) -> list[Candidate]:
        """The options of a command: of ours those that its help tells, as bash-completion finds a program's."""
        if command in self._own:
            text = _help(command)
            found = [(_SPELLING.findall(one["spellings"]), one["text"]) for one in _HELP_OF_OPTION.finditer(text)]
        else:
            made = self._doit_commands[command or "run"](
                task_loader=self._doit.task_loader, config=self._doit.config, cmds=self._doit.get_cmds()
            )
            found = [(_spellings(option), option.help % vars(option)) for option in made.get_options()]
        return [Candidate(spelling, text) for spellings, text in found for spelling in spellings]

    def tasks(self) -> list[Candidate]:
        """What ``doit list`` lists."""
        printed = io.StringIO()
        with redirect_stdout(printed):
            self._doit.run(["list", "--all", "--template", "{name}\t{doc}\n", *self._options_for_doit])
        return [Candidate(*line.split("\t", 1)) for line in printed.getvalue().splitlines() if "\t" in line]

    def profiles(self) -> list[Candidate]:
        """Those of the file."""
        from imagetasks.config.load import read_profiles

        with suppress(UserError):
            options = options_of(self._chosen)
            found = read_profiles(config_file(options), variables=options.variables, profiles=(), environ=os.environ)
            return [Candidate(profile.name, profile.description) for profile in found]
        return []

    def images(self) -> list[Candidate]:
        """Those of the project."""
        return [Candidate(plan.name, plan.image.image) for plan in self._project.plans] if self._project else []

    def deployments(self) -> list[Candidate]:
        """Those of the project."""
        projects = self._project.projects if self._project else ()
        return [Candidate(plan.name, plan.deployment.kind) for each in projects for plan in each.deployments]

    @cached_property
    def _project(self) -> Project | None:
        try:
            options = options_of(self._chosen)
            return open_project(config_file(options), options, asker=None)
        except UserError:
            return None

    @cached_property
    def _doit(self) -> DoitMain:
        from doit.doit_cmd import DoitMain, get_loader

        from imagetasks.loader import ImageTaskLoader

        if self._program != DOIT:
            return DoitMain(ImageTaskLoader(reads_dodo=False, arguments=[]))
        main = DoitMain()
        main.task_loader = get_loader(main.config, None, main.get_cmds())
        return main

    @cached_property
    def _doit_commands(self) -> dict[str, Any]:
        return dict(sorted(self._doit.get_cmds().to_dict().items()))

    @property
    def _options_for_doit(self) -> list[str]:
        chosen = self._chosen
        profiles = [f"--profile={name}" for name in chosen.profile or ()]
        return [*profiles, *([f"--config={chosen.config}"] if chosen.config else []), *(chosen.var or ())]


def _chosen(before: Sequence[str]) -> Namespace:
    """What the words choose of the configuration; nothing if they are not finished."""
    parser = Parser("completion", "")
    parser.add_configuration()
    try:
        return parser.parse_known_args([word for word in before if word not in {"-h", "--help"}])[0]
    except UserError:
        return parser.parse_args([])


def _help(command: str) -> str:
    printed = io.StringIO()
    with redirect_stdout(printed), suppress(SystemExit):
        importlib.import_module(f"imagetasks.commands.{command}").main(["--help"])
    return printed.getvalue()


def _spellings(option: Any) -> list[str]:
    return [f"-{option.short}"] * bool(option.short) + [f"--{option.long}"] * bool(option.long)
