"""Where each task of a graph stands: columns from what comes first to what comes last, a row for each image. No I/O.

A task stands right of all that it waits for, but below a task of its own kind: deployments, which follow one another,
make a column. The tasks of an image share a row, images follow the one that they are built FROM, and whatever else
there is stands as near as it can to the row of what it waits for.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import NamedTuple

from imagetasks.picture.task_graph import TaskGraph, TaskNode

_KINDS_OF_IMAGES = ("hash", "build", "tag", "push")


class Cell(NamedTuple):
    """A place in the grid; both count from 0."""

    column: int
    row: int


def lay_out(graph: TaskGraph) -> Mapping[str, Cell]:
    """A cell of its own for each task."""
    columns = _columns(graph)
    rows = {subject: row for row, subject in enumerate(_images_in_order(graph))}
    cells: dict[str, Cell] = {}
    for name, node in graph.items():
        if node.kind in _KINDS_OF_IMAGES:
            cells[name] = Cell(columns[name], rows[node.subject])
    taken = set(cells.values())
    for name, node in graph.items():
        if name not in cells:
            cells[name] = _nearest_free(columns[name], _wanted_row(node, graph, cells), taken)
            taken.add(cells[name])
    return cells


def _columns(graph: TaskGraph) -> dict[str, int]:
    columns: dict[str, int] = {}
    for name, node in graph.items():
        columns[name] = max(
            (columns[other] + (graph[other].kind != node.kind) for other in node.waits_for), default=0
        )
    return columns


def _images_in_order(graph: TaskGraph) -> Iterator[str]:
    """The images, each followed by those that wait for it before they wait for another image."""
    followers: dict[str, list[str]] = {}
    first: dict[str, str] = {}
    for node in graph.values():
        if node.kind in _KINDS_OF_IMAGES:
            bases = (graph[other] for other in node.waits_for)
            base = next((base.subject for base in bases if _is_of_other_image(base, node)), "")
            if not first.get(node.subject):
                first[node.subject] = base
    for image, base in first.items():
        followers.setdefault(base, []).append(image)
    waiting = followers.get("", [])[::-1]
    while waiting:
        image = waiting.pop()
        yield image
        waiting.extend(reversed(followers.get(image, ())))


def _is_of_other_image(node: TaskNode, other: TaskNode) -> bool:
    return node.kind in _KINDS_OF_IMAGES and node.subject != other.subject


def _wanted_row(node: TaskNode, graph: TaskGraph, cells: Mapping[str, Cell]) -> int:
    """The row of the first task that it waits for, below those of its own kind."""
    known = [(other, cells[other].row) for other in node.waits_for if other in cells]
    below = [row + 1 for other, row in known if graph[other].kind == node.kind]
    beside = [row for other, row in known if graph[other].kind != node.kind]
    return max([*below, *beside[:1]], default=0)


def _nearest_free(column: int, row: int, taken: set[Cell]) -> Cell:
    while Cell(column, row) in taken:
        row += 1
    return Cell(column, row)


def size(cells: Collection[Cell]) -> tuple[int, int]:
    """The number of columns and of rows."""
    return max((cell.column for cell in cells), default=-1) + 1, max((cell.row for cell in cells), default=-1) + 1
