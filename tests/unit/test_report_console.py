"""What the reporter writes where nobody watches live, to the letter."""

from __future__ import annotations

import io
import itertools
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest
from doit.exceptions import TaskFailed, UnmetDependency
from doit.task import Task

from imagetasks.report import console
from imagetasks.report.console import ImageReporter


class Run:
    """A run as doit reports it; each look at the clock is half a second after the last one."""

    def __init__(self, *names: str, verbosity: int = 1) -> None:
        self._stream = io.StringIO()
        self.reporter = ImageReporter(self._stream, {})
        self.tasks = {name: our_task(name, verbosity) for name in names}
        self.reporter.initialize(self.tasks, list(self.tasks))

    def does(self, name: str, **values: Any) -> None:
        self.reporter.execute_task(self.tasks[name])
        self.tasks[name].values = values
        self.reporter.add_success(self.tasks[name])

    def skips(self, name: str, **values: Any) -> None:
        self.reporter.skip_uptodate(self.tasks[name])
        self.tasks[name].values = values

    def fails(self, name: str, message: str) -> None:
        self.reporter.execute_task(self.tasks[name])
        self.reporter.add_failure(self.tasks[name], TaskFailed(message))

    def lines(self) -> list[str]:
        self.reporter.complete_run()
        return self._stream.getvalue().splitlines()


def our_task(name: str, verbosity: int = 1) -> Task:
    task = Task(name, [lambda: None], meta={"imagetasks": True}, verbosity=verbosity)
    task.task_dep = []
    return task


def image_tasks(*images: str) -> Iterator[str]:
    for image in images:
        yield from (f"{kind}:{image}" for kind in ("hash", "build", "tag", "push"))


@pytest.fixture(autouse=True)
def clock(monkeypatch: pytest.MonkeyPatch) -> None:
    ticks = itertools.count(step=0.5)
    monkeypatch.setattr(console, "time", SimpleNamespace(monotonic=lambda: next(ticks)))


def skip_image(run: Run, image: str) -> None:
    run.does(f"hash:{image}", digest="1")
    run.skips(f"build:{image}")
    run.skips(f"tag:{image}", reference=f"shop/{image}:1")
    run.skips(f"push:{image}")


def test_a_run_has_a_line_for_what_begins_and_what_ends_and_a_summary() -> None:
    run = Run(*image_tasks("api", "web"), "deploy:backend", "purge:old")
    skip_image(run, "web")
    run.does("hash:api", digest="1")
    run.does("build:api")
    run.does("tag:api", reference="shop/api:1")
    run.does("push:api", id="sha256:1", reference="shop/api:1", destination="")
    run.does("deploy:backend")
    run.does("purge:old")

    assert run.lines() == [
        ".  build api",
        "   built api in 0.5 s",
        ".  push  api",
        "   pushed shop/api:1 in 0.5 s",
        ".  deploy backend",
        "   deployed backend in 0.5 s",
        ".  purge old",
        "   removed old in 0.5 s",
        "   images: 1 built, 1 pushed, 1 up to date in 2.5 s",
        "   deployments: 1 deployed, 1 removed in 1.5 s",
    ]


def test_what_is_up_to_date_costs_one_line() -> None:
    names = [f"image-{number}" for number in range(40)]
    run = Run(*image_tasks(*names))
    for name in names:
        skip_image(run, name)

    assert run.lines() == ["   images: 40 up to date"]


def test_each_that_is_up_to_date_is_told_to_who_wants_to_know_all() -> None:
    run = Run(*image_tasks("api"), "deploy:backend", verbosity=2)
    skip_image(run, "api")
    run.skips("deploy:backend")

    assert run.lines() == [
        "-- api is up to date: shop/api:1",
        "-- deployment backend is up to date",
        "   images: 1 up to date",
        "   deployments: 1 up to date",
    ]


def test_mistakes_are_told_in_full_at_the_end() -> None:
    run = Run(*image_tasks("base", "api", "web"))
    run.fails("build:base", "no such file\n    line 1\n    the whole log is x")
    run.reporter.add_failure(run.tasks["build:api"], UnmetDependency("tag:base"))
    run.does("build:web")

    assert run.lines() == [
        ".  build base",
        "!! build:base failed after 0.5 s",
        "!! build:api was not started: tag:base failed",
        ".  build web",
        "   built web in 0.5 s",
        "!! build:base failed: no such file",
        "    line 1",
        "    the whole log is x",
        "   images: 1 built, 1 failed, 1 not started in 1.5 s",
    ]


def test_control_characters_are_not_written() -> None:
    run = Run("build:a\x1b[31mb")
    run.fails("build:a\x1b[31mb", "it said \x1b[31mred\x1b[0m\x07")

    assert run.lines() == [
        ".  build a\\x1b[31mb",
        "!! build:a\\x1b[31mb failed after 0.5 s",
        "!! build:a\\x1b[31mb failed: it said red",
        "   images: 1 failed in 0.5 s",
    ]
