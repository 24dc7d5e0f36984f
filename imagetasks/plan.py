"""What a run is to do for one image: its configuration together with what the command line asks."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from pathlib import Path

from imagetasks.config.model import CustomBuild, DockerBuild, Image
from imagetasks.context.inputs import Inputs
from imagetasks.registry.tags import is_volatile


class Selection:
    """The tasks that a run may come to: those that were asked for, and all that they depend on."""

    def __init__(self) -> None:
        self._tasks: set[str] | None = None

    def choose(self, words: Iterable[str], dependencies: Mapping[str, Iterable[str]]) -> None:
        """Choose by the task names and patterns among ``words``; with none of them, every task is chosen."""
        waiting = [task for word in words for task in dependencies if task == word or fnmatchcase(task, word)]
        chosen: set[str] = set()
        while waiting:
            task = waiting.pop()
            if task not in chosen:
                chosen.add(task)
                waiting.extend(dependencies.get(task, ()))
        self._tasks = chosen or None

    def __contains__(self, task: str) -> bool:
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
    def state_folder(self) -> Path:
        """The project's ``.devspace/``."""
        return self.project / ".devspace"

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
        """Whether this run is to leave the image in the daemon, because no push of it follows."""
        return not self.is_pushed or self.task("push") not in self.selection

    @property
    def fixed_tag(self) -> str | None:
        """The tag, where the schema leaves no choice."""
        if self.schema is None or is_volatile(self.schema):
            return None
        return self.schema
