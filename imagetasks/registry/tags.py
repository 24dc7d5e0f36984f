"""The tag of an image: its tagging schema with what differs from build to build filled in."""

from __future__ import annotations

import functools
import re
import string
import time
from collections.abc import Mapping

from imagetasks.registry.reference import check_tag

DEFAULT_LENGTH = 5
RANDOM_LENGTH = 6

_ALPHABET = string.ascii_lowercase + string.digits
VOLATILE_VARIABLES = ("DEVSPACE_RANDOM", "DEVSPACE_TIMESTAMP", "devspace.random", "devspace.timestamp")
"""The variables that have another value in each run, and that a tagging schema therefore still holds.

The latter two are what later versions call the former two.
"""


@functools.cache
def volatile_values() -> Mapping[str, str]:
    """The values of :data:`VOLATILE_VARIABLES`, the same all through a run (reference, section "Variables")."""
    random, timestamp = _random_text(RANDOM_LENGTH), str(int(time.time()))
    return dict(zip(VOLATILE_VARIABLES, (random, timestamp, random, timestamp), strict=True))


def resolve_tag(schema: str | None) -> str:
    """Fill in a tagging schema; without one, 5 random letters and digits (specification, section "6. Tag Image").

    Each ``#`` becomes a random letter or digit (DevSpace's documentation, ``images.*.tags``).

    :raises ReferenceSyntaxError: the outcome is no tag
    """
    if schema is None:
        return _random_text(DEFAULT_LENGTH)
    if "${" in schema:
        for name, value in volatile_values().items():
            schema = schema.replace(_placeholder(name), value)
    tag = re.sub("#", lambda _: _random_text(1), schema)
    check_tag(tag)
    return tag


def _placeholder(name: str) -> str:
    return f"${{{name}}}"


def _random_text(length: int) -> str:
    from random import SystemRandom

    return "".join(SystemRandom().choices(_ALPHABET, k=length))
