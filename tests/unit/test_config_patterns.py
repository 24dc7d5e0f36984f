from __future__ import annotations

import re

import pytest

from imagetasks.config.patterns import compile_pattern, matches
from imagetasks.errors import ConfigError


@pytest.mark.parametrize(
    ("pattern", "value"),
    [
        (r"^\pL+\z", "Größe"),
        (r"^\p{Greek}$", "λ"),
        ("^[[:alpha:]]+$", "abc"),
        ("^[^[:space:]]+$", "a-b"),
        ("(?i)^ABC$", "abc"),
        (r"\A(?P<major>[0-9]{1,3})(\.[0-9]{1,3}){2}\z", "1.20.3"),
        ("^[a-z]{1,63}(\\.[a-z]{1,63}){0,15}$", "www.example"),
        ("[{](a{600}|(b{600}){1})[}]|c", "c"),
        ("b", "abc"),
    ],
)
def test_what_go_reads_is_read(pattern: str, value: str) -> None:
    assert matches(pattern, value)


def test_a_pattern_may_have_to_match_the_whole_value() -> None:
    assert matches("a|ab", "ab", whole=True)
    assert not matches("b", "abc", whole=True)


@pytest.mark.parametrize("pattern", ["(", "[z-a]", r"\Qa\E", "(" * 5000 + ")" * 5000, "a{99999999999}"])
def test_what_is_no_pattern_is_a_mistake(pattern: str) -> None:
    with pytest.raises(ConfigError, match="is no regular expression"):
        compile_pattern(pattern)


@pytest.mark.parametrize(
    "pattern", ["a{1001}", "a{1,1001}", "((a{1000}){1000}){1000}", r"((a{40}\}b){4}|[})]{3}){7}"]
)
def test_a_part_is_repeated_a_thousand_times_at_most(pattern: str) -> None:
    with pytest.raises(ConfigError, match="more than 1000 times"):
        compile_pattern(pattern)


def test_a_match_that_takes_too_long_is_given_up() -> None:
    pattern = "^(a|a)+$"
    with pytest.raises(ConfigError, match=re.escape(f"`{pattern}` takes too long")):
        matches(pattern, "a" * 60 + "b")


@pytest.mark.parametrize(
    "pattern", [r"^[0-9]+\.[0-9]+\.[0-9]+$", "^(dev|staging)$", "[a-z]([-a-z0-9]*[a-z0-9])?", r"\w+"]
)
def test_a_common_pattern_needs_no_other_library(pattern: str) -> None:
    assert isinstance(compile_pattern(pattern), re.Pattern)


@pytest.mark.parametrize("pattern", ["(a+)+", "(a|b)*", "(a+){2,}", "[[:alpha:]]", r"\pL", "(?P<x>a)", "a{2}"])
def test_what_may_take_long_or_mean_something_else_is_left_to_it(pattern: str) -> None:
    assert not isinstance(compile_pattern(pattern), re.Pattern)
