"""The program ``imagetasks``: doit with our tasks but without a ``dodo.py``, and the commands that are no tasks."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Sequence

import imagetasks
from imagetasks.errors import UserError

# What a command is called with and what it does; its module has its name, and is imported when it is called.
COMMANDS = {
    "init": ("[--registry PREFIX]", "write a devspace.yaml for the Dockerfiles here, and doit's configuration"),
    "doctor": ("", "tell what is there of all that the file needs"),
    "validate": ("[FILE]", "print every mistake in the file"),
    "why": ("[NAME]...", "tell why images would be built and deployments deployed, or that they are up to date"),
    "render": ("[DEPLOYMENT]...", "print the manifests that would be applied, with the tags of the last builds"),
    "context": ("IMAGE", "list what is sent to the builder, or why a file is (--explain PATH)"),
    "print": ("[-p NAME]", "print the file as it is after profiles and variables"),
    "profiles": ("", "list the file's profiles"),
    "vars": ("[--reset]", "list the file's variables and answers, or forget answers"),
    "dependencies": ("[--update]", "list the projects that this one depends on, or fetch them anew"),
    "graph": ("[-o FILE] [TASK]", "show what waits for what, and what would run; or draw it"),
    "cleanup": (
        "[--keep N] [IMAGE]...",
        "remove images that were built here and are no longer needed from the daemon",
    ),
    "login": ("[REGISTRY]", "store credentials for a registry as `docker login` does"),
    "completion": ("SHELL", "print what makes bash, zsh or fish complete names and options"),
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command line, without the program's name, and return the exit code: doit's own (0 to 3)."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    try:
        return _dispatch(_command_first(words))
    except UserError as error:
        sys.stderr.write(f"ERROR: {error}\n")
        return 3
    except KeyboardInterrupt:
        sys.stderr.write("\ninterrupted\n")
        return 130


def _command_first(words: list[str]) -> list[str]:
    if not words or not words[0].startswith("-"):
        return words
    from imagetasks.options import command_first

    return command_first(words, COMMANDS)


def _dispatch(words: list[str]) -> int:
    match words:
        case ["--version"]:
            print(f"imagetasks {imagetasks.__version__}")
            return 0
        case ["--help" | "-h"]:
            return _help()
        case ["help", command] if command in COMMANDS:
            return _run(command, ["--help"])
        case [task, "--help" | "-h"] if task not in COMMANDS:
            return _doit(["help", task])
        case [command, *rest] if command in COMMANDS:
            return _run(command, rest)
        case _:
            return _doit(words)


def _help() -> int:
    from imagetasks.usage import usage

    print(usage(COMMANDS), end="")
    return 0


def _run(command: str, words: list[str]) -> int:
    return int(importlib.import_module(f"imagetasks.commands.{command}").main(words))


def _doit(words: list[str]) -> int:
    from doit.doit_cmd import DoitMain

    from imagetasks.loader import ImageTaskLoader

    # Some of doit's commands return nothing when all went well.
    return int(DoitMain(ImageTaskLoader(reads_dodo=False, arguments=words)).run(words) or 0)
