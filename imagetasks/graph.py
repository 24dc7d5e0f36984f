"""The task graph: what doit is given for images, deployments and hooks of a project and those it depends on. No I/O.

::

    hash:api -> build:api -> tag:api -> push:api -> deploy:backend      (design, "Contract: the graph")
    secret:<registry> ----------------------------> deploy:backend

A hook for all images or deployments stands between what it runs before and after, and hashing waits for one before
images too, since it may write what is hashed. A project's builds wait for the builds of what it depends on, its first
deployment for their deployments.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from imagetasks.actions import argument_for, build_image, clean_image, hash_image, push_image, run_hook, tag_image
from imagetasks.builders import engine_name
from imagetasks.config.model import ALL, Image, KanikoBuild
from imagetasks.config.variables import PLACEHOLDER
from imagetasks.errors import ConfigError, ReferenceSyntaxError
from imagetasks.options import DoitOption
from imagetasks.plan import DeploymentPlan, HookPlan, ImagePlan, ProjectPlan, SecretPlan
from imagetasks.registry.reference import parse_reference, parse_repository
from imagetasks.uptodate import (
    BuildIsCurrent,
    HookHasNoBuild,
    HookHasSeenBuild,
    HookIsIdle,
    LastBuildServes,
    PushIsCurrent,
    TagIsCurrent,
)

TaskDict = dict[str, Any]
"""A task as doit's task creators yield it."""

_GROUPS = {
    "hash": "compute the digest of every image's inputs",
    "build": "build, tag and push every image",
    "tag": "build and tag every image",
    "push": "build, tag and push every image",
    "deploy": "deploy every deployment, with pull secrets for what it runs",
    "purge": "remove every deployment from the cluster",
}

_OPTIONAL_GROUPS = {
    "secret": "create every pull secret",
    "hook": "run every hook, with all that comes before it",
    "dependency": "projects that this one depends on and that are not here yet; a run fetches them",
}

_SHOWN_COMMAND = 60
"""How many characters of a hook's command its doc shows."""

OURS = {"imagetasks": True}
"""The ``meta`` by which a reporter knows our tasks."""

_UNCAPTURED = {"capture": False}
"""Our actions write to logs of their own: capturing would swap ``sys.stdout`` under the others' feet."""


class _Ends(NamedTuple):
    """What the projects that depend on one wait for: the names of tasks."""

    built: tuple[str, ...]
    deployed: tuple[str, ...]


class _Pushed(NamedTuple):
    """The names of the tasks that a project's deployments wait for, by the name of the image that they want.

    :ivar after_all: the hook that comes after all of them, or none
    """

    each: Mapping[str, Sequence[str]]
    after_all: Sequence[str]

    @property
    def all(self) -> tuple[str, ...]:
        """What comes last of all images."""
        return (*(task for tasks in self.each.values() for task in tasks), *self.after_all)


def task_dicts(
    projects: Sequence[ProjectPlan],
    secrets: Sequence[SecretPlan] = (),
    params: Sequence[DoitOption] = (),
    words: Sequence[str] = (),
) -> Iterator[TaskDict]:
    """All tasks.

    :param projects: each after those that it depends on
    :param secrets: what every deployment waits for
    :param params: the options that may stand after a task's name
    :param words: the command line; only a subtask that it names is given ``params``, since they cost time to make
    """
    tasks = [_secret_task(plan) for plan in secrets]
    wanted_secrets = [plan.task for plan in secrets]
    ends: dict[str, _Ends] = {}
    for project in projects:
        needed = [ends[name] for name in project.needs]
        of_project, ends[project.name] = _project_tasks(project, needed, wanted_secrets)
        tasks.extend(of_project)
    tasks += _purge_tasks([plan for project in projects for plan in project.deployments])
    for group, doc, task_dep in _groups(projects, secrets, tasks):
        yield {
            "basename": group,
            "name": None,
            "doc": doc,
            "task_dep": task_dep,
            "params": list(params),
            "meta": OURS,
        }
    for task in tasks:
        named = name_of(task) in words
        yield {**task, "io": _UNCAPTURED, "meta": OURS, "params": list(params) if named else []}


def name_of(task: TaskDict) -> str:
    """The name that doit gives a task: ``build:api``, or ``build`` for the group."""
    return task["basename"] if task["name"] is None else f"{task['basename']}:{task['name']}"


