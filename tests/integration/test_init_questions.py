"""``imagetasks init`` and a person at a terminal."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from imagetasks.config.load import load_config
from tests.projects import PROGRAMS, Project

if sys.platform == "win32":
    pytest.skip("there are no pseudo-terminals", allow_module_level=True)

from tests.terminals import BACKSPACE, CTRL_C, ENTER, Terminal

COMMAND: list[str | Path] = [PROGRAMS / "imagetasks", "init"]


@pytest.fixture
def shop(project: Project) -> Project:
    """A project with two Dockerfiles."""
    project.write("api/Dockerfile", "FROM busybox:1.36\n")
    project.write("tools/Dockerfile", "FROM busybox:1.36\n")
    return project


def test_init_asks_which_dockerfiles_and_where_to(shop: Project) -> None:
    terminal = Terminal(COMMAND, shop.folder)
    terminal.wait_for("Which of these shall be images?")
    terminal.wait_for("tools/Dockerfile")
    terminal.type(" ", ENTER)  # the first is not wanted
    terminal.wait_for("Where are images pushed to")
    terminal.type(BACKSPACE * 80, "example.com/we", ENTER)
    terminal.wait_for("next: ")

    assert terminal.end() == 0
    images = load_config(shop.folder / "devspace.yaml", variables={}, environ={}).images
    assert [image.image for image in images] == ["example.com/we/tools"]


def test_a_place_that_is_none_is_told_at_once(shop: Project) -> None:
    terminal = Terminal(COMMAND, shop.folder)
    terminal.wait_for("Which of these shall be images?")
    terminal.type(ENTER)
    terminal.wait_for("Where are images pushed to")
    terminal.type("/Upper", ENTER)
    terminal.wait_for("has capital letters")
    terminal.type(CTRL_C)

    assert terminal.end() == 130
    assert not (shop.folder / "devspace.yaml").exists()


def test_who_wants_no_questions_is_asked_none(shop: Project) -> None:
    terminal = Terminal([*COMMAND, "--yes"], shop.folder)

    assert terminal.end() == 0
    assert "?" not in terminal.shown
    assert (shop.folder / "devspace.yaml").exists()
