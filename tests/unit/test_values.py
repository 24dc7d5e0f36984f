from __future__ import annotations

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from imagetasks.config.printing import print_nodes
from imagetasks.config.reader import MappingNode
from imagetasks.deploy.values import difference, merged, parse_chart_values, parse_values
from imagetasks.errors import DeployError

KEYS = st.sampled_from("abc")
VALUES = st.recursive(
    st.integers(0, 3) | st.sampled_from(["x", ""]) | st.none() | st.lists(st.integers(0, 1), max_size=2),
    lambda inner: st.dictionaries(KEYS, inner, max_size=3),
)
MAPS = st.dictionaries(KEYS, VALUES, max_size=3)


def nodes(values: object) -> MappingNode:
    return parse_values(yaml.safe_dump(values).encode(), "values.yaml")


def plain(node: MappingNode) -> object:
    return yaml.safe_load(print_nodes(node))


def test_maps_are_merged_and_all_else_is_replaced() -> None:
    lower = {"image": {"repository": "a", "tag": "1"}, "args": ["x", "y"], "left": 1}
    upper = {"image": {"tag": "2"}, "args": ["z"], "new": None}
    expected = {"image": {"repository": "a", "tag": "2"}, "args": ["z"], "left": 1, "new": None}
    assert plain(merged(nodes(lower), nodes(upper))) == expected


@given(MAPS, MAPS)
def test_a_difference_put_over_the_rest_gives_the_whole(lower: dict[str, object], upper: dict[str, object]) -> None:
    whole = merged(nodes(lower), nodes(upper))
    assert plain(merged(nodes(lower), difference(nodes(lower), whole))) == plain(whole)


def test_only_what_differs_is_in_a_difference() -> None:
    lower = nodes({"image": {"repository": "a", "tag": "1"}, "other": {"x": 1}})
    whole = merged(lower, nodes({"image": {"tag": "2"}}))
    assert plain(difference(lower, whole)) == {"image": {"tag": "2"}}


@pytest.mark.parametrize("text", ["", "# nothing\n"])
def test_a_file_may_hold_no_values(text: str) -> None:
    assert parse_values(text.encode(), "values.yaml").values == {}


def test_values_must_be_a_map() -> None:
    with pytest.raises(DeployError, match=r"^values\.yaml must hold a map$"):
        parse_values(b"[1]", "values.yaml")


def test_a_key_that_stands_twice_is_a_mistake_of_the_users_but_not_of_a_charts() -> None:
    text = b"a: 1\nb: {c: 2}\na: 3\n"
    assert plain(parse_chart_values(text, "values.yaml")) == {"a": 3, "b": {"c": 2}}
    with pytest.raises(DeployError, match=r"^values\.yaml:3:1: the key `a` stands twice"):
        parse_values(text, "values.yaml")
