from __future__ import annotations

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


def test_selection_is_what_was_asked_for_and_what_that_needs() -> None:
    selection = Selection()
    assert "anything" in selection
    dependencies = {"build": ["push:a", "push:b"], "push:a": ["tag:a"], "tag:a": [], "push:b": [], "mine": ["tag:a"]}

    selection.choose(["mine", "-v", "2"], dependencies)
    assert "tag:a" in selection
    assert "push:a" not in selection

    selection.choose(["push:*"], dependencies)
    assert "push:b" in selection
    assert "mine" not in selection

    selection.choose(["no-task"], dependencies)
    assert "mine" in selection


def test_an_image_whose_settings_or_command_line_forbid_a_push_stays_local() -> None:
    never = Image("n", "n", build=DockerBuild(skip_push=True))

    assert plan(never).stays_local
    assert not plan(API).stays_local
    assert not plan(Image("c", "c", build=CustomBuild("make"))).stays_local


@pytest.mark.parametrize(
    ("schema", "fixed"),
    [(None, None), ("1.0", "1.0"), ("x-${DEVSPACE_RANDOM}", None), ("${DEVSPACE_TIMESTAMP}", None)],
)
def test_a_tag_is_fixed_unless_its_schema_leaves_a_choice(schema: str | None, fixed: str | None) -> None:
    made = ImagePlan(API, Path("/p"), DockerInputs(API, Path("/p")), "docker default", schema=schema)

    assert made.fixed_tag == fixed
