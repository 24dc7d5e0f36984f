"""What ``--help`` tells."""

from __future__ import annotations

from pathlib import Path

import pytest

from imagetasks.cli import COMMANDS, main
from imagetasks.options import OPTIONS


def test_help_names_every_command_and_option(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--help"]) == 0

    page = capsys.readouterr().out
    assert all(f"\n  {command} " in page for command in COMMANDS)
    assert all(f"--{option.long}" in page for option in OPTIONS)
    assert max(map(len, page.splitlines())) <= 100


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_explains_itself(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    pages = []
    for words in ([command, "--help"], ["help", command]):
        with pytest.raises(SystemExit) as ended:
            main(words)
        assert ended.value.code == 0
        pages.append(capsys.readouterr().out)

    assert pages[0] == pages[1]
    assert pages[0].startswith(f"usage: imagetasks {command} ")
    assert "exit codes: 0 done, " in pages[0]


def test_a_task_explains_its_options(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("devspace.yaml").write_text("version: v1beta6\n", encoding="utf-8")

    assert main(["build", "--help"]) == 0
    assert "--force-build" in capsys.readouterr().out
