from __future__ import annotations

import stat
import threading
from pathlib import Path

import pytest

from imagetasks.config.answers import Answers
from imagetasks.errors import StateError


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / ".devspace" / "vars.json"


def store(file: Path, **given: str) -> None:
    answers = Answers(file)
    for name, answer in given.items():
        answers.add(name, answer)
    answers.save()


def test_answers_are_found_by_the_next_run(file: Path) -> None:
    store(file, A="ä\n")
    store(file, B="b")
    assert (Answers(file).find("A"), Answers(file).find("B"), Answers(file).find("C")) == ("ä\n", "b", None)


def test_an_answer_is_found_before_it_is_saved(file: Path) -> None:
    answers = Answers(file)
    answers.add("A", "x")
    assert answers.find("A") == "x"
    assert not file.exists()


def test_nobody_else_may_read_answers(file: Path) -> None:
    store(file, A="secret")
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert [each.name for each in file.parent.iterdir()] == ["vars.json"]


def test_all_answers_or_some_are_forgotten(file: Path) -> None:
    assert Answers(file).forget() == []
    store(file, A="1", B="2", C="3")
    assert Answers(file).forget(["A", "X"]) == ["A"]
    assert (Answers(file).find("A"), Answers(file).find("B")) == (None, "2")
    assert Answers(file).forget() == ["B", "C"]


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b'{"A": 1}', b"\xff", b"[" * 100_000])
def test_a_damaged_file_is_set_aside(file: Path, capsys: pytest.CaptureFixture[str], content: bytes) -> None:
    file.parent.mkdir()
    file.write_bytes(content)
    assert Answers(file).find("A") is None
    assert file.with_suffix(".damaged").read_bytes() == content
    assert "WARNING" in capsys.readouterr().err
    store(file, A="x")
    assert Answers(file).find("A") == "x"


def test_runs_that_store_at_once_lose_no_answer(file: Path) -> None:
    names = [f"V{number}" for number in range(20)]
    threads = [threading.Thread(target=store, args=(file,), kwargs={name: name}) for name in names]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [Answers(file).find(name) for name in names] == names


def test_a_folder_that_cannot_be_made_is_a_sentence(tmp_path: Path) -> None:
    (tmp_path / ".devspace").write_text("")
    with pytest.raises(StateError, match=r"vars\.json cannot be written"):
        store(tmp_path / ".devspace" / "vars.json", A="x")
