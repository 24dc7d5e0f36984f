"""A project on disk: from its ``devspace.yaml`` and the command line to the plans of a run."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from imagetasks.builders import engine_id
from imagetasks.config.load import load_config
from imagetasks.config.model import ALL, EACH, Config, CustomBuild, GitSource, Image
from imagetasks.config.questions import NO_QUESTIONS, Asker
from imagetasks.config.variables import Value
from imagetasks.context.inputs import Contexts, CustomInputs, DockerInputs, Inputs
from imagetasks.dependencies import CONFIG_FILE, Checkout, Load, ProjectNode, resolve
from imagetasks.errors import ConfigError, DockerfileError, OptionError, Position, ReferenceSyntaxError
from imagetasks.graph import check_cycles, find_bases
from imagetasks.options import Options
from imagetasks.plan import HookPlan, ImagePlan, ProjectPlan, Selection, name_in_graph
from imagetasks.registry.reference import check_tag


class Project(NamedTuple):
    """A configuration and what a run is to do for it and for the projects that it depends on.

    :ivar projects: each after those that it depends on, the user's own last
    :ivar warnings: what in their files has no meaning here, a line each
    :ivar left_open: what cannot be known of them without a run, a line each
    """

    config: Config
    projects: tuple[ProjectPlan, ...]
    selection: Selection
    warnings: tuple[str, ...] = ()
    left_open: tuple[str, ...] = ()

    @property
    def plans(self) -> tuple[ImagePlan, ...]:
        """The plans of all images that are not disabled, in the order of their files."""
        return tuple(plan for project in self.projects for plan in project.images)

    def check(self) -> None:
        """Look at what the chosen builds need before any of them starts, unless a hook may yet make it.

        :raises ConfigError: a Dockerfile or a context that is not there
        """
        for project in self.projects:
            if project.hooks_at("before", "images"):
                continue
            for plan in project.images:
                if self.selection.includes(plan.task("hash")) and isinstance(plan.inputs, DockerInputs):
                    _check_paths(plan.image, plan.inputs)


def find_config(name: str, start: Path) -> Path:
    """The configuration file: ``name`` if given, else ``devspace.yaml`` in ``start`` or the nearest folder above.

    :raises OptionError: there is none
    """
    if name:
        return start / name
    for folder in (start, *start.parents):
        if _is_file(folder / CONFIG_FILE):
            return folder / CONFIG_FILE
    raise OptionError(f"there is no {CONFIG_FILE} in {start} or a folder above it; name one with --config FILE")


def open_project(
    file: Path,
    options: Options,
    environ: Mapping[str, str] | None = None,
    *,
    asker: Asker | None = NO_QUESTIONS,
) -> Project:
    """Read a project. Dockerfiles are read for the images that they name; one that is missing names none.

    Without an ``asker`` the project is one to be listed: nothing is asked, run or fetched for it, and of a dependency
    that has yet to be fetched only the name is known.

    :raises UserError: a mistake in the configuration, a Dockerfile or the options
    """
    environ = os.environ if environ is None else environ
    if options.tag:
        _check_tag_option(options.tag)
    nodes = read_projects(file, options, environ, asker)
    configs = [node.config for node in nodes if node.config]
    secrets = frozenset(secret for config in configs for secret in config.secrets)
    run = _Run(options, environ, nodes[-1].loaded.state_folder, secrets)
    for node in nodes:
        run.add(node)
    check_cycles(run.plans)
    _check_names_differ(run.projects)
    return Project(
        nodes[-1].loaded,
        tuple(run.projects),
        run.selection,
        warnings=tuple(warning for config in configs for warning in config.warnings),
        left_open=tuple(line for config in configs for line in config.left_open),
    )


def read_projects(
    file: Path,
    options: Options,
    environ: Mapping[str, str],
    asker: Asker | None,
    *,
    checkout: Checkout | None = None,
    load: Load | None = None,
) -> list[ProjectNode]:
    """The configurations of a project, which is the last, and of those that it depends on.

    Without an ``asker`` nothing is asked, run or fetched.

    :param checkout: where dependencies from git are; without it each is fetched once
    :param load: what reads a configuration; without it a mistake in one ends the reading
    :raises UserError: a mistake in a configuration, or a dependency that cannot be fetched
    """

    def loaded(file: Path, handed: Mapping[str, Value], profiles: Sequence[str]) -> Config:
        return load_config(
            file, variables=options.variables, profiles=profiles, environ=environ, asker=asker, handed=handed
        )

    def fetched(source: GitSource, start: Path, position: Position | None) -> Path | None:
        from imagetasks.git_sources import Repository

        repository = Repository(source, start, environ, position)
        if not repository.is_here and asker is None:
            return None
        repository.fetch()
        return repository.folder

    load = load or loaded
    config = load(file, {}, options.profiles)
    if not config.dependencies:
        return [ProjectNode(config=config)]
    return resolve(config, options.profiles, load, checkout or fetched, lists_only=asker is None)


class _Run:
    """Makes the plans of one run, project after project, each after those that it depends on."""

    def __init__(
        self, options: Options, environ: Mapping[str, str], state_folder: Path, secrets: frozenset[str]
    ) -> None:
        self._options = options
        self._environ = environ
        self._state_folder = state_folder
        self._secrets = secrets
        self._within_reach: dict[str, dict[str, Image]] = {}
        self._contexts = Contexts()
        self.selection = Selection()
        self.projects: list[ProjectPlan] = []

    @property
    def plans(self) -> list[ImagePlan]:
        return [plan for project in self.projects for plan in project.images]

    def add(self, node: ProjectNode) -> None:
        """Make the plan of a project."""
        if node.config is None:
            self.projects.append(ProjectPlan(node.name, is_known=False))
            self._within_reach[node.name] = {}
            return
        config = node.config
        images = () if node.skip_build else tuple(image for image in config.images if not image.disabled)
        reachable = {name: image for need in node.needs for name, image in self._within_reach[need].items()}
        reachable.update((name_in_graph(image.name, node.name), image) for image in images)
        self._within_reach[node.name] = reachable
        plans = tuple(self._image_plan(image, config, node.name, reachable) for image in images)
        hooks = tuple(
            plan._replace(secrets=self._secrets)
            for plan in _hook_plans(config, images, node.name, self._state_folder / "logs")
        )
        self.projects.append(ProjectPlan(node.name, plans, config.deployments, hooks, tuple(node.needs)))

    def _image_plan(self, image: Image, config: Config, dependency: str, reachable: Mapping[str, Image]) -> ImagePlan:
        inputs = _inputs(image, config, self._contexts)
        return ImagePlan(
            image=image,
            project=config.folder,
            inputs=inputs,
            engine=engine_id(image.build, self._environ),
            schemas=(self._options.tag,) if self._options.tag else image.tags,
            bases=_bases(image, inputs, reachable),
            force=self._options.force_build,
            pushes=not self._options.skip_push,
            selection=self.selection,
            dependency=dependency,
            state_folder=self._state_folder,
            secrets=self._secrets,
        )


def _hook_plans(config: Config, images: Sequence[Image], dependency: str, log_folder: Path) -> tuple[HookPlan, ...]:
    """The plans of a file's hooks: numbered among those of one time, and for ``EACH`` one for each of its kind."""
    repositories = {image.name: image.image for image in images}
    of_stage = {"images": list(repositories), "deployments": [one.name for one in config.deployments]}
    numbers: Counter[str] = Counter()
    plans = []
    for entry in config.hooks:
        names = of_stage[entry.stage]
        targets = [ALL] if entry.target == ALL else [name for name in names if entry.target in (EACH, name)]
        for target in targets:
            hook = entry._replace(target=target)
            time = f"{hook.when}-{hook.stage}{'' if target == ALL else f'-{target}'}"
            numbers[time] += 1
            name = name_in_graph(f"{time}-{numbers[time]}", dependency)
            environ = _hook_environ(target, repositories) if hook.stage == "images" else {}
            told = {image: name_in_graph(image, dependency) for image in hook.images if image in repositories}
            plans.append(HookPlan(hook, name, config.folder, log_folder, environ, told))
    return tuple(plans)


