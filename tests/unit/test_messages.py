from __future__ import annotations

import io

import pytest

from imagetasks.deploy.messages import Messages, shown_messages
from tests.helm import Log

PIECES = 'error found in #10 byte of ...|"s3cr3t!!"|..., bigger context ...|{"password":"s3cr3t!!"}|...'


@pytest.mark.parametrize(
    ("printed", "shown"),
    [
        ("deployment.apps/web created\n", "deployment.apps/web created\n"),
        (f"Error: illegal base64 data, {PIECES}\nmore\n", "Error: illegal base64 data\nmore\n"),
        (
            'The request: patch: Invalid value: "map[data:map[password:s3cr3t!!] metadata:map[annotations:'
            'map[last:{\\"password\\":\\"s3cr3t!!\\"}]]]": error decoding from json: illegal base64 data\n',
            "The request: patch: Invalid value: (not shown): error decoding from json: illegal base64 data\n",
        ),
        (
            f'Error: patch: Invalid value: "{{\\"data\\":{{\\"password\\":\\"s3cr3t!!\\"}}}}": illegal, {PIECES}',
            "Error: patch: Invalid value: (not shown): illegal",
        ),
        (
            'level=WARN error="patch: Invalid value: \\"{\\\\\\"password\\\\\\":\\\\\\"s3cr3t!!\\\\\\"}\\": illegal"',
            'level=WARN error="patch: Invalid value: (not shown)',
        ),
        (
            'patch: Invalid value: "{\\"file\\":\\"{\\\\\\"a\\\\\\": s3cr3t}\\"}"\n',
            "patch: Invalid value: (not shown)\n",
        ),
        (
            'spec.ports: Invalid value: "80x": must be a number\n',
            'spec.ports: Invalid value: "80x": must be a number\n',
        ),
        ("error when applying patch:\n{s3cr3t}\nto:\n", "error when applying patch:\n(not shown)\nto:\n"),
    ],
)
def test_pieces_of_objects_are_not_shown(printed: str, shown: str) -> None:
    assert shown_messages(printed) == shown
    output = io.StringIO()
    messages = Messages(output)  # type: ignore[arg-type]  # it counts what it writes
    for character in printed:
        messages.write(character)
    messages.end()
    assert output.getvalue() == shown


def test_the_last_line_that_says_something_is_kept() -> None:
    messages = Messages(Log())
    messages.write("one\ntwo\n\nensure CRDs are installed first\n")
    messages.end()
    assert messages.last == "two"