def dependencies_of(tasks: Iterable[TaskDict]) -> dict[str, list[str]]:
    """The names of the tasks that each task waits for; a group waits for its members too."""
    by_name = {name_of(task): task for task in tasks}
    members: dict[str, list[str]] = {}
    for name, task in by_name.items():
        if task["name"] is not None:
            members.setdefault(task["basename"], []).append(name)
    return {name: [*task.get("task_dep", ()), *members.get(name, ())] for name, task in by_name.items()}


def _groups(
    projects: Sequence[ProjectPlan], secrets: Sequence[SecretPlan], tasks: Sequence[TaskDict]
) -> Iterator[tuple[str, str, list[str]]]:
    """The name, the doc and the dependencies of each group; some are there only if they have members."""
    wanted = {
        "build": [plan.task("push") for project in projects for plan in project.images],
        "deploy": [
            *(plan.task for plan in secrets),
            *(plan.task("deploy") for project in projects for plan in project.deployments),
        ],
    }
    for project in projects:
        for group, stage, of_stage in (
            ("build", "images", project.images),
            ("deploy", "deployments", project.deployments),
        ):
            wanted[group] += [
                plan.task
                for plan in project.hooks
                if of_stage and plan.hook.when == "after" and plan.hook.stage == stage
            ]
    present = {task["basename"] for task in tasks}
    for group, doc in _GROUPS.items():
        yield group, doc, wanted.get(group, [])
    for group, doc in _OPTIONAL_GROUPS.items():
        if group in present:
            yield group, doc, []


def _project_tasks(
    project: ProjectPlan, needed: Sequence[_Ends], secrets: Sequence[str]
) -> tuple[list[TaskDict], _Ends]:
    """The tasks of a project, and what those that depend on it wait for: what it waits for itself if it has none."""
    needs_built = _each_once(name for ends in needed for name in ends.built)
    needs_deployed = _each_once(name for ends in needed for name in ends.deployed)
    if not project.is_known:
        name = f"dependency:{project.name}"
        return [_unknown_task(project)], _Ends((name,), (name,))
    images, built, pushed = _images_tasks(project, needs_built)
    deploys, deployed = _deploy_tasks(project, needs_deployed, secrets, pushed)
    return [*images, *deploys], _Ends(built or needs_built, deployed)


def _unknown_task(project: ProjectPlan) -> TaskDict:
    return {
        "basename": "dependency",
        "name": project.name,
        "doc": f"the project {project.name}, which is not here yet, so that its tasks are not known",
        "actions": [],
        "uptodate": [True],
    }


def _images_tasks(
    project: ProjectPlan, needs_built: Sequence[str]
) -> tuple[list[TaskDict], tuple[str, ...], _Pushed]:
    """The tasks of the images and their hooks; the names of those by which they are built, and by which pushed."""
    builds = tuple(plan.task("build") for plan in project.images)
    check = HookIsIdle(project.images) if project.images else False
    before = [
        {**task, "setup": list(needs_built), "uptodate": [check]}
        for task in _hook_tasks(project.hooks_at("before", "images"), (), project.images)
    ]
    tasks = list(before)
    pushed: dict[str, list[str]] = {}
    for plan in project.images:
        hash_task, build_task, *others = _image_tasks(plan, needs_built, _last(before))
        each_before = [
            {**task, "uptodate": [HookHasNoBuild(plan)]}
            for task in _hook_tasks(
                project.hooks_at("before", "images", plan.image.name), build_task["task_dep"], [plan]
            )
        ]
        each_after = [
            _once_a_build(plan, task)
            for task in _hook_tasks(project.hooks_at("after", "images", plan.image.name), [plan.task("push")])
        ]
        build_task["task_dep"] += _last(each_before)
        tasks += [hash_task, *each_before, build_task, *others, *each_after]
        pushed[plan.name] = [plan.task("push"), *_last(each_after)]
    after = _hook_tasks(project.hooks_at("after", "images"), _Pushed(pushed, ()).all)
    return [*tasks, *after], builds, _Pushed(pushed, _last(after) if project.images else ())


