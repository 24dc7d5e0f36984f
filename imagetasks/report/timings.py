"""The timings of runs (``--timings``): what took how long and waited for what, in ``timings.json`` and ``.html``.

``timings.json`` holds ``{"version": 1, "runs": [...]}``, the latest of at most ten runs last. A run has ``started``
(ISO 8601), ``seconds``, ``outcome`` (``done``, ``failed`` or ``interrupted``), ``skipped`` (how many tasks were up to
date) and ``tasks``, a list of the fields of :class:`TaskTiming`. All times are seconds since the run started.
"""

from __future__ import annotations

import atexit
import json
import sys
import threading
import time
from collections.abc import Callable, Container, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

from imagetasks.report import phases

RUNS_KEPT = 10

_VERSION = 1
_JSON, _PAGE = "timings.json", "timings.html"


class Phase(NamedTuple):
    """A part of a task, which lasts until the next one starts."""

    name: str
    start: float


class TaskTiming(NamedTuple):
    """One task that ran.

    :ivar outcome: ``done``, ``failed`` or ``interrupted``
    :ivar waited_for: of the tasks that had to end before it the last one, empty if there is none
    :ivar ready: when that ended: from then until its start it waited for a free worker, or a check of doit's
    :ivar lane: which worker ran it. doit does not tell: each task is given the first lane that is free
    :ivar is_critical: whether the run could have ended earlier if this task had
    """

    name: str
    start: float
    end: float
    outcome: str
    phases: tuple[Phase, ...] = ()
    waited_for: str = ""
    ready: float = 0.0
    lane: int = 0
    is_critical: bool = False


class Recorder:
    """Records one run, as a reporter tells it; phases are told by the tasks' own threads."""

    def __init__(self, state_folder: Path, clock: Callable[[], float] = time.monotonic) -> None:
        self._folder = state_folder
        self._clock = clock
        self._began = clock()
        self._started_at = datetime.now(UTC)
        self._lock = threading.Lock()
        self._depends_on: dict[str, Sequence[str]] = {}
        self._starts: dict[str, float] = {}
        self._phases: dict[str, list[Phase]] = {}
        self._ends: dict[str, tuple[float, str]] = {}
        self._skipped: set[str] = set()
        self._failed = False
        self._written = False

    @property
    def page(self) -> Path:
        """The page that :meth:`finish` writes."""
        return self._folder / _PAGE

    def started(self, task: str, depends_on: Iterable[str]) -> None:
        """A task's actions begin."""
        with self._lock:
            self._starts[task] = self._now()
            self._depends_on[task] = tuple(depends_on)

    def phase(self, task: str, name: str) -> None:
        """A task goes on to another phase."""
        with self._lock:
            self._phases.setdefault(task, []).append(Phase(name, self._now()))

    def ended(self, task: str, *, failed: bool) -> None:
        """A task has ended; one that never started, because another failed, is none of the run's."""
        with self._lock:
            self._failed |= failed
            if task in self._starts:
                self._ends[task] = self._now(), "failed" if failed else "done"

    def skipped(self, task: str, depends_on: Iterable[str]) -> None:
        """A task was up to date."""
        with self._lock:
            self._skipped.add(task)
            self._depends_on[task] = tuple(depends_on)

    def finish(self) -> bool:
        """Write the run beside the last ones, once; what still ran was interrupted.

        Where the files cannot be written, a warning says so: a run does not fail for it.

        :returns: whether they were written now
        """
        with self._lock:
            if self._written:
                return False
            self._written = True
            run = self._run()
        if not run["tasks"] and not run["skipped"]:
            sys.stderr.write("WARNING: --timings recorded nothing: it needs a run with the reporter `imagetasks`\n")
            return False
        runs = [*read_runs(self._folder), run][-RUNS_KEPT:]
        try:
            _write(self._folder, runs)
        except OSError as error:
            sys.stderr.write(f"WARNING: the timings cannot be written to {self._folder}: {error.strerror}\n")
            return False
        return True

    def _now(self) -> float:
        return round(self._clock() - self._began, 4)

    def _run(self) -> dict[str, Any]:
        end = self._now()
        tasks = analysed(
            [
                TaskTiming(
                    name,
                    start,
                    *self._ends.get(name, (end, "interrupted")),
                    phases=tuple(self._phases.get(name, ())),
                )
                for name, start in self._starts.items()
            ],
            self._depends_on,
        )
        is_whole = all(task.outcome != "interrupted" for task in tasks)
        return {
            "started": self._started_at.isoformat(timespec="seconds"),
            "seconds": end,
            "outcome": "interrupted" if not is_whole else "failed" if self._failed else "done",
            "skipped": len(self._skipped),
            "tasks": [_as_json(task) for task in tasks],
        }


