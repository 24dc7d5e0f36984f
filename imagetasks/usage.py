"""What ``imagetasks --help`` prints. No I/O."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from textwrap import TextWrapper

from imagetasks.options import OPTIONS, Option

_WIDTH = 100
_COLUMN = 34

SYNOPSIS = """\
usage: imagetasks [OPTION...] [TASK...]
       imagetasks COMMAND [ARGUMENT...]
       imagetasks --help | --version
"""
TASKS = {
    "build": "build, tag and push every image; also what a bare `imagetasks` does",
    "build:NAME": "build one image, and stop there",
    "push:NAME": "take one image all the way",
    "deploy": "build and push what has changed, then deploy every deployment",
    "deploy:NAME": "deploy one of them",
    "purge": "remove every deployment from the cluster",
}
DOIT = {
    "list --all": "list all tasks",
    "info TASK": "tell what a task depends on, and whether it would run",
    "forget [TASK...]": "forget the last success of tasks, so that they run again",
    "help": "list doit's commands; `imagetasks help run` all options of a run",
}
DOIT_OPTIONS = {
    "-n N, --process=N": "how many tasks run at once",
    "-c, --continue": "go on after a failure",
    "-a, --always-execute": "run every task, even those that are up to date",
    "-v N, --verbosity=N": "how much of what tasks print is shown: 0 to 2",
}
EXIT_CODES = {
    "0": "done",
    "1": "a task failed, or `doctor` found something missing",
    "2": "a task broke",
    "3": "the file or the command line is wrong",
    "130": "interrupted",
}
ENVIRONMENT = {
    "DOCKER_HOST, DOCKER_CONTEXT": "which Docker daemon, as for `docker`",
    "DOCKER_CONFIG": "the folder with Docker's credentials [default: ~/.docker]",
    "KUBECONFIG": "the kubeconfig files, as for `kubectl`",
    "XDG_CACHE_HOME": "where dependencies from git are kept [default: ~/.cache]",
    "other names": "values for the variables of the file; --var goes before them",
}


def usage(commands: Mapping[str, tuple[str, str]]) -> str:
    """The page.

    :param commands: for each command that is no task, what it is called with and what it does
    """
    calls = {f"{name} {arguments}".rstrip(): what for name, (arguments, what) in commands.items()}
    return "\n".join(
        (
            "imagetasks: build, tag, push and deploy the images of a devspace.yaml; skip what has not changed.\n",
            SYNOPSIS,
            _section("Tasks", TASKS.items()),
            _section("Commands (`imagetasks COMMAND --help` tells more)", calls.items()),
            _section("Commands of doit, which all work here", DOIT.items()),
            _section("Options, before or after tasks", ((spellings(option), option.help) for option in OPTIONS)),
            _section("Options of doit, before tasks", DOIT_OPTIONS.items()),
            _section("Exit codes", EXIT_CODES.items()),
            _section("Environment", ENVIRONMENT.items()),
        )
    )


def _section(title: str, entries: Iterable[tuple[str, str]]) -> str:
    return f"{title}:\n{''.join(_entry(*entry) for entry in entries)}"


def _entry(name: str, text: str) -> str:
    """A name and what it is, in two columns; a long name has a line of its own."""
    wrapper = TextWrapper(_WIDTH, initial_indent=" " * _COLUMN, subsequent_indent=" " * _COLUMN)
    described = wrapper.fill(text)
    head = f"  {name}"
    return f"{head:<{_COLUMN}}{described[_COLUMN:]}\n" if len(head) < _COLUMN else f"{head}\n{described}\n"


def spellings(option: Option) -> str:
    """How the option is written, with room for a short form in any case."""
    value = "=" + option.metavar if option.type() is not bool else ""
    long = f"--{option.long}{value}" if option.name != "var" else f"--{option.long} NAME=VALUE"
    return f"-{option.short}, {long}" if option.short else f"    {long}"
