"""The mistakes of one file, gathered so that a user sees all of them at once."""

from __future__ import annotations

from collections.abc import Iterable

from imagetasks.config.reader import Node, position_of
from imagetasks.errors import ConfigError, Position


class Mistakes:
    """Sentences about one file, each with its position."""

    def __init__(self, file: str) -> None:
        self.file = file
        self._found: dict[str, Position] = {}

    def add(self, node: Node, message: str) -> None:
        """Note a mistake at ``node``; what is wrong in the same words in several places is told of the first."""
        self._found.setdefault(" ".join(message.split()), position_of(node, self.file))

    def check(self) -> None:
        """Raise ConfigError if there are any: one line each, in the order of the file."""
        if not self._found:
            return
        (position, message), *others = sorted((place, sentence) for sentence, place in self._found.items())
        lines = [message, *(f"{other}: {sentence}" for other, sentence in others)]
        raise ConfigError("\n".join(lines), position)


def nearest(name: str, known: Iterable[str]) -> str | None:
    """The known name that ``name`` was most likely meant to be."""
    import difflib  # only mistakes pay for it

    names = list(known)
    folded = {candidate.lower(): candidate for candidate in names}
    match = difflib.get_close_matches(name.lower(), folded, n=1)
    return folded[match[0]] if match else None
