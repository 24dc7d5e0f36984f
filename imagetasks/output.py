"""Where a build's or a push's output goes, and who is told how far it is."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

Progress = Callable[[int, int], None]
"""Called with how many bytes of how many have been moved."""


def no_progress(done: int, total: int) -> None:
    """Nobody wants to know."""


class Output(Protocol):
    """Takes text as it comes."""

    def write(self, text: str) -> None:
        """Take a piece of text, any part of a line or several lines."""
