from __future__ import annotations

from pathlib import Path

import pytest

from imagetasks.config.load import load_config, read_profiles
from imagetasks.config.mistakes import Mistakes
from imagetasks.config.profiles import activated_profiles, apply_profiles, parse_path, profiles_of
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


def nodes_of(text: str) -> MappingNode:
    root = parse_nodes(text.encode(), "devspace.yaml")
    assert isinstance(root, MappingNode)
    return root


def root_of(profiles: str) -> MappingNode:
    return nodes_of(f"{BASE}profiles:\n{profiles}")


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
        ("/images/a~1b~01", ("images", "a/b~1")),
        ("$.deployments[?(@.name=='first')].helm", ("deployments", "name=first", "helm")),
        ('deployments[?(@.name == "first")]', ("deployments", "name=first")),
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


def test_a_merge_goes_into_maps_replaces_the_rest_and_removes_with_null() -> None:
    data = applied(
        "- name: p\n  merge:\n    images: {api: {tag: v2}, web.site: ~, new: {image: shop/new}}\n"
        "    deployments: [x]\n    vars: {A: {B: ~, C: 1}}\n"
    )
    assert data["images"] == {"api": {"image": "shop/api", "tag": "v2"}, "new": {"image": "shop/new"}}
    assert (data["deployments"], data["vars"]) == (["x"], {"A": {"C": "1"}})


def test_replace_comes_before_merge_and_merge_before_patches() -> None:
    data = applied(
        "- name: p\n  patches: [{op: replace, path: images.a.tag, value: patched}]\n"
        "  merge: {images: {a: {image: merged, tag: merged}}}\n  replace: {images: {a: {image: replaced, cmd: []}}}\n"
    )
    assert data["images"] == {"a": {"image": "merged", "cmd": [], "tag": "patched"}}


PARENTS = """
- {name: a, merge: {order: {a: 1}}}
- {name: b, parent: a, merge: {order: {b: 1}}}
- {name: c, parents: [{profile: a}, {profile: b}, {profile: x, source: {git: y}}], merge: {order: {c: 1}}}
- {name: d, merge: {order: {d: 1}}}
"""


@pytest.mark.parametrize(
    ("names", "order"), [("a", "a"), ("b", "ab"), ("c", "abc"), ("dc", "dabc"), ("cbd", "abcd"), ("", "")]
)
def test_parents_are_applied_first_and_each_profile_once(names: str, order: str) -> None:
    root = apply_profiles(root_of(PARENTS), list(names), "devspace.yaml")
    data = plain_data(root)
    assert isinstance(data, dict)
    assert "".join(data.get("order", {})) == order


def test_profiles_that_are_each_others_parents_are_refused_with_the_cycle() -> None:
    with pytest.raises(ConfigError) as raised:
        applied("- {name: a, parent: b}\n- {name: b, parents: [{profile: c}]}\n- {name: c, parent: a}\n", "c")
    assert str(raised.value) == "devspace.yaml:10:33: profiles are each other's parents: c -> a -> b -> c"


def test_a_parent_that_is_not_defined_is_refused() -> None:
    with pytest.raises(ConfigError, match=r"devspace.yaml:9:21: there is no profile `b` in devspace.yaml"):
        applied("- {name: p, parent: b}\n")


@pytest.mark.parametrize(
    ("activation", "active"),
    [
        ("[{env: {CI: 'true'}}]", True),
        ("[{env: {CI: ^tr.e$}}]", True),
        ("[{env: {CI: tru}}]", False),
        ("[{env: {UNSET: ''}}]", True),
        ("[{vars: {STAGE: 'dev|prod'}}]", True),
        ("[{vars: {STAGE: prod}}]", False),
        ("[{env: {CI: 'true'}, vars: {STAGE: prod}}]", False),
        ("[{vars: {STAGE: prod}}, {env: {CI: 'true'}}]", True),
        ("[{}]", True),
        ("[]", False),
    ],
)
def test_a_profile_is_active_if_all_conditions_of_one_activation_hold(activation: str, active: bool) -> None:
    profiles = profiles_of(root_of(f"- {{name: p, activation: {activation}}}\n- {{name: other}}\n"))
    mistakes = Mistakes("devspace.yaml")
    found = activated_profiles(profiles, {"CI": "true"}, {"STAGE": "dev"}.__getitem__, mistakes)
    assert found == (("p",) if active else ())
    mistakes.check()


@pytest.mark.parametrize(
    ("condition", "message"),
    [("env: {CI: '('}", "is no regular expression"), ("vars: {A: x}", "variable `A` has no value")],
)
def test_a_condition_that_cannot_be_looked_at_is_a_mistake(condition: str, message: str) -> None:
    def variable(name: str) -> str:
        raise ConfigError(f"variable `{name}` has no value")

    mistakes = Mistakes("devspace.yaml")
    activated_profiles(
        profiles_of(root_of(f"- {{name: p, activation: [{{{condition}}}]}}\n")), {}, variable, mistakes
    )
    with pytest.raises(ConfigError, match=message):
        mistakes.check()


