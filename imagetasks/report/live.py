"""A run at a terminal: what the reporter and the tasks tell, brought onto a display."""

from __future__ import annotations

import atexit
import os
import threading
from typing import TextIO

from imagetasks.report import phases
from imagetasks.report.activities import Activities
from imagetasks.report.display import Display, take_over_streams


class LiveRun:
    """The display of a run at a terminal.

    Where tasks run in processes (doit's ``-P process``), which write to the terminal as they like, it stops.

    :ivar outstream: takes the place of the reporter's stream
    """

    def __init__(self, outstream: TextIO) -> None:
        self._activities = Activities()
        self._began = self._activities.clock()
        self._expected: dict[str, frozenset[str]] = {}
        self._lock = threading.Lock()
        self._ended: dict[str, str] = {}
        self._lent: set[str] = set()
        self._display = Display(outstream, self._activities, self._counts)
        self.outstream = self._display.above(outstream)
        self._give_streams_back = take_over_streams(self._display)
        phases.listen(self._activities.enter, self._activities.measure)
        self.has_stopped = False
        atexit.register(self.stop)
        if hasattr(os, "register_at_fork"):
            os.register_at_fork(before=self.stop)

    def expect(self, builds: set[str], images: set[str], deployments: set[str]) -> None:
        """The names of the tasks that build, and of those with which this run is done with an image or deployment.

        doit begins all builds before the first push, so that for most of a run only the builds tell how far it is.
        """
        counted = {"images": images} if builds <= images else {"images built": builds, "done": images}
        self._expected = {noun: frozenset(names) for noun, names in {**counted, "deployments": deployments}.items()}

    def begin(self, task: str, name: str, phase: str, *, at_once: bool) -> None:
        """A task begins with a phase; ``at_once`` is for one that is certainly worth being shown."""
        self._activities.begin(task, name, phase)
        self._display.start(at_once=at_once)

    def lend_terminal(self, task: str) -> None:
        """A task has the terminal for itself until it has ended."""
        with self._lock:
            self._lent.add(task)
        self._display.pause()

    def end(self, task: str, outcome: str = "done") -> None:
        """A task has ended, or need not run; ``outcome`` is ``done``, ``failed`` or ``not started``."""
        self._activities.end(task)
        with self._lock:
            self._ended[task] = outcome
            had_terminal = task in self._lent
            self._lent.discard(task)
        if had_terminal:
            self._display.resume()

    def stop(self) -> None:
        """Leave the terminal as it was."""
        self.has_stopped = True
        self._display.stop()
        self._give_streams_back()

    def _counts(self) -> str:
        """``12 of 40 images built, 3 of 40 done, 0 of 2 deployments, 1 failed, 1:05``."""
        from imagetasks.report.drawing import elapsed

        with self._lock:
            done = {task for task, outcome in self._ended.items() if outcome == "done"}
            failed = list(self._ended.values()).count("failed")
        counts = [f"{len(names & done)} of {len(names)} {noun}" for noun, names in self._expected.items() if names]
        counts += [f"{failed} failed"] if failed else []
        return ", ".join([*counts, elapsed(self._activities.clock() - self._began)])
