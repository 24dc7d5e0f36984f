"""The picture of what runs: a row for each activity that fits on the terminal, and one that counts.

Importing this imports rich, which a run that has nothing to do can spare: see :mod:`imagetasks.report.display`.
"""

from __future__ import annotations

import io
import os
from collections.abc import Sequence
from typing import NamedTuple

from rich.cells import cell_len
from rich.console import Console
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from imagetasks.report.activities import Activity
from imagetasks.report.terminal import plain_text, printable

_WIDTH_WITH_BARS = 70
_BAR_WIDTH = 20
_LEAST_WIDTH = 10
_NAME_SHARE = 3
_MEGABYTE = 1_000_000
_WORTH_A_BAR = _MEGABYTE
_MINUTE = 60


class Row(NamedTuple):
    """A row of the picture: text with the terminal's sequences for colours, and how many columns it takes."""

    text: str
    columns: int


def draw(activities: Sequence[Activity], counts: str, now: float, size: os.terminal_size) -> list[Row]:
    """The rows for a terminal of some size; what does not fit is counted.

    :param counts: what the last row says
    :param now: the time by the clock of the activities
    """
    width = max(size.columns - 1, _LEAST_WIDTH)  # the last column wraps on some terminals
    room = max(size.lines * 2 // 3 - 1, 1)  # the rest is for what was written last
    shown = activities if len(activities) <= room else activities[: room - 1]
    table = Table.grid(padding=(0, 1), expand=True)
    table.add_column(no_wrap=True, overflow="ellipsis", max_width=max(width // _NAME_SHARE, 1), style="bold")
    table.add_column(no_wrap=True, overflow="ellipsis", ratio=1)
    has_bars = width >= _WIDTH_WITH_BARS and any(activity.total >= _WORTH_A_BAR for activity in shown)
    if has_bars:
        table.add_column(width=_BAR_WIDTH)
        table.add_column(no_wrap=True)
    table.add_column(no_wrap=True, justify="right", style="dim")
    for activity in shown:
        name, phase = Text(printable(activity.name)), Text(printable(activity.phase))
        table.add_row(name, phase, *(_meter(activity, now) if has_bars else ()), elapsed(now - activity.began))
    more = len(activities) - len(shown)
    rows = _rendered(table, width) if shown else []
    if more:
        rows += _rendered(Text(f"… and {more} more", style="dim"), width)
    return [*rows, *_rendered(Text(counts, style="dim"), width)]


def elapsed(seconds: float) -> str:
    """``12 s``, or ``2:05`` from a minute on."""
    whole = int(seconds)
    return f"{whole} s" if whole < _MINUTE else f"{whole // _MINUTE}:{whole % _MINUTE:02}"


def moved(activity: Activity, now: float) -> str:
    """``12.3/40.0 MB, 3.1 MB/s``: what the phase has moved, and how fast it has done so."""
    seconds = now - activity.phase_began
    rate = f", {activity.done / seconds / _MEGABYTE:.1f} MB/s" if seconds > 0 else ""
    return f"{activity.done / _MEGABYTE:.1f}/{activity.total / _MEGABYTE:.1f} MB{rate}"


def _meter(activity: Activity, now: float) -> tuple[ProgressBar | str, str]:
    if activity.total < _WORTH_A_BAR:
        return "", ""
    return ProgressBar(total=activity.total, completed=activity.done, width=_BAR_WIDTH), moved(activity, now)


def _rendered(what: Table | Text, width: int) -> list[Row]:
    console = Console(file=io.StringIO(), force_terminal=True, legacy_windows=False, width=width, highlight=False)
    with console.capture() as captured:
        console.print(what, no_wrap=True, overflow="ellipsis")
    lines = captured.get().splitlines()
    return [Row(line, cell_len(plain_text(line))) for line in lines]
