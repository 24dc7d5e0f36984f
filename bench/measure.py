"""How long programs take, and how much memory."""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

# The classic builder for `docker build`, and a locale in which sorting costs nothing.
ENVIRONMENT = {**os.environ, "DOCKER_BUILDKIT": "0", "LC_ALL": "C"}


def nothing() -> None:
    """What most commands need before them."""


@dataclass(frozen=True)
class Command:
    """A program in a folder, and what has to be done before each time it runs, which is not timed."""

    folder: Path
    call: tuple[str, ...]
    before: Callable[[], None] = nothing

    def seconds(self) -> float:
        self.before()
        start = time.perf_counter()
        run(self.call, self.folder)
        return time.perf_counter() - start

    def peak_memory(self) -> float:
        """In MB, of the program itself."""
        self.before()
        process = subprocess.Popen(self.call, cwd=self.folder, env=ENVIRONMENT, stdout=subprocess.DEVNULL)
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode != 0:
            sys.exit(f"{' '.join(self.call)} failed.")
        return usage.ru_maxrss * (1 if sys.platform == "darwin" else 1024) / 1e6


def run(call: Sequence[str], folder: Path) -> str:
    """Standard output of a program; where it fails, its output is shown and the benchmark ends."""
    done = subprocess.run(call, cwd=folder, env=ENVIRONMENT, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        sys.exit(f"{' '.join(call)} failed:\n{done.stdout}{done.stderr}")
    return done.stdout


def medians(rounds: int, *commands: Command) -> list[float]:
    """The median of each command's seconds. They take turns, so that a busy machine slows all of them alike.

    Each runs once before that, which is not counted.
    """
    for command in commands:
        command.seconds()
    times = [[command.seconds() for command in commands] for _ in range(rounds)]
    return [statistics.median(each) for each in zip(*times, strict=True)]
