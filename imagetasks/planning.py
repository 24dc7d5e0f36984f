"""From the configurations of a project and of those it depends on, and the options, to the plans of a run."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cache, partial
from pathlib import Path

from imagetasks.builders import engine_id
from imagetasks.config.mistakes import nearest
from imagetasks.config.model import ALL, EACH, Config, CustomBuild, DockerBuild, Image, KanikoBuild
from imagetasks.config.variables import PLACEHOLDER
from imagetasks.context.inputs import Contexts, CustomInputs, DockerInputs, Inputs
from imagetasks.dependencies import ProjectNode
from imagetasks.deploy.mentions import mentioned_images
from imagetasks.errors import ConfigError, DockerfileError, OptionError, Position
from imagetasks.graph import check_cycles, find_bases
from imagetasks.kubeconfig import Target, find_target
from imagetasks.local_clusters import MINIKUBE, LocalBuilds, LocalCluster
from imagetasks.options import Options
from imagetasks.plan import (
    DeploymentPlan,
    HookPlan,
    ImagePlan,
    ProjectPlan,
    SecretPlan,
    Selection,
    name_in_graph,
)
from imagetasks.registry.reference import parse_repository


class Planner:
    """Makes the plans of one run, project after project, each after those that it depends on.

    :ivar selection: which tasks the run comes to, for all plans to know once it is chosen
    :ivar projects: the plans so far
    """

    def __init__(
        self,
        options: Options,
        environ: Mapping[str, str],
        state_folder: Path,
        local: LocalBuilds,
        secrets: frozenset[str],
    ) -> None:
        self._options = options
        self._local = local
        self._environ = environ
        self._state_folder = state_folder
        self._secrets = secrets
        self._within_reach: dict[str, dict[str, Image]] = {}
        self._secret_registries: dict[str, list[str]] = {}
        self._image_plans: dict[str, ImagePlan] = {}
        self._deployments: list[str] = []
        self._contexts = Contexts()
        self.selection = Selection()
        self.projects: list[ProjectPlan] = []

    @property
    def plans(self) -> list[ImagePlan]:
        """The plans of all images so far."""
        return [plan for project in self.projects for plan in project.images]

    def add(self, node: ProjectNode) -> None:
        """Make the plan of a project."""
        if node.config is None:
            self.projects.append(ProjectPlan(node.name, is_known=False))
            self._within_reach[node.name] = {}
            self._secret_registries[node.name] = []
            return
        config = node.config
        images = () if node.skip_build else tuple(image for image in config.images if not image.disabled)
        reachable = {name: image for need in node.needs for name, image in self._within_reach[need].items()}
        reachable.update((name_in_graph(image.name, node.name), image) for image in images)
        self._within_reach[node.name] = reachable
        self._secret_registries[node.name] = [
            *(registry for need in node.needs for registry in self._secret_registries[need]),
            *sorted({_registry(image) for image in config.images if self._needs_secret(image)}),
        ]
        plans = tuple(self._image_plan(image, node, reachable) for image in images)
        self._image_plans.update((plan.name, plan) for plan in plans)
        deployments = tuple(self._deployment_plans(node, reachable))
        hooks = tuple(
            plan._replace(secrets=self._secrets) for plan in _hook_plans(config, images, node.name, self._log_folder)
        )
        if self._options.skip_build:
            hooks = tuple(plan for plan in hooks if plan.hook.stage != "images")
        self.projects.append(ProjectPlan(node.name, plans, deployments, hooks, tuple(node.needs)))

    def check(self) -> None:
        """Look at what only all projects together show.

        :raises ConfigError: images that are built FROM each other, two tasks of one name
        :raises OptionError: a deployment that is chosen and not there
        """
        check_cycles(self.plans)
        _check_names_differ(self.projects)
        for name in self._options.deployments:
            if name not in self._deployments and all(project.is_known for project in self.projects):
                guess = nearest(name, self._deployments)
                hint = f"did you mean {guess}?" if guess else f"there are {', '.join(self._deployments) or 'none'}"
                raise OptionError(f"--deployments: there is no deployment {name}; {hint}")

    def pull_secrets(self) -> tuple[SecretPlan, ...]:
        """A plan for each registry of an image that wants a pull secret in a project that deploys.

        Images of its dependencies count, and those that are not built here: its deployments may name them all.
        """
        deployments: dict[str, list[DeploymentPlan]] = {}
        for project in self.projects:
            for registry in self._secret_registries[project.name]:
                deployments.setdefault(registry, []).extend(project.deployments)
        return tuple(
            SecretPlan(registry, partial(_find_targets, tuple(plans)))
            for registry, plans in deployments.items()
            if plans
        )

    def _needs_secret(self, image: Image) -> bool:
        return image.create_pull_secret and not _prefers_local_cluster(image, self._local.cluster)

    @property
    def _log_folder(self) -> Path:
        return self._state_folder / "logs"

    def _find_target(self, namespace: str) -> Target:
        options = self._options
        return find_target(self._environ, context=options.kube_context, namespace=namespace or options.namespace)

    def _deployment_plans(self, node: ProjectNode, reachable: Mapping[str, Image]) -> Iterator[DeploymentPlan]:
        config = node.loaded
        repositories = {name: image.image for name, image in reachable.items()}
        for deployment in config.deployments:
            name = name_in_graph(deployment.name, node.name)
            self._deployments.append(name)
            if self._options.deployments and name not in self._options.deployments:
                continue
            images = mentioned_images(deployment, config.folder, repositories)
            yield DeploymentPlan(
                deployment=deployment,
                name=name,
                project=config.folder,
                log_folder=self._log_folder,
                images=tuple(self._image_plans[image] for image in reachable if image in images),
                find_target=cache(partial(self._find_target, deployment.namespace or node.namespace)),
                force=self._options.force_deploy,
                secrets=self._secrets,
            )

    def _image_plan(self, image: Image, node: ProjectNode, reachable: Mapping[str, Image]) -> ImagePlan:
        config = node.loaded
        inputs = _inputs(image, config, self._contexts)
        is_local = _prefers_local_cluster(image, self._local.cluster)
        environ = self._local.environ if is_local else self._environ
        return ImagePlan(
            image=image,
            project=config.folder,
            inputs=inputs,
            engine=engine_id(image.build, environ),
            schemas=(self._options.tag,) if self._options.tag else image.tags,
            bases=_bases(image, inputs, reachable),
            force=self._options.force_build,
            skips_build=self._options.skip_build,
            pushes=not self._options.skip_push,
            environ=environ,
            find_target=cache(partial(self._find_target, _build_namespace(image) or node.namespace)),
            cluster=self._local.cluster if is_local else None,
            selection=self.selection,
            dependency=node.name,
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


def _prefers_local_cluster(image: Image, cluster: LocalCluster | None) -> bool:
    """Whether a local cluster gets an image without a registry; custom commands know nothing of minikube's daemon."""
    if isinstance(image.build, CustomBuild):
        return cluster is not None and cluster.provider != MINIKUBE
    return cluster is not None and isinstance(image.build, DockerBuild) and image.build.prefer_minikube


