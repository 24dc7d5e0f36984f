"""What a run came to: how much of what was done, was up to date or failed, and how long that took."""

from __future__ import annotations

from collections.abc import Iterator

_OUTCOMES = ("built", "pushed", "deployed", "removed", "up to date", "failed", "not started")


class Summary:
    """Counts for nouns such as ``images`` what became of each of them."""

    def __init__(self) -> None:
        self._names: dict[str, dict[str, set[str]]] = {}
        self._spans: dict[str, tuple[float, float]] = {}

    def count(self, noun: str, outcome: str, name: str) -> None:
        """Count one, once for each outcome: ``built``, ``pushed``, ``deployed``, ``removed``, ``up to date``,
        ``failed`` or ``not started``.
        """
        self._names.setdefault(noun, {}).setdefault(outcome, set()).add(name)

    def took(self, noun: str, start: float, end: float) -> None:
        """Something that is worth its time was done for one of them."""
        first, last = self._spans.get(noun, (start, end))
        self._spans[noun] = min(first, start), max(last, end)

    def lines(self) -> Iterator[str]:
        """A line for each noun: ``images: 2 built, 2 pushed, 38 up to date in 3.4 s``."""
        for noun, outcomes in self._names.items():
            counts = ", ".join(f"{len(outcomes[each])} {each}" for each in _OUTCOMES if each in outcomes)
            start, end = self._spans.get(noun, (0.0, 0.0))
            yield f"{noun}: {counts} in {end - start:.1f} s" if noun in self._spans else f"{noun}: {counts}"
