"""One build engine a module, all behind the interface in :mod:`imagetasks.builders.base`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from imagetasks.config.model import CustomBuild, DockerBuild, Engine, Image
from imagetasks.endpoint import daemon_endpoint
from imagetasks.errors import BuildError

if TYPE_CHECKING:
    from imagetasks.builders.base import BuildContext, Builder

__all__ = ["builder_for", "engine_id", "engine_name"]


def engine_name(build: Engine) -> str:
    """The engine in a word, as task docs and records name it."""
    match build:
        case CustomBuild():
            return "custom"
        case DockerBuild(use_buildkit=True):
            return "buildkit"
        case DockerBuild():
            return "docker"
        case _:
            return "kaniko"


def engine_id(build: Engine, environ: Mapping[str, str]) -> str:
    """What a build is done by, and where: two builds by one engine have one id."""
    name = engine_name(build)
    return f"{name} {daemon_endpoint(environ)}" if isinstance(build, DockerBuild) else name


def builder_for(image: Image, project: Path, open_context: Callable[[], BuildContext]) -> Builder:
    """The engine that an image's settings ask for.

    :param project: the project's folder
    :param open_context: called by the engines that send a context
    :raises BuildError: the engine cannot build here
    """
    build = image.build
    match build:
        case CustomBuild():
            from imagetasks.builders.custom import CustomBuilder

            return CustomBuilder(build, image.name, project)
        case DockerBuild(use_buildkit=buildkit, args=args) if build.needs_cli:
            from imagetasks.builders.docker_cli import DockerCliBuilder

            return DockerCliBuilder(build.options, open_context(), args, buildkit)
        case DockerBuild():
            from imagetasks.builders.docker import DockerBuilder

            return DockerBuilder(build.options, open_context())
        case _:
            raise BuildError("building with kaniko needs a cluster, which this version does not use yet")
