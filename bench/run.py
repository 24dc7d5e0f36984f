"""Measures what a user waits for when nothing has changed, and how much memory a build takes.

Times are medians of rounds in which all commands take turns, so that a busy machine slows all of them alike:

- ``doit build`` (``--skip-push``) with nothing to do
- ``doit list --all`` in the same project
- ``doit list`` of a one-task ``dodo.py``: what doit itself costs
- ``git status --porcelain`` on the same tree
- ``docker build`` (classic) of all images, one after the other, with everything cached

Needs a Docker daemon. Images and folders are removed at the end.
"""

from __future__ import annotations

import argparse
import os
import shutil
import statistics
import subprocess
import sys
import sysconfig
import tempfile
import time
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from trees import Tree, make

CASES = (Tree(images=3, files=20), Tree(images=10, files=1_000), Tree(images=10, files=10_000, ignored=5_000))
MEMORY_CASE = Tree(images=1, files=10_000, file_size=20_000)
DOIT = str(Path(sysconfig.get_path("scripts")) / "doit")
BUILD = (DOIT, "build", "--skip-push")
BASELINE = "doit list, one task"


@dataclass(frozen=True)
class Command:
    """What is timed: programs that run one after the other in one folder."""

    name: str
    folder: Path
    calls: tuple[tuple[str, ...], ...]

    def seconds(self) -> float:
        start = time.perf_counter()
        for call in self.calls:
            run(call, self.folder)
        return time.perf_counter() - start


def run(call: Sequence[str], folder: Path) -> str:
    """Standard output of a program; where it fails, its output is shown and the benchmark ends."""
    environment = {**os.environ, "DOCKER_BUILDKIT": "0"}
    done = subprocess.run(call, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        sys.exit(f"{' '.join(call)} failed:\n{done.stdout}{done.stderr}")
    return done.stdout


@contextmanager
def project(tree: Tree) -> Iterator[tuple[Path, str]]:
    """A folder with the tree in it, and the namespace of its images."""
    namespace = f"bench-{uuid.uuid4().hex[:8]}"
    folder = Path(tempfile.mkdtemp(prefix=f"{namespace}-"))
    try:
        make(tree, folder, namespace)
        yield folder, namespace
    finally:
        shutil.rmtree(folder)
        if images := images_of(namespace):
            run(["docker", "rmi", "--force", *images], Path.cwd())


def images_of(namespace: str) -> list[str]:
    listing = ["docker", "images", "--format", "{{.Repository}}:{{.Tag}}", f"{namespace}/*"]
    return sorted(run(listing, Path.cwd()).split())


@contextmanager
def one_task_folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="bench-dodo-") as name:
        (Path(name) / "dodo.py").write_text("def task_hello():\n    return {'actions': ['echo hello']}\n")
        yield Path(name)


def commands(tree: Tree, folder: Path, namespace: str, one_task: Path) -> list[Command]:
    builds = tuple(("docker", "build", "--quiet", "--tag", f"{namespace}/{name}:plain", name) for name in tree.names)
    return [
        Command("doit build, no-op", folder, (BUILD,)),
        Command("doit list --all", folder, ((DOIT, "list", "--all"),)),
        Command(BASELINE, one_task, ((DOIT, "list"),)),
        Command("git status --porcelain", folder, (("git", "status", "--porcelain"),)),
        Command("docker build, all cached", folder, builds),
    ]


def time_case(tree: Tree, rounds: int) -> None:
    with project(tree) as (folder, namespace), one_task_folder() as one_task:
        compared = commands(tree, folder, namespace, one_task)
        for command in compared:
            command.seconds()
        images = images_of(namespace)
        measured: dict[str, list[float]] = {command.name: [] for command in compared}
        for _ in range(rounds):
            for command in compared:
                measured[command.name].append(command.seconds())
        if images_of(namespace) != images:
            sys.exit("A build that should have had nothing to do made an image.")
    show(tree, {name: statistics.median(times) for name, times in measured.items()})


def show(tree: Tree, medians: dict[str, float]) -> None:
    ignored = f" and {tree.ignored} ignored" if tree.ignored else ""
    print(f"\n{tree.images} images, {tree.files} files{ignored} each")
    for name, median in medians.items():
        print(f"  {name:26}{median * 1000:9.0f} ms {median / medians[BASELINE]:8.2f} x")


def peak_memory(tree: Tree) -> None:
    with project(tree) as (folder, _):
        process = subprocess.Popen(BUILD, cwd=folder, stdout=subprocess.DEVNULL)
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode != 0:
        sys.exit("The build whose memory is measured failed.")
    in_bytes = usage.ru_maxrss * (1 if sys.platform == "darwin" else 1024)
    megabytes = tree.files * tree.file_size / 1e6
    print(f"\nPeak memory of a build of {tree.files} files, {megabytes:.0f} MB: {in_bytes / 1e6:.0f} MB")


def main() -> None:
    named = {str(tree): tree for tree in CASES}
    parser = argparse.ArgumentParser(description="Measure no-op builds and the memory of a build.")
    parser.add_argument("--case", choices=[*named, "memory"], help="this one alone (default: all)")
    parser.add_argument("--rounds", type=int, default=3, help="how often each command is timed (default: 3)")
    options = parser.parse_args()
    for name, tree in named.items():
        if options.case in (None, name):
            time_case(tree, options.rounds)
    if options.case in (None, "memory"):
        peak_memory(MEMORY_CASE)


if __name__ == "__main__":
    main()
