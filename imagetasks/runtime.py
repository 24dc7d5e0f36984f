"""``${runtime.images.NAME}``: what commands are told of the images that were built before they run.

By itself it is ``repository:tag``, with ``.image`` the repository and with ``.tag`` the tag
(https://www.devspace.sh/docs/configuration/variables#runtime-variables).
"""

from __future__ import annotations

import re
from collections.abc import Mapping

_USE = re.compile(r"\$\{runtime\.images\.(?P<name>[^{}]+?)(?P<part>\.image|\.tag)?\}")


def images_named(text: str) -> tuple[str, ...]:
    """The names of the images that a text is to be told of, each once."""
    return tuple(dict.fromkeys(use["name"] for use in _USE.finditer(text)))


def fill_runtime(text: str, references: Mapping[str, str]) -> str:
    """The text with what it is to be told of the images whose ``references`` are given; others stay as written."""

    def value(use: re.Match[str]) -> str:
        if use["name"] not in references:
            return use[0]
        repository, _, tag = references[use["name"]].rpartition(":")
        return {".image": repository, ".tag": tag}.get(use["part"], references[use["name"]])

    return _USE.sub(value, text)
