from __future__ import annotations

import os
from pathlib import Path

import pytest

from imagetasks.config.filling import Filler
from imagetasks.config.mistakes import Mistakes
from imagetasks.config.questions import NO_QUESTIONS
from imagetasks.config.reader import Node, ScalarNode, SequenceNode, parse_nodes
from imagetasks.config.variables import VariableDefinition, Variables
from imagetasks.errors import ConfigError


def fill(text: str, folder: Path, *, listing: bool = False, expressions: bool = True, **given: str) -> Node:
    definitions = [VariableDefinition("PASSWORD", password=True)]
    variables = Variables(
        definitions,
        given=given,
        environ=os.environ,
        predefined={},
        folder=folder,
        asker=None if listing else NO_QUESTIONS,
    )
    mistakes = Mistakes("devspace.yaml")
    node = parse_nodes(text.encode(), "devspace.yaml")
    assert node is not None
    filled = Filler(variables, mistakes, expressions=expressions).fill(node)
    mistakes.check()
    return filled


def plain_data(node: Node) -> object:
    if isinstance(node, ScalarNode):
        return (node.text, node.plain) if not node.is_null else None
    if isinstance(node, SequenceNode):
        return [plain_data(item) for item in node.items]
    return {key: plain_data(value) for key, value in node.values.items()}


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("$(echo two  words)", ("two words", False)),
        ("$(echo 12)", ("12", True)),
        ("$(echo true)", ("true", True)),
        ("$!(echo true)", ("true", False)),
        ("'$#(printf \" x \")'", (" x ", False)),
        ("$(echo null)", None),
        ("$(echo)", None),
        ("$(test a = a)", ("true", True)),
        ("$(test a = b)", ("false", True)),
        ("""'$(echo "{a: true, b: [c, 1]}")'""", {"a": ("true", True), "b": [("c", True), ("1", True)]}),
        ("'$(printf \"a: 1\\nb: x\\n\")'", {"a": ("1", True), "b": ("x", True)}),
        ("|-\n  $(\n  echo lines\n  )", ("lines", False)),
        ("x $(echo 1)", ("x $(echo 1)", True)),
        ("$(echo ${A})", ("a value", False)),
        ("$(echo '${'A'}')", ("a value", False)),
    ],
)  # fmt: skip
def test_an_expression_stands_for_what_its_command_says(tmp_path: Path, expression: str, expected: object) -> None:
    assert plain_data(fill(expression, tmp_path, A="a value")) == expected


def test_an_expression_is_run_in_the_project_folder(tmp_path: Path) -> None:
    assert plain_data(fill("$(pwd)", tmp_path)) == (str(tmp_path), False)


def test_an_expression_may_leave_an_entry_out(tmp_path: Path) -> None:
    assert plain_data(fill("[a, $(echo), b]", tmp_path)) == [("a", True), ("b", True)]


def test_what_an_expression_gives_stands_where_the_expression_stood(tmp_path: Path) -> None:
    node = fill("\n  '$(echo \"[{a: x}]\")'", tmp_path)
    assert (node.line, node.column) == (2, 3)


@pytest.mark.parametrize("value", ["$(touch run)", "$!(touch run)"])
def test_only_what_the_file_itself_says_is_run(tmp_path: Path, value: str) -> None:
    assert plain_data(fill("${A}", tmp_path, A=value)) == (value, False)
    assert plain_data(fill("$(echo '$(touch' 'run)')", tmp_path)) == ("$(touch run)", False)
    assert list(tmp_path.iterdir()) == []


def test_an_older_version_has_no_expressions(tmp_path: Path) -> None:
    assert plain_data(fill("$(touch run)", tmp_path, expressions=False)) == ("$(touch run)", True)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "path", ["hooks: [{command: X}]", "deployments: {a: {helm: {values: {b: X}}}}", "dev: X", "pipelines: {a: X}"]
)
def test_what_is_evaluated_when_it_runs_is_not_evaluated_before(tmp_path: Path, path: str) -> None:
    fill(path.replace("X", "$(touch run)"), tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_listing_runs_nothing_and_says_that_the_value_is_not_known(tmp_path: Path) -> None:
    node = fill("$(touch run)", tmp_path, listing=True)
    assert isinstance(node, ScalarNode)
    assert (node.text, node.pending) == ("$(touch run)", True)
    assert list(tmp_path.iterdir()) == []


def test_a_failed_expression_is_a_sentence_with_its_place_and_no_password(tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as raised:
        fill("a:\n  b: $(echo first >&2; echo ${PASSWORD} is wrong >&2; exit 2)", tmp_path, PASSWORD="hunter2")
    assert str(raised.value) == "devspace.yaml:2:6: the expression failed: ******** is wrong (exit code 2)"


def test_what_an_expression_makes_of_a_password_is_secret(tmp_path: Path) -> None:
    node = fill("$(echo x${PASSWORD})", tmp_path, PASSWORD="hunter2")
    assert isinstance(node, ScalarNode)
    assert node.secret
