from __future__ import annotations

from functools import partial
from pathlib import Path

import pytest

from imagetasks.config.model import ALL, CustomBuild, Deployment, DockerBuild, Hook, Image
from imagetasks.context.inputs import DockerInputs
from imagetasks.errors import ConfigError
from imagetasks.graph import TaskDict, check_cycles, find_bases, task_dicts
from imagetasks.kubeconfig import Target
from imagetasks.plan import DeploymentPlan, HookPlan, ImagePlan, ProjectPlan, SecretPlan, Selection, name_in_graph

PROJECT = Path("/project")

BASE = Image("base", "registry.example/shop/base")
PINNED = Image("pinned", "registry.example/shop/pinned", tags=("1.0",))
NODE = Image("node", "node")
API = Image("api", "registry.example/shop/api")
TARGET = partial(Target, "kind", "default")
IMAGES = {image.name: image for image in (BASE, PINNED, NODE, API)}


def plan(image: Image, **bases: str) -> ImagePlan:
    inputs = DockerInputs(image, Path("/project"))
    names = {f"x/{name}": name for name in bases}
    return ImagePlan(image, Path("/project"), inputs, "docker default", Selection(), TARGET, bases=names)


@pytest.mark.parametrize(
    ("name", "base"),
    [
        ("registry.example/shop/base", "base"),
        ("registry.example/shop/base:latest", "base"),
        ("registry.example/shop/base:1.0", None),
        ("registry.example/shop/base@sha256:" + "0" * 64, None),
        ("registry.example/shop/pinned:1.0", "pinned"),
        ("registry.example/shop/pinned", "pinned"),
        ("node", "node"),
        ("docker.io/library/node", "node"),
        ("library/node:latest", "node"),
        ("node:20", None),
        ("registry.example/shop/api", None),
        ("other.example/shop/base", None),
        ("No Name", None),
    ],
)
def test_which_names_stand_for_an_image_of_the_file(name: str, base: str | None) -> None:
    assert find_bases(API, [name], IMAGES) == ({name: base} if base else {})


def test_a_cycle_is_told_from_name_to_name() -> None:
    plans = [plan(API, base="base"), plan(BASE, node="node"), plan(NODE, api="api")]

    with pytest.raises(ConfigError, match="api -> base -> node -> api"):
        check_cycles(plans)


def test_a_diamond_is_no_cycle() -> None:
    check_cycles(
        [plan(API, base="base", node="node"), plan(BASE, pinned="pinned"), plan(NODE, pinned="pinned"), plan(PINNED)]
    )


def deployment(name: str, *images: ImagePlan, kind: str = "kubectl", dependency: str = "") -> DeploymentPlan:
    in_graph = name_in_graph(name, dependency)
    return DeploymentPlan(Deployment(name, kind), in_graph, PROJECT, PROJECT / "logs", images, TARGET)


def test_deployments_follow_each_other_and_wait_for_the_images_that_they_name() -> None:
    api, node = plan(API), plan(NODE)
    project = ProjectPlan(images=(api, node), deployments=(deployment("one", api), deployment("two", node)))

    tasks = tasks_of(project)

    assert tasks["deploy:one"]["task_dep"] == ["push:api", "tag:api"]
    assert tasks["deploy:two"]["task_dep"] == ["deploy:one", "push:node", "tag:node"]


def test_deployments_are_removed_in_the_opposite_order() -> None:
    tasks = tasks_of(ProjectPlan(deployments=(deployment("one"), deployment("two"), deployment("three"))))

    assert [tasks[f"purge:{name}"]["task_dep"] for name in ("three", "two", "one")] == [
        [],
        ["purge:three"],
        ["purge:two"],
    ]


def test_every_deployment_waits_for_pull_secrets() -> None:
    secret = SecretPlan("registry.example", lambda: ())
    project = ProjectPlan(deployments=(deployment("one"), deployment("two")))

    tasks = {f"{task['basename']}:{task['name']}": task for task in task_dicts([project], [secret])}

    assert tasks["deploy:one"]["task_dep"] == ["secret:registry.example"]
    assert tasks["deploy:two"]["task_dep"] == ["secret:registry.example", "deploy:one"]
    assert tasks["deploy:None"]["task_dep"] == ["secret:registry.example", "deploy:one", "deploy:two"]


def tasks_of(*projects: ProjectPlan) -> dict[str, TaskDict]:
    """Tasks by their names; a group by its own."""
    return {task["basename"] + (f":{task['name']}" if task["name"] else ""): task for task in task_dicts(projects)}


def hook(when: str, stage: str, target: str = ALL, number: int = 1) -> HookPlan:
    name = "-".join([when, stage, *([] if target == ALL else [target]), str(number)])
    return HookPlan(Hook("echo", None, when, stage, target, "echo"), name, Path("/project"), Path("/project/logs"))


