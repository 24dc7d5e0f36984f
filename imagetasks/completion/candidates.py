"""What the last word of a command line may become. No I/O."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple, Protocol

from imagetasks.options import OPTIONS

SHELLS = ("bash", "fish", "zsh")

_COMMANDS_ON_IMAGES = frozenset({"cleanup", "context", "why"})
_COMMANDS_ON_DEPLOYMENTS = frozenset({"render", "why"})
_COMMANDS_ON_TASKS = frozenset({"clean", "forget", "graph", "ignore", "info", "list", "reset-dep", "run", "strace"})
_OPTIONS_WITH_VALUE = frozenset({"-o", "--output"}).union(
    spelling
    for option in OPTIONS
    if option.type() is not bool
    for spelling in (f"--{option.long}", *([f"-{option.short}"] if option.short else []))
)


class Candidate(NamedTuple):
    """A word, and what it is for."""

    word: str
    description: str = ""


class Names(Protocol):
    """The names that a command line may have, of its program and of the project."""

    def commands(self) -> Sequence[Candidate]:
        """The program's commands."""

    def options(self, command: str) -> Sequence[Candidate]:
        """The options of a command or, for an empty name, of a run."""

    def tasks(self) -> Sequence[Candidate]:
        """The project's tasks."""

    def profiles(self) -> Sequence[Candidate]:
        """The file's profiles."""

    def images(self) -> Sequence[Candidate]:
        """The project's images."""

    def deployments(self) -> Sequence[Candidate]:
        """The project's deployments."""


def candidates(words: Sequence[str], names: Names) -> list[Candidate]:
    """The candidates for the last of the words that follow the program's name.

    There are none where a file is meant, or where nothing is known; a shell then offers files.
    """
    *before, current = words
    option, equals, value = current.partition("=")
    if equals and option.startswith("--"):
        return [one._replace(word=f"{option}={one.word}") for one in _values(option, value, names)]
    if before and before[-1] in _OPTIONS_WITH_VALUE:
        return _values(before[-1], current, names)
    return _starting_with(current, _words(before, current, names))


def _words(before: Sequence[str], current: str, names: Names) -> Iterable[Candidate]:
    commands = {command.word for command in names.commands()}
    command = next((word for word in before if word in commands), "")
    if current.startswith("-"):
        return names.options(command)
    if command in _COMMANDS_ON_IMAGES | _COMMANDS_ON_DEPLOYMENTS:
        images = names.images() if command in _COMMANDS_ON_IMAGES else ()
        return [*images, *(names.deployments() if command in _COMMANDS_ON_DEPLOYMENTS else ())]
    if command == "completion":
        return [Candidate(shell) for shell in SHELLS]
    if command in {"", "help"} | _COMMANDS_ON_TASKS:
        tasks = names.tasks()
        is_first = command == "help" or not (command or {task.word for task in tasks}.intersection(before))
        return [*(names.commands() if is_first else ()), *_unfolded(current, tasks)]
    return []


def _values(option: str, text: str, names: Names) -> list[Candidate]:
    if option in {"-p", "--profile"}:
        return _starting_with(text, names.profiles())
    if option == "--deployments":
        listed, comma, last = text.rpartition(",")
        found = _starting_with(last, names.deployments())
        return [one._replace(word=f"{listed}{comma}{one.word}") for one in found]
    return []


def _unfolded(current: str, tasks: Sequence[Candidate]) -> list[Candidate]:
    """Groups of tasks, and those in one as soon as it is clear which: there may be hundreds."""
    groups = {task.word for task in tasks if ":" not in task.word and task.word.startswith(current)}
    clear = current.partition(":")[0] if ":" in current else next(iter(groups)) if len(groups) == 1 else None
    return [task for task in tasks if ":" not in task.word or task.word.partition(":")[0] == clear]


def _starting_with(text: str, found: Iterable[Candidate]) -> list[Candidate]:
    return [candidate for candidate in found if candidate.word.startswith(text)]


def as_lines(found: Iterable[Candidate]) -> str:
    """Candidates as the scripts take them: one a line, the description after a tab."""
    return "".join(f"{one.word}\t{' '.join(one.description.split())}".rstrip() + "\n" for one in found)
