from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

import pytest

from imagetasks.config.model import REBUILD_ALWAYS, CustomBuild, DockerBuild, Image
from imagetasks.context.inputs import CustomInputs, DockerInputs
from imagetasks.context.manifest import Manifest
from imagetasks.kubeconfig import Target
from imagetasks.plan import ELSEWHERE, ImagePlan, Selection
from imagetasks.reasons import (
    INPUTS_CHANGED,
    NOT_BUILT,
    Values,
    build_reasons,
    input_changes,
    push_reasons,
    tag_reasons,
)

PROJECT = Path("/project")
IMAGE = Image("api", "shop/api")
TARGET = partial(Target, "kind", "default")
BUILT: Values = {
    "digest": "d1",
    "engine": "docker default",
    "bases": {},
    "id": "sha256:1",
    "reference": "shop/api:abc",
    "schemas": [],
}
TAGGED: Values = {"id": "sha256:1", "reference": "shop/api:abc", "others": [], "schemas": []}
PUSHED: Values = {**TAGGED, "destination": ""}
RECORDS = {"build:api": BUILT, "tag:api": TAGGED, "push:api": PUSHED}


class Facts:
    """What is recorded and there, and what was asked for."""

    def __init__(self, records: dict[str, Values], digest: str = "d1", held: tuple[str, ...] = ()) -> None:
        self.records = records
        self.held = held
        self.asked: list[str] = []
        self._digest = digest

    def record(self, task: str) -> Values:
        return self.records.get(task, {})

    def digest(self, plan: ImagePlan) -> str:
        self.asked.append(f"digest of {plan.name}")
        return self._digest

    def holds(self, plan: ImagePlan, name: str, image_id: str) -> bool:
        self.asked.append(f"{name} as {image_id}")
        return name in self.held


def plan_of(image: Image = IMAGE, *, is_pushed: bool = True, **fields: Any) -> ImagePlan:
    build = image.build
    inputs = CustomInputs(build, PROJECT) if isinstance(build, CustomBuild) else DockerInputs(image, PROJECT)
    plan = ImagePlan(image, PROJECT, inputs, "docker default", Selection(), TARGET)._replace(**fields)
    if is_pushed:
        plan.selection.choose(["push:api"], {"push:api": ()})
    return plan


def with_build(**changes: Any) -> dict[str, Values]:
    return {**RECORDS, "build:api": {**BUILT, **changes}}


def test_what_is_recorded_and_pushed_is_no_reason_and_asks_no_daemon() -> None:
    facts = Facts(RECORDS)

    for reasons in (build_reasons, tag_reasons, push_reasons):
        assert list(reasons(plan_of(), facts)) == []
    assert facts.asked == ["digest of api"]


@pytest.mark.parametrize(
    ("plan", "records", "reason"),
    [
        (plan_of(), {}, NOT_BUILT),
        (plan_of(), with_build(digest="d0"), INPUTS_CHANGED),
        (plan_of(), with_build(engine="custom"), "its engine was custom, and is docker default now"),
        (plan_of(bases={"x/base": "base"}), RECORDS, "its base image base is another one now"),
        (plan_of(), with_build(bases={"base": "sha256:0"}), "its base image base is another one now"),
        (plan_of(force=True), RECORDS, "--force-build demands it"),
        (plan_of(IMAGE._replace(rebuild_strategy=REBUILD_ALWAYS)), RECORDS, "its `rebuildStrategy` is `always`"),
        (
            plan_of(IMAGE._replace(build=CustomBuild("make"))),
            RECORDS,
            "its command is run each time, as it has no `onChange`",
        ),
        (plan_of(is_pushed=False), RECORDS, "its image shop/api:abc is gone"),
        (plan_of(), with_build(id="sha256:2"), "its image shop/api:abc is gone"),
    ],
)
def test_a_build_has_one_reason(plan: ImagePlan, records: dict[str, Values], reason: str) -> None:
    assert list(build_reasons(plan, Facts(records))) == [reason]


@pytest.mark.parametrize("key", BUILT)
def test_a_build_that_an_earlier_version_recorded_less_of_is_none(key: str) -> None:
    less = {name: value for name, value in BUILT.items() if name != key}

    assert list(build_reasons(plan_of(), Facts({**RECORDS, "build:api": less}))) == [NOT_BUILT]


