from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imagetasks.config.printing import print_nodes
from imagetasks.config.reader import MappingNode, parse_nodes
from imagetasks.deploy.base import BuiltImage
from imagetasks.deploy.image_tags import fill_runtime_variables, fill_runtime_variables_in, tag_manifest, tag_values
from imagetasks.errors import DeployError

DIGEST = f"sha256:{'0' * 64}"
API = BuiltImage("api", "registry.example.com:5000/team/api", "abc")
WEB = BuiltImage("web", "nginx", "xyz")


def parse(text: str) -> MappingNode:
    node = parse_nodes(text.encode(), "manifest.yaml")
    assert isinstance(node, MappingNode)
    return node


def tagged(text: str, *images: BuiltImage) -> str:
    return print_nodes(tag_manifest(parse(text), images))


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("nginx", "nginx:xyz"),
        ("nginx:1.25", "nginx:xyz"),
        (f"nginx@{DIGEST}", "nginx:xyz"),
        (f"nginx:1.25@{DIGEST}", "nginx:xyz"),
        ("library/nginx:1.25", "library/nginx:xyz"),
        ("docker.io/nginx", "docker.io/nginx:xyz"),
        ("docker.io/library/nginx:latest", "docker.io/library/nginx:xyz"),
        ("index.docker.io/library/nginx", "index.docker.io/library/nginx:xyz"),
        ("registry.example.com:5000/team/api", "registry.example.com:5000/team/api:abc"),
        ("registry.example.com:5000/team/api:1", "registry.example.com:5000/team/api:abc"),
    ],
)
def test_an_image_of_ours_gets_its_tag_in_every_spelling(written: str, expected: str) -> None:
    assert tagged(f'image: "{written}"', API, WEB) == f"image: {expected}\n"


@pytest.mark.parametrize(
    "written",
    [
        "redis",
        "redis:7",
        f"redis:7@{DIGEST}",
        "team/api:1",
        "registry.example.com/team/api:1",
        "nginx-extra",
        "Not An",
    ],
)
def test_an_image_that_is_not_ours_keeps_its_tag_and_digest(written: str) -> None:
    assert tagged(f"image: {written}", API, WEB) == f"image: {written}\n"


def test_tags_reach_every_key_image_at_any_depth_and_no_other_key() -> None:
    manifest = """
apiVersion: batch/v1
kind: CronJob
spec:
  image: nginx
  jobTemplate:
    spec:
      initContainers:
      - {name: nginx, image: nginx}
      containers:
      - name: web
        image: nginx:1
        env:
        - {name: IMAGE, value: nginx}
"""
    text = tagged(manifest, WEB)
    assert text.count("nginx:xyz") == 3
    assert "- name: nginx\n" in text
    assert "value: nginx\n" in text


def test_an_alias_of_an_image_is_tagged_only_where_it_stands_for_an_image() -> None:
    text = tagged("a: {image: &name nginx}\nb: {value: *name}\nc: {image: *name}", WEB)
    assert text == "a:\n  image: nginx:xyz\nb:\n  value: nginx\nc:\n  image: nginx:xyz\n"


def test_a_map_under_image_is_left_alone() -> None:
    assert tagged("image: {repository: nginx, tag: '1'}", WEB) == "image:\n  repository: nginx\n  tag: '1'\n"


def test_a_tag_never_makes_a_number_of_an_image() -> None:
    assert tagged("image: 12", BuiltImage("x", "12", "30")) == "image: '12:30'\n"


def test_no_image_is_put_where_there_is_none() -> None:
    assert tagged("image: null", BuiltImage("x", "null", "1")) == "image: null\n"


def test_values_get_tags_under_any_key() -> None:
    values = tag_values(parse("a: nginx\nb: [docker.io/nginx:1, redis:7]"), (WEB,))
    assert print_nodes(values) == "a: nginx:xyz\nb:\n- docker.io/nginx:xyz\n- redis:7\n"


@pytest.mark.parametrize("tag", ["latest", "''", "", "~"])
def test_values_with_a_tag_of_its_own_get_it_there(tag: str) -> None:
    values = tag_values(parse(f"image:\n  repository: docker.io/nginx\n  tag: {tag}\n"), (WEB,))
    assert print_nodes(values) == "image:\n  repository: docker.io/nginx\n  tag: xyz\n"


def test_values_keep_the_tag_of_a_repository_that_is_not_ours() -> None:
    text = "image:\n  repository: redis\n  tag: '7'\n"
    assert print_nodes(tag_values(parse(text), (WEB,))) == text


@given(st.sampled_from([WEB, API]), st.from_regex(r"[a-z0-9_][a-z0-9_.-]{0,20}", fullmatch=True))
def test_tagging_twice_is_tagging_once(image: BuiltImage, tag: str) -> None:
    manifest = parse(f"image: {image.repository}")
    once = tag_manifest(manifest, [image._replace(tag="first")])
    assert tag_manifest(once, [image._replace(tag=tag)]) == tag_manifest(manifest, [image._replace(tag=tag)])


def test_runtime_variables_stand_for_the_image_its_repository_and_its_tag() -> None:
    text = "${runtime.images.web} ${runtime.images.web.image} ${runtime.images.web.tag} $!{runtime.images.web.tag}"
    assert fill_runtime_variables(text, [WEB]) == "nginx:xyz nginx xyz xyz"


def test_runtime_variables_are_filled_in_anywhere_in_values() -> None:
    values = fill_runtime_variables_in(parse("a: [{tag: '${runtime.images.api.tag}'}]"), [API])
    assert print_nodes(values) == "a:\n- tag: abc\n"


def test_a_runtime_variable_of_an_unknown_image_is_a_mistake() -> None:
    with pytest.raises(DeployError, match=r"runtime\.images.wbe} names no image; there are api, web"):
        fill_runtime_variables("${runtime.images.wbe.tag}", [API, WEB])
