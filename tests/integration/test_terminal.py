"""A run as the person at the terminal sees it. Custom commands build, each until the test lets it end."""

from __future__ import annotations

import itertools
import os
import sys
from collections.abc import Iterable, Mapping

import pytest

from tests.projects import PROGRAMS, Project
from tests.terminals import Terminal

AT_A_TERMINAL = {"CI": "", "NO_COLOR": "", "DOCKER_HOST": "unix:///nowhere/docker.sock"}
BUILD = """
echo "Step 1/2 : RUN make $1"
while [ ! -e go ] && [ ! -e "go-$1" ]; do sleep 0.05; done
echo "the end of $1"
[ ! -e "fail-$1" ]
"""


def write_images(project: Project, names: Iterable[str], dodo: str = "") -> None:
    project.write("build.sh", BUILD)
    images = "".join(
        f"  {name}:\n    image: {project.repository(f'i{number}')}\n"
        f"    build: {{custom: {{command: sh, args: [build.sh, '{name}']}}}}\n"
        for number, name in enumerate(names)
    )
    project.write("devspace.yaml", f"version: v1beta6\nimages:\n{images}")
    if dodo:
        project.write("dodo.py", dodo)


def doit(
    project: Project, *args: str, columns: int = 80, lines: int = 24, environ: Mapping[str, str] | None = None
) -> Terminal:
    return Terminal(
        [PROGRAMS / "doit", *args],
        project.folder,
        columns=columns,
        lines=lines,
        environ={**AT_A_TERMINAL, **(environ or {})},
    )


def words(lines: Iterable[str]) -> list[str]:
    """The lines with one space between words, and ``N`` in place of seconds."""
    return [
        " ".join("N" if word.replace(".", "").isdecimal() and follows == "s" else word for word, follows in pairs)
        for line in lines
        for pairs in [list(itertools.zip_longest(line.split(), line.split()[1:]))]
    ]


def allow(project: Project, *names: str) -> None:
    for name in names:
        project.write(name, "")


def test_each_image_has_a_row_with_its_step_and_a_line_when_it_has_ended(project: Project) -> None:
    write_images(project, ["api", "web"])
    terminal = doit(project, "build:api", "build:web")

    terminal.wait_until(lambda screen: sum("step 1/2 RUN make" in line for line in screen) == 2)
    assert sorted(words(terminal.screen)) == [
        "0 of 2 images, N s",
        "api step 1/2 RUN make api N s",
        "web step 1/2 RUN make web N s",
    ]
    allow(project, "go-api")
    terminal.wait_until(lambda screen: any("1 of 2" in line for line in screen))
    assert words(terminal.screen) == ["built api in N s", "web step 1/2 RUN make web N s", "1 of 2 images, N s"]
    allow(project, "go-web")
    assert terminal.end() == 0
    assert words(terminal.screen) == ["built api in N s", "built web in N s", "images: 2 built in N s"]


def test_a_mistake_stands_in_full_at_the_end(project: Project) -> None:
    write_images(project, ["api", "web"])
    allow(project, "go", "fail-web")
    terminal = doit(project, "run", "--continue", "build:api", "build:web", columns=200)

    assert terminal.end() == 1
    *lines, mistake, step, end, log, summary = words(terminal.screen)
    assert sorted(lines) == ["!! build:web failed after N s", "built api in N s"]
    assert mistake == "!! build:web failed: the command `sh` ended with exit code 1"
    assert (step, end) == ("Step 1/2 : RUN make web", "the end of web")
    assert log.startswith("the whole log is ")
    assert summary == "images: 1 built, 1 failed in N s"


def test_rows_that_do_not_fit_are_counted_also_when_the_window_becomes_smaller(project: Project) -> None:
    names = [f"größe-世界-{number}" for number in range(40)]
    write_images(project, names)
    terminal = doit(project, "run", "-n", "40", "build:*")

    terminal.wait_until(lambda screen: "… and 26 more" in screen)
    terminal.resize(60, 12)
    terminal.wait_until(lambda screen: "… and 34 more" in screen)
    assert all(len(line) < 60 for line in terminal.screen)
    allow(project, "go")
    assert terminal.end() == 0
    assert words(terminal.screen[-1:]) == ["images: 40 built in N s"]


def test_what_other_tasks_print_stands_above_the_rows_and_whole(project: Project) -> None:
    talk = "    for word in ('one', 'two'):\n        print(word, end=' ')\n        print(word)\n"
    write_images(
        project,
        ["api"],
        f"def talk():\n{talk}\ndef task_talk():\n    return {{'actions': [talk], 'verbosity': 2}}\n"
        "def task_shell():\n    return {'actions': ['echo of the shell'], 'verbosity': 2, 'io': {'capture': False}}\n"
        "def task_last():\n    return {'actions': ['touch go'], 'task_dep': ['talk', 'shell']}\n",
    )
    terminal = doit(project, "run", "build:api", "last")

    assert terminal.end() == 0
    lines = words(terminal.screen)
    assert {"one one", "two two", "of the shell", "built api in N s"} <= set(lines)
    assert not [line for line in lines if "step" in line or "of 1 images" in line]


