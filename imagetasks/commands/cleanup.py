"""``imagetasks cleanup``: remove from the Docker daemon what was built here and is no longer needed."""

from __future__ import annotations

import os
import sys
from argparse import ArgumentTypeError
from collections.abc import Sequence
from pathlib import Path

from doit.dependency import JSONCodec
from doit.exceptions import InvalidDodoFile

from imagetasks.backend import TaskResults
from imagetasks.cleanup import Cleanup, clean_daemon, needed_by, told
from imagetasks.commands.parser import Parser, config_file, image_plan, options_of
from imagetasks.config.questions import asker_here
from imagetasks.endpoint import daemon_endpoint
from imagetasks.errors import StateError
from imagetasks.history import read_builds
from imagetasks.loader import doit_defaults
from imagetasks.lock import lock_project
from imagetasks.project import Project, open_project
from imagetasks.report.terminal import printable, show
from imagetasks.state import HISTORY_FILE

_NEEDING = ("build:", "tag:", "deploy:")
"""The tasks whose records need images."""


def main(words: Sequence[str]) -> int:
    """Remove all but the newest builds of each image and what the last run needs, and tell what was removed.

    :raises UserError: a mistake in the configuration, no such image, or a daemon that does not answer
    """
    parser = Parser("cleanup", "Remove images that were built here and are no longer needed from the Docker daemon.")
    parser.add_configuration()
    parser.add_argument("--keep", type=_count, default=1, metavar="N", help="the newest N of each stay [default: 1]")
    parser.add_argument("-n", "--dry-run", action="store_true", help="only tell what would be removed")
    parser.add_argument("images", nargs="*", metavar="IMAGE", help="the images to clean up [default: all]")
    found = parser.parse_intermixed_args(words)
    options = options_of(found)
    project = open_project(config_file(options), options, asker=asker_here())
    try:
        cleanup = _clean_up(project, found.images, found.keep, dryrun=found.dry_run)
    except OSError as error:
        raise StateError(f"{error.filename or project.config.state_folder}: {error.strerror}") from error
    show(sys.stdout, "".join(f"{printable(line)}\n" for line in told(cleanup, dryrun=found.dry_run)))
    return 0


def _clean_up(project: Project, names: Sequence[str], keep: int, *, dryrun: bool) -> Cleanup:
    """Clean up each daemon that the project's images are built by, and that of the environment."""
    history = project.config.state_folder / HISTORY_FILE
    if not dryrun and history.exists():
        lock_project(history.parent)
    built = {build.image for build in read_builds(history)}
    images = {name if name in built else image_plan(project, name).name for name in names} or built
    needed = _needed(project.config.folder)
    environs = {daemon_endpoint(environ): environ for environ in (os.environ, *(p.environ for p in project.plans))}
    cleanups = [
        clean_daemon(history, environ, needed=needed, images=images, keep=keep, dryrun=dryrun)
        for environ in environs.values()
    ]
    return Cleanup(
        tuple(candidate for cleanup in cleanups for candidate in cleanup.removed),
        tuple(candidate for cleanup in cleanups for candidate in cleanup.kept),
        sum(cleanup.freed for cleanup in cleanups),
    )


def _needed(folder: Path) -> set[str]:
    """The ids and names of the images that the records of a project need. Raises StateError."""
    results = TaskResults(doit_defaults(folder)["dep_file"], JSONCodec())
    try:
        tasks = [task for task in results.tasks() if task.startswith(_NEEDING)]
    except InvalidDodoFile as error:
        raise StateError(str(error)) from error
    return {name for task in tasks for name in needed_by(results.get(task, "_values_:") or {})}


def _count(text: str) -> int:
    if not text.isdecimal():
        raise ArgumentTypeError(f"{text!r} is no number of builds, such as 1")
    return int(text)
