"""What a run is to do for images, hooks and projects: their configuration and what the command line asks."""

import fnmatch
import os
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import NamedTuple

from imagetasks.config.model import ALL, REBUILD_ALWAYS, CustomBuild, Deployment, DockerBuild, Hook, Image
from imagetasks.context.inputs import Inputs
from imagetasks.kubeconfig import Target
from imagetasks.local_clusters import LocalCluster
from imagetasks.state import HISTORY_FILE, STATE_FOLDER

_NOTHING: Mapping[str, str] = {}

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


def name_in_graph(name: str, dependency: str) -> str:
    """What an image, deployment or hook is called in the names of tasks: by itself, or after its dependency."""
    return f"{dependency}.{name}" if dependency else name


class ImagePlan(NamedTuple):
    """One image in one run.

    :ivar project: the folder of the project that the image belongs to
    :ivar engine: what builds it, and where (:func:`imagetasks.builders.engine_id`)
    :ivar selection: which tasks this run comes to
    :ivar find_target: finds the cluster and the namespace that kaniko builds in; raises ClusterError
    :ivar schemas: the tagging schemas: the command line's tag, else the image's own; without one the default holds
    :ivar bases: the images of this run that this one is built FROM, by the name that its Dockerfile gives them
    :ivar force: build it even if nothing has changed
    :ivar skips_build: take the image of the last build, whatever has changed
    :ivar pushes: whether this run pushes images
    :ivar environ: the environment that leads to the daemon
    :ivar cluster: the local cluster that is deployed to, if its nodes are to get the image without a registry
    :ivar dependency: the name of the dependency that the image belongs to, empty for the user's own project
    :ivar state_folder: where the run keeps its logs; without it that of ``project``
    :ivar secrets: what its logs do not show
    """

    image: Image
    project: Path
    inputs: Inputs
    engine: str
    selection: Selection
    find_target: Callable[[], Target]
    schemas: tuple[str, ...] = ()
    bases: Mapping[str, str] = _NOTHING
    force: bool = False
    skips_build: bool = False
    pushes: bool = True
    environ: Mapping[str, str] = os.environ
    cluster: LocalCluster | None = None
    dependency: str = ""
    state_folder: Path | None = None
    secrets: frozenset[str] = frozenset()

    def __repr__(self) -> str:
        return f"ImagePlan({self.name!r})"  # without secrets

    @property
    def name(self) -> str:
        """The image's name in the names of tasks: ``api``, or ``shop.api`` for one of the dependency ``shop``."""
        return name_in_graph(self.image.name, self.dependency)

    def task(self, kind: str) -> str:
        """The name of one of the image's tasks: ``hash``, ``build``, ``tag`` or ``push``."""
        return f"{kind}:{self.name}"

    @property
    def base_names(self) -> tuple[str, ...]:
        """The names in the graph of the images that this one is built FROM, each once."""
        return tuple(dict.fromkeys(self.bases.values()))

    @property
    def log_folder(self) -> Path:
        """Where the logs of the image's tasks go."""
        return self._state_folder / "logs"

    @property
    def manifest_file(self) -> Path:
        """Where it is kept what the image was last built from."""
        return self._state_folder / "manifests" / self.name

    @property
    def history_file(self) -> Path:
        """Where it is kept what the project has built (:mod:`imagetasks.history`)."""
        return self._state_folder / HISTORY_FILE

    @property
    def _state_folder(self) -> Path:
        return self.state_folder or self.project / STATE_FOLDER

    @property
    def always_builds(self) -> bool:
        """Whether it is built each time: by a custom command that does not say what it depends on (reference,
        ``onChange``), or because the user wants it so (``rebuildStrategy``, which custom commands know nothing of).
        """
        if isinstance(self.image.build, CustomBuild):
            return not self.image.build.on_change
        return self.image.rebuild_strategy == REBUILD_ALWAYS

    @property
    def is_pushed(self) -> bool:
        """Whether the image is to leave the daemon: nothing forbids it, or it is loaded into nodes of a cluster."""
        return self.cluster.is_loaded if self.cluster else self.may_push

    @property
    def may_push(self) -> bool:
        """Whether nothing forbids that the image goes to its registry."""
        build = self.image.build
        return self.pushes and not (isinstance(build, DockerBuild) and build.skip_push)

    @property
    def destination(self) -> str:
        """Where a push brings it: a local cluster, or, if empty, its registry."""
        return " ".join(self.cluster) if self.cluster else ""

    @property
    def stays_local(self) -> bool:
        """Whether this run may end with the image in the daemon, because no push of it follows."""
        return not (self.is_pushed and self.selection.includes(self.task("push")))


class DeploymentPlan(NamedTuple):
    """One deployment in one run.

    :ivar name: its name in the graph: ``backend``, or ``shop.backend`` for one of the dependency ``shop``
    :ivar project: the folder of the project that it belongs to
    :ivar images: those of the run that it names
    :ivar find_target: finds where it goes to; raises ClusterError
    :ivar force: deploy it even if nothing has changed
    :ivar secrets: what its logs do not show
    """

    deployment: Deployment
    name: str
    project: Path
    log_folder: Path
    images: tuple[ImagePlan, ...]
    find_target: Callable[[], Target]
    force: bool = False
    secrets: frozenset[str] = frozenset()

    def task(self, kind: str) -> str:
        """The name of one of its tasks: ``deploy`` or ``purge``."""
        return f"{kind}:{self.name}"


class SecretPlan(NamedTuple):
    """The pull secrets for one registry in one run.

    :ivar registry: its host, as image references have it
    :ivar find_targets: finds the cluster and the namespaces that are deployed to; raises ClusterError
    """

    registry: str
    find_targets: Callable[[], tuple[Target, ...]]

    @property
    def task(self) -> str:
        """The name of its task."""
        return f"secret:{self.registry}"


class HookPlan(NamedTuple):
    """One hook in one run; a hook for each image or deployment is one of these for each of them.

    :ivar name: its name in the graph, such as ``before-images-1`` or ``after-deployments-api-2``
    :ivar project: the folder that its command runs in
    :ivar environ: what its command finds in its environment beside what we have there
    :ivar images: the images whose references its command line is told, by the names that it has for them
    :ivar secrets: what its log does not show
    """

    hook: Hook
    name: str
    project: Path
    log_folder: Path
    environ: Mapping[str, str] = _NOTHING
    images: Mapping[str, str] = _NOTHING
    secrets: frozenset[str] = frozenset()

    @property
    def task(self) -> str:
        """The name of its task."""
        return f"hook:{self.name}"


class ProjectPlan(NamedTuple):
    """One project in one run: the user's own, or one that it depends on.

    :ivar name: the dependency's name, empty for the user's own project
    :ivar needs: the names of the projects that have to be built and deployed before this one
    :ivar is_known: whether it is here; what a dependency that has yet to be fetched holds is not known
    """

    name: str = ""
    images: tuple[ImagePlan, ...] = ()
    deployments: tuple[DeploymentPlan, ...] = ()
    hooks: tuple[HookPlan, ...] = ()
    needs: tuple[str, ...] = ()
    is_known: bool = True

    def hooks_at(self, when: str, stage: str, target: str = ALL) -> list[HookPlan]:
        """The hooks that run at one time, in their order."""
        return [
            plan
            for plan in self.hooks
            if (plan.hook.when, plan.hook.stage, plan.hook.target) == (when, stage, target)
        ]
