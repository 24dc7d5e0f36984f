"""What a project has built into Docker daemons: by this, clean-up knows which images are ours.

doit's database keeps only the last build of an image. This file gets a line for each build, a JSON object::

    {"image": "api", "id": "sha256:…", "names": ["shop/api:x7fk2"], "daemon": "default", "began": 17…, "ended": 17…}
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from imagetasks.private_file import replace_file


class Build(NamedTuple):
    """One build, or further names for what it built.

    :ivar image: the image's name in the graph
    :ivar names: the ``repository:tag`` that it was given
    :ivar daemon: which daemon holds it (:func:`imagetasks.endpoint.daemon_endpoint`)
    :ivar began: when the build began, in seconds since the epoch, as is ``ended``
    """

    image: str
    id: str
    names: tuple[str, ...]
    daemon: str
    began: int
    ended: int


def append_build(file: Path, build: Build) -> None:
    """Add a build, in one write, so that runs side by side do not mix their lines. Raises OSError."""
    file.parent.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(file, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o666)
    try:
        os.write(descriptor, f"{_line(build)}\n".encode())
    finally:
        os.close(descriptor)


def read_builds(file: Path) -> list[Build]:
    """The builds in the order in which they were made; what is damaged is left out. Raises OSError."""
    try:
        lines = file.read_bytes().splitlines()
    except FileNotFoundError:
        return []
    return [build for build in map(_build, lines) if build]


def drop_builds(file: Path, is_gone: Callable[[Build], bool]) -> None:
    """Shorten the file by the builds whose images are gone; call it while no build runs. Raises OSError."""
    builds = read_builds(file)
    left = [build for build in builds if not is_gone(build)]
    if len(left) < len(builds):
        replace_file(file, "".join(f"{_line(build)}\n" for build in left))


def _line(build: Build) -> str:
    return json.dumps(build._asdict())


def _build(line: bytes) -> Build | None:
    try:
        found = Build(**json.loads(line))
        return found._replace(
            image=str(found.image),
            id=str(found.id),
            names=tuple(map(str, found.names)),
            began=int(found.began),
            ended=int(found.ended),
        )
    except (TypeError, ValueError):
        return None
