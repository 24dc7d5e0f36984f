"""The task graph as an SVG picture, which a browser can show by itself or in a page."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator

from imagetasks.picture.layout import Cell, lay_out, size
from imagetasks.picture.task_graph import TaskGraph, TaskNode

# Tints of Okabe and Ito's palette, which people with any colour vision tell apart; all take black text.
FILLS = {
    "hash": "#e3e3e3",
    "build": "#a9d6f2",
    "tag": "#f7ec9c",
    "push": "#9fdcc8",
    "deploy": "#f5c2a0",
    "purge": "#f5c2a0",
    "secret": "#e8bfd6",
    "hook": "#f4d38b",
    "": "#ffffff",
}
"""The colour of each kind of task."""

_WIDTH, _HEIGHT = 192, 34
_PITCH = Cell(252, 46)
_MARGIN = 24
_LONGEST_LABEL = 21

_STYLE = """
svg.graph { --line: #5b6470; --text: #1b1f24; --strong: #b3261e; background: #fff }
@media (prefers-color-scheme: dark) { svg.graph { --line: #9aa4b1; --strong: #ff8a80; background: #15181c } }
.graph text { font: 13px system-ui, sans-serif; fill: #1b1f24 }
.graph .task rect { stroke: #5b6470; stroke-width: 1 }
.graph .idle rect { stroke-dasharray: 4 3 }
.graph .edge { fill: none; stroke: var(--line); stroke-width: 1.3; opacity: .7 }
.graph .arrow { fill: var(--line) }
.graph .task.critical rect { stroke: var(--strong); stroke-width: 3 }
.graph .edge.critical { stroke: var(--strong); stroke-width: 3; opacity: 1 }
"""

_NOT_IN_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def svg(graph: TaskGraph) -> str:
    """The picture: a ``g`` of the class ``task`` for each task, with ``data-task``, and a ``path`` for each edge."""
    return "".join(_parts(graph))


def escaped(text: str) -> str:
    """A text for HTML or XML, in an element or an attribute; what XML cannot hold is replaced."""
    return html.escape(_NOT_IN_XML.sub("\N{REPLACEMENT CHARACTER}", text))


def _parts(graph: TaskGraph) -> Iterator[str]:
    cells = lay_out(graph)
    columns, rows = size(cells.values())
    width, height = columns * _PITCH.column + 2 * _MARGIN, rows * _PITCH.row + 2 * _MARGIN
    yield (
        f'<svg class="graph" xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" '
        f'viewBox="0 0 {width} {height}" role="group" aria-label="{len(graph)} tasks">\n<style>{_STYLE}</style>\n'
        '<defs><marker id="arrow" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" '
        'markerUnits="userSpaceOnUse" orient="auto"><path class="arrow" d="M0 0L8 4L0 8z"/></marker></defs>\n'
    )
    for name, node in graph.items():
        for other in node.waits_for:
            critical = " critical" if node.is_critical and graph[other].is_critical else ""
            yield (
                f'<path class="edge{critical}" marker-end="url(#arrow)" data-from="{escaped(other)}" '
                f'data-to="{escaped(name)}" d="{_curve(cells[other], cells[name])}"/>\n'
            )
    for name, node in graph.items():
        yield _box(node, cells[name])
    yield "</svg>\n"


def _box(node: TaskNode, cell: Cell) -> str:
    x, y = _corner(cell)
    classes = ["task"]
    if node.is_critical:
        classes.append("critical")
    if node.verdict and node.verdict.runs is False:
        classes.append("idle")
    mark = f'<text x="{x + _WIDTH - 16}" y="{y + 22}">{node.verdict.mark}</text>' if node.verdict else ""
    label = node.name if len(node.name) <= _LONGEST_LABEL else f"{node.name[: _LONGEST_LABEL - 1]}…"
    told = escaped(f"{node.name}: {node.told}")
    return (
        f'<g class="{" ".join(classes)}" data-task="{escaped(node.name)}" role="img" aria-label="{told}">'
        f"<title>{told}</title>"
        f'<rect x="{x}" y="{y}" width="{_WIDTH}" height="{_HEIGHT}" rx="6" fill="{FILLS.get(node.kind, FILLS[""])}"/>'
        f'<text x="{x + 9}" y="{y + 22}">{escaped(label)}</text>{mark}</g>\n'
    )


def _corner(cell: Cell) -> tuple[int, int]:
    return _MARGIN + cell.column * _PITCH.column, _MARGIN + cell.row * _PITCH.row


def _curve(start: Cell, end: Cell) -> str:
    (x, y), (to_x, to_y) = _corner(start), _corner(end)
    if start.column == end.column:
        if end.row == start.row + 1:
            return f"M{x + _WIDTH / 2} {y + _HEIGHT}V{to_y}"
        x, y, to_y = x + _WIDTH, y + _HEIGHT // 2, to_y + _HEIGHT // 2
        return f"M{x} {y}C{x + 40} {y} {x + 40} {to_y} {x} {to_y}"
    x, y, to_y = x + _WIDTH, y + _HEIGHT // 2, to_y + _HEIGHT // 2
    middle = (to_x - x) // 2
    return f"M{x} {y}C{x + middle} {y} {to_x - middle} {to_y} {to_x} {to_y}"
