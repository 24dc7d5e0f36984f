"""The map in CONTRIBUTING.md, held to the folders and modules that there are."""

from __future__ import annotations

import re
from collections.abc import Iterator
from fnmatch import fnmatchcase
from pathlib import Path

import pytest

from imagetasks.cli import COMMANDS
from tests.conftest import ROOT

PACKAGE = ROOT / "imagetasks"
ENTRY = re.compile(r" {6}(\S+\.py\b.*|[\w/]+/)(?: |$)")


def entries() -> Iterator[tuple[str, str]]:
    """The folders of the map, with the lines on each; the modules beside them are those of ``""``."""
    page = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    text = page.partition("\n    imagetasks/\n")[2].partition("\n\n")[0]
    folder = ""
    for line in text.splitlines():
        if entry := ENTRY.match(line):
            folder = entry[1].rstrip("/") if entry[1].endswith("/") else ""
        yield folder, line


def words_of(folder: str) -> set[str]:
    return {word for name, line in entries() if name == folder for word in re.findall(r"[\w*]+(?:\.py)?", line)}


def folders() -> list[str]:
    return sorted(path.parent.relative_to(PACKAGE).as_posix() for path in PACKAGE.rglob("__init__.py"))


def modules_of(folder: str) -> set[str]:
    return {path.stem for path in (PACKAGE / folder).glob("*.py") if not path.stem.startswith("__")}


@pytest.mark.parametrize("folder", [name for name in folders() if name != "."])
def test_every_folder_and_its_modules_are_on_the_map(folder: str) -> None:
    known = words_of(folder) | (set(COMMANDS) if folder == "commands" else set())

    assert known
    assert {module for module in modules_of(folder) if not any(fnmatchcase(module, word) for word in known)} == set()


def test_every_module_beside_the_folders_is_on_the_map() -> None:
    assert {f"{module}.py" for module in modules_of("")} - words_of("") == set()


def test_nothing_on_the_map_is_gone() -> None:
    listed = {word for _, line in entries() for word in re.findall(r"^ {6}([\w/]+/|\w+\.py)", line)}

    assert {name for name in listed if not Path(PACKAGE / name).exists()} == set()
