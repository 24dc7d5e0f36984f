"""What is measured, against what, and what it must not exceed."""

from __future__ import annotations

import contextlib
import sys
import sysconfig
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from measure import Command, medians, run
from trees import Project, Tree, project

DOIT = str(Path(sysconfig.get_path("scripts")) / "doit")
BUILD = (DOIT, "build", "--skip-push")
GIT_STATUS = ("git", "status", "--porcelain")
SHA256SUM = ("sh", "-c", "find . -path ./.git -prune -o -type f -print0 | xargs -0 -P2 sha256sum")

LARGE = Tree(images=10, files=10_000, ignored=5_000)
MEDIUM = Tree(images=10, files=1_000)
SMALL = Tree(images=3, files=20)
MANY_FILES = Tree(images=1, files=100_000)
TO_SEND = Tree(images=1, files=10_000, file_size=20_000)
DEPLOYED = Tree(images=10, files=3, deployed=True)
WAITING = Tree(images=8, files=3, dockerfile="FROM busybox:1.36\nCOPY src /src\nRUN sleep 3\n")


@dataclass(frozen=True)
class Result:
    """One line of the table: what was measured, what it is compared with, and by how much of ``unit`` they differ."""

    ours: str
    other: str
    measured: float
    unit: str
    goal: float
    never: float

    @classmethod
    def ratio(cls, ours: float, name: str, other: float, goal: float, never: float = 0) -> Result:
        """Seconds by seconds; ``never`` is the goal if not given."""
        return cls(_milliseconds(ours), f"{name}: {_milliseconds(other)}", ours / other, "x", goal, never or goal)

    @classmethod
    def difference(cls, ours: float, name: str, other: float, goal: float, never: float) -> Result:
        """Seconds less seconds, in milliseconds."""
        above = (ours - other) * 1000
        return cls(_milliseconds(ours), f"{name}: {_milliseconds(other)}", above, "ms more", goal, never)

    @classmethod
    def memory(cls, megabytes: float, goal: float) -> Result:
        return cls(f"{megabytes:.0f} MB", "", megabytes, "MB", goal, goal)


def no_op_large(rounds: int) -> Result:
    with project(LARGE) as made, unchanged(made) as build:
        ours, git = medians(rounds, build, Command(made.folder, GIT_STATUS))
    return Result.ratio(ours, "`git status`", git, 2, 3.5)


def no_op_medium(rounds: int) -> Result:
    with project(MEDIUM) as made, unchanged(made) as build, bare_list() as bare:
        ours, floor = medians(rounds, build, bare)
    return Result.difference(ours, "`doit list`", floor, 100, 150)


def no_op_small(rounds: int) -> Result:
    with project(SMALL) as made, unchanged(made) as build, bare_list() as bare:
        ours, floor = medians(rounds, build, bare)
    return Result.ratio(ours, "`doit list`", floor, 1.3, 1.6)


def hashing(rounds: int) -> Result:
    with project(MANY_FILES) as made:
        first = Command(made.folder, (DOIT, "hash"), before=made.forget)
        ours, other = medians(rounds, first, Command(made.folder, SHA256SUM))
    return Result.ratio(ours, "`sha256sum` twice at once", other, 1)


def growth(rounds: int) -> Result:
    with contextlib.ExitStack() as stack:
        trees = (Tree(images=10, files=files) for files in (10_000, 1_000, 3))
        builds = [stack.enter_context(unchanged(stack.enter_context(project(tree)))) for tree in trees]
        ours, tenth, floor = medians(rounds, *builds)
    return Result.ratio(ours - floor, "a tenth of the files", tenth - floor, 10.5)


def one_context(rounds: int) -> Result:
    with project(Tree(images=30, files=10_000, one_context=True)) as made, unchanged(made) as build:
        one = Command(made.folder, (DOIT, "build:image-0", "--skip-push"))
        ours, other = medians(rounds, build, one)
    return Result.ratio(ours, "one image", other, 1.5)


def no_op_memory(_: int) -> Result:
    with project(MANY_FILES) as made, unchanged(made) as build:
        return Result.memory(build.peak_memory(), 150)


def sending(rounds: int) -> Result:
    with project(TO_SEND) as made:
        docker = ("docker", "build", "--label", made.label, "image-0")
        commands = [Command(made.folder, call, before=made.change) for call in (BUILD, docker)]
        ours, other = medians(rounds, *commands)
    return Result.ratio(ours, "`docker build`", other, 1.05)


def sending_memory(_: int) -> Result:
    with project(TO_SEND) as made:
        return Result.memory(Command(made.folder, BUILD).peak_memory(), 100)


def waiting(rounds: int) -> Result:
    with project(WAITING) as made:
        calls = (BUILD, (DOIT, "build:image-0", "--skip-push"))
        ours, other = medians(rounds, *(Command(made.folder, call, before=made.change) for call in calls))
    return Result.ratio(ours, "one image", other, 1.3)


def no_op_deploy(rounds: int) -> Result:
    with project(DEPLOYED) as made, unchanged(made) as build, deployed(made) as deploy:
        ours, other = medians(rounds, deploy, build)
    return Result.difference(ours, "no-op `doit build`", other, 700, 700)


CASES: dict[str, tuple[str, Callable[[int], Result]]] = {
    "no-op-large": ("no-op, 10 images with 10,000 files each, and 50,000 ignored", no_op_large),
    "no-op-medium": ("no-op, 10 images with 1,000 files each", no_op_medium),
    "no-op-small": ("no-op, 3 images with 20 files each", no_op_small),
    "hashing": ("first hashing of 100,000 files", hashing),
    "growth": ("no-op of 10 times the files, above that of none", growth),
    "one-context": ("no-op, 30 images of one context with 10,000 files", one_context),
    "no-op-memory": ("memory of the no-op at 100,000 files", no_op_memory),
    "sending": ("build of one image, 10,000 files, 200 MB, one of them changed", sending),
    "sending-memory": ("memory of that build", sending_memory),
    "no-op-deploy": ("no-op `doit deploy`, 10 deployments", no_op_deploy),
    "waiting": ("8 images that each wait 3 s in a RUN", waiting),
}

NEED_CLUSTER = frozenset({"no-op-deploy"})


@contextlib.contextmanager
def unchanged(made: Project) -> Iterator[Command]:
    """The build of a project in which all is built; it must not make another image."""
    build = Command(made.folder, BUILD)
    build.seconds()
    images = made.images()
    yield build
    if made.images() != images:
        sys.exit("A build that should have had nothing to do made an image.")


@contextlib.contextmanager
def deployed(made: Project) -> Iterator[Command]:
    """The deployment of a project whose deployments are all in the cluster, in a namespace that goes at the end."""
    deploy = Command(made.folder, (DOIT, "deploy", "--skip-push", "--namespace", made.namespace))
    try:
        deploy.seconds()
        yield deploy
    finally:
        run(["kubectl", "delete", "namespace", made.namespace, "--ignore-not-found", "--wait=false"], made.folder)


@contextlib.contextmanager
def bare_list() -> Iterator[Command]:
    """``doit list`` where there is one task: what doit itself costs."""
    with tempfile.TemporaryDirectory(prefix="bench-dodo-") as name:
        (Path(name) / "dodo.py").write_text("def task_hello():\n    return {'actions': ['echo hello']}\n")
        yield Command(Path(name), (DOIT, "list"))


def _milliseconds(seconds: float) -> str:
    return f"{seconds * 1000:,.0f} ms"
