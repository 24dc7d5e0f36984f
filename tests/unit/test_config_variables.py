from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imagetasks.config.mistakes import Mistakes
from imagetasks.config.reader import ScalarNode
from imagetasks.config.variables import VARIABLE_NAME, VariableDefinition, Variables, fill
from imagetasks.errors import ConfigError


def variables(
    *definitions: VariableDefinition,
    given: Mapping[str, str] | None = None,
    environ: Mapping[str, str] | None = None,
    predefined: Mapping[str, Callable[[], str]] | None = None,
    volatile: Sequence[str] = (),
) -> Variables:
    return Variables(
        definitions,
        given=given or {},
        environ=environ or {},
        predefined=predefined or {},
        volatile=frozenset(volatile),
    )


def filled(text: str, values: Variables, *, keep_volatile: bool = False) -> ScalarNode:
    mistakes = Mistakes("devspace.yaml")
    node = fill(ScalarNode(text, plain=False, line=7, column=3), values, mistakes, keep_volatile=keep_volatile)
    mistakes.check()
    assert isinstance(node, ScalarNode)
    return node


def refusal(text: str, values: Variables) -> str:
    with pytest.raises(ConfigError) as raised:
        filled(text, values)
    return str(raised.value)


names = st.from_regex(VARIABLE_NAME, fullmatch=True).filter(str.isascii)


@given(names, st.text(), st.text(alphabet=st.characters(exclude_characters="$")))
def test_a_variable_is_replaced_by_its_value_and_all_around_it_stays(name: str, value: str, around: str) -> None:
    values = variables(given={name: value})
    assert filled(f"{around}${{{name}}}{around}", values).text == f"{around}{value}{around}"


@given(names, st.text(alphabet=st.characters(exclude_characters="$")))
def test_a_doubled_dollar_stands_for_the_text(name: str, around: str) -> None:
    assert filled(f"{around}$${{{name}}}", variables(given={name: "x"})).text == f"{around}${{{name}}}"


@given(st.text(alphabet="$a{}_1 "))
def test_text_without_a_complete_use_is_left_alone(text: str) -> None:
    lone = text.replace("{", "")
    assert filled(lone, variables()).text == lone


@pytest.mark.parametrize("text", ["${}", "$", "${1A}", "${A B}", "$A", "${A", "$${}"])
def test_what_only_looks_like_a_variable_is_left_alone(text: str) -> None:
    assert filled(text, variables(given={"A": "x", "1A": "x"})).text == text


def test_a_value_is_not_searched_for_variables() -> None:
    assert filled("${A}", variables(given={"A": "${B}", "B": "x"})).text == "${B}"


@pytest.mark.parametrize(
    ("value", "plain"), [("true", True), ("1.5", True), ("-3", True), ("null", False), ("", False), ("1.5.2", False)]
)
def test_only_a_number_or_a_boolean_becomes_one(value: str, plain: bool) -> None:
    assert filled("${A}", variables(given={"A": value})).plain is plain


def test_the_command_line_wins_over_the_environment_and_that_over_the_predefined() -> None:
    predefined = {"A": lambda: "predefined"}
    assert filled("${A}", variables(predefined=predefined)).text == "predefined"
    assert filled("${A}", variables(predefined=predefined, environ={"A": "environ"})).text == "environ"
    everything = variables(predefined=predefined, environ={"A": "environ"}, given={"A": "given"})
    assert filled("${A}", everything).text == "given"


@pytest.mark.parametrize(
    ("source", "environ", "default", "expected"),
    [
        ("all", "e", "d", "e"),
        ("all", None, "d", "d"),
        ("env", "e", "d", "e"),
        ("env", None, "d", "d"),
        ("input", "e", "d", "d"),
        ("none", "e", "d", "d"),
        ("all", None, "", ""),
    ],
)
def test_a_defined_variable_asks_its_source(source: str, environ: str | None, default: str, expected: str) -> None:
    definition = VariableDefinition("A", source=source, default=default)
    values = variables(definition, environ={} if environ is None else {"A": environ})
    assert filled("${A}", values).text == expected


@pytest.mark.parametrize("source", ["all", "env", "input", "none"])
def test_a_defined_variable_without_a_value_says_how_to_set_it(source: str) -> None:
    values = variables(VariableDefinition("A", source=source), predefined={"A": lambda: "x"})
    sentence = refusal("${A}", values)
    assert sentence.startswith("devspace.yaml:7:3: variable `A` has no value; pass --var A=VALUE")
    assert ("environment" in sentence) == (source in ("all", "env"))
    assert filled("${A}", variables(VariableDefinition("A", source=source), given={"A": "x"})).text == "x"


def test_an_unknown_variable_names_the_nearest_known_one() -> None:
    values = variables(VariableDefinition("REGISTRY"))
    assert refusal("${REGISTY}", values).endswith("variable `REGISTY` is not defined; did you mean `REGISTRY`?")


def test_an_unknown_variable_like_no_other_says_how_to_set_it() -> None:
    assert "pass --var A=VALUE or set the environment variable A" in refusal("${A}", variables())


def test_only_variables_that_are_used_are_found_and_only_once() -> None:
    calls: list[str] = []

    def find() -> str:
        calls.append("A")
        raise ConfigError("there is none")

    values = variables(predefined={"A": find})
    filled("text", values)
    assert calls == []
    assert "there is none" in refusal("${A}", values)
    assert "there is none" in refusal("${A}${A}", values)
    assert calls == ["A"]


def test_values_from_outside_must_be_among_the_options() -> None:
    definition = VariableDefinition("A", options=("one", "two"))
    assert filled("${A}", variables(definition, given={"A": "two"})).text == "two"
    assert "`three` is no option of variable `A`; take one or two" in refusal(
        "${A}", variables(definition, environ={"A": "three"})
    )


def test_values_from_outside_must_match_the_pattern() -> None:
    definition = VariableDefinition("A", validation_pattern="^n.*$", validation_message="it starts with n")
    assert filled("${A}", variables(definition, given={"A": "nginx"})).text == "nginx"
    assert refusal("${A}", variables(definition, given={"A": "httpd"})).endswith(
        "`httpd` is not allowed for variable `A`: it starts with n"
    )


def test_a_password_is_in_no_message() -> None:
    definition = VariableDefinition("A", password=True, options=("hunter2",), validation_pattern="x")
    for value in ("hunter2", "hunter3"):
        assert "hunter" not in refusal("${A}", variables(definition, given={"A": value}))
    values = variables(VariableDefinition("A", password=True), given={"A": "hunter2"})
    assert filled("x${A}", values).secret


def test_volatile_variables_stay_where_they_are_to_be_kept() -> None:
    values = variables(predefined={"NOW": lambda: "12"}, volatile=["NOW"])
    assert filled("${NOW}", values).text == "12"
    assert filled("v${NOW}", values, keep_volatile=True).text == "v${NOW}"


def test_a_volatile_variable_that_is_set_is_filled_in() -> None:
    for values in (
        variables(given={"NOW": "1"}, volatile=["NOW"]),
        variables(environ={"NOW": "1"}, volatile=["NOW"]),
        variables(VariableDefinition("NOW", default="1"), volatile=["NOW"]),
    ):
        assert filled("${NOW}", values, keep_volatile=True).text == "1"
