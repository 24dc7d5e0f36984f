from __future__ import annotations

import json
from pathlib import Path

import pytest
import yaml

from imagetasks.config.model import Deployment
from imagetasks.config.reader import Node, parse_nodes
from imagetasks.deploy.manifests import apply_patches, identity, parse_manifests, print_manifests
from imagetasks.deploy.sources import local_files, shown_address
from imagetasks.errors import DeployError, Position

POD = "apiVersion: v1\nkind: Pod\nmetadata:\n  name: web\nspec:\n  containers:\n  - image: nginx\n"
SCALARS = (
    *("yes", "'yes'", "'y'", "0o7", "'0o7'", "1e3", "'1e3'", "12345678901234567890", "2001-01-01", "'2001-01-01'"),
    *("'='", "0x1F", "'0X1F'", "1_000", "'1_000'", "~", "'~'", "''", "1.10", "'1.10'", "12:30", "'12:30'"),
)
SECRETIVE = "https://ann:pass@example.com/a.yaml?token=secret"


def through(text: str) -> str:
    return print_manifests(parse_manifests(text.encode(), "it.yaml"))


def files(project: Path, entry: str) -> list[str]:
    return [file.relative_to(project).as_posix() for file in local_files(entry, project)]


@pytest.fixture
def folders(tmp_path: Path) -> Path:
    for name in ("k8s/b.yaml", "k8s/a.yml", "k8s/c.json", "k8s/README.md", "k8s/more/d.yaml", "one.txt"):
        file = tmp_path / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(POD)
    return tmp_path


@pytest.mark.parametrize(
    ("entry", "expected"),
    [
        ("k8s/b.yaml", ["k8s/b.yaml"]),
        ("one.txt", ["one.txt"]),
        ("k8s", ["k8s/a.yml", "k8s/b.yaml", "k8s/c.json"]),
        ("./k8s/", ["k8s/a.yml", "k8s/b.yaml", "k8s/c.json"]),
        ("k8s/*", ["k8s/a.yml", "k8s/b.yaml", "k8s/c.json"]),
        ("k8s/*.yaml", ["k8s/b.yaml"]),
        ("k8s/[ab].*", ["k8s/a.yml", "k8s/b.yaml"]),
        ("k8s/**/*.yaml", ["k8s/b.yaml", "k8s/more/d.yaml"]),
        ("*/more", ["k8s/more/d.yaml"]),
        ("k8s/*/*", ["k8s/more/d.yaml"]),
        ("none", []),
        ("none/*.yaml", []),
    ],
)
def test_an_entry_stands_for_a_file_a_folder_or_what_a_pattern_matches(
    entry: str, expected: list[str], folders: Path
) -> None:
    assert files(folders, entry) == expected


def test_a_file_whose_name_looks_like_a_pattern_is_found(tmp_path: Path) -> None:
    (tmp_path / "[x].yaml").write_text(POD)
    assert files(tmp_path, "[x].yaml") == ["[x].yaml"]


@pytest.mark.parametrize("scalar", SCALARS)
def test_scalars_stay_as_they_are_written(scalar: str) -> None:
    text = f"apiVersion: v1\nkind: Thing\ndata:\n  value: {scalar}\n  on: {scalar}\n"
    assert through(text) == text


def test_documents_json_anchors_and_comments_are_read() -> None:
    text = f"""
# first
{POD}---
# nothing here
---
{{"apiVersion": "v1", "kind": "Thing", "a": {{"b": 1}}}}
---
apiVersion: v1
kind: Thing
base: &base {{x: 1}}
more: {{<<: *base, y: *base}}
...
"""
    more = "base:\n  x: 1\nmore:\n  y:\n    x: 1\n  x: 1\n"
    thing = "apiVersion: v1\nkind: Thing\n"
    json = "apiVersion: v1\nkind: Thing\na:\n  b: 1\n"
    assert through(text) == f"{POD}---\n{json}---\n{thing}{more}"