@pytest.mark.parametrize("key", TAGGED)
def test_a_tag_that_an_earlier_version_recorded_less_of_is_none(key: str) -> None:
    less = {name: value for name, value in TAGGED.items() if name != key}

    records = {**RECORDS, "tag:api": less}
    assert list(tag_reasons(plan_of(), Facts(records))) == ["it has no tag yet"]
    assert list(push_reasons(plan_of(), Facts(records))) == ["the registry has not taken it yet"]


def test_all_reasons_of_a_build_are_told() -> None:
    facts = Facts(with_build(engine="custom"), digest="d2")

    assert len(list(build_reasons(plan_of(force=True), facts))) == 3


def test_who_wants_one_reason_does_not_pay_for_the_others() -> None:
    facts = Facts(RECORDS)

    next(build_reasons(plan_of(force=True), facts))

    assert facts.asked == []


def test_a_changed_image_is_not_looked_for_in_the_daemon() -> None:
    facts = Facts(RECORDS, digest="d2")

    assert list(build_reasons(plan_of(is_pushed=False), facts)) == [INPUTS_CHANGED]
    assert facts.asked == ["digest of api"]


def test_an_image_that_a_command_left_elsewhere_is_there_under_its_name() -> None:
    records = with_build(id=f"{ELSEWHERE}1")
    custom = IMAGE._replace(build=CustomBuild("make", on_change=("x",)))

    assert list(build_reasons(plan_of(custom), Facts(records))) == []
    assert list(build_reasons(plan_of(custom._replace(image="shop/other")), Facts(records)))


@pytest.mark.parametrize(
    ("plan", "tagged", "reason"),
    [
        (plan_of(), {}, "it has no tag yet"),
        (plan_of(), {**TAGGED, "id": "sha256:0"}, "shop/api:abc is the image of an earlier build"),
        (plan_of(schemas=("v1",)), TAGGED, "it is shop/api:abc, and is to have another repository or tag"),
        (
            plan_of(),
            {**TAGGED, "reference": "shop/api:old"},
            "it is shop/api:old, and is to be shop/api:abc as it was built",
        ),
        (plan_of(is_pushed=False), TAGGED, "the daemon has it no more as shop/api:abc"),
    ],
)
def test_a_tag_has_a_reason(plan: ImagePlan, tagged: Values, reason: str) -> None:
    assert list(tag_reasons(plan, Facts({**RECORDS, "tag:api": tagged}))) == [reason]


def test_each_name_that_the_daemon_lacks_is_told() -> None:
    records = {**RECORDS, "tag:api": {**TAGGED, "others": ["shop/api:two", "shop/api:three"]}}
    facts = Facts(records, held=("shop/api:two",))

    assert list(tag_reasons(plan_of(is_pushed=False), facts)) == [
        "the daemon has it no more as shop/api:abc",
        "the daemon has it no more as shop/api:three",
    ]


def test_a_push_is_outstanding_until_the_registry_took_this_tag() -> None:
    plan = plan_of()

    for pushed in ({}, {**TAGGED, "reference": "shop/api:old"}):
        facts = Facts({**RECORDS, "push:api": pushed})
        assert list(push_reasons(plan, facts)) == ["the registry has not taken shop/api:abc yet"]


@pytest.mark.parametrize("plan", [plan_of(pushes=False), plan_of(IMAGE._replace(build=DockerBuild(skip_push=True)))])
def test_what_is_not_to_be_pushed_has_no_outstanding_push(plan: ImagePlan) -> None:
    assert list(push_reasons(plan, Facts({**RECORDS, "push:api": {}}))) == []


def manifest(settings: dict[str, str], *files: str, changed: str = "") -> Manifest:
    return Manifest("d1", "salt", settings, {file: f"100644 {'new' if file == changed else 'old'}" for file in files})


def test_changes_are_counted_and_the_first_are_named() -> None:
    before = manifest({}, "a", "b", "src/")
    now = manifest({}, "b", "src/", *(f"src/{number}" for number in range(5)), changed="b")

    assert list(input_changes(before, now)) == [
        "5 files added: src/0, src/1, src/2 and 2 more",
        "1 file modified: b",
        "1 file removed: a",
    ]


def test_settings_are_named() -> None:
    before = manifest({"the Dockerfile": "1", "the build argument A": "1", "`cmd`": "1"})
    now = manifest({"the Dockerfile": "2", "the build argument B": "1", "`cmd`": "1"})

    assert sorted(input_changes(before, now)) == [
        "the Dockerfile was modified",
        "the build argument A was removed",
        "the build argument B was added",
    ]
