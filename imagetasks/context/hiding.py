"""Where a Dockerfile that is not the user's own can stand in a context so that no ``COPY`` meets it."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Container, Iterable, Sequence

from imagetasks.context.ignore import IgnoreRules

IGNORE_FILE = ".dockerignore"

_PLAIN_NAME = ".imagetasks.dockerfile"
_WILDCARDS = re.compile(r"\*\*/|\*+|\?")


def hide_dockerfile(text: bytes, paths: Sequence[str], ignore_file: bytes | None) -> tuple[str, dict[str, bytes]]:
    """A name for a Dockerfile in the context, and the files to add to the context for it.

    The classic builder takes the Dockerfile, and then ``.dockerignore``, out of the context if ``.dockerignore``
    excludes them. So the name has to be one that ``.dockerignore`` excludes, and ``.dockerignore`` has to stay
    what it is, since a ``COPY`` may copy that too.

    :param paths: what else is in the context
    :param ignore_file: the content of ``.dockerignore``, if it is in the context
    """
    taken = frozenset(paths)
    name = _free_name(taken)
    if ignore_file is None:
        return name, {name: text, IGNORE_FILE: f"{IGNORE_FILE}\n{name}\n".encode()}
    excluded = _excluded_name(IgnoreRules.parse(ignore_file, IGNORE_FILE), taken)
    if excluded:
        return excluded, {excluded: text}
    return name, {name: text, IGNORE_FILE: ignore_file + f"\n{name}\n".encode()}


def _free_name(taken: Container[str]) -> str:
    name = _PLAIN_NAME
    while name in taken:
        name += "_"
    return name


def _excluded_name(rules: IgnoreRules, taken: frozenset[str]) -> str | None:
    """A name that some pattern excludes and nothing in the context has, or None where there is no such pattern."""
    folders = {"", *_folders(taken)}
    for pattern in rules.patterns:
        name = _WILDCARDS.sub(lambda wildcard: "" if wildcard[0] == "**/" else "x", pattern.text.strip("/"))
        name = posixpath.normpath(name)
        is_free = name not in taken and name not in folders
        if is_free and posixpath.dirname(name) in folders and rules.excludes(name):
            return name
    return None


def _folders(paths: Iterable[str]) -> set[str]:
    return {posixpath.dirname(path) for path in paths}
