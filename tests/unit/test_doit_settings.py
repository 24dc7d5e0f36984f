"""Putting our loader into doit's configuration."""

from __future__ import annotations

from pathlib import Path

import pytest
from doit.doit_cmd import DoitMain

from imagetasks.first_steps.doit_settings import LoaderChoice, choose_loader

PYPROJECT = """\
# mine
[project]
name = "shop" # of all

[tool.other]
a = 1"""


@pytest.mark.parametrize(
    ("pyproject", "doit_cfg", "file", "expected"),
    [
        (None, None, "doit.cfg", "[GLOBAL]\nloader = imagetasks\n"),
        (PYPROJECT, None, "pyproject.toml", f'{PYPROJECT}\n\n[tool.doit]\nloader = "imagetasks"\n'),
        (
            "[tool.doit] # mine\nverbosity = 2\n",
            None,
            "pyproject.toml",
            '[tool.doit] # mine\nloader = "imagetasks"\nverbosity = 2\n',
        ),
        (
            "[tool.doit.commands.list]\nstatus = true\n",
            None,
            "pyproject.toml",
            '[tool.doit.commands.list]\nstatus = true\n\n[tool.doit]\nloader = "imagetasks"\n',
        ),
        (None, "[list]\nstatus = 1\n", "doit.cfg", "[list]\nstatus = 1\n\n[GLOBAL]\nloader = imagetasks\n"),
        (None, "[GLOBAL]\nverbosity = 2", "doit.cfg", "[GLOBAL]\nloader = imagetasks\nverbosity = 2"),
    ],
)
def test_the_loader_is_put_in_and_all_else_stays(
    pyproject: str | None,
    doit_cfg: str | None,
    file: str,
    expected: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert choose_loader(pyproject, doit_cfg) == LoaderChoice(file, expected)

    monkeypatch.chdir(tmp_path)
    Path(file).write_text(expected, encoding="utf-8")
    assert DoitMain().config["GLOBAL"]["loader"] == "imagetasks"


@pytest.mark.parametrize(
    ("pyproject", "doit_cfg", "file"),
    [
        ('[tool.doit]\nloader = "imagetasks"\n', None, "pyproject.toml"),
        ("", "[GLOBAL]\nloader=imagetasks\n", "doit.cfg"),
    ],
)
def test_a_loader_that_is_ours_needs_nothing(pyproject: str, doit_cfg: str | None, file: str) -> None:
    assert choose_loader(pyproject, doit_cfg) == LoaderChoice(file)


@pytest.mark.parametrize(
    ("pyproject", "doit_cfg", "obstacle"),
    [
        ('[tool.doit]\nloader = "other"\n', None, "pyproject.toml chooses the loader other; "),
        ("", "[GLOBAL]\nloader = other\n", "doit.cfg chooses the loader other; "),
        ("[tool]\ndoit = {verbosity = 2}\n", None, 'write loader = "imagetasks" into the table tool.doit'),
        ("[tool\n", None, "pyproject.toml cannot be read: "),
        (None, "verbosity = 2\n", "doit.cfg cannot be read: "),
    ],
)
def test_a_file_that_cannot_be_changed_safely_stays_and_says_what_to_do(
    pyproject: str | None, doit_cfg: str | None, obstacle: str
) -> None:
    choice = choose_loader(pyproject, doit_cfg)

    assert choice.text is None
    assert choice.obstacle.startswith(obstacle)


def test_a_header_inside_a_text_is_no_header() -> None:
    choice = choose_loader('a = """\n[tool.doit]\n"""\n', None)

    assert (choice.text, bool(choice.obstacle)) == (None, True)
