"""What a project needs of the machine and the cluster, and which of its entries do. No I/O."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

from imagetasks.config.model import Config, DockerBuild, GitSource, Helm, KanikoBuild, Kubectl
from imagetasks.config.variables import PLACEHOLDER
from imagetasks.local_clusters import LocalCluster
from imagetasks.plan import DeploymentPlan, ImagePlan
from imagetasks.project import Project
from imagetasks.registry.reference import parse_repository

_GIT_VARIABLES = ("DEVSPACE_GIT_", "devspace.git.")


class Right(NamedTuple):
    """Something that one has to be allowed to create in a cluster; ``group`` is that of its API."""

    resource: str
    group: str = ""


class Needs(NamedTuple):
    """What is needed, each with what needs it in words (``image api and 2 more``), empty for what is not.

    :ivar provider: the program of a local cluster
    :ivar registries: those that images are pushed to
    :ivar rights: what is created in the cluster
    """

    git: str = ""
    daemon: str = ""
    docker_cli: str = ""
    buildkit: str = ""
    kubectl: str = ""
    helm: str = ""
    cluster: str = ""
    provider: str = ""
    registries: Mapping[str, str] = {}
    rights: Mapping[Right, str] = {}


def needs_of(project: Project, local: LocalCluster | None) -> Needs:
    """The needs of a project that is deployed to a local cluster, or to another."""
    images = project.plans
    deployments = [plan for one in project.projects for plan in one.deployments]
    by_docker = [plan for plan in images if isinstance(plan.image.build, DockerBuild)]
    by_kaniko = _images(plan for plan in images if isinstance(plan.image.build, KanikoBuild))
    with_secret = _images(plan for plan in images if plan.image.create_pull_secret and deployments)
    deployed = _deployments(deployments)
    loaded = [plan for plan in images if local and not isinstance(plan.image.build, KanikoBuild)]
    rights = {
        Right("deployments", "apps"): deployed,
        Right("secrets"): with_secret or _deployments(_of_kind(deployments, Helm)),
        Right("pods"): by_kaniko,
    }
    return Needs(
        git=_uses_of_git(project.config),
        daemon=_images(by_docker),
        docker_cli=_images(plan for plan in by_docker if _uses_docker_cli(plan)),
        buildkit=_images(plan for plan in by_docker if _uses_buildkit(plan)),
        kubectl=_deployments(_of_kind(deployments, Kubectl)),
        helm=_deployments(_of_kind(deployments, Helm)),
        cluster=deployed or by_kaniko,
        provider=_images(loaded),
        registries=_registries(plan for plan in images if plan not in loaded and plan.is_pushed),
        rights={right: user for right, user in rights.items() if user},
    )


def _uses_docker_cli(plan: ImagePlan) -> bool:
    build = plan.image.build
    return isinstance(build, DockerBuild) and bool(build.use_buildkit or build.use_cli or build.args)


def _uses_buildkit(plan: ImagePlan) -> bool:
    return isinstance(plan.image.build, DockerBuild) and plan.image.build.use_buildkit


def _of_kind(deployments: Iterable[DeploymentPlan], method: type) -> Iterator[DeploymentPlan]:
    return (plan for plan in deployments if isinstance(plan.deployment.method, method))


def _uses_of_git(config: Config) -> str:
    sources = [each.name for each in config.dependencies if isinstance(each.source, GitSource)]
    variables = [name for name in config.variables if name.startswith(_GIT_VARIABLES)]
    return _words("dependency", sources) or _words("variable", variables)


def _registries(images: Iterable[ImagePlan]) -> dict[str, str]:
    """The registries; that of an image whose name is not known without asking or running anything is left out."""
    users: dict[str, list[str]] = {}
    for plan in images:
        if PLACEHOLDER not in plan.image.image:
            users.setdefault(parse_repository(plan.image.image).registry, []).append(plan.name)
    return {registry: _words("image", names) for registry, names in users.items()}


def _images(plans: Iterable[ImagePlan]) -> str:
    return _words("image", [plan.name for plan in plans])


def _deployments(plans: Iterable[DeploymentPlan]) -> str:
    return _words("deployment", [plan.name for plan in plans])


def _words(kind: str, names: list[str]) -> str:
    more = f" and {len(names) - 1} more" if len(names) > 1 else ""
    return f"{kind} {names[0]}{more}" if names else ""
