from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imagetasks.config.printing import print_nodes
from imagetasks.config.reader import MappingNode, Node, ScalarNode, SequenceNode, parse_nodes

ODD = (
    *("", "true", "yes", "y", "null", "~", "1", "1e3", "0o7", "0x1F", ".5", "1_000", "12:30:45", "2001-01-01", "<<"),
    *("=", "---", "...", "- a", "a: b", "a #b", " a", "a ", "\n", "a\n\n", "\ta", "a\n b", "\n a", "a\r\nb", "\x85"),
    *("\u2028", "\ufeff", "${A}", "*a", "&a", "!a", "a" * 200),
)
PLAIN = ("true", "no", "1", "1.5", "1e3", "~", "null", "0o7", "", "text", "two words")
# What a plain scalar means something else by than a quoted one.
SPECIAL = frozenset(PLAIN) - {"text", "two words"}


def scalar(text: str, *, plain: bool = False) -> ScalarNode:
    return ScalarNode(text, plain, 1, 1)


def mapping(values: dict[str, Node]) -> MappingNode:
    return MappingNode({key: scalar(key) for key in values}, values, 1, 1)


def sequence(items: list[Node]) -> SequenceNode:
    return SequenceNode(tuple(items), 1, 1)


texts = st.sampled_from(ODD) | st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=8)
scalars = st.builds(scalar, texts) | st.builds(lambda text: scalar(text, plain=True), st.sampled_from(PLAIN))
nodes: st.SearchStrategy[Node] = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=3).map(sequence) | st.dictionaries(texts, inner, max_size=3).map(mapping),
    max_leaves=8,
)


def meaning(node: Node | None) -> object:
    """What a node means, whatever its place and its quotes."""
    if isinstance(node, MappingNode):
        return {key: meaning(value) for key, value in node.values.items()}
    if isinstance(node, SequenceNode):
        return [meaning(item) for item in node.items]
    assert node is not None
    return node.text, node.plain and node.text in SPECIAL


@given(st.dictionaries(texts, nodes, max_size=3).map(mapping))
def test_what_is_printed_reads_back_as_the_same(node: MappingNode) -> None:
    assert meaning(parse_nodes(print_nodes(node).encode(), "printed")) == meaning(node)


@pytest.mark.parametrize(
    ("written", "printed"),
    [
        ('a: "text"', "a: text\n"),
        ("a: '1.10'", "a: '1.10'\n"),
        ("a: '1e3'", "a: '1e3'\n"),
        ("a: 1.10", "a: 1.10\n"),
        ("a: 'yes'", "a: 'yes'\n"),
        ("a: 'y'", "a: 'y'\n"),
        ("a: '0X1F'", "a: '0X1F'\n"),
        ("a: '1_0e3'", "a: '1_0e3'\n"),
        ("on: 1\n'off': 2\n8080: 3", "on: 1\n'off': 2\n8080: 3\n"),
        ("a: yes", "a: yes\n"),
        ("a: [1, {b: c}]", "a:\n- 1\n- b: c\n"),
        ('a: "one\\ntwo\\n"', "a: |\n  one\n  two\n"),
        ("a: {}\nb: []", "a: {}\nb: []\n"),
        ("a: &x {b: c}\nd: *x", "a:\n  b: c\nd:\n  b: c\n"),
    ],
)
def test_quotes_stand_only_where_a_text_would_be_something_else(written: str, printed: str) -> None:
    node = parse_nodes(written.encode(), "written")
    assert node is not None
    assert print_nodes(node) == printed
