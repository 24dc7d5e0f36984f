from __future__ import annotations

import json
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imagetasks.config.answers import Answers
from imagetasks.config.filling import Filler
from imagetasks.config.mistakes import Mistakes
from imagetasks.config.questions import NO_QUESTIONS, Asker
from imagetasks.config.reader import ScalarNode
from imagetasks.config.variables import VARIABLE_NAME, SystemCommand, VariableDefinition, Variables
from imagetasks.errors import ConfigError


def variables(
    *definitions: VariableDefinition,
    given: Mapping[str, str] | None = None,
    environ: Mapping[str, str] | None = None,
    predefined: Mapping[str, Callable[[], str]] | None = None,
    volatile: Sequence[str] = (),
    answers: Answers | None = None,
    asker: Asker | None = NO_QUESTIONS,
) -> Variables:
    return Variables(
        definitions,
        given=given or {},
        environ=environ or {},
        predefined=predefined or {},
        volatile=frozenset(volatile),
        answers=answers,
        asker=asker,
    )


def filled(text: str, values: Variables, *, keep_volatile: bool = False) -> ScalarNode:
    mistakes = Mistakes("devspace.yaml")
    unfilled = ScalarNode(text, plain=False, line=7, column=3)
    node = Filler(values, mistakes).fill(unfilled, keep_volatile=keep_volatile)
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


def test_a_volatile_variable_stays_in_the_value_of_another() -> None:
    values = variables(
        VariableDefinition("TAG", value="dev-${NOW}"), predefined={"NOW": lambda: "12"}, volatile=["NOW"]
    )
    assert filled("v${TAG}", values).text == "vdev-12"
    assert filled("v${TAG}", values, keep_volatile=True).text == "vdev-${NOW}"


def test_an_exclamation_mark_keeps_the_value_a_text() -> None:
    node = filled("$!{A}", variables(given={"A": "true"}))
    assert (node.text, node.plain) == ("true", False)


def test_variables_of_a_deployment_stay() -> None:
    node = filled("${A}:${runtime.images.api.tag}", variables(given={"A": "x"}))
    assert (node.text, node.pending) == ("x:${runtime.images.api.tag}", True)


class Answering:
    """A user who answers each question in the same words."""

    def __init__(self, answer: str) -> None:
        self.answer = answer
        self.asked: list[tuple[str, str | None]] = []

    def ask(self, definition: VariableDefinition, default: str | None) -> str | None:
        self.asked.append((definition.name, default))
        return self.answer


@pytest.fixture
def answers(tmp_path: Path) -> Answers:
    return Answers(tmp_path / "vars.json")


@pytest.mark.parametrize(
    ("source", "environ", "stored", "expected", "origin"),
    [
        ("all", "e", "s", "e", "environment"),
        ("all", None, "s", "s", "answer"),
        ("all", None, None, "typed", "answer"),
        ("input", "e", "s", "s", "answer"),
        ("input", "e", None, "typed", "answer"),
        ("env", "e", "s", "e", "environment"),
        ("env", None, "s", "d", "default"),
        ("none", "e", "s", "d", "default"),
    ],
)
def test_the_user_is_asked_last(
    answers: Answers, source: str, environ: str | None, stored: str | None, expected: str, origin: str
) -> None:
    if stored is not None:
        answers.add("A", stored)
    definition = VariableDefinition("A", source=source, default="d")
    given = {} if environ is None else {"A": environ}
    value = variables(definition, environ=given, answers=answers, asker=Answering("typed")).find("A")
    assert (value.text, value.origin) == (expected, origin)


def test_a_user_is_asked_once_and_only_for_what_is_used(answers: Answers) -> None:
    user = Answering("typed")
    values = variables(
        VariableDefinition("A", default="${B}"), VariableDefinition("B", value="b"), VariableDefinition("C"),
        answers=answers, asker=user,
    )  # fmt: skip
    assert filled("${A}${A}", values).text == "typedtyped"
    assert user.asked == [("A", "b")]


def test_answers_are_kept_when_they_are_saved_and_not_before(answers: Answers, tmp_path: Path) -> None:
    values = variables(VariableDefinition("A"), answers=answers, asker=Answering("typed"))
    filled("${A}", values)
    assert not (tmp_path / "vars.json").exists()
    answers.save()
    assert json.loads((tmp_path / "vars.json").read_text()) == {"A": "typed"}


