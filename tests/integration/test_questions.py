"""Questions for variables, asked of a person at a terminal."""

from __future__ import annotations

import json
import stat
import sys
from pathlib import Path

import pytest

from tests.projects import PROGRAMS, Project

if sys.platform == "win32":
    pytest.skip("there are no pseudo-terminals", allow_module_level=True)

from tests.terminals import BACKSPACE, CTRL_C, DOWN, ENTER, Terminal

CONFIG = """\
version: v1beta6
vars:
- name: NAME
  question: Who are you?
  default: ann
  validationPattern: ^[a-z]+$
  validationMessage: small letters only
- name: SIZE
  options: [small, medium, large]
  default: medium
- name: TOKEN
  question: What is the token?
  password: true
- name: UNUSED
images:
  api:
    image: registry.example/${NAME}/${SIZE}
    build:
      custom:
        command: ./build
        args: ["${TOKEN}"]
        onChange: [build]
"""


@pytest.fixture
def asking(project: Project) -> Project:
    """A project whose file has questions."""
    project.write("devspace.yaml", CONFIG)
    project.write("build", "#!/bin/sh\n", mode=0o755)
    return project


def at_terminal(project: Project, *command: str) -> Terminal:
    return Terminal([PROGRAMS / command[0], *command[1:]], project.folder)


def answers(project: Project) -> Path:
    return project.folder / ".devspace" / "vars.json"


def texts_in_state(project: Project) -> bytes:
    files = [file for file in (project.folder / ".devspace").rglob("*") if file.is_file()]
    return b"".join(file.read_bytes() for file in files if file != answers(project))


def test_a_run_asks_for_what_is_used_and_the_next_one_does_not(asking: Project) -> None:
    terminal = at_terminal(asking, "doit", "hash:api")
    terminal.wait_for("Who are you?")
    terminal.wait_for("ann")
    terminal.type("X")
    terminal.wait_for("small letters only")
    terminal.type(BACKSPACE * 4, "bob", ENTER)
    terminal.wait_for("SIZE")
    terminal.wait_for("large")
    terminal.type(DOWN, ENTER)
    terminal.wait_for("What is the token?")
    terminal.type("hunter2", ENTER)

    assert terminal.end() == 0, terminal.shown
    assert "hunter2" not in terminal.shown
    assert "UNUSED" not in terminal.shown
    assert json.loads(answers(asking).read_text()) == {"NAME": "bob", "SIZE": "large", "TOKEN": "hunter2"}
    assert stat.S_IMODE(answers(asking).stat().st_mode) == 0o600
    assert b"hunter2" not in texts_in_state(asking)
    again = at_terminal(asking, "doit", "hash:api")
    assert again.end() == 0
    assert "?" not in again.shown
    assert "registry.example/bob/large" in asking.doit("list", "--all").stdout


def test_questions_are_asked_on_standard_error(project: Project) -> None:
    project.write("devspace.yaml", "version: v1beta6\nvars: [{name: A}]\nimages: {api: {image: 'shop/${A}'}}\n")
    terminal = Terminal(["sh", "-c", f"{PROGRAMS / 'imagetasks'} vars > listed"], project.folder)
    terminal.wait_for("Which value shall A have?")
    terminal.type("x", ENTER)

    assert terminal.end() == 0, terminal.shown
    assert (project.folder / "listed").read_text() == "A  x  answer\n"


@pytest.mark.parametrize("program", ["doit", "imagetasks"])
def test_ctrl_c_at_a_question_ends_the_run_and_keeps_no_answer(asking: Project, program: str) -> None:
    terminal = at_terminal(asking, program, "hash:api")
    terminal.wait_for("Who are you?")
    terminal.type(ENTER)
    terminal.wait_for("large")
    terminal.type(CTRL_C)

    assert terminal.end() == 130
    assert "Traceback" not in terminal.shown
    assert not answers(asking).exists()


def test_listing_never_asks_and_shows_placeholders(asking: Project) -> None:
    asking.write("devspace.yaml", CONFIG.replace("  default: ann\n", ""))
    terminal = at_terminal(asking, "doit", "list", "--all")

    assert terminal.end() == 0, terminal.shown
    assert "registry.example/${NAME}/medium" in terminal.shown
    assert "?" not in terminal.shown
    assert not answers(asking).exists()


def test_without_a_terminal_the_default_is_taken_and_what_has_none_is_named(asking: Project) -> None:
    result = asking.doit("hash:api")

    assert result.returncode == 3
    assert result.stderr == (
        "ERROR: devspace.yaml:21:16: variable `TOKEN` has no value; "
        "pass --var TOKEN=VALUE or set the environment variable TOKEN\n"
    )
    assert asking.doit("hash:api", "--var", "TOKEN=x").returncode == 0
    assert not answers(asking).exists()


def test_vars_lists_values_and_forgets_answers(asking: Project) -> None:
    terminal = at_terminal(asking, "imagetasks", "vars", "--var", "NAME=eve")
    terminal.wait_for("large")
    terminal.type(ENTER)
    terminal.wait_for("What is the token?")
    terminal.type("hunter2", ENTER)
    assert terminal.end() == 0, terminal.shown
    assert "hunter2" not in terminal.shown

    listed = asking.imagetasks("vars", env={"SIZE": "small"})
    rows = [tuple(line.split(maxsplit=2)) for line in listed.stdout.splitlines()]
    assert rows == [
        ("NAME", "ann", "default"),
        ("SIZE", "small", "environment"),
        ("TOKEN", "********", "answer"),
        ("UNUSED", "-", "not used, and without a value"),
    ]
    assert asking.imagetasks("vars", "--reset", "TOKEN", "NAME").stdout.splitlines() == [
        "forgot the answer for TOKEN",
        "there is no answer for NAME",
    ]
    assert json.loads(answers(asking).read_text()) == {"SIZE": "medium"}
    assert asking.imagetasks("vars", "--reset").stdout == "forgot the answer for SIZE\n"
    assert asking.imagetasks("vars", "--reset").stdout == "there are no answers to forget\n"


def test_a_listing_runs_no_command(project: Project) -> None:
    project.write(
        "devspace.yaml",
        "version: v1beta11\nvars:\n- {name: A, command: touch ran}\nimages:\n  api:\n    image: 'shop/${A}'\n"
        "    dockerfile: $(touch ran)\n    build: {docker: {skipPush: $(touch ran)}}\n",
    )

    listed = project.doit("list", "--all")

    assert listed.returncode == 0, listed.stderr
    assert "shop/${A}" in listed.stdout
    assert not (project.folder / "ran").exists()


def test_a_listing_says_which_profile_depends_on_a_command(project: Project) -> None:
    project.write(
        "devspace.yaml",
        """\
version: v1beta11
vars: [{name: STAGE, source: command, command: touch hacked; echo dev}]
images: {api: {image: registry.example/api}}
profiles:
- {name: dev, merge: {images: {web: {image: registry.example/web}}}, activation: [{vars: {STAGE: dev}}]}
""",
    )

    result = project.doit("list", "--all")

    assert result.returncode == 0
    assert "build:web" not in result.stdout
    assert result.stderr.startswith("WARNING: devspace.yaml:5:")
    assert "profile `dev` is left out: without a run, its variable `STAGE` is not known" in result.stderr
    assert result.stderr.count("\n") == 1
    assert not (project.folder / "hacked").exists()
