from __future__ import annotations

import pytest

from imagetasks.config.profiles import apply_profiles, parse_path
from imagetasks.config.reader import MappingNode, Node, SequenceNode, parse_nodes
from imagetasks.errors import ConfigError

BASE = """
images:
  api: {image: shop/api}
  web.site: {image: shop/web}
deployments:
- name: first
- name: second
"""


def plain_data(node: Node) -> object:
    if isinstance(node, MappingNode):
        return {key: plain_data(value) for key, value in node.values.items()}
    if isinstance(node, SequenceNode):
        return [plain_data(item) for item in node.items]
    return node.text


def root_of(profiles: str) -> MappingNode:
    root = parse_nodes(f"{BASE}profiles:\n{profiles}".encode(), "devspace.yaml")
    assert isinstance(root, MappingNode)
    return root


def applied(profiles: str, *names: str) -> dict[str, object]:
    root = apply_profiles(root_of(profiles), names or ["p"], "devspace.yaml")
    data = plain_data(root)
    assert isinstance(data, dict)
    return data


def patched(*patches: str) -> dict[str, object]:
    return applied("- name: p\n  patches:\n" + "".join(f"  - {patch}\n" for patch in patches))


def refusal(*patches: str) -> str:
    with pytest.raises(ConfigError) as raised:
        patched(*patches)
    return str(raised.value)


@pytest.mark.parametrize(
    ("path", "steps"),
    [
        ("images.backend.image", ("images", "backend", "image")),
        (
            "deployments[0].helm.values.containers[1]",
            ("deployments", "0", "helm", "values", "containers", "1"),
        ),
        ('images["service-image.1"]', ("images", "service-image.1")),
        ("images['a b'].tag", ("images", "a b", "tag")),
        ("/images/backend/image", ("images", "backend", "image")),
        ("/deployments/0", ("deployments", "0")),
    ],
)
def test_both_kinds_of_path_are_understood(path: str, steps: tuple[str, ...]) -> None:
    assert parse_path(path) == steps


@pytest.mark.parametrize("path", ["", "/", "a..b", "a[", "a[x]", "a.", ".a", "a[0]b", "/a//b", "a." * 101 + "a"])
def test_what_is_no_path_is_refused(path: str) -> None:
    with pytest.raises(ConfigError, match="path"):
        parse_path(path)


def test_replace_takes_whole_sections() -> None:
    result = applied("- name: p\n  replace: {images: {only: {image: x}}, dev: {ports: []}, hooks: }")
    assert result["images"] == {"only": {"image": "x"}}
    assert result["dev"] == {"ports": []}
    assert "hooks" not in result
    assert result["deployments"] == [{"name": "first"}, {"name": "second"}]


def test_patches_come_after_replace() -> None:
    result = applied(
        "- name: p\n  patches: [{op: replace, path: images.only.image, value: y}]\n"
        "  replace: {images: {only: {image: x}}}"
    )
    assert result["images"] == {"only": {"image": "y"}}


def test_profiles_are_applied_in_the_order_given() -> None:
    profiles = "".join(
        f"- name: {name}\n  patches: [{{op: replace, path: images.api.image, value: {name}}}]\n" for name in "ab"
    )
    assert applied(profiles, "a", "b")["images"] != applied(profiles, "b", "a")["images"]


def test_values_are_replaced_removed_and_added() -> None:
    result = patched(
        "{op: replace, path: images.api.image, value: shop/other}",
        "{op: add, path: images.api.tag, value: v1}",
        "{op: remove, path: '/images/web.site'}",
        "{op: remove, path: 'deployments[0]'}",
        "{op: add, path: deployments, value: {name: last}}",
        "{op: add, path: '/deployments/0', value: {name: zeroth}}",
    )
    assert result["images"] == {"api": {"image": "shop/other", "tag": "v1"}}
    assert result["deployments"] == [{"name": "zeroth"}, {"name": "second"}, {"name": "last"}]


def test_a_patched_value_stands_where_the_profile_has_it() -> None:
    root = apply_profiles(
        root_of("- name: p\n  patches:\n  - {op: add, path: images.api.tag, value: v1}\n"), ["p"], "devspace.yaml"
    )
    images = root.values["images"]
    assert isinstance(images, MappingNode)
    api = images.values["api"]
    assert isinstance(api, MappingNode)
    assert api.keys["tag"].line == api.values["tag"].line == 11


def test_a_patch_of_an_alias_leaves_its_anchor_alone() -> None:
    root = parse_nodes(
        b"a: &x {k: 1}\nb: *x\nprofiles: [{name: p, patches: [{op: replace, path: b.k, value: 2}]}]", "f"
    )
    assert isinstance(root, MappingNode)
    result = apply_profiles(root, ["p"], "f")
    assert plain_data(result.values["a"]) == {"k": "1"}
    assert plain_data(result.values["b"]) == {"k": "2"}


@pytest.mark.parametrize(
    ("patch", "expected"),
    [
        (
            "{op: remove, path: images.none}",
            "the patch `remove` of `images.none` cannot be applied: there is no `none`",
        ),
        ("{op: replace, path: images.api.tag, value: x}", "there is no `tag`"),
        ("{op: replace, path: images.none.image, value: x}", "there is no `none`"),
        ("{op: remove, path: 'deployments[2]'}", "there is no `2`"),
        ("{op: add, path: 'deployments[3]', value: x}", "there is no place for `3`"),
        ("{op: add, path: images.api.image.x, value: x}", "there is no place for `x`"),
        ("{op: add, path: dev.ports, value: x}", "there is no `dev`"),
        ("{op: add, path: images.api.tag}", "it has no `value`"),
        ("{op: add, path: 'images[', value: x}", "a path is like"),
    ],
)
def test_a_patch_that_does_not_fit_is_refused_at_its_path(patch: str, expected: str) -> None:
    sentence = refusal(patch)
    assert expected in sentence
    assert sentence.startswith("devspace.yaml:11:")


def test_an_unknown_profile_lists_the_defined_ones() -> None:
    with pytest.raises(ConfigError, match=r"no profile `c` in devspace\.yaml; it defines a, b"):
        applied("- name: a\n- name: b\n", "c")
