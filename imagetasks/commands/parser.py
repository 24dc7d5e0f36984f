"""The parser of a command's words, and the options that several commands share."""

from __future__ import annotations

import argparse
from collections.abc import Collection
from pathlib import Path
from typing import NoReturn

from imagetasks.config.mistakes import nearest
from imagetasks.errors import OptionError
from imagetasks.options import Options, make_options
from imagetasks.plan import ImagePlan
from imagetasks.project import Project, find_config


class Parser(argparse.ArgumentParser):
    """A parser whose errors are ours: OptionError.

    :param failure: what exit code 1 means, for commands that have it
    """

    def __init__(self, command: str, description: str, failure: str = "") -> None:
        codes = ["0 done", *([f"1 {failure}"] if failure else []), "3 the file or the command line is wrong"]
        super().__init__(
            prog=f"imagetasks {command}", description=description, epilog=f"exit codes: {', '.join(codes)}"
        )

    def error(self, message: str) -> NoReturn:
        """Raise OptionError."""
        raise OptionError(f"{self.prog}: {message}")

    def add_configuration(self) -> None:
        """Add the options that choose the configuration, as those of doit's commands do."""
        self.add_argument("-p", "--profile", action="append", metavar="NAME", help="apply a profile (repeatable)")
        self.add_argument("--var", action="append", metavar="NAME=VALUE", help="set a variable (repeatable)")
        self.add_argument("--config", metavar="FILE", default="", help="the file [default: devspace.yaml]")

    def add_target(self) -> None:
        """Add the options that choose where is deployed to."""
        self.add_argument("--kube-context", metavar="CONTEXT", default="", help="the kubectl context")
        self.add_argument("--namespace", metavar="NAMESPACE", default="", help="the namespace")

    def add_run(self) -> None:
        """Add the options that change what a run would do to its tasks."""
        self.add_target()
        self.add_argument("--skip-push", action="store_true", help="for a run that does not push")
        self.add_argument("-t", "--tag", metavar="TAG", default="", help="for a run with this tag")


def options_of(found: argparse.Namespace) -> Options:
    """The values of all that has the name of an option. Raises OptionError for a bad one."""
    return make_options(vars(found), {})


def config_file(options: Options) -> Path:
    """The configuration file that the options mean. Raises OptionError if there is none."""
    return find_config(options.config, Path.cwd())


def image_plan(project: Project, name: str) -> ImagePlan:
    """The plan of the image that a word names. Raises OptionError if there is none."""
    plans = {plan.name: plan for plan in project.plans}
    check_name(name, plans, project, "image")
    return plans[name]


def check_name(name: str, known: Collection[str], project: Project, kind: str) -> None:
    """Refuse a word that names nothing.

    :param kind: what it is to name
    :raises OptionError: with the nearest name
    """
    if name in known:
        return
    near = nearest(name, known)
    hint = f"did you mean {near}?" if near else f"there are {', '.join(known) or 'none'}"
    raise OptionError(f"{project.config.file.name} has no {kind} {name}; {hint}")
