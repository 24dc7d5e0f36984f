"""A project on disk: from its ``devspace.yaml`` and the command line to the plans of a run."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from imagetasks.config.load import load_config
from imagetasks.config.model import Config, GitSource, Image
from imagetasks.config.questions import NO_QUESTIONS, Asker
from imagetasks.config.variables import Value
from imagetasks.context.inputs import DockerInputs
from imagetasks.dependencies import CONFIG_FILE, Checkout, Load, ProjectNode, resolve
from imagetasks.errors import ConfigError, OptionError, Position, ReferenceSyntaxError
from imagetasks.local_clusters import LocalBuilds, find_local_builds
from imagetasks.options import Options
from imagetasks.plan import (
    DeploymentPlan,
    ImagePlan,
    ProjectPlan,
    SecretPlan,
    Selection,
)
from imagetasks.planning import Planner, is_file
from imagetasks.registry.reference import check_tag


class Project(NamedTuple):
    """A configuration and what a run is to do for it and for the projects that it depends on.

    :ivar projects: each after those that it depends on, the user's own last
    :ivar pull_secrets: the pull secrets that their deployments may need
    :ivar warnings: what in their files has no meaning here, a line each
    :ivar left_open: what cannot be known of them without a run, a line each
    """

    config: Config
    projects: tuple[ProjectPlan, ...]
    selection: Selection
    pull_secrets: tuple[SecretPlan, ...] = ()
    warnings: tuple[str, ...] = ()
    left_open: tuple[str, ...] = ()

    @property
    def plans(self) -> tuple[ImagePlan, ...]:
        """The plans of all images that are not disabled, in the order of their files."""
        return tuple(plan for project in self.projects for plan in project.images)

    @property
    def deployments(self) -> tuple[DeploymentPlan, ...]:
        """The plans of all deployments of the run, in their order."""
        return tuple(plan for project in self.projects for plan in project.deployments)

    def check(self) -> None:
        """Look at what the chosen tasks need before any of them starts, unless a hook may yet make it.

        :raises ConfigError: a Dockerfile or a context that is not there
        :raises ClusterError: there is no cluster to deploy to
        """
        for project in self.projects:
            for deployment in project.deployments:
                if self.selection.includes(deployment.task("deploy")):
                    deployment.find_target()
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
        if is_file(folder / CONFIG_FILE):
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
    local = LocalBuilds(None, environ)
    if asker is not None:
        local = find_local_builds(environ, options.kube_context, options.local_contexts)
    planner = Planner(options, environ, nodes[-1].loaded.state_folder, local, secrets)
    for node in nodes:
        planner.add(node)
    planner.check()
    warnings = [warning for config in configs for warning in config.warnings]
    return Project(
        nodes[-1].loaded,
        tuple(planner.projects),
        planner.selection,
        planner.pull_secrets(),
        warnings=(*warnings, *filter(None, [local.warning])),
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


def _check_paths(image: Image, inputs: DockerInputs) -> None:
    for mistake in path_mistakes(image, inputs):
        raise mistake


def path_mistakes(image: Image, inputs: DockerInputs) -> Iterator[ConfigError]:
    """What is wrong with the Dockerfile's path and the context's."""
    if not is_file(inputs.dockerfile_path):
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
