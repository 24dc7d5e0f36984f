"""The task graph as it is shown: the chosen tasks, what each waits for, and what a run would do to it. No I/O."""

from __future__ import annotations

import fnmatch
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

from imagetasks.config.mistakes import nearest
from imagetasks.errors import OptionError
from imagetasks.graph import TaskDict, dependencies_of, name_of

DEFAULT_TASKS = ("build", "deploy")


class Verdict(NamedTuple):
    """What a run would do to a task.

    :ivar runs: whether it would run; None if that cannot be told
    :ivar reason: why, or why that cannot be told; empty if there is nothing to say
    """

    runs: bool | None
    reason: str = ""

    @property
    def mark(self) -> str:
        """What stands for it where there is no room for words."""
        return {True: "●", False: "✓", None: "?"}[self.runs]

    def __str__(self) -> str:
        words = {True: "would run", False: "up to date", None: "not known"}[self.runs]
        return f"{words}: {self.reason}" if self.reason else words


VERDICTS = (Verdict(True), Verdict(False), Verdict(None))
"""What a legend explains."""


@dataclass(frozen=True)
class TaskNode:
    """One task in the picture.

    :ivar waits_for: the tasks that it has to wait for, less those that one of these waits for anyway
    :ivar gets_from: the tasks of this graph whose values it gets
    :ivar verdict: what a run would do to it, if that was looked at
    :ivar seconds: how long it took when it last ran with ``--timings``
    :ivar is_critical: whether it is on the path that takes longest
    """

    name: str
    doc: str
    waits_for: tuple[str, ...] = ()
    gets_from: tuple[str, ...] = ()
    verdict: Verdict | None = None
    seconds: float | None = None
    is_critical: bool = False

    @property
    def kind(self) -> str:
        """``build`` for ``build:api``."""
        return self.name.partition(":")[0]

    @property
    def subject(self) -> str:
        """``api`` for ``build:api``."""
        return self.name.partition(":")[2]

    @property
    def told(self) -> str:
        """All that there is to say of it, in a line."""
        seconds = "" if self.seconds is None else f"took {self.seconds:.1f} s"
        return "; ".join(filter(None, [self.doc, str(self.verdict or ""), seconds]))


TaskGraph = Mapping[str, TaskNode]
"""The tasks by their names, each after those that it waits for."""


def make_graph(tasks: Iterable[TaskDict], chosen: Sequence[str] = ()) -> TaskGraph:
    """The graph of some tasks and of all that they wait for; groups are only a way to name their members.

    :param tasks: as :func:`imagetasks.graph.task_dicts` yields them
    :param chosen: names and patterns of tasks and groups; without any, what builds and deploys
    :raises OptionError: a name that is no task's
    """
    by_name = {name_of(task): task for task in tasks}
    needs = dependencies_of(by_name.values())
    names = _in_order(_named(chosen or DEFAULT_TASKS, by_name), needs)
    order = [name for name in names if by_name[name]["name"] is not None]
    waits_for = without_detours({name: needs[name] for name in order})
    return {
        name: TaskNode(
            name,
            by_name[name]["doc"],
            waits_for[name],
            tuple(task for task, _ in by_name[name].get("getargs", {}).values()),
        )
        for name in order
    }


def with_verdicts(graph: TaskGraph, verdicts: Mapping[str, Verdict]) -> TaskGraph:
    """The graph with what a run would do.

    Hooks that get the values of a task that would run would run after it. Of other tasks the verdicts themselves
    tell, which know whether the values would be others.
    """
    judged: dict[str, TaskNode] = {}
    for name, node in graph.items():
        verdict = verdicts.get(name)
        cause = next((other for other in node.gets_from if _would_run(judged.get(other))), None)
        if node.kind == "hook" and cause and verdict and not verdict.runs:
            verdict = Verdict(True, f"after {cause}")
        judged[name] = replace(node, verdict=verdict)
    return judged


def with_seconds(graph: TaskGraph, seconds: Mapping[str, float]) -> TaskGraph:
    """The graph with how long tasks took and, if that is known of any, the path that takes longest."""
    path = critical_path({name: node.waits_for for name, node in graph.items()}, seconds)
    return {name: replace(node, seconds=seconds.get(name), is_critical=name in path) for name, node in graph.items()}


def critical_path(waits_for: Mapping[str, Sequence[str]], seconds: Mapping[str, float]) -> frozenset[str]:
    """The tasks of the path that takes longest, empty if no time is known.

    :param waits_for: for each task what it waits for; each task after those
    """
    ends: dict[str, float] = {}
    before: dict[str, str] = {}
    for name, needs in waits_for.items():
        last = max(needs, key=ends.__getitem__, default="")
        before[name] = last
        ends[name] = ends.get(last, 0.0) + seconds.get(name, 0.0)
    path: list[str] = []
    name = max(reversed(ends), key=ends.__getitem__, default="")
    while name and ends[name] > 0:
        path.append(name)
        name = before[name]
    return frozenset(path)


def without_detours(needs: Mapping[str, Iterable[str]]) -> dict[str, tuple[str, ...]]:
    """The same order of tasks with the fewest edges: none where a longer way says the same.

    :param needs: each task after those that it needs
    """
    bits = {name: 1 << number for number, name in enumerate(needs)}
    reached: dict[str, int] = {}
    fewest: dict[str, tuple[str, ...]] = {}
    for name, others in needs.items():
        known = dict.fromkeys(others)
        beyond = 0
        for other in known:
            beyond |= reached[other]
        fewest[name] = tuple(other for other in known if not beyond & bits[other])
        reached[name] = beyond | sum(bits[other] for other in known if not beyond & bits[other])
    return fewest


def _would_run(node: TaskNode | None) -> bool:
    return bool(node and node.verdict and node.verdict.runs)


def _named(words: Sequence[str], names: Collection[str]) -> Iterator[str]:
    for word in words:
        found = [word] if word in names else fnmatch.filter(names, word)
        if not found:
            guess = nearest(word, names)
            hint = f"did you mean {guess}?" if guess else "`imagetasks list --all` lists them"
            raise OptionError(f"there is no task {word}; {hint}")
        yield from found


def _in_order(names: Iterable[str], needs: Mapping[str, Sequence[str]]) -> list[str]:
    """The names and all that they need, each after what it needs. No recursion: chains may be long."""
    done: dict[str, None] = {}
    waiting = [(name, False) for name in names][::-1]
    while waiting:
        name, needs_are_done = waiting.pop()
        if needs_are_done:
            done[name] = None
        elif name not in done:
            waiting.append((name, True))
            waiting.extend((need, False) for need in reversed(needs[name]) if need not in done)
    return list(done)
