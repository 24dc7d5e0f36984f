"""Where the output of a build, a push or a deployment goes, and who is told how far it is."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

Progress = Callable[[int, int], None]
"""Called with how many bytes of how many have been moved."""


Announce = Callable[[str], None]
"""Called with what is being done from now on: a few words that hold no secret."""


def no_progress(done: int, total: int) -> None:
    """Nobody wants to know."""


def no_announcement(words: str) -> None:
    """Nobody wants to know."""


class Output(Protocol):
    """Takes text as it comes."""

    def write(self, text: str) -> None:
        """Take a piece of text, any part of a line or several lines."""
