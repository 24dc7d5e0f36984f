"""One build engine a module, all behind the interface in :mod:`imagetasks.builders.base`."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from imagetasks.config.model import CustomBuild, DockerBuild, Engine, Image, KanikoBuild
from imagetasks.endpoint import daemon_endpoint
from imagetasks.errors import ClusterError, DaemonError

if TYPE_CHECKING:
    from imagetasks.builders.base import BuildContext, Builder
    from imagetasks.kubeconfig import Target

__all__ = ["InCluster", "builder_for", "can_fall_back", "engine_id", "engine_name"]


class InCluster(NamedTuple):
    """What a build in the cluster has to know beside its image.

    :ivar find_target: finds the cluster and the namespace; raises ClusterError
    :ivar tags: further tags that the image is pushed under
    :ivar pushes: whether it is pushed at all
    """

    find_target: Callable[[], Target]
    tags: tuple[str, ...] = ()
    pushes: bool = True


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


def can_fall_back(build: Engine, find_target: Callable[[], Target]) -> bool:
    """Whether kaniko builds where no daemon answers: nothing forbids it, and a cluster is known."""
    if not isinstance(build, DockerBuild) or build.disable_fallback:
        return False
    try:
        find_target()
    except ClusterError:
        return False
    return True


def builder_for(
    image: Image,
    project: Path,
    open_context: Callable[[], BuildContext],
    environ: Mapping[str, str],
    in_cluster: InCluster,
) -> Builder:
    """The engine that an image's settings ask for or, where no daemon answers, the one that takes its place.

    :param project: the project's folder
    :param open_context: called by the engines that send a context
    :param environ: the environment that leads to the daemon
    :raises UserError: the engine cannot build here
    """
    build = _engine_here(image, environ, in_cluster.find_target)
    match build:
        case CustomBuild():
            from imagetasks.builders.custom import CustomBuilder

            return CustomBuilder(build, image.name, project)
        case DockerBuild(use_buildkit=buildkit, args=args) if build.needs_cli:
            from imagetasks.builders.docker_cli import DockerCliBuilder

            return DockerCliBuilder(build.options, open_context(), args, buildkit, environ)
        case DockerBuild():
            from imagetasks.builders.docker import DockerBuilder

            return DockerBuilder(build.options, open_context(), environ)
        case KanikoBuild():
            from imagetasks.builders.kaniko import KanikoBuilder
            from imagetasks.cluster.client import Cluster

            cluster = Cluster(in_cluster.find_target())
            return KanikoBuilder(build, open_context(), cluster, project, in_cluster.tags, in_cluster.pushes)


def _engine_here(image: Image, environ: Mapping[str, str], find_target: Callable[[], Target]) -> Engine:
    """The image's engine or, where it needs a daemon and none answers, kaniko (reference, "Building", 3).

    :raises DaemonError: none answers, and kaniko is not to build, or cannot
    """
    build = image.build
    if not isinstance(build, DockerBuild):
        return build
    from imagetasks.daemon import Daemon

    try:
        Daemon(environ)
    except DaemonError as error:
        if not can_fall_back(build, find_target):
            raise
        from imagetasks.cluster.mistakes import context_words

        target = find_target()
        place = f"namespace {target.namespace} of {context_words(target)}"
        sys.stderr.write(f"WARNING: {image.name} is built by kaniko in {place}: {error}\n")
        return KanikoBuild(options=build.options)
    return build
