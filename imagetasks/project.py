"""A project on disk: from its ``devspace.yaml`` and the command line to the plans of a run."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from imagetasks.builders import engine_id
from imagetasks.config.load import load_config
from imagetasks.config.model import Config, CustomBuild, Image
from imagetasks.context.inputs import CustomInputs, DockerInputs, Inputs
from imagetasks.errors import ConfigError, DockerfileError, OptionError, ReferenceSyntaxError
from imagetasks.graph import check_cycles, find_bases
from imagetasks.options import Options
from imagetasks.plan import ImagePlan, Selection
from imagetasks.registry.reference import check_tag

CONFIG_FILE = "devspace.yaml"


@dataclass(frozen=True)
class Project:
    """A configuration with the plans of its images, those that are not disabled, in the order of the file."""

    config: Config
    plans: tuple[ImagePlan, ...]
    selection: Selection

    def check(self) -> None:
        """Look at what the chosen builds need before any of them starts.

        :raises ConfigError: a Dockerfile or a context that is not there
        """
        for plan in self.plans:
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


def open_project(file: Path, options: Options, environ: Mapping[str, str] | None = None) -> Project:
    """Read a project. Dockerfiles are read for the images that they name; one that is missing names none.

    :raises UserError: a mistake in the configuration, a Dockerfile or the options
    """
    environ = os.environ if environ is None else environ
    if options.tag:
        _check_tag_option(options.tag)
    config = load_config(file, variables=options.variables, profiles=options.profiles, environ=environ)
    images = tuple(image for image in config.images if not image.disabled)
    selection = Selection()
    plans = []
    for image in images:
        inputs = _inputs(image, config)
        plans.append(
            ImagePlan(
                image=image,
                project=config.folder,
                inputs=inputs,
                engine=engine_id(image.build, environ),
                schema=options.tag or image.tag,
                bases=_bases(image, inputs, images),
                force=options.force_build,
                pushes=not options.skip_push,
                selection=selection,
            )
        )
    check_cycles(plans)
    return Project(config, tuple(plans), selection)


def _inputs(image: Image, config: Config) -> Inputs:
    if isinstance(image.build, CustomBuild):
        return CustomInputs(image.build, config.folder)
    return DockerInputs(image, config.folder)


def _bases(image: Image, inputs: Inputs, images: Sequence[Image]) -> dict[str, str]:
    if not isinstance(inputs, DockerInputs):
        return {}
    if not _is_file(inputs.dockerfile_path):
        return {}
    try:
        return find_bases(image, inputs.image_names(), images)
    except DockerfileError as error:
        raise error if error.position else ConfigError(error.message, image.position("build")) from error


def _is_file(path: Path) -> bool:
    """Whether a path leads to a file that is there for us; Path.is_file raises where a folder may not be entered."""
    return os.path.isfile(path)  # noqa: PTH113


def _check_paths(image: Image, inputs: DockerInputs) -> None:
    if not _is_file(inputs.dockerfile_path):
        raise ConfigError(
            f"the Dockerfile {image.dockerfile} of image {image.name} {_fault(inputs.dockerfile_path, 'file')}; "
            "`dockerfile` is a path from the folder of this file",
            image.position("dockerfile"),
        )
    if not os.path.isdir(inputs.folder):  # noqa: PTH112
        raise ConfigError(
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
