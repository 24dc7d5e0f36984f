from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from doit.dependency import Dependency, JSONCodec
from doit.task import Task
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from imagetasks.backend import TaskResults


def open_results(file: Path) -> TaskResults:
    return TaskResults(str(file), JSONCodec())


def save(file: Path, name: str, values: dict[str, Any]) -> Dependency:
    """Let doit save a task's success, and return doit's manager, still open."""
    manager = Dependency(TaskResults, str(file))
    task = Task(name, [])
    task.values = values
    manager.save_success(task)
    return manager


def test_a_success_is_on_disk_as_soon_as_doit_has_saved_it(tmp_path: Path) -> None:
    save(tmp_path / "state" / "doit.db", "build:api", {"id": "sha256:1"})

    assert open_results(tmp_path / "state" / "doit.db").get("build:api", "_values_:") == {"id": "sha256:1"}


def test_nothing_is_written_until_there_is_something_to_keep(tmp_path: Path) -> None:
    results = open_results(tmp_path / "doit.db")

    assert results.get("build:api", "_values_:") is None
    assert not results.in_("build:api")
    results.remove("build:api")
    results.dump()

    assert not (tmp_path / "doit.db").exists()


def test_a_forgotten_task_is_gone_on_disk(tmp_path: Path) -> None:
    manager = save(tmp_path / "doit.db", "build:api", {"id": "1"})

    manager.remove("build:api")

    assert not open_results(tmp_path / "doit.db").in_("build:api")


def test_two_runs_keep_each_other_s_tasks(tmp_path: Path) -> None:
    first = save(tmp_path / "doit.db", "build:api", {"id": "1"})
    second = save(tmp_path / "doit.db", "build:web", {"id": "2"})
    first.close()
    second.close()

    results = open_results(tmp_path / "doit.db")

    assert results.in_("build:api")
    assert results.in_("build:web")


@pytest.mark.parametrize("content", [b"", b"no database", b"SQLite format 3\x00" + bytes(200)])
def test_a_damaged_file_is_set_aside(tmp_path: Path, content: bytes, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "doit.db").write_bytes(content)

    results = open_results(tmp_path / "doit.db")

    assert not results.in_("build:api")
    save(tmp_path / "doit.db", "build:api", {"id": "1"}).close()
    assert open_results(tmp_path / "doit.db").in_("build:api")
    assert ("was damaged" in capsys.readouterr().err) == bool(content)


def test_a_folder_that_cannot_be_written_ends_the_run_with_a_sentence(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "state").write_text("a file in the folder's place")

    manager = save(tmp_path / "state" / "doit.db", "build:api", {"id": "1"})
    with pytest.raises(SystemExit) as end:
        manager.close()

    assert end.value.code == 1
    assert "doit.db cannot be written" in capsys.readouterr().err


JSON = st.recursive(st.none() | st.booleans() | st.integers() | st.text(), st.lists, max_leaves=5)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=50, deadline=None)
@given(st.dictionaries(st.text(min_size=1), st.dictionaries(st.text(), JSON), max_size=4))
def test_values_come_back_as_they_were(tmp_path: Path, tasks: dict[str, dict[str, Any]]) -> None:
    file = tmp_path / "doit.db"
    file.unlink(missing_ok=True)
    for name, values in tasks.items():
        results = open_results(file)
        for key, value in values.items():
            results.set(name, key, value)
        results.dump()

    again = open_results(file)

    assert {name: {key: again.get(name, key) for key in values} for name, values in tasks.items()} == tasks
