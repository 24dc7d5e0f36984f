from __future__ import annotations

from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from imagetasks.config import reader
from imagetasks.config.reader import MappingNode, Node, ScalarNode, SequenceNode, parse_nodes, read_nodes, shown_path
from imagetasks.errors import ConfigError, Position


def plain_data(node: Node | None) -> object:
    if isinstance(node, MappingNode):
        return {key: plain_data(value) for key, value in node.values.items()}
    if isinstance(node, SequenceNode):
        return [plain_data(item) for item in node.items]
    return None if node is None or node.is_null else node.text


def parsed(text: str) -> object:
    return plain_data(parse_nodes(text.encode(), "devspace.yaml"))


def refusal(data: str | bytes) -> str:
    with pytest.raises(ConfigError) as raised:
        parse_nodes(data if isinstance(data, bytes) else data.encode(), "devspace.yaml")
    assert "\n" not in str(raised.value)
    return str(raised.value)


texts = st.text(st.characters(codec="utf-8", exclude_categories=("Cc", "Cs")), max_size=20)
documents = st.recursive(
    texts, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(texts, inner, max_size=4), max_leaves=20
)


@given(documents)
def test_what_the_yaml_library_writes_is_read_back(document: object) -> None:
    assert parsed(yaml.dump(document, default_style='"', allow_unicode=True)) == document


def test_every_node_knows_its_line_and_column() -> None:
    root = parse_nodes(b"images:\n  api:\n    image: [x]\n", "devspace.yaml")
    assert isinstance(root, MappingNode)
    images = root.values["images"]
    assert isinstance(images, MappingNode)
    assert images.keys["api"][2:4] == (2, 3)
    api = images.values["api"]
    assert isinstance(api, MappingNode)
    image = api.values["image"]
    assert isinstance(image, SequenceNode)
    assert (image.line, image.column) == (3, 12)


def test_numbers_and_booleans_stay_as_they_are_written() -> None:
    assert parsed("[1.10, 0x1F, yes, 2001-01-01, 1_000]") == ["1.10", "0x1F", "yes", "2001-01-01", "1_000"]


def test_a_byte_order_mark_and_windows_line_ends_are_taken() -> None:
    assert plain_data(parse_nodes(b"\xef\xbb\xbfa: b\r\nc: d\r\n", "f")) == {"a": "b", "c": "d"}


def test_aliases_stand_for_what_they_name() -> None:
    assert parsed("a: &x [1, 2]\nb: *x") == {"a": ["1", "2"], "b": ["1", "2"]}


def test_merge_keys_give_way_to_own_keys_and_to_earlier_merges() -> None:
    text = "a: &a {x: 1, y: 1}\nb: &b {y: 2, z: 2}\nc: {<<: [*a, *b], z: 3}"
    document = parsed(text)
    assert document == yaml.safe_load(text.replace("1", "'1'").replace("2", "'2'").replace("3", "'3'"))


