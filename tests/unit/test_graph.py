from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from imagetasks.config.model import CustomBuild, Deployment, DockerBuild, Image
from imagetasks.context.inputs import DockerInputs
from imagetasks.errors import ConfigError
from imagetasks.graph import check_cycles, find_bases, task_dicts
from imagetasks.plan import ImagePlan, Selection

BASE = Image("base", "registry.example/shop/base")
PINNED = Image("pinned", "registry.example/shop/pinned", tag="1.0")
NODE = Image("node", "node")
API = Image("api", "registry.example/shop/api")
IMAGES = (BASE, PINNED, NODE, API)


def plan(image: Image, **bases: str) -> ImagePlan:
    inputs = DockerInputs(image, Path("/project"))
    return ImagePlan(image, Path("/project"), inputs, "docker default", bases={f"x/{n}": n for n in bases})


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


def test_deployments_follow_each_other_and_the_first_waits_for_all_pushes() -> None:
    deployments = [Deployment("one", "kubectl"), Deployment("two", "helm")]

    tasks = {f"{task['basename']}:{task['name']}": task for task in task_dicts([plan(API)], deployments)}

    assert tasks["deploy:one"]["task_dep"] == ["push:api"]
    assert tasks["deploy:two"]["task_dep"] == ["deploy:one"]


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
        (replace(API, build=DockerBuild(skip_push=True)), ["push:api"], True),
        (replace(API, build=CustomBuild("make")), ["push:api"], False),
    ],
)
def test_an_image_stays_local_unless_it_is_certainly_pushed(image: Image, words: list[str], stays: bool) -> None:
    made = plan(image)
    if words:
        made.selection.choose(words, {"push:api": [], "build:api": []})

    assert made.stays_local == stays
