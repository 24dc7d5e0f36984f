from __future__ import annotations

import pytest

from imagetasks.errors import OptionError
from imagetasks.options import OPTIONS, check_assignments, doit_options, make_options, parse_after_tasks


def parse(*words: str) -> dict[str, object]:
    return parse_after_tasks(words, doit_options(words))[0]


def test_options_after_a_task_are_read() -> None:
    assert parse("build", "-b", "--skip-push", "-t", "v1") == {"force_build": True, "skip_push": True, "tag": "v1"}


def test_options_after_a_subtask_and_after_several_tasks_are_read() -> None:
    assert parse("build:api", "-b", "push:web", "--skip-push") == {"force_build": True, "skip_push": True}


def test_options_of_other_tasks_are_none_of_ours() -> None:
    assert parse("mine", "-b", "--what=ever") == {}


def test_an_option_may_be_given_more_than_once() -> None:
    assert parse("build", "-p", "one", "-p", "two") == {"profile": ["one", "two"]}


@pytest.mark.parametrize(
    ("words", "hint"),
    [
        (["build", "--skip-posh"], "did you mean --skip-push?"),
        (["build", "-z"], "doit's own options stand before build"),
        (["build", "--tag"], "requires argument"),
    ],
)
def test_an_option_that_is_wrong_is_explained(words: list[str], hint: str) -> None:
    with pytest.raises(OptionError, match="build") as error:
        parse(*words)

    assert hint in str(error.value)


def test_assignments_are_variables_whether_doit_took_them_or_not() -> None:
    options = make_options({"var": ["A=1", "B=x=y"]}, {"C": "3"})

    assert options.variables == {"A": "1", "B": "x=y", "C": "3"}


def test_an_assignment_without_a_name_or_a_sign_is_refused() -> None:
    for text in ("A", "=1"):
        with pytest.raises(OptionError, match="NAME=VALUE"):
            make_options({"var": [text]}, {})


@pytest.mark.parametrize(
    "words", [["--var", "A"], ["--var", "=1", "build"], ["build", "--var"], ["--var", "-b", "A=1"]]
)
def test_what_follows_var_is_an_assignment(words: list[str]) -> None:
    check_assignments(["--var", "A=1", "build", "--var", "B="])
    with pytest.raises(OptionError, match="NAME=VALUE"):
        check_assignments(words)


def test_lists_are_split_at_commas() -> None:
    assert make_options({"deployments": "a, b,"}, {}).deployments == ("a", "b")
    assert make_options({"profile": "production"}, {}).profiles == ("production",)


def test_the_words_that_are_left_are_those_that_are_not_ours() -> None:
    words = ("mine", "-b", "build:*", "-b", "--skip-push", "tag")

    assert parse_after_tasks(words, doit_options(words))[1] == ["mine", "-b", "build:*", "tag"]


def test_what_a_dodo_chooses_counts_where_the_command_line_is_silent() -> None:
    options = make_options(
        {"tag": "", "skip_push": True}, {"B": "2"}, {"tag": "v1", "variables": {"A": "1", "B": "1"}}
    )

    assert (options.tag, options.skip_push) == ("v1", True)
    assert options.variables == {"A": "1", "B": "2"}


def test_an_option_that_a_dodo_makes_up_is_refused() -> None:
    with pytest.raises(OptionError, match="skip_posh is no option"):
        make_options({}, {}, {"skip_posh": True})


def test_names_and_spellings_of_options_are_unique() -> None:
    for spelling in ("name", "long", "short"):
        values = [getattr(option, spelling) for option in OPTIONS if getattr(option, spelling)]
        assert len(set(values)) == len(values)