@pytest.mark.parametrize("data", [b"", b"# nothing\n", b"\n\n"])
def test_a_file_without_a_document_has_no_node(data: bytes) -> None:
    assert parse_nodes(data, "f") is None


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        ("a: b: c", "devspace.yaml:1:5: this is not YAML: a `key: value` cannot stand here"),
        ("a:\n\t- b", "devspace.yaml:2:1: this is not YAML: a value cannot start with a tab"),
        ("a: 'x\nb: c\n", "devspace.yaml:1:4: this is not YAML: a quote is opened here and never closed"),
        (
            "a: [x\n",
            "devspace.yaml:1:4: this is not YAML: a `[` is opened here, and a `]` or `,` is missing by the end",
        ),
        ("a:\n- {x: y\nb: c\n", "devspace.yaml:2:3: this is not YAML: a `{` is opened here, and a `}` or `,` is"),
        (
            "a: [x,\n'y' z]\n",
            "devspace.yaml:1:4: this is not YAML: a `[` is opened here, and a `]` or `,` is missing by line 2",
        ),
        ("a: {b: [c,", "devspace.yaml:1:8: this is not YAML: a `[` is opened here"),
        ("a: [b, , c]", "devspace.yaml:1:8: this is not YAML: a value is missing"),
        ('a: "\\q"', "unknown escape; write `\\\\` for a backslash"),
        ("a: 1\nb: 2\na: 3", "devspace.yaml:3:1: the key `a` stands twice in this map, first in line 1"),
        ("--- a\n--- b", "devspace.yaml:2:1: a second document"),
        ("a: *b", "devspace.yaml:1:4: there is no anchor `&b`"),
        ("a: &a [*a]", "there is no anchor `&a` before this alias"),
        ("? [a]\n: b", "a key must be a text, not a list"),
        ("<<: text", "`<<` merges a map or a list of maps"),
        ("a: !!python/object/apply:os.system ['x']", "the tag `!!python/object/apply:os.system` is not understood"),
        ("a: !mine x", "devspace.yaml:1:4: the tag `!mine` is not understood"),
        (b"a: b\nc: \xe4", "devspace.yaml:2:4: the file is not UTF-8"),
        ("a: x".encode("utf-16"), "devspace.yaml:1:1: the file is not UTF-8"),
        (b"a: b\nc: \0", "devspace.yaml:2:4: a NUL byte cannot stand in YAML"),
        ("a: \x07", "devspace.yaml:1:4: the control character U+0007"),
    ],
)
def test_what_is_not_yaml_is_refused_in_a_sentence_with_its_place(data: str | bytes, expected: str) -> None:
    assert expected in refusal(data)


@pytest.mark.parametrize(
    "text",
    [
        "[" * 100_000,
        "{a: " * 100_000,
        "- " * 100_000,
        "\n".join(" " * level + "a:" for level in range(3000)),
        "a0: &a0 [x]\n" + "".join(f"a{n}: &a{n} {'[' * 50}*a{n - 1}{']' * 50}\n" for n in range(1, 100)),
    ],
    ids=["flow lists", "flow maps", "block lists", "block maps", "aliases"],
)
def test_deep_nesting_is_refused(text: str) -> None:
    assert "the nesting is deeper than 100 levels" in refusal(text)


def test_aliases_of_aliases_are_refused_before_they_grow() -> None:
    laughs = "a0: &a0 [x]\n" + "".join(f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]\n" for n in range(1, 11))
    assert "stand for more than 100000 values" in refusal(laughs)


def test_a_long_file_with_few_aliases_is_not_refused() -> None:
    text = "a: &a x\nb: *a\nc:\n" + "- x\n" * (reader.MAX_NODES_BEHIND_ALIASES + 1)
    assert isinstance(parse_nodes(text.encode(), "f"), MappingNode)


def test_the_parser_without_libyaml_reads_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    text = b"a: &x [1, 'two']\nb: {<<: {c: d}, e: *x}\nf: |\n  g\n  h\n"
    with_libyaml = parse_nodes(text, "f")
    monkeypatch.setattr(reader, "YamlLoader", yaml.SafeLoader)
    assert parse_nodes(text, "f") == with_libyaml


def test_a_missing_file_and_a_folder_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"there is no file .*devspace\.yaml"):
        read_nodes(tmp_path / "devspace.yaml")
    with pytest.raises(ConfigError, match="cannot be read: Is a directory"):
        read_nodes(tmp_path)


def test_paths_are_shown_as_a_user_would_type_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "below").mkdir()
    monkeypatch.chdir(tmp_path / "below")
    assert shown_path(Path.cwd() / "sub" / "devspace.yaml") == str(Path("sub/devspace.yaml"))
    assert shown_path(tmp_path / "devspace.yaml") == str(tmp_path / "devspace.yaml")


def test_a_secret_is_never_described() -> None:
    assert "hunter2" not in reader.describe(ScalarNode("hunter2", plain=True, line=1, column=1, secret=True))


def test_positions_are_those_of_the_file() -> None:
    assert reader.position_of(ScalarNode("x", plain=True, line=3, column=7), "f") == Position("f", 3, 7)
