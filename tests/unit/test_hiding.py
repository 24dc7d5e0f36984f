from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imagetasks.context.hiding import IGNORE_FILE, hide_dockerfile
from imagetasks.context.ignore import IgnoreRules

TEXT = b"FROM scratch\n"


def test_without_an_ignore_file_both_files_of_ours_are_taken_out_again() -> None:
    name, extra = hide_dockerfile(TEXT, ["src", "src/main.py"], None)

    rules = IgnoreRules.parse(extra[IGNORE_FILE], IGNORE_FILE)
    assert extra[name] == TEXT
    assert rules.excludes(name)
    assert rules.excludes(IGNORE_FILE)


@pytest.mark.parametrize(
    "patterns",
    ["node_modules\n", "**/*.pyc\n", "*.log\n!keep.log\n", "dist/\n", "src/*.o\n", "a?c\n", "/x\n", "*\n!src\n"],
)
def test_an_ignore_file_that_is_copied_stays_as_it_is(patterns: str) -> None:
    name, extra = hide_dockerfile(TEXT, [IGNORE_FILE, "src", "src/main.py"], patterns.encode())

    assert extra == {name: TEXT}
    assert IgnoreRules.parse(patterns.encode(), IGNORE_FILE).excludes(name)


@pytest.mark.parametrize("patterns", ["", "# nothing\n", "!src\n", "other/folder/x\n"])
def test_where_no_pattern_fits_the_ignore_file_is_extended(patterns: str) -> None:
    name, extra = hide_dockerfile(TEXT, [IGNORE_FILE, "src"], patterns.encode())

    assert extra[IGNORE_FILE].startswith(patterns.encode())
    assert IgnoreRules.parse(extra[IGNORE_FILE], IGNORE_FILE).excludes(name)


NAMES = st.sampled_from(["a", "b", "x", "x.py", ".imagetasks.dockerfile", "a/b", "a/x"])
PATTERNS = st.sampled_from(["a", "*", "*.py", "a/*", "!a", "**/b", "x", "!x", "?"])


@given(st.sets(NAMES), st.lists(PATTERNS, max_size=4))
def test_the_hidden_file_takes_the_place_of_nothing_and_is_excluded(paths: set[str], patterns: list[str]) -> None:
    context = sorted({*paths, *(path.rpartition("/")[0] for path in paths if "/" in path), IGNORE_FILE})
    text = "\n".join(patterns).encode()

    name, extra = hide_dockerfile(TEXT, context, text)

    assert name not in context
    assert not any(path.startswith(name + "/") for path in context)
    assert IgnoreRules.parse(extra.get(IGNORE_FILE, text), IGNORE_FILE).excludes(name)