def test_what_is_given_is_not_kept(answers: Answers, tmp_path: Path) -> None:
    values = variables(
        VariableDefinition("A"), VariableDefinition("B"), VariableDefinition("C", no_cache=True),
        given={"A": "x"}, environ={"B": "y"}, answers=answers, asker=Answering("typed"),
    )  # fmt: skip
    assert filled("${A}${B}${C}", values).text == "xytyped"
    answers.save()
    assert not (tmp_path / "vars.json").exists()


def test_an_answer_that_is_no_longer_allowed_is_asked_for_again(answers: Answers) -> None:
    answers.add("A", "old")
    definition = VariableDefinition("A", options=("new", "newer"))
    assert variables(definition, answers=answers, asker=Answering("new")).find("A").text == "new"


def test_what_is_only_listed_shows_placeholders_and_runs_nothing(tmp_path: Path) -> None:
    command = VariableDefinition("C", command=f"touch {tmp_path / 'run'}")
    values = variables(
        VariableDefinition("A"), VariableDefinition("B", default="b"), VariableDefinition("E", source="env"),
        VariableDefinition("D", value="d-${A}"), command, asker=None,
    )  # fmt: skip
    node = filled("${A} ${B} ${C} ${D} ${E}", values)
    assert node.text == "${A} b ${C} d-${A} ${E}"
    assert node.pending
    assert list(tmp_path.iterdir()) == []


def test_what_is_only_listed_shows_a_placeholder_for_a_predefined_one_without_a_value() -> None:
    def find() -> str:
        raise ConfigError("there is none")

    assert filled("${N}", variables(predefined={"N": find}, asker=None)).text == "${N}"


@pytest.mark.parametrize("field", ["default", "value"])
def test_a_definition_may_use_other_variables(field: str) -> None:
    definition = VariableDefinition("A", **{field: "${B}-$${B}-${N}"})  # type: ignore[arg-type]
    values = variables(definition, VariableDefinition("B", value="b"), predefined={"N": lambda: "n"})
    assert filled("${A}", values).text == "b-${B}-n"


def test_a_variable_that_is_defined_by_itself_is_named_with_the_way_there() -> None:
    values = variables(VariableDefinition("A", default="${B}"), VariableDefinition("B", default="${A}"))
    assert refusal("${A}", values).endswith("variable `A` is defined by itself: A -> B -> A")


def test_what_is_made_of_a_password_is_secret() -> None:
    values = variables(
        VariableDefinition("A", password=True), VariableDefinition("B", value="b-${A}"), given={"A": "x"}
    )
    assert filled("${B}", values).secret
    assert values.find("B").shown == "********"


def test_a_command_gives_a_value() -> None:
    in_shell = VariableDefinition("A", command="printf ' %s ' ${B} | tr b c")
    with_args = VariableDefinition("C", command=sys.executable, args=("-c", "print('${B} $HOME')"))
    values = variables(in_shell, with_args, VariableDefinition("B", value="bbb"), environ={"PATH": "/bin:/usr/bin"})
    assert filled("${A}/${C}", values).text == "ccc/bbb $HOME"


def test_a_command_for_another_system_is_passed_over() -> None:
    commands = (SystemCommand("echo theirs", os="plan9"), SystemCommand("echo ours"))
    values = variables(VariableDefinition("A", commands=commands), environ={"PATH": "/bin:/usr/bin"})
    assert filled("${A}", values).text == "ours"
    only_theirs = VariableDefinition("A", source="command", commands=commands[:1])
    assert "has no command for this operating system" in refusal("${A}", variables(only_theirs))


def test_a_command_that_says_nothing_leaves_the_default() -> None:
    assert filled("${A}", variables(VariableDefinition("A", command="true", default="d"))).text == "d"


def test_a_failed_command_is_told_by_its_last_line_without_passwords() -> None:
    values = variables(
        VariableDefinition("A", command="echo ${P} is wrong >&2; exit 3"),
        VariableDefinition("P", password=True),
        given={"P": "hunter2"},
    )
    sentence = refusal("${P}${A}", values)
    assert sentence.endswith("the command of variable `A` failed: ******** is wrong (exit code 3)")