@pytest.mark.parametrize("between", ["\n", " \n\n  "])
def test_json_texts_may_stand_in_a_row_as_kubectl_and_jq_print_them(between: str) -> None:
    kinds = ("First", "Second", "Third")
    text = between.join(json.dumps({"apiVersion": "v1", "kind": kind}) for kind in kinds)
    assert through(f"\n{text}\n") == "---\n".join(f"apiVersion: v1\nkind: {kind}\n" for kind in kinds)
    wrong = f'\n{text}\n\n{{"apiVersion": "v1"}}'
    line = wrong.count("\n") + 1
    with pytest.raises(DeployError, match=f"^it.yaml:{line}:"):
        through(wrong)


def test_json_may_escape_every_sign() -> None:
    data = {"apiVersion": "v1", "kind": "Thing", "a": "\U0001f600 \u2028 \x07", "b": "\\ud83d\\ude00"}
    assert yaml.safe_load(through(json.dumps(data))) == data


def test_a_list_stands_for_its_items() -> None:
    item = "{apiVersion: v1, kind: Thing, metadata: {name: %s}}"
    text = f"apiVersion: v1\nkind: List\nitems: [{item % 'a'}, {item % 'b'}]"
    names = [identity(entry)["metadata"]["name"] for entry in parse_manifests(text.encode(), "it.yaml")]
    assert names == ["a", "b"]


def test_an_object_that_only_has_items_is_one_object() -> None:
    text = "apiVersion: v1\nkind: Shop\nitems:\n- kind: book\n"
    assert through(text) == text


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (f"{POD}---\nkind: Pod\n", "it.yaml:9:1: this manifest needs both `apiVersion` and `kind`"),
        ("- a", "it.yaml:1:1: a manifest is a map with `apiVersion` and `kind`, not a list"),
        ("a: [b", "it.yaml:1:4: this is not YAML: a `\\[` is opened here"),
        (f"{POD}a: b: c\n", "it.yaml:8:5: this is not YAML"),
        (f"{POD}---\nkind: a\nkind: b\n", "it.yaml:10:1: the key `kind` stands twice in this map"),
    ],
)
def test_a_mistake_in_a_manifest_is_told_with_its_place(text: str, message: str) -> None:
    with pytest.raises(DeployError, match=message):
        parse_manifests(text.encode(), "it.yaml")


def test_the_address_that_is_shown_has_nothing_secret() -> None:
    assert shown_address(SECRETIVE) == "https://example.com/a.yaml"


def patched(*patches: str) -> str:
    deployment = Deployment("it", "kubectl", positions={"patches": Position("devspace.yaml", 7, 5)})
    nodes: Node | None = parse_nodes(f"[{', '.join(patches)}]".encode(), "devspace.yaml")
    return print_manifests(apply_patches(parse_manifests(POD.encode(), "it.yaml"), nodes, deployment))


def test_patches_add_replace_and_remove_in_their_target() -> None:
    assert patched(
        "{target: {name: web}, op: replace, path: 'spec.containers[0].image', value: redis}",
        "{target: {name: web, kind: Pod}, op: add, path: /spec/containers, value: {image: more}}",
        "{target: {name: web, apiVersion: v1}, op: add, path: metadata.labels, value: {a: b}}",
        "{target: {name: web}, op: remove, path: metadata.name}",
    ) == (
        "apiVersion: v1\nkind: Pod\nmetadata:\n  labels:\n    a: b\nspec:\n  containers:\n"
        "  - image: redis\n  - image: more\n"
    )


@pytest.mark.parametrize("target", ["{name: other}", "{name: web, kind: Service}", "{name: web, apiVersion: v2}"])
def test_a_patch_leaves_other_objects_alone(target: str) -> None:
    assert patched(f"{{target: {target}, op: remove, path: spec}}") == POD


@pytest.mark.parametrize(
    ("patch", "message"),
    [
        ("text", "devspace.yaml:1:2: a patch is a map"),
        ("{op: remove, path: spec}", "this patch needs `target.name`"),
        ("{target: {name: web}, op: test, path: spec}", "this patch needs an `op`, which is add, replace or remove"),
        ("{target: {name: web}, op: add, path: spec}", "this patch needs a `value`"),
        ("{target: {name: web}, op: remove, path: none.a}", "`remove` of `none.a` does not fit Pod web: there is no"),
    ],
)
def test_a_patch_that_is_none_or_does_not_fit_is_told(patch: str, message: str) -> None:
    with pytest.raises(DeployError, match=message):
        patched(patch)
