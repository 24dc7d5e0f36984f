"""The options that every command of doit takes from us, in one table, and the values that a command line gives them.

doit reads them in two places: before a command's or task's name as loader options (``TaskLoader2.cmd_options``) and
after one of our tasks' names as that task's ``params``. Both are made from :data:`OPTIONS`.
"""

import getopt
import itertools
from collections.abc import Callable, Container, Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import Any, NamedTuple

from imagetasks.errors import OptionError

TASK_GROUPS = ("hash", "build", "tag", "push", "secret", "deploy", "purge", "hook", "dependency")
"""The base names of our tasks: what an option of ours may stand after."""

DoitOption = dict[str, Any]
"""An option as doit wants it: see ``doit.cmdparse.CmdOption``."""


class Repeated:
    """The type of an option that may be given several times: collects its values into one list.

    doit's own ``list`` type raises ``KeyError`` for an option that stands before the command's name.
    """

    def __init__(self) -> None:
        self.values: list[str] = []

    def __call__(self, text: str) -> list[str]:
        """Add one value, and return all so far."""
        self.values.append(text)
        return self.values


class Option(NamedTuple):
    """One option; ``type`` is made anew for each command line, since :class:`Repeated` keeps values."""

    name: str
    long: str
    help: str
    short: str = ""
    type: Callable[[], Any] = lambda: str
    default: Any = ""
    metavar: str = "ARG"

    def as_doit(self) -> DoitOption:
        """The option as a dict for ``doit.cmdparse.CmdOption``."""
        return {
            "section": "imagetasks",
            "name": self.name,
            "short": self.short,
            "long": self.long,
            "type": self.type(),
            "default": self.default,
            "help": self.help,
            "metavar": self.metavar,
        }


def _flag(name: str, long: str, help_text: str, short: str = "") -> Option:
    return Option(name, long, help_text, short, type=lambda: bool, default=False)


OPTIONS = (
    _flag("force_build", "force-build", "build all images, even those that have not changed", "b"),
    _flag("build_sequential", "build-sequential", "build one image after the other instead of side by side"),
    _flag("skip_push", "skip-push", "do not push images"),
    _flag("skip_build", "skip-build", "deploy with the images of the last build"),
    _flag("force_deploy", "force-deploy", "deploy again what has not changed"),
    Option("tag", "tag", "tag for all images, instead of their tagging schemas", "t", metavar="TAG"),
    Option("profile", "profile", "apply this profile (repeatable)", "p", Repeated, (), "NAME"),
    _flag("var", "var", "the NAME=VALUE that follows sets a variable (repeatable)"),
    Option("config", "config", "the configuration file [default: devspace.yaml]", metavar="FILE"),
    Option("kube_context", "kube-context", "the kubectl context to deploy to", metavar="CONTEXT"),
    Option("namespace", "namespace", "the namespace to deploy to", metavar="NAMESPACE"),
    Option(
        "local_contexts",
        "local-contexts",
        "contexts, separated by commas, whose nodes run what the Docker daemon holds: nothing is pushed for them",
        metavar="NAMES",
    ),
    _flag("timings", "timings", "write what took how long and waited for what to .devspace/timings.html"),
    Option("deployments", "deployments", "deploy only these, separated by commas", metavar="NAMES"),
)


def doit_options(arguments: Sequence[str]) -> tuple[DoitOption, ...]:
    """Our options for doit's parser, fit for the command line ``arguments``.

    doit takes every word ``NAME=VALUE`` off the command line as a variable of its own before it parses options, so
    ``--var`` finds no value left to take and has to be a flag, unless the spelling ``--var=NAME=VALUE`` is used.
    """
    options = tuple(option.as_doit() for option in OPTIONS)
    if any(argument.startswith("--var=") for argument in arguments):
        for option in options:
            if option["name"] == "var":
                option.update(type=Repeated(), default=(), metavar="NAME=VALUE")
    return options


class Options(NamedTuple):
    """What the user asked for, from wherever on the command line it stood."""

    force_build: bool = False
    build_sequential: bool = False
    skip_push: bool = False
    skip_build: bool = False
    force_deploy: bool = False
    tag: str = ""
    profiles: tuple[str, ...] = ()
    variables: Mapping[str, str] = {}
    config: str = ""
    kube_context: str = ""
    namespace: str = ""
    local_contexts: tuple[str, ...] = ()
    deployments: tuple[str, ...] = ()
    timings: bool = False