def _image_tasks(plan: ImagePlan, needs_built: Sequence[str], hooks: Sequence[str]) -> Iterator[TaskDict]:
    """The tasks of one image, in their order.

    :param hooks: what runs before all images; hashing waits for it too, as it may change what is hashed
    """
    image, engine = plan.image.image, engine_name(plan.image.build)
    yield _subtask(
        plan,
        "hash",
        f"digest of what {engine} builds {image} from",
        hash_image,
        uptodate=[LastBuildServes()] if plan.skips_build else [],
        waits_for=hooks,
    )
    yield _subtask(
        plan,
        "build",
        f"build {image} with {engine}",
        build_image,
        uptodate=[BuildIsCurrent(plan)],
        after={"hashed": plan.task("hash"), **{argument_for(base): f"tag:{base}" for base in plan.base_names}},
        waits_for=[*needs_built, *hooks, *_pushes_before(plan)],
    ) | {"clean": [(clean_image, [plan])]}
    yield _subtask(
        plan,
        "tag",
        f"tag {image} as built with {engine}",
        tag_image,
        uptodate=[TagIsCurrent(plan)],
        after={"built": plan.task("build")},
    )
    yield _subtask(
        plan,
        "push",
        f"push {image} as built with {engine}",
        push_image,
        uptodate=[PushIsCurrent(plan)],
        after={"tagged": plan.task("tag")},
    )


def _pushes_before(plan: ImagePlan) -> list[str]:
    """The pushes that a build waits for: kaniko takes its bases from the registry."""
    bases = plan.base_names if isinstance(plan.image.build, KanikoBuild) else ()
    return [f"push:{base}" for base in bases]


def _subtask(
    plan: ImagePlan,
    kind: str,
    doc: str,
    action: Any,
    *,
    uptodate: Sequence[Any] = (),
    after: Mapping[str, str] | None = None,
    waits_for: Sequence[str] = (),
) -> TaskDict:
    """A task of an image that runs after others, and gets their values under the names in ``after``.

    doit makes a task with ``getargs`` depend on the other's result. Naming it in ``setup`` leaves that decision to
    ``uptodate``.
    """
    after = after or {}
    return {
        "basename": kind,
        "name": plan.name,
        "doc": doc,
        "actions": [(action, [plan])],
        "uptodate": list(uptodate),
        "task_dep": [*after.values(), *waits_for],
        "setup": list(after.values()),
        "getargs": {name: (task, None) for name, task in after.items()},
    }


def _deploy_tasks(
    project: ProjectPlan, needs_deployed: Sequence[str], secrets: Sequence[str], pushed: _Pushed
) -> tuple[list[TaskDict], tuple[str, ...]]:
    """The tasks of the deployments and their hooks, one after the other, and what comes last of them.

    A deployment waits for the images that it names, hooks for all deployments wait for all images.
    """
    all_before = _each_once((*needs_deployed, *pushed.all))
    tasks = _hook_tasks(project.hooks_at("before", "deployments"), all_before)
    last = (_last(tasks) if project.deployments else []) or list(needs_deployed)
    for plan in project.deployments:
        name = plan.task("deploy")
        images = [task for image in plan.images for task in pushed.each.get(image.name, [image.task("push")])]
        ready = _each_once((*last, *images, *pushed.after_all))
        before = _hook_tasks(project.hooks_at("before", "deployments", plan.deployment.name), ready)
        after = _hook_tasks(project.hooks_at("after", "deployments", plan.deployment.name), [name])
        tasks += [*before, _deploy_task(plan, [*secrets, *(_last(before) or ready)]), *after]
        last = _last(after) or [name]
    after_all = _hook_tasks(project.hooks_at("after", "deployments"), last)
    if not project.deployments:
        return [*tasks, *after_all], all_before
    return [*tasks, *after_all], tuple(_last(after_all) or last)


def _deploy_task(plan: DeploymentPlan, waits_for: Sequence[str]) -> TaskDict:
    from imagetasks.deployment_actions import deploy
    from imagetasks.deployment_checks import DeploymentIsCurrent

    tagged = {argument_for(image.name): image.task("tag") for image in plan.images}
    return {
        "basename": "deploy",
        "name": plan.name,
        "doc": f"deploy {plan.deployment.name} with {plan.deployment.kind}",
        "actions": [(deploy, [plan])],
        "uptodate": [DeploymentIsCurrent(plan)],
        "task_dep": list(_each_once((*waits_for, *tagged.values()))),
        "setup": list(tagged.values()),
        "getargs": {name: (task, None) for name, task in tagged.items()},
    }


def _secret_task(plan: SecretPlan) -> TaskDict:
    from imagetasks.deployment_actions import create_pull_secret
    from imagetasks.deployment_checks import SecretIsCurrent

    return {
        "basename": "secret",
        "name": plan.registry,
        "doc": f"create the pull secret for {plan.registry} in every namespace that is deployed to",
        "actions": [(create_pull_secret, [plan])],
        "uptodate": [SecretIsCurrent(plan)],
    }


