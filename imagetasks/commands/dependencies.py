"""``imagetasks dependencies``: list the projects that this one depends on, or fetch those from git anew."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from pathlib import Path

from imagetasks.commands.parser import Parser, config_file, options_of
from imagetasks.config.model import GitSource
from imagetasks.config.questions import asker_here
from imagetasks.errors import Position
from imagetasks.git_sources import Repository
from imagetasks.project import read_projects
from imagetasks.report.terminal import show


def main(words: Sequence[str]) -> int:
    """List dependencies with their folders, or update those from git and tell the commit before and after."""
    parser = Parser("dependencies", "List the projects that this one depends on, and where they are.")
    parser.add_configuration()
    parser.add_argument("--update", action="store_true", help="fetch those from git anew")
    found = parser.parse_args(words)
    options = options_of(found)
    if found.update:
        read_projects(config_file(options), options, os.environ, asker_here(), checkout=_updated)
        return 0
    *dependencies, _ = read_projects(config_file(options), options, os.environ, None)
    width = max((len(node.name) for node in dependencies), default=0)
    for node in dependencies:
        place = node.config.folder if node.config else "not fetched yet"
        show(sys.stdout, f"{node.name:<{width}}  {place}\n")
    return 0


def _updated(source: GitSource, start: Path, position: Position | None) -> Path:
    """The folder of a git source, once it is up to date; one that several name is told of each time."""
    repository = Repository(source, start, os.environ, position)
    if not repository.is_here:
        repository.fetch()
        show(sys.stdout, f"{repository.shown}: fetched at {repository.commit()}\n")
    else:
        update = repository.update()
        change = f"{update.old} -> {update.new}" if update.old != update.new else f"still at {update.new}"
        show(sys.stdout, f"{repository.shown}: {change}\n")
    return repository.folder
