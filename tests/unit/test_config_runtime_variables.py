from __future__ import annotations

import pytest

from imagetasks.config.mistakes import Mistakes
from imagetasks.config.reader import MappingNode, parse_nodes
from imagetasks.config.runtime_variables import check_runtime_variables
from imagetasks.errors import ConfigError


def check(value: str, rest: str = "images: {api: {}, a.tag: {}}") -> None:
    text = f"{rest}\ndeployments: {{one: {{helm: {{values: {{list: ['{value}']}}}}}}}}\n"
    root = parse_nodes(text.encode(), "devspace.yaml")
    assert isinstance(root, MappingNode)
    mistakes = Mistakes("devspace.yaml")
    check_runtime_variables(root, mistakes)
    mistakes.check()


@pytest.mark.parametrize(
    "value",
    [
        "${runtime.images.api}",
        "x ${runtime.images.api.image}:${runtime.images.api.tag}",
        "${runtime.images.a.tag}",
        "${runtime.images.a.tag.tag}",
        "${runtime.dependencies.lib.images.nope.tag}",
        "${runtime.hooks.digest.stdout}",
        "$${runtime.foo}",
        "${OTHER} runtime.foo",
    ],
)
def test_what_a_run_knows_is_no_mistake(value: str) -> None:
    check(value)


@pytest.mark.parametrize(
    ("value", "hint"),
    [
        ("${runtime.images.apu.tag}", "did you mean `runtime.images.api.tag`?"),
        ("${runtime.images.nothing}", "the images are api, a.tag"),
        ("${runtime.image.api}", "did you mean `runtime.images.api`?"),
        ("${runtime.images}", "did you mean `runtime.images.NAME`?"),
        ("${runtime.foo}", "known are `runtime.images.NAME`, `runtime.dependencies.NAME`, `runtime.hooks.NAME`"),
    ],
)
def test_what_no_run_knows_is_a_mistake_with_the_nearest_name(value: str, hint: str) -> None:
    with pytest.raises(ConfigError) as raised:
        check(value)
    assert str(raised.value) == f"devspace.yaml:2:44: variable `{value[2:-1]}` is not defined; {hint}"


def test_a_file_without_images_says_so() -> None:
    with pytest.raises(ConfigError, match="the file has no images"):
        check("${runtime.images.api}", rest="name: shop")


@pytest.mark.parametrize("rest", ["imports: [{path: other.yaml}]", "images: $(cat images.yaml)"])
def test_images_that_are_not_in_the_file_are_not_judged(rest: str) -> None:
    check("${runtime.images.api}", rest=rest)