def _purge_tasks(deployments: Sequence[DeploymentPlan]) -> list[TaskDict]:
    """Tasks that remove deployments, each after those that were deployed after it."""
    tasks: list[TaskDict] = []
    for plan in reversed(deployments):
        tasks.append(_purge_task(plan, _last(tasks)))
    return tasks


def _purge_task(plan: DeploymentPlan, waits_for: Sequence[str]) -> TaskDict:
    from imagetasks.deployment_actions import purge
    from imagetasks.deployment_checks import FindsLastDeployment

    return {
        "basename": "purge",
        "name": plan.name,
        "doc": f"remove {plan.deployment.name} from the cluster",
        "actions": [(purge, [plan])],
        "uptodate": [FindsLastDeployment(plan)],
        "task_dep": list(waits_for),
    }


def _hook_tasks(hooks: Sequence[HookPlan], after: Sequence[str], changes: Sequence[ImagePlan] = ()) -> list[TaskDict]:
    """Tasks of hooks that run one after the other, the first one after other tasks.

    :param changes: the images whose inputs the hooks may change
    """
    tasks: list[TaskDict] = []
    for plan in hooks:
        hook = plan.hook
        told = {argument_for(image): f"tag:{name}" for image, name in plan.images.items()}
        target = f"all {hook.stage}" if hook.target == ALL else f"{hook.stage.removesuffix('s')} {hook.target}"
        tasks.append(
            {
                "basename": "hook",
                "name": plan.name,
                "doc": f"{hook.when} {target}: {_cut(hook.shown)}",
                "actions": [(run_hook, [plan, tuple(changes)])],
                "task_dep": [*(_last(tasks) or after), *told.values()],
                "setup": list(told.values()),
                "getargs": {argument: (name, None) for argument, name in told.items()},
            }
        )
    return tasks


def _once_a_build(plan: ImagePlan, task: TaskDict) -> TaskDict:
    """The task of a hook that runs after an image was built, and not again for the same build."""
    build = plan.task("build")
    return {
        **task,
        "uptodate": [HookHasSeenBuild(plan)],
        "setup": [build, *task["setup"]],
        "getargs": {"built": (build, None), **task["getargs"]},
    }


def _last(tasks: Sequence[TaskDict]) -> list[str]:
    return [name_of(task) for task in tasks[-1:]]


def _each_once(names: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(names))


def _cut(text: str) -> str:
    return text if len(text) <= _SHOWN_COMMAND else f"{text[: _SHOWN_COMMAND - 1]}…"


def find_bases(image: Image, used: Sequence[str], images: Mapping[str, Image]) -> dict[str, str]:
    """Which of ``images``, by their names in the graph, the names that a Dockerfile builds FROM stand for.

    A name without a tag, with ``latest`` or with the other image's own fixed tag means what this run builds; any
    other tag, and a digest, are taken at their word. An image's own name
    means the one that is in the registry already.
    """
    entries = {
        parse_repository(other.image).canonical: (name, other)
        for name, other in images.items()
        if other is not image and PLACEHOLDER not in other.image
    }
    bases = {}
    for name in used:
        try:
            reference = parse_reference(name)
        except ReferenceSyntaxError:
            continue
        in_graph, other = entries.get(reference.repository.canonical, ("", None))
        if other and not reference.digest and reference.tag in (None, "latest", *other.tags):
            bases[name] = in_graph
    return bases


def check_cycles(plans: Sequence[ImagePlan]) -> None:
    """Refuse images that are built FROM each other.

    :raises ConfigError: the cycle, from name to name
    """
    by_name = {plan.name: plan for plan in plans}
    cycle = find_cycle({name: plan.base_names for name, plan in by_name.items()})
    if cycle:
        raise ConfigError(
            f"images are built FROM each other: {' -> '.join(cycle)}", by_name[cycle[0]].image.position("")
        )


def find_cycle(edges: Mapping[str, Iterable[str]]) -> list[str]:
    """A path through ``edges`` from a name back to itself, empty if there is none."""
    done: set[str] = set()

    def visit(name: str, path: tuple[str, ...]) -> list[str]:
        if name in path:
            return [*path[path.index(name) :], name]
        if name not in done:
            for other in edges[name]:
                if cycle := visit(other, (*path, name)):
                    return cycle
            done.add(name)
        return []

    return next(filter(None, (visit(name, ()) for name in edges)), [])
