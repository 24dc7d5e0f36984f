"""Where a build's or a push's output goes."""

from __future__ import annotations

from typing import Protocol


class Output(Protocol):
    """Takes text as it comes."""

    def write(self, text: str) -> None:
        """Take a piece of text, any part of a line or several lines."""