def _find_targets(deployments: Iterable[DeploymentPlan]) -> tuple[Target, ...]:
    return tuple(dict.fromkeys(plan.find_target() for plan in deployments))


def _build_namespace(image: Image) -> str:
    """The namespace that an image names for its build, empty for that of the run."""
    return image.build.namespace if isinstance(image.build, KanikoBuild) else ""


def _registry(image: Image) -> str:
    """The registry's host; of an image whose name is not known yet, what stands for it."""
    if PLACEHOLDER in image.image:
        return image.image.partition("/")[0]
    return parse_repository(image.image).registry


def _check_names_differ(projects: Sequence[ProjectPlan]) -> None:
    """Refuse an image or deployment of one project that has the same name in the graph as one of another."""
    first: dict[str, tuple[str, Position | None]] = {}
    for project in projects:
        tasks = [(plan.task("build"), plan.image.position("")) for plan in project.images]
        tasks += [(plan.task("deploy"), plan.deployment.position()) for plan in project.deployments]
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
    if not is_file(inputs.dockerfile_path):
        return {}
    try:
        return find_bases(image, inputs.image_names(), images)
    except DockerfileError as error:
        raise error if error.position else ConfigError(error.message, image.position("target")) from error


def is_file(path: Path) -> bool:
    """Whether a path leads to a file that is there for us; Path.is_file raises where a folder may not be entered."""
    return os.path.isfile(path)  # noqa: PTH113
