from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from unittest.mock import patch

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imagetasks.context.ignore import IgnorePattern, IgnoreRules
from imagetasks.context.scan import scan
from imagetasks.errors import ContextError


def rules(*lines: str) -> IgnoreRules:
    return IgnoreRules.parse("\n".join(lines).encode(), ".dockerignore")


@pytest.mark.parametrize(
    ("line", "excluded", "left_in"),
    [
        ("a", ["a", "a/b", "a/b/c"], ["ab", "b/a"]),
        ("/a", ["a"], ["b/a"]),
        ("//a", ["a"], ["b/a"]),
        ("a/", ["a", "a/b"], ["b/a"]),
        ("./a/../b", ["b"], ["a"]),
        ("  a\t", ["a"], []),
        ("*.py", ["x.py", ".py"], ["a/x.py", "x.pyc"]),
        ("*/*.py", ["a/x.py"], ["x.py", "a/b/x.py"]),
        ("**/*.py", ["x.py", "a/x.py", "a/b/x.py"], ["x.pyc"]),
        ("**/a", ["a", "b/a", "b/a/c"], ["ba", "b/ba"]),
        ("**/a/b", ["a/b", "c/a/b"], ["b", "ca/b"]),
        ("**a", ["a", "ba", "b/ba"], ["ab"]),
        ("**", ["a", "a/b"], []),
        ("a/**", ["a/b", "a/b/c"], ["a", "ab"]),
        ("a**", ["a", "ab/c"], ["b"]),
        ("a*/**", ["ab/c", "a/b/c"], ["a", "ab"]),
        ("a/**/b", ["a/b", "a/c/b", "a/c/d/b"], ["a/bc", "b"]),
        ("a?c", ["abc"], ["ac", "a/c", "abbc"]),
        ("[a-c]", ["a", "c"], ["d", "[a-c]"]),
        ("[^a]", ["b"], ["a"]),
        ("[!a]", ["a", "!"], ["b"]),
        (r"[\]a]", ["]", "a"], ["b"]),
        (r"[\[a]", ["[", "a"], ["b"]),
        ("[[a]", ["[", "a"], ["b"]),
        ("[*]", ["[]", "^]"], ["*"]),
        (r"\*", ["*"], ["a"]),
        (r"a\ b", ["a b"], ["a\\ b"]),
        (r"\d", ["7"], ["d"]),
        ("a.b", ["a.b"], ["axb"]),
        ("a+(b)|{c}$", ["a+(b)|{c}$"], ["aa(b)|{c}$"]),
        ("*+(b)|{c}$&~#", ["x+(b)|{c}$&~#"], ["x"]),
        (".", [], ["a"]),
        ("/", [], ["a"]),
        ("..", [], ["a"]),
        ("../a", [], ["a"]),
        ("é*", ["éa"], ["e"]),
        ("a /", ["a"], ["a "]),
        ("/ a?", ["ab"], [" ab"]),
        ("[[:digit:]_]", ["7", "_"], ["d", ":"]),
        ("?{2}", ["aa"], ["a{2}"]),
        ("?{,2}", ["a{,2}"], ["aa"]),
        ("a|b*", ["a", "ax/y", "xbc"], ["x", "cx"]),
        ("a*[b-]", ["ab", "ax-"], ["ac"]),
        ("\x1ca", ["\x1ca"], ["a"]),
    ],
)
def test_a_pattern_excludes_what_docker_excludes(line: str, excluded: list[str], left_in: list[str]) -> None:
    one = rules(line)
    assert [path for path in excluded if not one.excludes(path)] == []
    assert [path for path in left_in if one.excludes(path)] == []


def test_the_last_pattern_that_matches_decides() -> None:
    some = rules("*.md", "!README*.md", "README-secret.md")
    assert some.excludes("other.md")
    assert not some.excludes("README.md")
    assert some.excludes("README-secret.md")


def test_an_exception_brings_back_what_is_in_an_excluded_folder() -> None:
    some = rules("docs", "!docs/*.md", "docs/secret.md")
    assert some.excludes("docs")
    assert some.excludes("docs/a.txt")
    assert not some.excludes("docs/a.md")
    assert some.excludes("docs/secret.md")


def test_an_exclusion_that_changed_nothing_for_the_folder_does_not_reach_below_it() -> None:
    assert not rules("a", "!a/b", "a").excludes("a/b")


def test_an_exception_before_any_exclusion_has_no_effect() -> None:
    assert rules("!a", "*").excludes("a")


@pytest.mark.parametrize("line", ["!a", "! a", "!/a", "/!a", "./!a", "!./a/"])
def test_spellings_of_an_exception(line: str) -> None:
    assert not rules("*", line).excludes("a")


def test_comments_and_blank_lines_are_no_patterns() -> None:
    some = rules("# a", "", "   ", " # b", "#!c")
    assert [pattern.text for pattern in some.patterns] == ["# b"]


def test_a_byte_order_mark_and_carriage_returns_are_dropped() -> None:
    some = IgnoreRules.parse(b"\xef\xbb\xbfa\r\nb\r\n", ".dockerignore")
    assert some.excludes("a")
    assert some.excludes("b")


def test_bytes_that_are_no_text_are_as_they_are_unless_there_are_wildcards() -> None:
    plain = IgnoreRules.parse(b"a\xff", ".dockerignore")
    assert plain.excludes("a\udcff")
    assert not plain.excludes("a\udcfe")
    assert IgnoreRules.parse(b"a\xff*", ".dockerignore").excludes("a\udcfeb")


