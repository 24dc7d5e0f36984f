"""The program ``imagetasks``: doit with our tasks but without a ``dodo.py``, and the commands that are no tasks."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Sequence

import imagetasks
from imagetasks.errors import UserError

# What a command is called with and what it does; its module has its name, and is imported when it is called.
_COMMANDS = {
    "validate": ("[FILE]", "print every mistake in the file"),
    "why": ("[NAME]...", "tell why images would be built and deployments deployed, or that they are up to date"),
    "render": ("[DEPLOYMENT]...", "print the manifests that would be applied, with the tags of the last builds"),
    "context": ("IMAGE", "list what is sent to the builder, or why a file is (--explain PATH)"),
    "print": ("[-p NAME]", "print the file as it is after profiles and variables"),
    "profiles": ("", "list the file's profiles"),
    "vars": ("[--reset]", "list the file's variables and answers, or forget answers"),
    "dependencies": ("[--update]", "list the projects that this one depends on, or fetch them anew"),
    "login": ("[REGISTRY]", "store credentials for a registry as `docker login` does"),
}

_TASKS = {
    "build": "build, tag and push every image",
    "build:api": "build one image, and stop there",
    "push:api": "take one image all the way",
    "deploy": "build, push and deploy all",
    "purge": "remove what was deployed",
    "list --all": "list all tasks",
    "info build:api": "tell what doit knows of a task",
    "--version": "print the version",
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command line, without the program's name, and return the exit code: doit's own (0 to 3)."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    try:
        match words:
            case ["--version"]:
                print(f"imagetasks {imagetasks.__version__}")
                return 0
            case ["--help" | "-h"]:
                print(_usage(), end="")
                return 0
            case [command, *rest] if command in _COMMANDS:
                return int(importlib.import_module(f"imagetasks.commands.{command}").main(rest))
            case _:
                return _doit(words)
    except UserError as error:
        sys.stderr.write(f"ERROR: {error}\n")
        return 3
    except KeyboardInterrupt:
        sys.stderr.write("\ninterrupted\n")
        return 130


def _usage() -> str:
    commands = {f"{name} {arguments}".rstrip(): what for name, (arguments, what) in _COMMANDS.items()}
    lines = (f"  imagetasks {call:<24} {what}\n" for call, what in {**_TASKS, **commands}.items())
    return (
        "imagetasks builds, pushes and deploys what a devspace.yaml says, and skips what has not changed.\n\n"
        f"{''.join(lines)}\n"
        "Every command of doit works here too: `imagetasks help` lists them, `imagetasks help run` all options.\n"
    )


def _doit(words: list[str]) -> int:
    from doit.doit_cmd import DoitMain

    from imagetasks.loader import ImageTaskLoader

    # Some of doit's commands return nothing when all went well.
    return int(DoitMain(ImageTaskLoader(reads_dodo=False, arguments=words)).run(words) or 0)
