"""``imagetasks completion``: print what makes a shell complete our command lines, or doit's."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from importlib.resources import files

from imagetasks.cli import COMMANDS
from imagetasks.commands.parser import Parser
from imagetasks.completion.candidates import SHELLS, as_lines, candidates
from imagetasks.completion.names import DOIT, NamesHere
from imagetasks.errors import OptionError
from imagetasks.report.terminal import show

_PLACEHOLDER = "PROGRAM"


def main(words: Sequence[str]) -> int:
    """Print the script for a shell, or for such a script the candidates for a command line.

    :raises OptionError: it is not said which shell
    """
    parser = Parser("completion", "Print the script that makes a shell complete commands, options and names.")
    parser.add_argument("shell", nargs="?", choices=SHELLS, help="the shell")
    parser.add_argument(
        "--program",
        choices=("imagetasks", DOIT),
        default="imagetasks",
        help="the program whose command lines are completed [default: imagetasks]; for doit, this knows profiles and "
        "deployments, which `doit tabcompletion` does not",
    )
    parser.add_argument(
        "--candidates",
        action="store_true",
        help="for these scripts: read a command line from standard input, one word a line, and print what its last "
        "word may become",
    )
    found = parser.parse_args(words)
    if found.candidates:
        _show_candidates(sys.stdin.read().split("\n")[:-1])
        return 0
    if not found.shell:
        raise OptionError(f"imagetasks completion: name a shell: {', '.join(SHELLS)}")
    script = files("imagetasks.completion").joinpath(f"completion.{found.shell}").read_text(encoding="utf-8")
    show(sys.stdout, script.replace(_PLACEHOLDER, found.program))
    return 0


def _show_candidates(line: Sequence[str]) -> None:
    program, *words = line
    names = NamesHere(program, words[:-1], {name: text for name, (_, text) in COMMANDS.items()})
    show(sys.stdout, as_lines(candidates(words, names)))
