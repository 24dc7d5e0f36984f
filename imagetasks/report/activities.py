"""What runs at the moment, and how far it is: fed by the reporter and by the threads of the tasks."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import NamedTuple


class Activity(NamedTuple):
    """A task that runs.

    :ivar name: the image, deployment or hook that it is for
    :ivar began: when, by the clock of its :class:`Activities`
    :ivar phase_began: when its phase did
    :ivar done: how many bytes the phase has moved
    :ivar total: of how many, 0 for a phase that moves none
    """

    name: str
    phase: str
    began: float
    phase_began: float
    done: int = 0
    total: int = 0


class Activities:
    """The tasks that run, by their names, those that began first before the others."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self.clock = clock
        self._lock = threading.Lock()
        self._running: dict[str, Activity] = {}

    def begin(self, task: str, name: str, phase: str) -> None:
        """A task begins with a phase."""
        now = self.clock()
        with self._lock:
            self._running[task] = Activity(name, phase, now, now)

    def enter(self, task: str, phase: str) -> None:
        """A task goes on to another phase."""
        with self._lock:
            if found := self._running.get(task):
                self._running[task] = Activity(found.name, phase, found.began, self.clock())

    def measure(self, task: str, done: int, total: int) -> None:
        """The phase of a task has moved some of its bytes."""
        with self._lock:
            if found := self._running.get(task):
                self._running[task] = found._replace(done=done, total=total)

    def end(self, task: str) -> None:
        """A task has ended."""
        with self._lock:
            self._running.pop(task, None)

    def current(self) -> list[Activity]:
        """What runs now."""
        with self._lock:
            return list(self._running.values())
