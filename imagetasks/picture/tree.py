"""The task graph as text for a terminal: each task under what waits for it."""

from __future__ import annotations

from collections.abc import Iterator

from imagetasks.picture.task_graph import VERDICTS, TaskGraph, TaskNode


def tree_lines(graph: TaskGraph) -> Iterator[str]:
    """A line for each task, from what nothing waits for down to what comes first.

    What several tasks wait for is shown in full once, and then ends in ``…``.
    """
    needed = {name for node in graph.values() for name in node.waits_for}
    shown: set[str] = set()
    waiting = [(name, "", "") for name in reversed(list(graph)) if name not in needed]
    while waiting:
        name, lead, indent = waiting.pop()
        node = graph[name]
        is_again = name in shown and bool(node.waits_for)
        yield f"{lead}{_line(node)}{' …' if is_again else ''}"
        if is_again:
            continue
        shown.add(name)
        branches = [("├─ ", "│  ")] * len(node.waits_for)
        branches[-1:] = [("└─ ", "   ")] * bool(branches)
        below = zip(node.waits_for, branches, strict=True)
        waiting += [(other, indent + branch, indent + line) for other, (branch, line) in below][::-1]


def legend(graph: TaskGraph) -> str:
    """What the marks mean, and what the critical path adds up to; empty where there is nothing to explain."""
    told: list[str] = []
    if any(node.verdict for node in graph.values()):
        told.extend(f"{verdict.mark} {verdict}" for verdict in VERDICTS)
    critical = [node.seconds or 0.0 for node in graph.values() if node.is_critical]
    if critical:
        told.append(f"* on the critical path: {sum(critical):.1f} s as last timed")
    return "   ".join(told)


def _line(node: TaskNode) -> str:
    mark = f"{node.verdict.mark} " if node.verdict else ""
    seconds = "" if node.seconds is None else f"  {node.seconds:.1f} s"
    reason = f"  ({node.verdict.reason})" if node.verdict and node.verdict.reason else ""
    return f"{mark}{node.name}{seconds}{'*' if node.is_critical else ''}{reason}"
