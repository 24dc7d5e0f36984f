"""What a task is doing at the moment: told where it happens, heard by whoever shows or records it."""

from __future__ import annotations

import re
from collections.abc import Callable

from imagetasks.report.terminal import plain_text

Listener = Callable[[str, str], None]
"""Called with a task's name and its new phase, in the thread of the task."""

Meter = Callable[[str, int, int], None]
"""Called with a task's name, and how many bytes of how many its phase has moved, in any thread of the task's."""

_listeners: list[Listener] = []
_meters: list[Meter] = []

_STEP = r"Step (\d+/\d+) : (.*)|#\d+ \[(?:\S+ )?(\d+/\d+)\] (.*)"
"""A step's first line, as the classic builder and BuildKit's plain progress write it."""

_KANIKO = r"INFO\[\d+\] (?:(Pushing image to \S+|Retrieving image manifest \S+)|([A-Z]{3,} .*))"
"""What kaniko is at, as its log tells it: an instruction stands there in capitals."""


def listen(listener: Listener, meter: Meter | None = None) -> None:
    """Call a listener at each phase that a task enters from now on, and a meter as a phase moves its bytes."""
    _listeners.append(listener)
    if meter:
        _meters.append(meter)


def enter(task: str, phase: str) -> None:
    """Tell that a task goes on to another phase, in words that hold no secret."""
    for listener in _listeners:
        listener(task, phase)


def measure(task: str, done: int, total: int) -> None:
    """Tell how many bytes of how many a task's phase has moved."""
    for meter in _meters:
        meter(task, done, total)


def read_line(task: str, line: str) -> None:
    """Tell of the phase that a line of a build's output begins, if it begins one."""
    if _listeners and (phase := phase_of(line)):
        enter(task, phase)


def phase_of(line: str) -> str:
    """``step 3/7 RUN make`` for the line that begins this step; empty for a line that begins nothing."""
    if match := re.match(_STEP, line):
        number, instruction = (match[1], match[2]) if match[1] else (match[3], match[4])
        return f"step {number} {instruction.strip()}"
    if "INFO" in line and (match := re.match(_KANIKO, plain_text(line))):
        transfer, instruction = match.groups()
        return f"step {instruction}" if instruction else f"{transfer[0].lower()}{transfer[1:]}"
    return ""
