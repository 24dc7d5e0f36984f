"""Text that comes in pieces, with a mask in place of each secret in it."""

from __future__ import annotations

import re
from collections.abc import Iterable

from imagetasks.config.variables import MASK


class Masking:
    """Masks secrets, also those that one piece of a text begins and another ends."""

    def __init__(self, secrets: Iterable[str]) -> None:
        self._secrets = sorted(secrets, key=len, reverse=True)
        self._pattern = re.compile("|".join(map(re.escape, self._secrets))) if self._secrets else None
        self._held = ""

    def mask(self, text: str) -> str:
        """A whole text without the secrets."""
        return self._pattern.sub(MASK, text) if self._pattern else text

    def feed(self, piece: str) -> str:
        """What can be shown once the next piece is there; what may be the beginning of a secret is held back."""
        if self._pattern is None:
            return piece
        text, done, shown = self._held + piece, 0, []
        beginnings = self._beginnings(text)
        for match in self._pattern.finditer(text):
            if any(done <= beginning <= match.start() for beginning in beginnings):
                break
            shown += [text[done : match.start()], MASK]
            done = match.end()
        held = next((beginning for beginning in beginnings if beginning >= done), len(text))
        self._held = text[held:]
        return "".join([*shown, text[done:held]])

    @property
    def held(self) -> str:
        """What is held back, as it is shown if no other piece follows."""
        return self.mask(self._held)

    def rest(self) -> str:
        """What is held back, and no longer is."""
        rest, self._held = self.held, ""
        return rest

    def _beginnings(self, text: str) -> list[int]:
        """Where the beginning of a secret may stand, which the next piece would go on with."""
        first = max(0, len(text) - len(self._secrets[0]) + 1)
        return [
            place
            for place in range(first, len(text))
            if any(len(secret) > len(text) - place and secret.startswith(text[place:]) for secret in self._secrets)
        ]
