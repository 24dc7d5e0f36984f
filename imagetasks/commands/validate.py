"""``imagetasks validate``: print every mistake in a file."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from pathlib import Path

from imagetasks.commands.parser import Parser, config_file, options_of
from imagetasks.config.load import read_config
from imagetasks.config.mistakes import Mistakes
from imagetasks.config.model import Config, CustomBuild
from imagetasks.context.inputs import DockerInputs
from imagetasks.errors import ConfigError
from imagetasks.project import path_mistakes, read_projects
from imagetasks.report.terminal import show


def main(words: Sequence[str]) -> int:
    """Print the file's mistakes, one a line as ``file:line:column: sentence``, or else what it holds.

    The first mistake in the files of its dependencies, those that are here, counts as one.

    Nobody is asked for the value of a variable, and no command is run for one.
    """
    parser = Parser("validate", "Print every mistake in the file, or else what it holds.")
    parser.add_argument("file", nargs="?", metavar="FILE", help="the file [default: that of --config]")
    parser.add_configuration()
    found = parser.parse_args(words)
    options = options_of(found)
    file = Path(found.file) if found.file else config_file(options)
    try:
        config, mistakes = read_config(
            file, variables=options.variables, profiles=options.profiles, environ=os.environ, asker=None
        )
        for warning in config.warnings:
            sys.stderr.write(f"WARNING: {warning}\n")
        _check_paths(config, mistakes)
        mistakes.check()
        if config.dependencies:
            read_projects(file, options, os.environ, asker=None)
    except ConfigError as error:
        show(sys.stdout, f"{error}\n")
        return 3
    held = ", ".join([_count(config.images, "image"), _count(config.deployments, "deployment")])
    show(sys.stdout, f"{mistakes.file} is valid: {held}\n")
    return 0


def _count(entries: Sequence[object], noun: str) -> str:
    return f"{len(entries)} {noun}{'' if len(entries) == 1 else 's'}"


def _check_paths(config: Config, mistakes: Mistakes) -> None:
    for image in config.images:
        is_known = "${" not in image.dockerfile + image.context
        if is_known and not image.disabled and not isinstance(image.build, CustomBuild):
            for mistake in path_mistakes(image, DockerInputs(image, config.folder)):
                mistakes.add_error(mistake)
