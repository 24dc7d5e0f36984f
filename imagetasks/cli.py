"""The program ``imagetasks``: doit with our tasks but without a ``dodo.py``, and the commands that are no tasks."""

from __future__ import annotations

import argparse
import shutil
import sys
from collections.abc import Sequence
from typing import NoReturn

import imagetasks
from imagetasks.errors import OptionError, UserError

_USAGE = """\
imagetasks builds, tags and pushes the images of a devspace.yaml, and skips what has not changed.

  imagetasks build                 build, tag and push every image
  imagetasks build:api             build one image, and stop there
  imagetasks push:api              take one image all the way
  imagetasks list --all            list all tasks
  imagetasks info build:api        tell why a task would run
  imagetasks login [REGISTRY]      store credentials for a registry as `docker login` does
  imagetasks --version

Every command of doit works here too: `imagetasks help` lists them, `imagetasks help run` all options.
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command line, without the program's name, and return the exit code: doit's own (0 to 3)."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    try:
        match words:
            case ["--version"]:
                print(f"imagetasks {imagetasks.__version__}")
                return 0
            case ["--help" | "-h"]:
                print(_USAGE, end="")
                return 0
            case ["login", *rest]:
                return _login(rest)
            case _:
                return _doit(words)
    except UserError as error:
        sys.stderr.write(f"ERROR: {error}\n")
        return 3
    except KeyboardInterrupt:
        sys.stderr.write("\ninterrupted\n")
        return 130


def _doit(words: list[str]) -> int:
    from doit.doit_cmd import DoitMain

    from imagetasks.loader import ImageTaskLoader

    return int(DoitMain(ImageTaskLoader(reads_dodo=False, arguments=words)).run(words))


class _Parser(argparse.ArgumentParser):
    """A parser whose errors are ours."""

    def error(self, message: str) -> NoReturn:
        raise OptionError(f"{self.prog}: {message}")


def _login(words: Sequence[str]) -> int:
    from imagetasks.registry.login import docker_cli_login, login, read_password
    from imagetasks.registry.reference import DOCKER_HUB

    parser = _Parser(prog="imagetasks login", description="Store credentials for a registry.")
    parser.add_argument("registry", nargs="?", default=DOCKER_HUB, help="its host[:port] [default: Docker Hub]")
    parser.add_argument("-u", "--username", default="", help="asked for if not given")
    parser.add_argument("--password-stdin", action="store_true", help="read the password from standard input")
    found = parser.parse_args(words)
    if shutil.which("docker"):
        return docker_cli_login(found.registry, found.username, found.password_stdin)
    password = read_password(sys.stdin) if found.password_stdin else None
    print(login(found.registry, username=found.username, password=password))
    return 0
