from __future__ import annotations

import pytest

from imagetasks.deploy.lines import Lines
from tests.helm import Log

PATCH = r'The request is invalid: patch: Invalid value: "map[data:map[key:s3\"cr3t\n] metadata:map[]]": unrecognized'


@pytest.mark.parametrize(
    ("printed", "shown"),
    [
        (PATCH, "The request is invalid: patch: Invalid value: (not shown): unrecognized"),
        ("illegal data, error found in #10 byte of ...|: s3cr3t|...", "illegal data"),
        ("error when applying patch:\n{s3cr3t}\nto:", "error when applying patch:\n(not shown)\nto:"),
        (
            'data[a b]: Invalid value: "a b": a key has no spaces',
            'data[a b]: Invalid value: "a b": a key has no spaces',
        ),
    ],
)
def test_objects_in_errors_are_not_shown(printed: str, shown: str) -> None:
    log = Log()
    lines = Lines(log)
    for letter in printed:
        lines.write(letter)
    lines.end()
    assert log.text == lines.text == f"{shown}\n"


def test_the_last_line_that_says_something_is_kept() -> None:
    lines = Lines(Log())
    lines.write("one\ntwo\n\nensure CRDs are installed first\n")
    lines.end()
    assert lines.last == "two"