_recorder: list[Recorder] = []


def record(state_folder: Path) -> None:
    """Record this process's run, and write it at the latest when the process ends."""
    recorder = Recorder(state_folder)
    _recorder[:] = [recorder]
    phases.listen(recorder.phase)
    atexit.register(recorder.finish)


def recorder() -> Recorder | None:
    """What records this process's run, if anything does."""
    return _recorder[0] if _recorder else None


def analysed(tasks: Sequence[TaskTiming], depends_on: Mapping[str, Sequence[str]]) -> list[TaskTiming]:
    """The tasks, by their start, with what each waited for, the lanes, and the critical path.

    :param depends_on: the names of the tasks that each one depends on, and that each one that was skipped does
    """
    ends = {task.name: task.end for task in tasks}
    ordered = sorted(tasks, key=lambda task: (task.start, task.end))
    lanes: list[float] = []
    found: dict[str, TaskTiming] = {}
    for task in ordered:
        needs = [name for name in _that_ran(task.name, depends_on, ends) if ends[name] <= task.start]
        last = max(sorted(needs), key=ends.__getitem__, default="")
        lane = next((number for number, free in enumerate(lanes) if free <= task.start), len(lanes))
        lanes[lane : lane + 1] = [task.end]
        found[task.name] = task._replace(waited_for=last, ready=ends.get(last, 0.0), lane=lane)
    for name in _critical(found):
        found[name] = found[name]._replace(is_critical=True)
    return list(found.values())


def _that_ran(task: str, depends_on: Mapping[str, Sequence[str]], ran: Container[str]) -> set[str]:
    """The tasks that ran and that a task depends on, by itself or through tasks that did not."""
    found: set[str] = set()
    seen: set[str] = set()
    waiting = list(depends_on.get(task, ()))
    while waiting:
        name = waiting.pop()
        if name in ran:
            found.add(name)
        elif name not in seen:
            seen.add(name)
            waiting.extend(depends_on.get(name, ()))
    return found


_AT_ONCE = 0.1
"""A task that starts within this many seconds after another has ended was waiting for that one."""


def _critical(tasks: Mapping[str, TaskTiming]) -> list[str]:
    """Back from the task that ended last: each time to what it waited for, a task or the worker that one freed."""
    path: list[str] = []
    task = max(tasks.values(), key=lambda each: each.end, default=None)
    while task:
        path.append(task.name)
        before = tasks.get(task.waited_for)
        if task.start - task.ready > _AT_ONCE:
            before = _last_before(task, tasks.values()) or before
        task = before
    return path


def _last_before(task: TaskTiming, tasks: Iterable[TaskTiming]) -> TaskTiming | None:
    ended = [each for each in tasks if each.name != task.name and task.ready < each.end <= task.start]
    return max((each for each in ended if each.start < task.start), key=lambda each: each.end, default=None)


def read_runs(state_folder: Path) -> list[dict[str, Any]]:
    """The runs that are kept, the latest last; none where the file is missing, damaged or of another version."""
    try:
        held = json.loads((state_folder / _JSON).read_bytes())
        runs = held["runs"] if held["version"] == _VERSION else []
        for run in runs:
            for task in run["tasks"]:
                TaskTiming(**task)
    except (OSError, ValueError, TypeError, KeyError):
        return []
    return list(runs)


def last_seconds(state_folder: Path) -> dict[str, float]:
    """How long each task took when it was last done in a run that is kept."""
    return {
        task["name"]: task["end"] - task["start"]
        for run in read_runs(state_folder)
        for task in run["tasks"]
        if task["outcome"] == "done"
    }


def _as_json(task: TaskTiming) -> dict[str, Any]:
    return {**task._asdict(), "phases": [tuple(phase) for phase in task.phases]}


def _write(state_folder: Path, runs: Sequence[dict[str, Any]]) -> None:
    from imagetasks.picture.page import timings_page
    from imagetasks.private_file import replace_file

    state_folder.mkdir(parents=True, exist_ok=True)
    replace_file(state_folder / _JSON, json.dumps({"version": _VERSION, "runs": runs}, separators=(",", ":")))
    title = f"Timings of {state_folder.absolute().parent.name}"
    replace_file(state_folder / _PAGE, timings_page(runs, title))