def test_a_byte_order_mark_on_a_later_line_is_part_of_a_name_but_not_of_a_wildcard_pattern() -> None:
    some = rules("x", "\ufeffa", "\ufeff*.f")
    assert not some.excludes("a")
    assert some.excludes("b.f")


def test_a_wrong_exception_that_is_never_tried_is_no_error() -> None:
    assert rules("!\\e", "a").excludes("a")


@pytest.mark.parametrize(
    ("lines", "entered"),
    [
        (["*", "!a/b"], [".", "a", "a/b"]),
        (["*", "!a/*/file"], [".", "a"]),
        (["a", "!**/file"], [".", "x", "x/y"]),
        (["**/b", "*/y"], [".", "a", "a/c", "x"]),
        (["a/**", "x"], [".", "a"]),
    ],
)
def test_only_folders_that_something_can_be_sent_of_are_listed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, lines: list[str], entered: list[str]
) -> None:
    for folder in ("a/b", "a/c", "x/y"):
        (tmp_path / folder).mkdir(parents=True)
        (tmp_path / folder / "file").touch()
    listed = record_listings(monkeypatch)
    scan(tmp_path, rules(*lines))
    assert sorted(os.path.relpath(folder, tmp_path) for folder in listed) == entered


def record_listings(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The folders that are listed from now on, by whichever of the two functions there are for it."""
    listed: list[str] = []

    def recording(function: Callable[[str], object]) -> Callable[[str], object]:
        def record(folder: str) -> object:
            listed.append(folder)
            return function(folder)

        return record

    monkeypatch.setattr(os, "listdir", recording(os.listdir))
    monkeypatch.setattr(os, "scandir", recording(os.scandir))
    return listed


def test_patterns_keep_their_text_and_line() -> None:
    assert rules("# first", " a/ ", "!/b").patterns == (
        IgnorePattern("a/", 2, False, "a"),
        IgnorePattern("!/b", 3, True, "b"),
    )


@pytest.mark.parametrize(
    "line",
    [
        *("[", "a[", "*[", "*/[", "[]a]", "[^]", "[a-]", "[-a]", "[z-a]", "a\\", "[\\", "!", "!/", "/!", "\\e"),
        *("[[:digits:]]", "\\é", "[\udcff]"),
    ],
)
def test_a_pattern_that_docker_refuses_is_an_error_that_names_its_line(line: str) -> None:
    with pytest.raises(ContextError, match=r"^web/\.dockerignore:2:1: .* is not a valid pattern"):
        IgnoreRules.parse(f"a\n{line}".encode("utf-8", "surrogateescape"), "web/.dockerignore")


@pytest.mark.parametrize(
    ("exception", "folder", "reentered"),
    [
        ("!a/b", "a", True),
        ("!a", "a", True),
        ("!a/b/c", "a/b", True),
        ("!a/*/c", "a", True),
        ("!a/b", "a/b/c", False),
        ("!ab", "a", False),
        ("!**/b", "a", False),
    ],
)
def test_an_excluded_folder_is_entered_if_an_exception_starts_with_its_path(
    exception: str, folder: str, reentered: bool
) -> None:
    assert rules("*", exception).may_reenter(folder) is reentered


@given(st.text("ab*?[]^-!\\/.# \t\n", max_size=30))
def test_any_text_is_read_or_refused_with_a_sentence(text: str) -> None:
    try:
        some = IgnoreRules.parse(text.encode(), ".dockerignore")
    except ContextError as error:
        assert error.position is not None
    else:
        assert some.excludes("a/b") in (True, False)


NAMES = st.sampled_from(["a", "b", "a/b", "b/a", "a/b/c"])
PATTERNS = st.builds(
    "".join, st.tuples(st.sampled_from(["", "!"]), NAMES | st.sampled_from(["*", "**", "*/b", "a/*"]))
)


@given(st.lists(PATTERNS, max_size=6), NAMES)
def test_the_deciding_pattern_says_whether_an_entry_is_left_out(lines: list[str], path: str) -> None:
    decisive = rules(*lines).deciding_pattern(path)

    assert rules(*lines).excludes(path) == (decisive is not None and not decisive.negated)


@pytest.mark.parametrize(
    ("path", "line"), [("a/x.md", 1), ("a/keep.md", 2), ("a/keep.txt", 3), ("b", None), ("b/keep.md", None)]
)
def test_the_deciding_pattern_is_named_by_its_line(path: str, line: int | None) -> None:
    decisive = rules("a", "!a/keep*", "a/*.txt", "!b", "a/*.txt").deciding_pattern(path)

    assert (decisive.line if decisive else None) == line


@given(st.lists(PATTERNS, max_size=6), NAMES)
def test_the_deciding_pattern_is_the_last_one_that_made_a_difference(lines: list[str], path: str) -> None:
    outcomes = [rules(*lines[:number]).excludes(path) for number in range(len(lines) + 1)]
    decisive = rules(*lines).deciding_pattern(path)

    assert outcomes[decisive.line - 1 if decisive else 0] != outcomes[-1] or decisive is None
    assert set(outcomes[decisive.line if decisive else 0 :]) == {outcomes[-1]}


def test_patterns_that_do_not_concern_an_entry_cost_little() -> None:
    many = rules(*(f"{mark}x{number}*/y" for number in range(300) for mark in ("", "!")))

    with patch.object(IgnoreRules, "of", side_effect=AssertionError):
        assert many.deciding_pattern("src/main.py") is None
