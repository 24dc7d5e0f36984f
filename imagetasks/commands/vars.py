"""``imagetasks vars``: list the variables of a file with their values, or forget answers to their questions."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from pathlib import Path

from imagetasks.commands.parser import Parser, config_file, options_of
from imagetasks.config.answers import Answers
from imagetasks.config.load import fill_file
from imagetasks.config.questions import asker_here
from imagetasks.config.variables import Value, Variables
from imagetasks.errors import ConfigError
from imagetasks.options import Options
from imagetasks.report.terminal import show


def main(words: Sequence[str]) -> int:
    """List, for each variable that the file defines or uses, its value and where that comes from; or reset.

    One without a value is listed with the reason. Raises ConfigError, after the list, for mistakes in the file.
    """
    parser = Parser("vars", "List the variables of the file with their values and where these come from.")
    parser.add_configuration()
    parser.add_argument(
        "--reset", nargs="*", metavar="NAME", help="forget the answers to the questions for these, or for all"
    )
    found = parser.parse_args(words)
    options = options_of(found)
    file = config_file(options)
    if found.reset is None:
        _list(file, options)
    else:
        _show(_reset(file, found.reset))
    return 0


def _list(file: Path, options: Options) -> None:
    filled, unasked = (
        fill_file(file, variables=options.variables, profiles=options.profiles, environ=os.environ, asker=asker)
        for asker in (asker_here(), None)
    )
    _show(_table(filled.variables, unasked.variables))
    filled.mistakes.check()


def _show(lines: Sequence[str]) -> None:
    show(sys.stdout, "".join(f"{line}\n" for line in lines))


def _table(used: Variables, unasked: Variables) -> list[str]:
    values = {name: _unused(unasked, name) for name in used.definitions}
    values |= {name: _unknown() if value.pending else value for name, value in used.found.items()}
    values |= {name: Value("-", reason) for name, reason in used.without_value.items()}
    rows = [(name, " ".join(value.shown.split()), value.origin) for name, value in values.items()]
    widths = [max(map(len, column), default=0) for column in zip(*rows, strict=True)]
    return ["  ".join(map(str.ljust, row, widths)).rstrip() for row in rows]


def _unknown() -> Value:
    """What is shown for a variable that would have been asked for, or run, in a file without mistakes."""
    return Value("-", "not looked for, as the file has mistakes")


def _unused(variables: Variables, name: str) -> Value:
    """What is known of a variable that the file defines and does not use; nobody is asked for it."""
    try:
        value = variables.find(name)
    except ConfigError as error:
        return Value("-", error.message)
    return Value("-", "not used, and without a value") if value.pending else value


def _reset(file: Path, names: Sequence[str]) -> list[str]:
    forgotten = Answers.of_project(file.parent).forget(names or None)
    kept_none = [f"there is no answer for {name}" for name in names if name not in forgotten]
    lines = [f"forgot the answer for {name}" for name in forgotten] + kept_none
    return lines or ["there are no answers to forget"]