def _hook_environ(image: str, repositories: Mapping[str, str]) -> dict[str, str]:
    """What later versions tell the hook of one image (upstream's example ``hooks``)."""
    if image not in repositories:
        return {}
    return {"DEVSPACE_HOOK_IMAGE_NAME": repositories[image], "DEVSPACE_HOOK_IMAGE_CONFIG_NAME": image}


def _check_names_differ(projects: Sequence[ProjectPlan]) -> None:
    """Refuse an image or deployment of one project that has the same name in the graph as one of another."""
    first: dict[str, tuple[str, Position | None]] = {}
    for project in projects:
        tasks = [(plan.task("build"), plan.image.position("")) for plan in project.images]
        tasks += [(project.deploy_task(deployment), deployment.position) for deployment in project.deployments]
        for task, position in tasks:
            dependency, place = first.setdefault(task, (project.name, position))
            if dependency != project.name:
                raise ConfigError(
                    f"the task {task} is also that of the dependency {dependency} ({place}); "
                    "give the dependency another `name`",
                    position,
                )


def _inputs(image: Image, config: Config, contexts: Contexts) -> Inputs:
    if isinstance(image.build, CustomBuild):
        return CustomInputs(image.build, config.folder)
    return DockerInputs(image, config.folder, contexts)


def _bases(image: Image, inputs: Inputs, images: Mapping[str, Image]) -> dict[str, str]:
    if not isinstance(inputs, DockerInputs):
        return {}
    if not _is_file(inputs.dockerfile_path):
        return {}
    try:
        return find_bases(image, inputs.image_names(), images)
    except DockerfileError as error:
        raise error if error.position else ConfigError(error.message, image.position("target")) from error


def _is_file(path: Path) -> bool:
    """Whether a path leads to a file that is there for us; Path.is_file raises where a folder may not be entered."""
    return os.path.isfile(path)  # noqa: PTH113


def _check_paths(image: Image, inputs: DockerInputs) -> None:
    for mistake in path_mistakes(image, inputs):
        raise mistake


def path_mistakes(image: Image, inputs: DockerInputs) -> Iterator[ConfigError]:
    """What is wrong with the Dockerfile's path and the context's."""
    if not _is_file(inputs.dockerfile_path):
        yield ConfigError(
            f"the Dockerfile {image.dockerfile} of image {image.name} {_fault(inputs.dockerfile_path, 'file')}; "
            "`dockerfile` is a path from the folder of this file",
            image.position("dockerfile"),
        )
    if not os.path.isdir(inputs.folder):  # noqa: PTH112
        yield ConfigError(
            f"the context {image.context} of image {image.name} {_fault(inputs.folder, 'folder')}; "
            "`context` is a folder's path from the folder of this file",
            image.position("context"),
        )


def _fault(path: Path, kind: str) -> str:
    return f"is no {kind}" if os.path.lexists(path) else "is not there"


def _check_tag_option(tag: str) -> None:
    try:
        check_tag(tag)
    except ReferenceSyntaxError as error:
        raise OptionError(f"--tag: {error.message}") from None