def test_live_logs_stand_above_the_rows_after_the_names_of_their_tasks(project: Project) -> None:
    write_images(project, ["api", "web"])
    terminal = doit(project, "-v", "2", "build:api", "build:web")

    terminal.wait_until(lambda screen: sum("step 1/2" in line for line in screen) == 2)
    assert {f"build:{name} | Step 1/2 : RUN make {name}" for name in ("api", "web")} <= set(words(terminal.screen))
    allow(project, "go")
    assert terminal.end() == 0
    assert {"build:api | the end of api", "build:web | the end of web"} <= set(terminal.screen)


def test_ctrl_c_takes_the_rows_away_and_leaves_the_terminal_as_it_was(project: Project) -> None:
    write_images(project, ["api", "web"])
    terminal = doit(project, "build:api", "build:web")

    terminal.wait_until(lambda screen: sum("step 1/2" in line for line in screen) == 2)
    terminal.interrupt()
    assert terminal.end() == 130
    assert [line for line in terminal.screen if line] == ["interrupted"]
    assert "\x1b[?" not in terminal.shown


def test_a_run_ends_also_where_the_terminal_has_stopped_to_take_what_is_shown(project: Project) -> None:
    write_images(project, ["api"])
    project.write("build.sh", 'yes "a line of a build that says a lot" | head -n 100000\n')
    terminal = doit(project, "run", "-v", "2", "build:api")

    terminal.wait_for("build:api | a line")
    assert terminal.freeze() == 130


def test_builds_are_counted_before_the_first_push_and_mistakes_as_such(project: Project) -> None:
    write_images(project, ["api", "web", "job"])
    allow(project, "fail-web", "go-web")
    terminal = doit(project, "run", "--continue")

    def last_row(text: str) -> None:
        terminal.wait_until(lambda screen: text in words(screen)[-1])

    last_row("0 of 3 images built, 0 of 3 done, 1 failed, N s")
    allow(project, "go")
    assert terminal.end() != 0


def test_a_terminal_that_is_closed_ends_the_run(project: Project) -> None:
    write_images(project, ["api"])
    terminal = doit(project, "build:api")

    terminal.wait_until(lambda screen: any("step 1/2" in line for line in screen))
    assert terminal.close() == 129


@pytest.mark.parametrize("setting", [{"NO_COLOR": "1"}, {"TERM": "dumb"}, {"CI": "true"}])
def test_lines_are_written_where_nothing_can_be_drawn(project: Project, setting: dict[str, str]) -> None:
    write_images(project, ["api"])
    allow(project, "go")
    terminal = doit(project, "-v", "1", "build:api", environ=setting)

    assert terminal.end() == 0
    assert "\x1b" not in terminal.shown
    assert ".  build api" in terminal.screen


def test_lines_are_written_where_tasks_are_processes_of_their_own(project: Project) -> None:
    write_images(project, ["api"], "def task_own():\n    return {'actions': ['echo of a process'], 'verbosity': 2}\n")
    allow(project, "go")
    terminal = doit(project, "run", "-v", "2", "-n", "2", "-P", "process", "build:api", "own")

    assert terminal.end() == 0
    assert {".  build api", "of a process"} <= set(terminal.screen)


def test_a_run_that_skips_all_prints_a_line_and_draws_nothing(project: Project) -> None:
    write_images(project, ["api", "web"])
    config = (project.folder / "devspace.yaml").read_text()
    project.write("devspace.yaml", config.replace("custom: {", "custom: {onChange: [build.sh], "))
    allow(project, "go")
    assert project.doit("build").returncode == 0

    terminal = Terminal(
        [sys.executable, "-X", "importtime", PROGRAMS / "doit", "build"], project.folder, environ=AT_A_TERMINAL
    )

    assert terminal.end() == 0
    assert "   images: 2 up to date" in terminal.shown.splitlines()
    assert "rich" not in {line.rpartition("|")[2].strip() for line in terminal.shown.splitlines()}
    assert "\x1b" not in terminal.shown


def test_what_a_build_prints_cannot_steer_the_terminal(project: Project) -> None:
    write_images(project, ["api"])
    project.write("build.sh", f"printf 'Step 1/2 : RUN \\033[2J\\007%s\\n' world\n{BUILD.split(os.linesep, 2)[2]}")
    terminal = doit(project, "-v", "2", "build:api")

    terminal.wait_until(lambda screen: any("step 1/2 RUN" in line for line in screen))
    allow(project, "go")
    assert terminal.end() == 0
    assert "\x1b[2J" not in terminal.shown
    assert "build:api | Step 1/2 : RUN world" in terminal.screen
