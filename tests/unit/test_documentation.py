"""The documentation's site: that it can be built, and that the pages made from the program are complete."""

from __future__ import annotations

import html
import json
import re
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from imagetasks.cli import COMMANDS
from imagetasks.config.json_schema import json_schema
from imagetasks.options import OPTIONS
from imagetasks.usage import EXIT_CODES
from tests.conftest import ROOT


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The site; MkDocs is strict, so that a link to nowhere fails here."""
    folder = tmp_path_factory.mktemp("site")
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--quiet", "--site-dir", str(folder)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return folder


def codes(page: Path) -> set[str]:
    """All that stands as code in a page."""
    return {html.unescape(code) for code in re.findall("<code>([^<]*)</code>", page.read_text())}


def headings(page: Path) -> set[str]:
    return set(re.findall('<h2 id="([^"]*)"', page.read_text()))


def test_all_options_and_exit_codes_are_in_the_reference(site: Path) -> None:
    found = codes(site / "reference/command-line.html")
    for option in OPTIONS:
        assert any(re.search(rf"--{option.long}\b", code) for code in found), option.long
    assert set(EXIT_CODES) <= found


def test_all_commands_are_in_the_reference(site: Path) -> None:
    page = site / "reference/commands.html"
    assert headings(page) == set(COMMANDS)
    for command in COMMANDS:
        assert f"usage: imagetasks {command} " in page.read_text()


def test_all_keys_of_the_file_are_in_the_reference(site: Path) -> None:
    found = {code.rpartition(".")[2].removesuffix("[]") for code in codes(site / "reference/devspace-yaml.html")}
    assert set(keys_in(json_schema())) - older_spellings() - found == set()


def keys_in(schema: Mapping[str, Any]) -> Iterator[str]:
    for definition in schema["$defs"].values():
        yield from definition["properties"]


def older_spellings() -> set[str]:
    return {
        key
        for definition in json_schema()["$defs"].values()
        for key, value in definition["properties"].items()
        if value.get("description", "").startswith("The older spelling of")
    }


def test_nothing_is_loaded_from_elsewhere(site: Path) -> None:
    for page in site.rglob("*.html"):
        loaded = re.findall(r'<(?:script|img)[^>]*\bsrc="(\w+:[^"]*)', page.read_text())
        loaded += re.findall(r'<link[^>]*rel="stylesheet"[^>]*href="(\w+:[^"]*)', page.read_text())
        assert loaded == [], page


def test_pages_can_be_searched(site: Path) -> None:
    index = json.loads((site / "search/search_index.json").read_text())
    assert {"tutorial.html", "reference/commands.html"} <= {entry["location"] for entry in index["docs"]}