def test_hooks_stand_between_what_they_run_before_and_after() -> None:
    hooks = (
        hook("before", "images"),
        hook("before", "images", number=2),
        hook("after", "images"),
        hook("before", "images", "api"),
        hook("after", "images", "api"),
        hook("before", "deployments"),
        hook("before", "deployments", "two"),
        hook("after", "deployments", "one"),
        hook("after", "deployments"),
    )
    tasks = tasks_of(
        ProjectPlan("", (plan(API), plan(NODE)), (deployment("one"), deployment("two", kind="helm")), hooks)
    )

    assert {name: task["task_dep"] for name, task in tasks.items() if ":" in name and "purge" not in name} == {
        "hook:before-images-1": [],
        "hook:before-images-2": ["hook:before-images-1"],
        "hash:api": ["hook:before-images-2"],
        "hook:before-images-api-1": ["hash:api", "hook:before-images-2"],
        "build:api": ["hash:api", "hook:before-images-2", "hook:before-images-api-1"],
        "tag:api": ["build:api"],
        "push:api": ["tag:api"],
        "hook:after-images-api-1": ["push:api"],
        "hash:node": ["hook:before-images-2"],
        "build:node": ["hash:node", "hook:before-images-2"],
        "tag:node": ["build:node"],
        "push:node": ["tag:node"],
        "hook:after-images-1": ["push:api", "hook:after-images-api-1", "push:node"],
        "hook:before-deployments-1": ["push:api", "hook:after-images-api-1", "push:node", "hook:after-images-1"],
        "deploy:one": ["hook:before-deployments-1", "hook:after-images-1"],
        "hook:after-deployments-one-1": ["deploy:one"],
        "hook:before-deployments-two-1": ["hook:after-deployments-one-1", "hook:after-images-1"],
        "deploy:two": ["hook:before-deployments-two-1"],
        "hook:after-deployments-1": ["deploy:two"],
    }
    assert {"hook:after-images-1", "hook:after-images-api-1"} <= set(tasks["build"]["task_dep"])
    assert {"hook:after-deployments-1", "hook:after-deployments-one-1"} <= set(tasks["deploy"]["task_dep"])


def test_hooks_of_images_that_are_not_there_hold_nothing_up() -> None:
    hooks = (hook("before", "images"), hook("after", "images"))
    tasks = tasks_of(ProjectPlan("", (), (deployment("one"),), hooks))

    assert "hook:after-images-1" in tasks
    assert tasks["build"]["task_dep"] == []
    assert tasks["deploy:one"]["task_dep"] == []


def test_groups_of_hooks_and_dependencies_are_there_only_with_members() -> None:
    assert not {"hook", "dependency"} & tasks_of(ProjectPlan("", (plan(API),))).keys()


def test_a_project_waits_for_what_it_needs_through_one_without_tasks() -> None:
    ground = ProjectPlan(
        "ground", (plan(BASE)._replace(dependency="ground"),), (deployment("db", dependency="ground"),)
    )
    between = ProjectPlan("between", needs=("ground",))
    api = plan(API)
    root = ProjectPlan("", (api,), (deployment("one", api),), needs=("between",))

    tasks = tasks_of(ground, between, root)

    assert tasks["build:api"]["task_dep"] == ["hash:api", "build:ground.base"]
    assert tasks["deploy:one"]["task_dep"] == ["deploy:ground.db", "push:api", "tag:api"]
    assert tasks["build"]["task_dep"] == ["push:ground.base", "push:api"]
    assert tasks["deploy"]["task_dep"] == ["deploy:ground.db", "deploy:one"]


def test_a_dependency_that_is_not_fetched_is_one_task() -> None:
    root = ProjectPlan("", (plan(API),), (deployment("one"),), needs=("far",))

    tasks = tasks_of(ProjectPlan("far", is_known=False), root)

    assert "dependency:far" in tasks
    assert "dependency:far" in tasks["build:api"]["task_dep"]
    assert "dependency:far" in tasks["deploy:one"]["task_dep"]


DEPENDENCIES = {
    "build": ["push:a", "push:b"],
    "push:a": ["tag:a"],
    "tag:a": [],
    "push:b": [],
    "mine": ["tag:*"],
    "later": None,
    "waits": ["later"],
}


def select(*words: str) -> Selection:
    selection = Selection()
    selection.choose(words, DEPENDENCIES)
    return selection


def test_a_selection_is_what_was_asked_for_and_what_that_needs() -> None:
    assert select("mine", "-v").includes("tag:a")
    assert not select("mine").may_include("push:a")
    assert select("push:*").includes("push:b")
    assert not select("push:*").may_include("mine")


@pytest.mark.parametrize("word", ["no-task", "later", "waits"])
def test_a_selection_that_cannot_be_known_may_be_anything_and_is_certainly_nothing(word: str) -> None:
    for selection in (select(word, "tag:a"), Selection()):
        assert selection.may_include("push:a")
        assert not selection.includes("tag:a")


@pytest.mark.parametrize(
    ("image", "words", "stays"),
    [
        (API, ["push:api"], False),
        (API, ["build:api"], True),
        (API, [], True),
        (API._replace(build=DockerBuild(skip_push=True)), ["push:api"], True),
        (API._replace(build=CustomBuild("make")), ["push:api"], False),
    ],
)
def test_an_image_stays_local_unless_it_is_certainly_pushed(image: Image, words: list[str], stays: bool) -> None:
    made = plan(image)
    if words:
        made.selection.choose(words, {"push:api": [], "build:api": []})

    assert made.stays_local == stays
