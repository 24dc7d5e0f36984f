"""Completion as the real shells do it."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys

import pytest

from tests.projects import PROGRAMS, TIMEOUT, Project

if sys.platform == "win32":
    pytest.skip("there are no pseudo-terminals", allow_module_level=True)

from tests.terminals import ENTER, Terminal

TAB = "\t"
CONFIG = """\
version: v1beta6
images:
  api: {image: shop/api}
  gateway: {image: shop/gateway}
deployments:
- {name: backend, kubectl: {manifests: [k8s]}}
- {name: frontend, kubectl: {manifests: [k8s]}}
profiles:
- name: production
"""

# How each shell starts without the user's own settings, and gets ready to load completions.
STARTS = {
    "bash": (["bash", "--norc", "--noprofile", "-i"], "true"),
    "zsh": (["zsh", "-f", "-i"], "autoload -U compinit && compinit -u -D"),
}

COMPLETED = [
    ("imagetasks build:g", "imagetasks build:gateway"),
    ("doit build -p pro", "doit build -p production"),
    ("imagetasks deploy --deployments=backend,f", "imagetasks deploy --deployments=backend,frontend"),
    ("imagetasks doctor --kube", "imagetasks doctor --kube-context"),
    ("imagetasks validate devs", "imagetasks validate devspace.yaml"),
]


@pytest.fixture
def shop(project: Project, monkeypatch: pytest.MonkeyPatch) -> Project:
    """A project, in an environment that finds the programs and none of the user's own settings."""
    project.write("devspace.yaml", CONFIG)
    monkeypatch.setenv("PATH", f"{PROGRAMS}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setenv("HOME", str(project.folder))
    return project


@pytest.mark.parametrize("shell", STARTS)
def test_the_key_completes_what_is_typed(shell: str, shop: Project) -> None:
    if not shutil.which(shell):
        pytest.skip(f"there is no {shell}")
    command, setup = STARTS[shell]
    terminal = Terminal(command, shop.folder)
    loads = (f'eval "$(imagetasks completion {shell} --program {program})"' for program in ("imagetasks", "doit"))
    # In the programs' place, functions tell what a line has become.
    functions = (f'{program}() {{ echo "ran {program} $*."; }}' for program in ("imagetasks", "doit"))
    terminal.type(" && ".join([setup, *loads, "echo loaded=$?"]), "; ", "; ".join(functions), ENTER)
    terminal.wait_for("loaded=0")
    for typed, completed in COMPLETED:
        terminal.type(typed, TAB, ENTER)
        terminal.wait_for(f"ran {completed}.")
    terminal.type("exit", ENTER)
    terminal.end()


def test_fish_completes_too(shop: Project) -> None:
    if not shutil.which("fish"):
        pytest.skip("there is no fish")
    loads = "; ".join(
        f"imagetasks completion fish --program {program} | source" for program in ("imagetasks", "doit")
    )
    for typed, completed in COMPLETED:
        script = f"{loads}; complete --do-complete '{typed}'"
        done = subprocess.run(
            ["fish", "--no-config", "--command", script],
            cwd=shop.folder,
            capture_output=True,
            text=True,
            timeout=TIMEOUT,
            check=True,
        )
        assert [line.partition("\t")[0] for line in done.stdout.splitlines()] == [completed.split(" ")[-1]], (
            done.stderr
        )
