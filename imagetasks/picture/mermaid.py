"""The task graph as a Mermaid flowchart (Mermaid's documentation, "Flowcharts - Basic Syntax")."""

from __future__ import annotations

from collections.abc import Iterator

from imagetasks.picture.svg import FILLS
from imagetasks.picture.task_graph import TaskGraph


def mermaid(graph: TaskGraph) -> str:
    """A flowchart from left to right; nodes are numbered, since names may hold what ids may not."""
    return "".join(f"{line}\n" for line in _lines(graph))


def _lines(graph: TaskGraph) -> Iterator[str]:
    numbers = {name: f"t{number}" for number, name in enumerate(graph)}
    yield "flowchart LR"
    for name, node in graph.items():
        yield f'  {numbers[name]}["{_escaped(name)}"]:::{node.kind}'
    link = 0
    critical = []
    for name, node in graph.items():
        for other in node.waits_for:
            yield f"  {numbers[other]} --> {numbers[name]}"
            if node.is_critical and graph[other].is_critical:
                critical.append(str(link))
            link += 1
    for kind in dict.fromkeys(node.kind for node in graph.values()):
        yield f"  classDef {kind} fill:{FILLS.get(kind, FILLS[''])},color:#000"
    idle = [numbers[name] for name, node in graph.items() if node.verdict and node.verdict.runs is False]
    if idle:
        yield "  classDef upToDate stroke-dasharray:4"
        yield f"  class {','.join(idle)} upToDate"
    if critical:
        yield f"  linkStyle {','.join(critical)} stroke-width:4px"


def _escaped(text: str) -> str:
    """A label's text; Mermaid's entities begin with ``#`` where HTML's do with ``&``."""
    return "".join(f"#{ord(character)};" if character in '"#&<>`\\' else character for character in text)