def test_a_step_of_a_path_may_choose_from_a_list_by_a_key() -> None:
    data = patched("{op: replace, path: deployments.name=second, value: {name: other}}")
    assert data["deployments"] == [{"name": "first"}, {"name": "other"}]
    assert "there is no `name=third`" in refusal("{op: remove, path: deployments.name=third}")


@pytest.mark.parametrize("path", ["/deployments/-", "deployments.-"])
def test_a_dash_is_the_place_after_the_last_entry(path: str) -> None:
    data = patched(f"{{op: add, path: {path}, value: {{name: third}}}}")
    assert data["deployments"] == [{"name": "first"}, {"name": "second"}, {"name": "third"}]
    assert "there is no `-`" in refusal(f"{{op: replace, path: {path}, value: x}}")


@pytest.mark.parametrize("path", ["deployments[*].name", "$.deployments.*.name", "/deployments/*/name"])
def test_a_star_stands_for_all_that_is_there(path: str) -> None:
    assert patched(f"{{op: replace, path: '{path}', value: x}}")["deployments"] == [{"name": "x"}, {"name": "x"}]
    assert patched(f"{{op: remove, path: '{path}'}}")["deployments"] == [{}, {}]
    assert patched("{op: remove, path: 'deployments.*'}")["deployments"] == []
    assert patched("{op: add, path: deployments.*.helm, value: {}}")["deployments"] == [
        {"name": "first", "helm": {}},
        {"name": "second", "helm": {}},
    ]
    assert "nothing is there for `*`" in refusal("{op: remove, path: 'images.*.tag'}")


def test_dotted_paths_of_later_versions_may_lead_to_what_is_not_there() -> None:
    patches = "[{op: remove, path: images.none}, {op: replace, path: images.api.tag, value: v1}]"
    text = f"version: v1beta11\n{BASE}profiles: [{{name: p, patches: {patches}}}]"
    data = plain_data(apply_profiles(nodes_of(text), ["p"], "devspace.yaml"))
    assert isinstance(data, dict)
    assert data["images"]["api"] == {"image": "shop/api", "tag": "v1"}
    with pytest.raises(ConfigError, match="there is no `none`"):
        apply_profiles(nodes_of(text.replace("images.none", "/images/none")), ["p"], "devspace.yaml")
    with pytest.raises(ConfigError, match="the patch `replace` of"):
        apply_profiles(nodes_of(text.replace("images.api.tag", "images.web.tag")), ["p"], "devspace.yaml")


def test_profiles_are_listed_with_those_that_are_active(tmp_path: Path) -> None:
    file = tmp_path / "devspace.yaml"
    file.write_text("""version: v2beta1
vars: {STAGE: dev}
profiles:
- {name: base, description: What all have}
- {name: child, parent: base}
- {name: dev, activation: [{vars: {STAGE: dev}}]}
- {name: other, activation: [{env: {CI: "true"}}]}
""")
    found = read_profiles(file, variables={}, profiles=["child"], environ={})
    assert found == (
        ("base", "What all have", True),
        ("child", "", True),
        ("dev", "", True),
        ("other", "", False),
    )
    assert load_config(file, variables={"STAGE": "prod"}, environ={"CI": "true"}).images == ()
    with pytest.raises(ConfigError, match="there is no profile `x`"):
        read_profiles(file, variables={}, profiles=["x"], environ={})


def test_an_activated_profile_is_applied_before_those_that_are_named(tmp_path: Path) -> None:
    file = tmp_path / "devspace.yaml"
    file.write_text("""version: v1beta11
vars: [{name: NAME, value: first}]
images: {api: {image: original}}
profiles:
- {name: named, merge: {images: {api: {image: named, tags: [x]}}}}
- {name: dev, merge: {images: {api: {image: "${NAME}"}}}, activation: [{env: {CI: "true"}}]}
""")

    def image(*names: str) -> str:
        return load_config(file, variables={}, profiles=names, environ={"CI": "true"}).images[0].image

    assert (image(), image("named"), image("named", "dev")) == ("first", "named", "first")


def test_a_listing_says_which_profile_it_leaves_out_as_it_runs_no_command(tmp_path: Path) -> None:
    file = tmp_path / "devspace.yaml"
    file.write_text("""version: v1beta11
vars: [{name: STAGE, source: command, command: echo dev}]
images: {api: {image: original}}
profiles:
- {name: dev, merge: {images: {api: {image: dev}}}, activation: [{vars: {STAGE: dev}}]}
- {name: ci, activation: [{env: {CI: "true"}, vars: {STAGE: dev}}]}
""")
    run = load_config(file, variables={}, environ={})
    listed = load_config(file, variables={}, environ={}, asker=None)

    assert (run.images[0].image, run.left_open) == ("dev", ())
    assert listed.images[0].image == "original"
    (line,) = listed.left_open
    assert ":5:81: profile `dev` is left out: without a run, its variable `STAGE` is not known" in line
    assert load_config(file, variables={"STAGE": "x"}, environ={}, asker=None).left_open == ()
