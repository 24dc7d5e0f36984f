"""The reference pages of the documentation, made from the program itself; a hook of MkDocs (``mkdocs.yml``).

The pages are in no folder: they are made anew for each build, from the table of options, the parsers of the commands
and the tables of keys that the loader reads a ``devspace.yaml`` by.
"""

from __future__ import annotations

import importlib
import inspect
import io
import os
from collections.abc import Iterable, Iterator, Mapping
from contextlib import redirect_stdout, suppress
from itertools import groupby
from typing import NamedTuple
from unittest.mock import patch

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files

import imagetasks
from imagetasks import usage
from imagetasks.cli import COMMANDS
from imagetasks.config.help import help_for
from imagetasks.config.schema import (
    Anything,
    Choice,
    Flag,
    Kind,
    ListOf,
    MapOf,
    Meaningless,
    Named,
    OrText,
    Section,
    Text,
    WholeNumber,
)
from imagetasks.config.versions import VERSIONS
from imagetasks.config.versions.tables import config_of
from imagetasks.options import OPTIONS

_HELP_WIDTH = "100"
_REPEATED_SECTIONS = ("profiles[].merge", "profiles[].replace")
_KINDS: Mapping[type, str] = {
    Text: "text",
    Flag: "true or false",
    WholeNumber: "whole number",
    MapOf: "map",
    Section: "map",
    Named: "list, or map by name",
    OrText: "text or map",
    Anything: "anything",
}


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the pages; MkDocs calls this when it has found those that are files."""
    for path, content in pages().items():
        files.append(File.generated(config, path, content=content))
    return files


def pages() -> dict[str, str]:
    """The pages as Markdown, by their paths in ``docs``."""
    return {
        "reference/command-line.md": _command_line(),
        "reference/commands.md": _commands(),
        "reference/devspace-yaml.md": _devspace_yaml(),
        "reference/python.md": _python(),
    }


# -- the command line


def _command_line() -> str:
    options = ((usage.spellings(option).strip(), option.help) for option in OPTIONS)
    return "\n".join(
        (
            "# The command line\n",
            f"```text\n{usage.SYNOPSIS}```\n",
            "Tasks and options are the same with `doit` in the place of `imagetasks`; the [commands](commands.md) "
            "are the program's alone.\n",
            _section("Tasks", ("task", "what it does"), usage.TASKS.items()),
            _section("Options", ("option", "what it means"), options),
            "They stand before the tasks, or after one of ours: `doit -b build`, `doit build -b`.\n",
            _section("Options of doit", ("option", "what it means"), usage.DOIT_OPTIONS.items()),
            "These stand before the tasks.\n",
            _section("Commands of doit", ("command", "what it does"), usage.DOIT.items()),
            _section("Exit codes", ("code", "meaning"), usage.EXIT_CODES.items()),
            _section("Environment", ("variable", "what it says"), usage.ENVIRONMENT.items()),
        )
    )


def _commands() -> str:
    lead = "What the program `imagetasks` does beside tasks.\n"
    sections = (f"## {name}\n\n```text\n{_help_of(name)}```\n" for name in COMMANDS)
    return "\n".join(("# Commands\n", lead, *sections))


def _help_of(command: str) -> str:
    printed = io.StringIO()
    with redirect_stdout(printed), suppress(SystemExit), patch.dict(os.environ, COLUMNS=_HELP_WIDTH):
        importlib.import_module(f"imagetasks.commands.{command}").main(["--help"])
    return printed.getvalue()


# -- the file


class _Key(NamedTuple):
    """A key at its path in a file of one version; ``meaningless`` is what is done instead, if it has no meaning."""

    path: str
    version: str
    kind: Kind
    required: bool
    meaningless: str


def _devspace_yaml() -> str:
    lead = f"""# devspace.yaml

Each key, the kind of its value, and the versions of the format that have it, out of `{VERSIONS[0]}` to
`{VERSIONS[-1]}`. Where no version is named, all have it. `*` stands for a name of your choice, `[]` for each entry of
a list. `profiles[].merge` and `profiles[].replace` hold sections of the file itself.
"""
    by_path: dict[str, list[_Key]] = {}
    for version in VERSIONS:
        for key in _keys_in(config_of(version), "", version):
            by_path.setdefault(key.path, []).append(key)
    sections = groupby(by_path.values(), key=lambda keys: keys[0].path.split(".")[0].removesuffix("[]"))
    tables: dict[str, list[tuple[str, ...]]] = {}
    for name, of_section in sections:
        tables.setdefault(name, []).extend(_row(keys) for keys in of_section)
    return "\n".join(
        (
            lead,
            *(_section(f"`{name}`", ("key", "kind", "versions", "meaning"), rows) for name, rows in tables.items()),
        )
    )


def _keys_in(kind: Kind, path: str, version: str) -> Iterator[_Key]:
    """The keys below a value."""
    match kind:
        case Section():
            for name, child in kind.keys.items():
                below = f"{path}.{name}".lstrip(".")
                meaningless = child.instead if isinstance(child, Meaningless) else ""
                value = child.kind if isinstance(child, Meaningless) else child
                yield _Key(below, version, value, name in kind.required, meaningless)
                if not meaningless and below not in _REPEATED_SECTIONS:
                    yield from _keys_in(value, below, version)
        case OrText():
            yield from _keys_in(kind.section, path, version)
        case Named():
            yield from _keys_in(kind.as_list, path, version)
        case ListOf():
            yield from _keys_in(kind.item, f"{path}[]", version)
        case MapOf():
            yield from _keys_in(kind.value, f"{path}.*", version)


def _row(keys: list[_Key]) -> tuple[str, ...]:
    newest = keys[-1]
    meaning = help_for(newest.path) or ""
    if newest.meaningless:
        meaning = f"No meaning here: {newest.meaningless}"
    elif newest.required:
        meaning = f"**Required.** {meaning}"
    return newest.path, _kind_in_words(newest.kind), _span(key.version for key in keys), meaning


def _kind_in_words(kind: Kind) -> str:
    match kind:
        case Choice():
            return " or ".join(f"`{word}`" for word in kind.words)
        case ListOf():
            return "list of texts" if isinstance(kind.item, Text) else "list"
    return _KINDS[type(kind)]


def _span(versions: Iterable[str]) -> str:
    first, *_, last = [*(known := tuple(versions)), known[-1]]
    if (first, last) == (VERSIONS[0], VERSIONS[-1]):
        return ""
    if first == last:
        return first
    if last == VERSIONS[-1]:
        return f"from {first}"
    return f"to {last}" if first == VERSIONS[0] else f"{first} to {last}"


# -- Python


def _python() -> str:
    lead = f"# Python\n\n```text\n{inspect.getdoc(imagetasks)}\n```\n"
    functions = (getattr(imagetasks, name) for name in imagetasks.__all__)
    sections = (
        f"## {each.__name__}\n\n```python\n{each.__name__}{inspect.signature(each)}\n```\n\n"
        f"```text\n{inspect.getdoc(each)}\n```\n"
        for each in functions
        if inspect.isfunction(each)
    )
    return "\n".join((lead, *sections))


# -- Markdown


def _section(title: str, head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    """A table below its title; what stands in the first column is code."""
    lines = [head, ("---",) * len(head), *((f"`{first}`", *others) for first, *others in rows)]
    return f"## {title}\n\n" + "".join(f"| {' | '.join(map(_cell, line))} |\n" for line in lines)


def _cell(text: str) -> str:
    return text.replace("|", r"\|")
