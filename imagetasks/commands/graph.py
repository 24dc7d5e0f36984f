"""``imagetasks graph``: show the task graph in the terminal, or write it as a picture or a page."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from imagetasks.commands.parser import Parser, config_file, options_of
from imagetasks.config.questions import asker_here
from imagetasks.errors import OptionError, StateError
from imagetasks.graph import task_dicts
from imagetasks.picture.task_graph import TaskGraph, make_graph, with_seconds, with_verdicts
from imagetasks.project import open_project
from imagetasks.report.terminal import show
from imagetasks.report.timings import last_seconds


def main(words: Sequence[str]) -> int:
    """Show what waits for what, what a run would do and why, and the critical path of what has been timed.

    :raises UserError: a mistake in the configuration or the command line, or a file that cannot be written
    """
    parser = Parser("graph", "Show the task graph: what waits for what, what would run and why.")
    parser.add_configuration()
    parser.add_run()
    parser.add_argument("-o", "--output", metavar="FILE", help=f"write it to a file: {', '.join(_formats())}")
    parser.add_argument("--no-status", action="store_true", help="do not look what is up to date")
    parser.add_argument(
        "tasks", nargs="*", metavar="TASK", help="with what they wait for [default: build and deploy]"
    )
    found = parser.parse_intermixed_args(words)
    options = options_of(found)
    file = Path(found.output) if found.output else None
    if file and file.suffix not in _formats():
        raise OptionError(f"--output {file} has no ending that names a format: {', '.join(_formats())}")
    config = config_file(options)
    project = open_project(config, options, asker=None if found.no_status else asker_here())
    tasks = list(task_dicts(project.projects, project.pull_secrets))
    graph = make_graph(tasks, found.tasks)
    project.selection.choose(graph, dict.fromkeys(graph, ()))
    if not found.no_status:
        from imagetasks.picture.verdicts import verdicts_of

        graph = with_verdicts(graph, verdicts_of(project, tasks, list(graph)))
    graph = with_seconds(graph, last_seconds(project.config.state_folder))
    if file:
        _write(file, _formats()[file.suffix](graph, f"Task graph of {config.absolute().parent.name}"))
    else:
        _show(graph)
    return 0


def _formats() -> Mapping[str, Callable[[TaskGraph, str], str]]:
    """What makes a picture of a graph and a title, by the ending of its file."""
    from imagetasks.picture.dot import dot
    from imagetasks.picture.mermaid import mermaid
    from imagetasks.picture.page import graph_page
    from imagetasks.picture.svg import svg

    return {
        ".html": graph_page,
        ".svg": lambda graph, title: svg(graph),
        ".dot": lambda graph, title: dot(graph),
        ".mmd": lambda graph, title: mermaid(graph),
    }


def _write(file: Path, text: str) -> None:
    try:
        file.write_text(text, encoding="utf-8")
    except OSError as error:
        raise StateError(f"{file} cannot be written: {error.strerror}") from error
    show(sys.stdout, f"{file}\n")


def _show(graph: TaskGraph) -> None:
    from imagetasks.picture.tree import legend, tree_lines

    lines = [*tree_lines(graph), *filter(None, [legend(graph)])] or ["there are no tasks to show"]
    show(sys.stdout, "".join(f"{line}\n" for line in lines))