def make_options(
    values: Mapping[str, Any], doit_variables: Mapping[str, str], chosen: Mapping[str, Any] = MappingProxyType({})
) -> Options:
    """The options of a run.

    :param values: parsed from the command line, by the options' names
    :param doit_variables: the ``NAME=VALUE`` words that doit took off the command line
    :param chosen: fields of :class:`Options` for what the command line does not say
    :raises OptionError: a value or a name that is wrong
    """
    known = Options._fields
    for name in chosen:
        if name not in known:
            raise OptionError(f"{name} is no option; the options are {', '.join(known)}")
    given: dict[str, Any] = {name: value for name, value in values.items() if name in known and value}
    for name in ("deployments", "local_contexts"):
        if name in given:
            given[name] = _words(given[name])
    if values.get("profile"):
        given["profiles"] = _words(values["profile"])
    assignments = values.get("var")
    given["variables"] = {
        **chosen.get("variables", {}),
        **doit_variables,
        **_variables(assignments if isinstance(assignments, list | tuple) else ()),
    }
    return Options(**chosen)._replace(**given)


def check_assignments(arguments: Sequence[str]) -> None:
    """Look at what follows each ``--var``, which to doit is a flag.

    :raises OptionError: a word that is not of the form ``NAME=VALUE``, or none
    """
    _variables(following for word, following in itertools.pairwise([*arguments, ""]) if word == "--var")


def _variables(assignments: Iterable[str]) -> dict[str, str]:
    variables = {}
    for assignment in assignments:
        name, separator, value = assignment.partition("=")
        if not (name and separator):
            raise OptionError(f"--var is followed by NAME=VALUE, not by `{assignment}`")
        variables[name] = value
    return variables


def _words(texts: str | Iterable[str]) -> tuple[str, ...]:
    if isinstance(texts, str):
        texts = texts.split(",")
    return tuple(text.strip() for text in texts if text.strip())


def command_first(words: Sequence[str], commands: Container[str]) -> list[str]:
    """The words with one of the commands before our options, if it stands after them, as doit's commands may."""
    try:
        _, rest = getopt.getopt(words, *_getopt_forms(doit_options(["--var="])))
    except getopt.GetoptError:
        return list(words)
    if not rest or rest[0] not in commands:
        return list(words)
    command, *others = rest
    return [command, *words[: len(words) - len(rest)], *others]


def parse_after_tasks(words: Sequence[str], options: Sequence[DoitOption]) -> tuple[dict[str, Any], list[str]]:
    """The values of our options that stand after names of our tasks, and the words without them.

    :param words: names of tasks, each with its options after it
    :raises OptionError: an option after one of our tasks that is none of ours
    """
    short, long = _getopt_forms(options)
    values: dict[str, Any] = {}
    others: list[str] = []
    rest = list(words)
    while rest:
        name = rest.pop(0)
        others.append(name)
        if name.partition(":")[0] not in TASK_GROUPS:
            continue
        try:
            found, rest = getopt.getopt(rest, short, long)
        except getopt.GetoptError as error:
            raise OptionError(_unknown_option(error, name, long)) from None
        for spelling, text in found:
            option = next(o for o in options if spelling in (f"-{o['short']}", f"--{o['long']}"))
            values[option["name"]] = True if option["type"] is bool else option["type"](text)
    return values, others


def _getopt_forms(options: Sequence[DoitOption]) -> tuple[str, list[str]]:
    short = "".join(o["short"] + ("" if o["type"] is bool else ":") for o in options if o["short"])
    long = [o["long"] + ("" if o["type"] is bool else "=") for o in options]
    return short, long


def _unknown_option(error: getopt.GetoptError, task: str, long: Sequence[str]) -> str:
    if "not recognized" not in error.msg:
        return f"{error.msg} (after {task})"
    spelling = f"--{error.opt}" if len(error.opt) > 1 else f"-{error.opt}"
    import difflib

    near = difflib.get_close_matches(error.opt, [name.rstrip("=") for name in long], n=1)
    hint = f"did you mean --{near[0]}?" if near else f"doit's own options stand before {task}"
    return f"{task} has no option {spelling}; {hint}"
