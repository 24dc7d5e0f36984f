"""doit's reporter for our tasks: what happens to images and deployments, live or line by line."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple, TextIO

from doit.exceptions import BaseFail, UnmetDependency
from doit.reporter import ConsoleReporter
from doit.task import Task

from imagetasks.plan import is_elsewhere
from imagetasks.report.log import LIVE_VERBOSITY
from imagetasks.report.summary import Summary
from imagetasks.report.terminal import can_redraw, plain_text, printable, show
from imagetasks.report.timings import recorder

if TYPE_CHECKING:
    from imagetasks.report.live import LiveRun


class _Kind(NamedTuple):
    """A kind of our tasks.

    :ivar noun: what the summary counts them under
    :ivar phase: what such a task is doing until it says otherwise
    :ivar is_told: whether its start is worth a line
    """

    noun: str
    phase: str
    is_told: bool = True


_KINDS = {
    "hash": _Kind("images", "hashing", is_told=False),
    "build": _Kind("images", "building"),
    "tag": _Kind("images", "tagging", is_told=False),
    "push": _Kind("images", "pushing"),
    "hook": _Kind("hooks", "running"),
    "secret": _Kind("pull secrets", "creating the pull secret"),
    "deploy": _Kind("deployments", "deploying"),
    "purge": _Kind("deployments", "removing"),
}
_STAGES = ("build", "tag", "push")
_DEPLOYMENT_ENDS = {"deploy": "deployed", "purge": "removed"}


class ImageReporter(ConsoleReporter):  # type: ignore[misc]
    """Reports images and deployments rather than tasks; a user's own tasks as doit's console reporter does.

    What is up to date is only counted, but told with ``-v 2``. Mistakes are told in full at the end.
    """

    desc = "images and deployments: live at a terminal, in lines elsewhere"

    def __init__(self, outstream: Any, options: dict[str, Any]) -> None:
        super().__init__(outstream, options)
        self._started: dict[str, float] = {}
        self._last_stages: dict[str, str] = {}
        self._active: set[str] = set()
        self._built: set[str] = set()
        self._mistakes: list[str] = []
        self._tasks: Mapping[str, Task] = {}
        self._timings = recorder()
        self._summary = Summary()
        self._live = _live_run(outstream) if can_redraw(outstream) else None
        if self._live:
            self.outstream = self._live.outstream

    def write(self, text: str) -> None:
        """Write at once, whatever the stream is."""
        show(self.outstream, text)

    def initialize(self, tasks: Mapping[str, Task], selected_tasks: Sequence[str]) -> None:
        """Find the last stage that each image comes to in this run."""
        self._tasks = tasks
        waiting = list(selected_tasks)
        reached: set[str] = set()
        while waiting:
            name = waiting.pop()
            if name in tasks and name not in reached:
                reached.add(name)
                waiting += tasks[name].task_dep
        for stage in _STAGES:
            for name in reached:
                kind, image = _kind_and_name(tasks[name])
                if kind == stage:
                    self._last_stages[image] = stage
        if self._live:
            deployments = {name for name in reached if _kind_and_name(tasks[name])[0] in _DEPLOYMENT_ENDS}
            builds = {name for name in reached if _kind_and_name(tasks[name])[0] == "build"}
            self._live.expect(builds, {f"{stage}:{each}" for each, stage in self._last_stages.items()}, deployments)

    def execute_task(self, task: Task) -> None:
        """A task begins; hashing and tagging take no time worth a line."""
        if self._timings and task.actions:
            self._timings.started(task.name, task.task_dep)
        if not _is_ours(task):
            self._execute_own(task)
            return
        kind, name = _kind_and_name(task)
        if not kind:
            return
        self._started[task.name] = time.monotonic()
        if kind in _STAGES:
            self._active.add(name)
        if self._live and not self._live.has_stopped:
            self._live.begin(task.name, name, _KINDS[kind].phase, at_once=_KINDS[kind].is_told)
        elif _KINDS[kind].is_told:
            self.write(f".  {kind:<5} {printable(name)}\n")

    def _execute_own(self, task: Task) -> None:
        """A task of the user's begins. One that is not captured has the terminal for itself."""
        if self._live and not task.io.capture:
            self._live.lend_terminal(task.name)
        super().execute_task(task)

    def add_success(self, task: Task) -> None:
        """A task has ended well."""
        self._ended(task)
        if self._timings:
            self._timings.ended(task.name, failed=False)
        kind, name = _kind_and_name(task)
        if not kind or task.meta.get("left out"):
            return
        now = time.monotonic()
        start = self._started.get(task.name, now)
        if kind in _STAGES:
            self._tell_image(kind, name, task, start, now)
        elif kind in _DEPLOYMENT_ENDS:
            self._count(kind, _DEPLOYMENT_ENDS[kind], name, start, now)
            self.write(f"   {_DEPLOYMENT_ENDS[kind]} {printable(name)} in {now - start:.1f} s\n")

    def _tell_image(self, kind: str, image: str, task: Task, start: float, end: float) -> None:
        if kind == "build":
            self._built.add(image)
            self._count(kind, "built", image, start, end)
            self.write(f"   built {printable(image)} in {end - start:.1f} s\n")
        elif kind == "tag" and (image not in self._built or self._last_stages.get(image) == "tag"):
            self.write(f"   tagged {task.values['reference']}\n")
        elif kind == "push" and task.values and is_elsewhere(task.values["id"]):
            self.write(f"   {task.values['reference']} is not in the daemon: pushing it was left to what built it\n")
        elif kind == "push" and task.values:
            self._count(kind, "pushed", image, start, end)
            outcome = "loaded" if task.values["destination"] else "pushed"
            self.write(f"   {outcome} {task.values['reference']} in {end - start:.1f} s\n")

    def _count(self, kind: str, outcome: str, name: str, start: float, end: float) -> None:
        self._summary.count(_KINDS[kind].noun, outcome, name)
        self._summary.took(_KINDS[kind].noun, start, end)

    def skip_uptodate(self, task: Task) -> None:
        """Count an image of which nothing had to be done, when its last stage is passed."""
        self._ended(task)
        if self._timings:
            self._timings.skipped(task.name, task.task_dep)
        if not _is_ours(task):
            super().skip_uptodate(task)
            return
        kind, name = _kind_and_name(task)
        if kind == "deploy":
            self._tell_current(task, name, f"deployment {printable(name)} is up to date")
        elif kind and self._last_stages.get(name) == kind and name not in self._active:
            self._tell_current(task, name, f"{printable(name)} is up to date{self._reference(name)}")

    def _tell_current(self, task: Task, name: str, sentence: str) -> None:
        self._summary.count(_KINDS[_kind_and_name(task)[0]].noun, "up to date", name)
        if task.verbosity == LIVE_VERBOSITY:
            self.write(f"-- {sentence}\n")

    def _reference(self, image: str) -> str:
        tag = self._tasks.get(f"tag:{image}")
        return f": {tag.values['reference']}" if tag and tag.values else ""

    def add_failure(self, task: Task, fail: BaseFail) -> None:
        """That a task failed; why, in its own words, stands at the end. Of one that could not start, only that."""
        self._ended(task, "not started" if isinstance(fail, UnmetDependency) else "failed")
        if self._timings:
            self._timings.ended(task.name, failed=True)
        if not _is_ours(task):
            super().add_failure(task, fail)
            return
        kind, name = _kind_and_name(task)
        shown = printable(task.name)
        if not isinstance(fail, UnmetDependency):
            now = time.monotonic()
            start = self._started.get(task.name, now)
            if kind:
                self._count(kind, "failed", name, start, now)
            self.write(f"!! {shown} failed after {now - start:.1f} s\n")
            self._mistakes.append(f"!! {shown} failed: {plain_text(fail.message)}\n{''.join(fail.traceback)}")
        elif kind in ("build", "deploy", "purge"):
            self._summary.count(_KINDS[kind].noun, "not started", name)
            self.write(f"!! {shown} was not started: {fail.message} failed\n")

    def _ended(self, task: Task, outcome: str = "done") -> None:
        if self._live:
            self._live.end(task.name, outcome)

    def complete_run(self) -> None:
        """What doit tells of the user's own tasks that failed, our mistakes, then our summary."""
        if self._live:
            self._live.stop()
        super().complete_run()
        for mistake in self._mistakes:
            self.write(mistake)
        for line in self._summary.lines():
            self.write(f"   {line}\n")
        if self._timings and self._timings.finish():
            self.write(f"   timings: {self._timings.page}\n")


def _live_run(outstream: TextIO) -> LiveRun:
    from imagetasks.report.live import LiveRun

    return LiveRun(outstream)


def _kind_and_name(task: Task) -> tuple[str, str]:
    """``build`` and ``api`` for our ``build:api``; two empty strings for a group, or a task of the user's."""
    kind, colon, name = task.name.partition(":")
    return (kind, name) if colon and kind in _KINDS and _is_ours(task) else ("", "")


def _is_ours(task: Task) -> bool:
    return bool(task.meta and task.meta.get("imagetasks"))
