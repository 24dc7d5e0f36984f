"""The task graph in Graphviz' DOT language (its documentation, "DOT Language")."""

from __future__ import annotations

from collections.abc import Iterator

from imagetasks.picture.svg import FILLS
from imagetasks.picture.task_graph import TaskGraph


def dot(graph: TaskGraph) -> str:
    """A digraph whose nodes have the tasks' names."""
    return "".join(f"{line}\n" for line in _lines(graph))


def _lines(graph: TaskGraph) -> Iterator[str]:
    yield "digraph tasks {"
    yield "  rankdir=LR;"
    yield '  node [shape=box, style="rounded,filled", fontname="sans-serif"];'
    for name, node in graph.items():
        border = "bold" if node.is_critical else "solid" if node.verdict is None or node.verdict.runs else "dashed"
        fill = FILLS.get(node.kind, FILLS[""])
        yield (
            f'  {_quoted(name)} [fillcolor="{fill}", style="rounded,filled,{border}", tooltip={_quoted(node.told)}];'
        )
    for name, node in graph.items():
        for other in node.waits_for:
            is_critical = node.is_critical and graph[other].is_critical
            yield f"  {_quoted(other)} -> {_quoted(name)}{' [penwidth=3]' if is_critical else ''};"
    yield "}"


def _quoted(text: str) -> str:
    # A backslash begins an escape of DOT's (\N is the node's name), and one before a quote would take it.
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'"{escaped}"'
