"""The history of what was built."""

from __future__ import annotations

import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from imagetasks.history import Build, append_build, drop_builds, read_builds


def build(number: int = 1, image: str = "api") -> Build:
    return Build(image, f"sha256:{number}", (f"shop/{image}:{number}",), "default", number, number + 1)


def test_builds_are_read_in_the_order_in_which_they_were_made(tmp_path: Path) -> None:
    file = tmp_path / "state" / "history"
    builds = [build(number) for number in range(3)]
    for each in builds:
        append_build(file, each)

    assert read_builds(file) == builds
    assert read_builds(tmp_path / "nowhere") == []


@given(st.text(), st.text())
def test_any_name_is_read_as_it_was_written(image: str, name: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        written = build()._replace(image=image, names=(name,))
        append_build(Path(folder) / "history", written)

        assert read_builds(Path(folder) / "history") == [written]


def test_damaged_lines_are_left_out(tmp_path: Path) -> None:
    file = tmp_path / "history"
    append_build(file, build(1))
    with file.open("ab") as stream:
        stream.write(b'\xff\n[]\n{"image": "api"}\n"text"\n{"image": "api", "id": "x", "names": 3}\n{"ima\n')
    append_build(file, build(2))

    assert read_builds(file) == [build(1), build(2)]


def test_builds_side_by_side_do_not_mix(tmp_path: Path) -> None:
    file = tmp_path / "history"
    builds = [build(number) for number in range(200)]
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda each: append_build(file, each), builds))

    assert sorted(read_builds(file)) == sorted(builds)


def test_what_is_gone_is_dropped(tmp_path: Path) -> None:
    file = tmp_path / "history"
    for each in (build(1), build(2)):
        append_build(file, each)

    drop_builds(file, lambda each: each.id == "sha256:1")

    assert read_builds(file) == [build(2)]
