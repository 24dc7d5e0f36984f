"""The task graph: what doit is given for the images and deployments of a configuration. No I/O happens here.

::

    hash:api -> build:api -> tag:api -> push:api -> deploy:backend      (design, "Contract: the graph")
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from imagetasks.actions import base_argument, build_image, deploy, hash_image, push_image, tag_image
from imagetasks.builders import engine_name
from imagetasks.config.model import Deployment, Image
from imagetasks.errors import ConfigError, ReferenceSyntaxError
from imagetasks.options import DoitOption
from imagetasks.plan import ImagePlan
from imagetasks.registry.reference import parse_reference, parse_repository
from imagetasks.uptodate import BuildIsCurrent, PushIsCurrent, TagIsCurrent

TaskDict = dict[str, Any]
"""A task as doit's task creators yield it."""

_GROUPS = {
    "hash": "compute the digest of every image's inputs",
    "build": "build, tag and push every image",
    "tag": "build and tag every image",
    "push": "build, tag and push every image",
    "deploy": "deploy every deployment",
}

OURS = {"imagetasks": True}
"""The ``meta`` by which a reporter knows our tasks."""

_UNCAPTURED = {"capture": False}
"""Our actions write to logs of their own: capturing would swap ``sys.stdout`` under the others' feet."""


def task_dicts(
    plans: Sequence[ImagePlan],
    deployments: Sequence[Deployment],
    params: Sequence[DoitOption] = (),
    words: Sequence[str] = (),
) -> Iterator[TaskDict]:
    """All tasks.

    :param params: the options that may stand after a task's name
    :param words: the command line; only a subtask that it names is given ``params``, since they cost time to make
    """
    wanted = {
        "build": [plan.task("push") for plan in plans],
        "deploy": [f"deploy:{deployment.name}" for deployment in deployments],
    }
    for group, doc in _GROUPS.items():
        task_dep = wanted.get(group, [])
        yield {
            "basename": group,
            "name": None,
            "doc": doc,
            "task_dep": task_dep,
            "params": list(params),
            "meta": OURS,
        }
    for task in (*itertools.chain(*map(_image_tasks, plans)), *_deploy_tasks(plans, deployments)):
        named = f"{task['basename']}:{task['name']}" in words
        yield {**task, "io": _UNCAPTURED, "meta": OURS, "params": list(params) if named else []}


def _image_tasks(plan: ImagePlan) -> Iterator[TaskDict]:
    image, engine = plan.image.image, engine_name(plan.image.build)
    yield _subtask(plan, "hash", f"digest of what {engine} builds {image} from", hash_image)
    yield _subtask(
        plan,
        "build",
        f"build {image} with {engine}",
        build_image,
        uptodate=[BuildIsCurrent(plan)],
        after={"hashed": plan.task("hash"), **{base_argument(base): f"tag:{base}" for base in plan.base_names}},
    )
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


def _subtask(
    plan: ImagePlan,
    kind: str,
    doc: str,
    action: Any,
    *,
    uptodate: Sequence[Any] = (),
    after: Mapping[str, str] | None = None,
) -> TaskDict:
    """A task of an image that runs after others, and gets their values under the names in ``after``.

    doit makes a task with ``getargs`` depend on the other's result. Naming it in ``setup`` leaves that decision to
    ``uptodate``.
    """
    after = after or {}
    return {
        "basename": kind,
        "name": plan.image.name,
        "doc": doc,
        "actions": [(action, [plan])],
        "uptodate": list(uptodate),
        "task_dep": list(after.values()),
        "setup": list(after.values()),
        "getargs": {name: (task, None) for name, task in after.items()},
    }


def _deploy_tasks(plans: Sequence[ImagePlan], deployments: Sequence[Deployment]) -> Iterator[TaskDict]:
    before = [plan.task("push") for plan in plans]
    for deployment in deployments:
        yield {
            "basename": "deploy",
            "name": deployment.name,
            "doc": f"deploy {deployment.name} with {deployment.kind}",
            "actions": [(deploy, [deployment])],
            "task_dep": list(before),
        }
        before = [f"deploy:{deployment.name}"]


def find_bases(image: Image, used: Sequence[str], images: Sequence[Image]) -> dict[str, str]:
    """Which of ``images`` the names that a Dockerfile builds FROM stand for: entry by name as written.

    A name without a tag, with ``latest`` or with the other image's own fixed tag means what this run builds; any
    other tag, and a digest, are taken at their word. An image's own name
    means the one that is in the registry already.
    """
    entries = {parse_repository(other.image).canonical: other for other in images if other is not image}
    bases = {}
    for name in used:
        try:
            reference = parse_reference(name)
        except ReferenceSyntaxError:
            continue
        other = entries.get(reference.repository.canonical)
        if other and not reference.digest and reference.tag in (None, "latest", other.tag):
            bases[name] = other.name
    return bases


def check_cycles(plans: Sequence[ImagePlan]) -> None:
    """Refuse images that are built FROM each other.

    :raises ConfigError: the cycle, from name to name
    """
    by_name = {plan.image.name: plan for plan in plans}
    done: set[str] = set()

    def visit(name: str, path: tuple[str, ...]) -> None:
        if name in path:
            cycle = " -> ".join([*path[path.index(name) :], name])
            raise ConfigError(f"images are built FROM each other: {cycle}", by_name[name].image.position(""))
        if name not in done:
            for base in by_name[name].base_names:
                visit(base, (*path, name))
            done.add(name)

    for name in by_name:
        visit(name, ())
