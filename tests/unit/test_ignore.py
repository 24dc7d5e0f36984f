from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imagetasks.context.ignore import IgnorePattern, IgnoreRules, find_ignore_file
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


def test_bytes_that_are_no_text_are_matched_as_they_are() -> None:
    assert IgnoreRules.parse(b"a\xff*", ".dockerignore").excludes(b"a\xffb".decode("utf-8", "surrogateescape"))


def test_patterns_keep_their_text_and_line() -> None:
    assert rules("# first", " a/ ", "!/b").patterns == (
        IgnorePattern("a/", 2, False, "a"),
        IgnorePattern("!/b", 3, True, "b"),
    )


@pytest.mark.parametrize(
    "line", ["[", "a[", "[]a]", "[^]", "[a-]", "[-a]", "[z-a]", "a\\", "[\\", "!", "!/", "/!", "\\e"]
)
def test_a_pattern_that_docker_refuses_is_an_error_that_names_its_line(line: str) -> None:
    with pytest.raises(ContextError, match=r"^web/\.dockerignore:2:1: .* is not a valid pattern"):
        IgnoreRules.parse(b"a\n" + line.encode(), "web/.dockerignore")


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


def test_the_dockerfiles_own_ignore_file_wins(tmp_path: Path) -> None:
    dockerfile = tmp_path / "images" / "api.Dockerfile"
    dockerfile.parent.mkdir()
    assert find_ignore_file(tmp_path, dockerfile) is None
    (tmp_path / ".dockerignore").touch()
    assert find_ignore_file(tmp_path, dockerfile) == tmp_path / ".dockerignore"
    own = dockerfile.with_name("api.Dockerfile.dockerignore")
    own.touch()
    assert find_ignore_file(tmp_path, dockerfile) == own
