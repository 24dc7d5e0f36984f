"""``imagetasks profiles``: list the file's profiles."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence

from imagetasks.commands.parser import Parser, config_file, options_of
from imagetasks.config.load import read_profiles
from imagetasks.report.terminal import show


def main(words: Sequence[str]) -> int:
    """Print a line for each profile: its name, whether it is active, and its description. Raises ConfigError."""
    parser = Parser("profiles", "List the file's profiles, and which of them are active.")
    parser.add_configuration()
    options = options_of(parser.parse_args(words))
    profiles = read_profiles(
        config_file(options), variables=options.variables, profiles=options.profiles, environ=os.environ
    )
    width = max((len(profile.name) for profile in profiles), default=0)
    lines = [
        f"{profile.name:<{width}}  {'active' if profile.active else '      '}  {profile.description}".rstrip()
        for profile in profiles
    ]
    show(sys.stdout, "".join(f"{line}\n" for line in lines or ["the file defines no profiles"]))
    return 0
