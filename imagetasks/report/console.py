"""doit's reporter for our tasks: a line for what happens to an image or deployment, one for what is left."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import Any

from doit.exceptions import BaseFail, UnmetDependency
from doit.reporter import ConsoleReporter
from doit.task import Task

from imagetasks.plan import is_elsewhere
from imagetasks.report.terminal import show

_STAGES = ("build", "tag", "push")
_DEPLOYMENT_ENDS = {"deploy": "deployed", "purge": "removed"}
_TOLD = ("build", "push", "hook", "secret", "deploy", "purge")
"""The kinds of task whose start is told."""


class ImageReporter(ConsoleReporter):  # type: ignore[misc]
    """Reports images and deployments rather than tasks; a user's own tasks as doit's console reporter does."""

    desc = "a line for each image and deployment"

    def __init__(self, outstream: Any, options: dict[str, Any]) -> None:
        super().__init__(outstream, options)
        self._started: dict[str, float] = {}
        self._last_stages: dict[str, str] = {}
        self._active: set[str] = set()
        self._built: set[str] = set()
        self._tasks: Mapping[str, Task] = {}
        self._images = dict.fromkeys(("built", "pushed", "up to date"), 0)
        self._deployments = dict.fromkeys(("deployed", "up to date", "removed"), 0)

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
                kind, image = _kind_and_image(tasks[name])
                if kind == stage and _is_ours(tasks[name]):
                    self._last_stages[image] = stage

    def execute_task(self, task: Task) -> None:
        """A task begins; hashing and tagging take no time worth a line."""
        if not _is_ours(task):
            super().execute_task(task)
            return
        kind, image = _kind_and_image(task)
        self._started[task.name] = time.monotonic()
        if kind in _STAGES:
            self._active.add(image)
        if kind in _TOLD:
            self.write(f".  {kind:<5} {image}\n")

    def add_success(self, task: Task) -> None:
        """A task has ended well."""
        kind, name = _kind_and_image(task)
        if not _is_ours(task) or task.meta.get("left out"):
            return
        seconds = time.monotonic() - self._started.get(task.name, time.monotonic())
        if kind in _STAGES:
            self._tell_image(kind, name, task, seconds)
        elif kind in _DEPLOYMENT_ENDS:
            end = _DEPLOYMENT_ENDS[kind]
            self._deployments[end] += 1
            self.write(f"   {end} {name} in {seconds:.1f} s\n")

    def _tell_image(self, kind: str, image: str, task: Task, seconds: float) -> None:
        if kind == "build":
            self._images["built"] += 1
            self._built.add(image)
            self.write(f"   built {image} in {seconds:.1f} s\n")
        elif kind == "tag" and (image not in self._built or self._last_stages.get(image) == "tag"):
            self.write(f"   tagged {task.values['reference']}\n")
        elif kind == "push" and task.values and is_elsewhere(task.values["id"]):
            self.write(f"   {task.values['reference']} is not in the daemon: pushing it was left to what built it\n")
        elif kind == "push" and task.values:
            self._images["pushed"] += 1
            end = "loaded" if task.values["destination"] else "pushed"
            self.write(f"   {end} {task.values['reference']} in {seconds:.1f} s\n")

    def skip_uptodate(self, task: Task) -> None:
        """One line for an image of which nothing had to be done, when its last stage is passed."""
        if not _is_ours(task):
            super().skip_uptodate(task)
            return
        kind, image = _kind_and_image(task)
        if kind == "deploy":
            self._deployments["up to date"] += 1
            self.write(f"-- deployment {image} is up to date\n")
        if self._last_stages.get(image) != kind:
            return
        if image not in self._active:
            self._images["up to date"] += 1
            self.write(f"-- {image} is up to date{self._reference(image)}\n")

    def _reference(self, image: str) -> str:
        tag = self._tasks.get(f"tag:{image}")
        return f": {tag.values['reference']}" if tag and tag.values else ""

    def add_failure(self, task: Task, fail: BaseFail) -> None:
        """The failure's own words; of a task that could not start because another failed, only that."""
        if not _is_ours(task):
            super().add_failure(task, fail)
            return
        if isinstance(fail, UnmetDependency):
            if _kind_and_image(task)[0] in ("build", "deploy", "purge"):
                self.write(f"!! {task.name} was not started: {fail.message} failed\n")
        else:
            self.write(f"!! {task.name} failed: {fail.message}\n{''.join(fail.traceback)}")

    def complete_run(self) -> None:
        """What doit tells of the user's own tasks that failed, then our summary."""
        super().complete_run()
        for noun, counts in (("images", self._images), ("deployments", self._deployments)):
            told = [f"{count} {what}" for what, count in counts.items() if count]
            if told:
                self.write(f"   {noun}: {', '.join(told)}\n")


def _kind_and_image(task: Task) -> tuple[str, str]:
    """``build`` and ``api`` for ``build:api``; two empty strings for a group."""
    kind, colon, image = task.name.partition(":")
    return (kind, image) if colon else ("", "")


def _is_ours(task: Task) -> bool:
    return bool(task.meta and task.meta.get("imagetasks"))
