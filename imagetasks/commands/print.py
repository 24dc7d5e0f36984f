"""``imagetasks print``: the file as it is after profiles and variables."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence

from imagetasks.commands.parser import Parser, config_file, options_of
from imagetasks.config.load import fill_file
from imagetasks.config.printing import print_filled
from imagetasks.config.questions import asker_here
from imagetasks.report.terminal import show


def main(words: Sequence[str]) -> int:
    """Print the file as YAML; variables that need it are asked for on a terminal. Raises ConfigError."""
    parser = Parser("print", "Print the file as it is after profiles and variables, with passwords masked.")
    parser.add_configuration()
    options = options_of(parser.parse_args(words))
    filled = fill_file(
        config_file(options),
        variables=options.variables,
        profiles=options.profiles,
        environ=os.environ,
        asker=asker_here(),
    )
    filled.mistakes.check()
    show(sys.stdout, print_filled(filled))
    return 0
