"""What a run is to do for one image: its configuration together with what the command line asks."""

from __future__ import annotations

import fnmatch
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from imagetasks.config.model import CustomBuild, DockerBuild, Image
from imagetasks.context.inputs import Inputs
from imagetasks.state import STATE_FOLDER

ELSEWHERE = "elsewhere:"
"""What the id of an image that is not in the daemon begins with; the rest tells one build from the next."""


def is_elsewhere(image_id: str) -> bool:
    """Whether an image was built by a command that left it elsewhere than in the daemon."""
    return image_id.startswith(ELSEWHERE)


Dependencies = Mapping[str, Iterable[str] | None]
"""For each task the names and patterns of the tasks that it depends on; None where that cannot be known."""


class Selection:
    """The tasks that a run comes to: those that were asked for, and all that they depend on; unknown until chosen."""

    def __init__(self) -> None:
        self._tasks: set[str] | None = None

    def choose(self, words: Iterable[str], dependencies: Dependencies) -> None:
        """Choose by names and patterns of tasks; it stays unknown if one of them, or what one depends on, is."""
        waiting = [word for word in words if not word.startswith("-")]
        chosen: set[str] = set()
        while waiting:
            word = waiting.pop()
            for task in [word] if word in dependencies else fnmatch.filter(dependencies, word) or [word]:
                if task not in chosen:
                    needed = dependencies.get(task)
                    if needed is None:
                        return
                    chosen.add(task)
                    waiting.extend(needed)
        self._tasks = chosen

    def includes(self, task: str) -> bool:
        """Whether the run certainly comes to a task."""
        return self._tasks is not None and task in self._tasks

    def may_include(self, task: str) -> bool:
        """Whether the run may come to a task."""
        return self._tasks is None or task in self._tasks


@dataclass(frozen=True)
class ImagePlan:
    """One image in one run.

    :ivar engine: what builds it, and where (:func:`imagetasks.builders.engine_id`)
    :ivar schema: the tagging schema: the command line's tag, else the image's own; None is the default schema
    :ivar bases: the entries of ``images`` that this one is built FROM, by the name that its Dockerfile gives them
    :ivar force: build it even if nothing has changed
    :ivar pushes: whether this run pushes images
    :ivar selection: which tasks this run comes to
    """

    image: Image
    project: Path
    inputs: Inputs
    engine: str
    schema: str | None = None
    bases: Mapping[str, str] = field(default_factory=dict)
    force: bool = False
    pushes: bool = True
    selection: Selection = field(default_factory=Selection)

    def task(self, kind: str) -> str:
        """The name of one of the image's tasks: ``hash``, ``build``, ``tag`` or ``push``."""
        return f"{kind}:{self.image.name}"

    @property
    def base_names(self) -> tuple[str, ...]:
        """The names of the entries that this one is built FROM, each once."""
        return tuple(dict.fromkeys(self.bases.values()))

    @property
    def log_folder(self) -> Path:
        """Where the logs of the image's tasks go."""
        return self.project / STATE_FOLDER / "logs"

    @property
    def always_builds(self) -> bool:
        """A custom command that does not say what it depends on runs each time (reference, ``onChange``)."""
        return isinstance(self.image.build, CustomBuild) and not self.image.build.on_change

    @property
    def is_pushed(self) -> bool:
        """Whether the image is to end in its registry: neither its settings nor the command line forbid it."""
        build = self.image.build
        return self.pushes and not (isinstance(build, DockerBuild) and build.skip_push)

    @property
    def stays_local(self) -> bool:
        """Whether this run may end with the image in the daemon, because no push of it follows."""
        return not (self.is_pushed and self.selection.includes(self.task("push")))
