from __future__ import annotations

import stat
from pathlib import Path

import pytest

from imagetasks.config.model import REBUILD_IGNORING_CONTEXT, BuildOptions, CustomBuild, DockerBuild, Image
from imagetasks.context.inputs import CustomInputs, DockerInputs
from imagetasks.context.manifest import Manifest, read_manifest, take_manifest, write_manifest
from imagetasks.reasons import input_changes

SECRET = "correct horse"
IMAGE = Image("api", "shop/api", build=DockerBuild(options=BuildOptions(build_args={"TOKEN": SECRET})))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "Dockerfile").write_text("FROM scratch\nCOPY . /\n")
    (tmp_path / "main.py").write_text("print()\n")
    (tmp_path / "link").symlink_to("main.py")
    return tmp_path


def changes(folder: Path, before: Manifest, image: Image = IMAGE) -> list[str]:
    return list(input_changes(before, take_manifest(DockerInputs(image, folder), "d2", before.salt)))


def test_what_is_unchanged_has_no_changes(folder: Path) -> None:
    assert changes(folder, take_manifest(DockerInputs(IMAGE, folder), "d1")) == []


def test_each_kind_of_change_is_told_once(folder: Path) -> None:
    before = take_manifest(DockerInputs(IMAGE, folder), "d1")
    (folder / "Dockerfile").write_text("FROM scratch\nCOPY main.py /\n")
    (folder / "main.py").chmod(0o755)
    (folder / "link").unlink()
    (folder / "link").symlink_to("Dockerfile")
    (folder / "new\n\udcff").mkdir()
    options = BuildOptions(target="final", build_args={"TOKEN": "battery staple"})
    image = IMAGE._replace(cmd=("run",), build=DockerBuild(use_buildkit=True, options=options))

    assert sorted(changes(folder, before, image)) == [
        "1 file added: new\n\udcff/",
        "2 files modified: link, main.py",
        "`cmd` was modified",
        "`target` was modified",
        "`useBuildKit` was modified",
        "the Dockerfile was modified",
        "the build argument TOKEN was modified",
    ]


def test_files_that_do_not_count_are_not_told(folder: Path) -> None:
    image = IMAGE._replace(rebuild_strategy=REBUILD_IGNORING_CONTEXT)
    before = take_manifest(DockerInputs(image, folder), "d1")
    (folder / "main.py").write_text("changed\n")

    assert changes(folder, before, image) == []


def test_what_a_command_watches_is_told_by_its_path_in_the_project(folder: Path) -> None:
    (folder / "src").mkdir()
    build = CustomBuild("make", on_change=("src/*", "main.py"))
    before = take_manifest(CustomInputs(build, folder), "d1")
    (folder / "src" / "a.c").write_text("int a;\n")
    now = take_manifest(CustomInputs(build._replace(command="cmake"), folder), "d2", before.salt)

    assert list(input_changes(before, now)) == ["`command` was modified", "1 file added: src/a.c"]


def test_a_manifest_comes_back_as_it_was_and_is_for_its_owner_alone(folder: Path) -> None:
    file = folder / "state" / "api"
    (folder / "new\n\udcff").mkdir()
    manifest = take_manifest(DockerInputs(IMAGE, folder), "d1")

    write_manifest(file, manifest)

    assert read_manifest(file, "d1") == manifest
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_a_manifest_holds_no_value_and_shows_no_two_to_be_the_same(folder: Path) -> None:
    first, second = (take_manifest(DockerInputs(IMAGE, folder), "d1") for _ in range(2))

    assert SECRET not in str(first)
    assert first.settings["the build argument TOKEN"] != second.settings["the build argument TOKEN"]


def test_what_is_no_manifest_of_the_build_is_none(folder: Path) -> None:
    file = folder / "manifest"
    write_manifest(file, take_manifest(DockerInputs(IMAGE, folder), "d1"))
    whole = file.read_bytes()

    assert read_manifest(file, "d2") is None
    assert read_manifest(folder / "nowhere", "d1") is None
    for damaged in (b"", b"text", whole[:-1], whole[:20] + b"\0" + whole[21:]):
        file.write_bytes(damaged)
        assert read_manifest(file, "d1") is None


def test_a_manifest_that_cannot_be_written_is_left_out(folder: Path) -> None:
    write_manifest(folder / "main.py" / "api", take_manifest(DockerInputs(IMAGE, folder), "d1"))
