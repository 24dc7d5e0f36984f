"""What a task is doing at the moment: told where it happens, heard by whoever shows or records it."""

from __future__ import annotations

import re
from collections.abc import Callable

Listener = Callable[[str, str], None]
"""Called with a task's name and its new phase, in the thread of the task."""

_listeners: list[Listener] = []

_STEP = re.compile(r"Step (\d+/\d+) : (.*)|#\d+ \[(?:\S+ )?(\d+/\d+)\] (.*)")
"""A step's first line, as the classic builder and BuildKit's plain progress write it."""


def listen(listener: Listener) -> None:
    """Call a listener at each phase that a task enters from now on."""
    _listeners.append(listener)


def enter(task: str, phase: str) -> None:
    """Tell that a task goes on to another phase, in words that hold no secret."""
    for listener in _listeners:
        listener(task, phase)


def read_line(task: str, line: str) -> None:
    """Tell of the phase that a line of a build's output begins, if it begins one."""
    if _listeners and (step := step_of(line)):
        enter(task, step)


def step_of(line: str) -> str:
    """``step 3/7 RUN make`` for the line that begins this step; empty for any other."""
    match = _STEP.match(line)
    if match is None:
        return ""
    number, instruction = (match[1], match[2]) if match[1] else (match[3], match[4])
    return f"step {number} {instruction.strip()}"
