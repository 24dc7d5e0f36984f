from __future__ import annotations

import json
import threading
from pathlib import Path

import pytest

from imagetasks.report.timings import RUNS_KEPT, Recorder, TaskTiming, analysed, last_seconds, read_runs


class Clock:
    """A clock that a test turns."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def run(folder: Path, seconds: float = 1.0) -> None:
    clock = Clock()
    recorder = Recorder(folder, clock)
    recorder.started("build:api", ["hash:api"])
    clock.now += seconds
    recorder.ended("build:api", failed=False)
    assert recorder.finish()


def timing(name: str, start: float, end: float) -> TaskTiming:
    return TaskTiming(name, start, end, "done")


def test_a_run_is_kept_with_phases_and_what_was_skipped(tmp_path: Path) -> None:
    clock = Clock()
    recorder = Recorder(tmp_path, clock)
    recorder.skipped("build:base", [])
    recorder.started("build:api", ["build:base"])
    clock.now += 1
    recorder.phase("build:api", "step 1/2 FROM base")
    clock.now += 2
    recorder.ended("build:api", failed=False)

    assert recorder.finish()

    [kept] = read_runs(tmp_path)
    assert (kept["outcome"], kept["seconds"], kept["skipped"]) == ("done", 3.0, 1)
    [task] = kept["tasks"]
    assert (task["name"], task["start"], task["end"], task["is_critical"]) == ("build:api", 0.0, 3.0, True)
    assert task["phases"] == [["step 1/2 FROM base", 1.0]]
    assert last_seconds(tmp_path) == {"build:api": 3.0}


def test_a_failed_task_makes_a_failed_run_whose_time_is_no_measure(tmp_path: Path) -> None:
    recorder = Recorder(tmp_path)
    recorder.started("build:api", [])
    recorder.ended("build:api", failed=True)
    recorder.ended("push:api", failed=True)
    recorder.finish()

    [kept] = read_runs(tmp_path)
    assert kept["outcome"] == "failed"
    assert [task["name"] for task in kept["tasks"]] == ["build:api"]
    assert last_seconds(tmp_path) == {}


def test_what_still_runs_at_the_end_was_interrupted(tmp_path: Path) -> None:
    clock = Clock()
    recorder = Recorder(tmp_path, clock)
    recorder.started("build:api", [])
    clock.now += 2
    recorder.finish()

    [kept] = read_runs(tmp_path)
    assert kept["outcome"] == "interrupted"
    assert (kept["tasks"][0]["outcome"], kept["tasks"][0]["end"]) == ("interrupted", 2.0)


def test_a_run_is_written_once(tmp_path: Path) -> None:
    recorder = Recorder(tmp_path)
    recorder.skipped("build:api", [])

    assert [recorder.finish(), recorder.finish()] == [True, False]
    assert len(read_runs(tmp_path)) == 1


def test_the_last_ten_runs_are_kept(tmp_path: Path) -> None:
    for number in range(RUNS_KEPT + 2):
        run(tmp_path, number + 1.0)

    assert [kept["seconds"] for kept in read_runs(tmp_path)] == [number + 1.0 for number in range(2, RUNS_KEPT + 2)]


@pytest.mark.parametrize(
    "held", ["", "[]", '{"version": 9, "runs": []}', '{"version": 1, "runs": [{"tasks": [{}]}]}']
)
def test_runs_that_cannot_be_read_are_forgotten(tmp_path: Path, held: str) -> None:
    (tmp_path / "timings.json").write_text(held)

    assert read_runs(tmp_path) == []
    run(tmp_path)
    assert len(read_runs(tmp_path)) == 1


def test_nothing_to_record_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert not Recorder(tmp_path).finish()
    assert "recorded nothing" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_cannot_be_written_is_a_warning(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "file").touch()
    recorder = Recorder(tmp_path / "file" / "state")
    recorder.skipped("build:api", [])

    assert not recorder.finish()
    assert "cannot be written" in capsys.readouterr().err


def test_phases_may_come_from_many_threads(tmp_path: Path) -> None:
    recorder = Recorder(tmp_path)
    names = [f"build:{number}" for number in range(8)]
    for name in names:
        recorder.started(name, [])

    def enter_phases(name: str) -> None:
        for step in range(50):
            recorder.phase(name, str(step))

    threads = [threading.Thread(target=enter_phases, args=[name]) for name in names]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    recorder.finish()

    assert [len(task["phases"]) for task in read_runs(tmp_path)[0]["tasks"]] == [50] * 8


def test_a_task_has_waited_for_the_last_of_what_it_depends_on_even_through_what_was_skipped() -> None:
    tasks = [timing("tag:base", 0, 1), timing("hash:api", 0, 2), timing("deploy:api", 2, 3)]
    depends_on = {"deploy:api": ["push:api", "tag:base"], "push:api": ["hash:api"]}

    found = {task.name: task for task in analysed(tasks, depends_on)}

    assert (found["deploy:api"].waited_for, found["deploy:api"].ready) == ("hash:api", 2)
    assert [name for name, task in found.items() if task.is_critical] == ["hash:api", "deploy:api"]


def test_a_task_takes_the_first_lane_that_is_free() -> None:
    tasks = [timing("a", 0, 2), timing("b", 0, 1), timing("c", 1, 3), timing("d", 2, 3)]

    assert [(task.name, task.lane) for task in analysed(tasks, {})] == [("b", 0), ("a", 1), ("c", 0), ("d", 1)]


def test_the_critical_path_goes_through_what_kept_the_workers_busy() -> None:
    tasks = [timing("build:a", 0, 5), timing("build:b", 5, 8)]

    assert all(task.is_critical for task in analysed(tasks, {}))


def test_the_page_cannot_be_broken_by_a_name(tmp_path: Path) -> None:
    recorder = Recorder(tmp_path)
    recorder.started("build:</script><script>alert(1)</script>", [])
    recorder.finish()

    text = recorder.page.read_text(encoding="utf-8")
    assert text.count("</script>") == 2
    held = text.partition('id="data">')[2].partition("</script>")[0]
    assert json.loads(held)["data"]["runs"][0]["tasks"][0]["name"].endswith("alert(1)</script>")
