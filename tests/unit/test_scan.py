from __future__ import annotations

import hashlib
import os
import socket
import stat
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imagetasks.context.entries import LARGE
from imagetasks.context.ignore import IgnoreRules
from imagetasks.context.looks import Looks
from imagetasks.context.scan import Scan, open_unchanged, scan, stamped_size
from imagetasks.errors import ContextError


def fill(folder: Path, files: Iterable[str]) -> None:
    for path in files:
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(path)


def rules(*lines: str) -> IgnoreRules:
    return IgnoreRules.parse("\n".join(lines).encode(), ".dockerignore")


def test_folders_come_first_and_names_in_order(tmp_path: Path) -> None:
    fill(tmp_path, ["b/z", "b/a/x", "b-c", "a", "B"])
    assert scan(tmp_path).paths == ["B", "a", "b", "b-c", "b/a", "b/z", "b/a/x"]


def test_folders_are_entered_in_the_order_of_their_names(tmp_path: Path) -> None:
    fill(tmp_path, ["b-c/x", "b/x", "a/x/y"])
    assert scan(tmp_path).paths == ["a", "b", "b-c", "a/x", "a/x/y", "b/x", "b-c/x"]


def test_an_entry_has_its_mode_and_its_size(tmp_path: Path) -> None:
    fill(tmp_path, ["run.sh"])
    (tmp_path / "run.sh").chmod(0o751)
    found = scan(tmp_path)
    assert found.modes == [stat.S_IFREG | 0o751]
    assert [stamped_size(stamp) for stamp in found.stamps] == [len("run.sh")]


def test_small_files_can_be_read_along(tmp_path: Path) -> None:
    fill(tmp_path, ["a/b", "c"])
    (tmp_path / "link").symlink_to("c")
    (tmp_path / "large").write_bytes(bytes(LARGE))
    found = scan(tmp_path, contents=True)
    assert found == scan(tmp_path)
    paths, stamps, digests = found.read_along()
    assert paths == ["c", "a/b"]
    assert [stamped_size(stamp) for stamp in stamps] == [1, 3]
    assert digests == [hashlib.sha256(path.encode()).digest() for path in paths]


@pytest.mark.parametrize("contents", [False, True])
def test_the_fingerprint_is_that_of_looking_at_the_same_folders(tmp_path: Path, contents: bool) -> None:
    fill(tmp_path, ["a/b", "c", "x/y", "e/f"])
    (tmp_path / "link").symlink_to("c")
    found = scan(tmp_path, rules("x", "e/f"), contents=contents)
    assert Looks().fingerprint(str(tmp_path), found.folders) == found.fingerprint


def test_a_symbolic_link_is_not_followed_and_keeps_its_target_as_written(tmp_path: Path) -> None:
    fill(tmp_path, ["folder/file"])
    (tmp_path / "link").symlink_to("./folder/")
    os.symlink("a//../b", tmp_path / "dangling")  # noqa: PTH211 - Path would tidy up the target
    found = scan(tmp_path)
    assert found.targets == {"link": "./folder/", "dangling": "a//../b"}
    assert "link/file" not in found.paths


def test_what_docker_reads_is_sent_although_it_is_excluded(tmp_path: Path) -> None:
    fill(tmp_path, ["Dockerfile", ".dockerignore", "other", "images/api/Dockerfile", "images/api/other"])
    always = (".dockerignore", "images/api/Dockerfile", "not/there")
    assert scan(tmp_path, rules("*"), always).paths == [".dockerignore", "images/api/Dockerfile"]


def test_a_folder_on_the_way_to_an_exception_is_not_sent_itself(tmp_path: Path) -> None:
    fill(tmp_path, ["docs/a.md", "docs/a.txt"])
    assert scan(tmp_path, rules("docs", "!docs/*.md")).paths == ["docs/a.md"]


def test_an_excluded_folder_is_not_entered_for_an_exception_that_does_not_name_it(tmp_path: Path) -> None:
    fill(tmp_path, ["docs/README.md", "README.md"])
    assert scan(tmp_path, rules("docs", "!**/README.md")).paths == ["README.md"]


def test_the_state_folder_is_never_sent(tmp_path: Path) -> None:
    fill(tmp_path, [".devspace/state", "src/.devspace/state", "a"])
    assert scan(tmp_path, rules("!.devspace/state"), [".devspace/state"]).paths == [
        "a",
        "src",
        "src/.devspace",
        "src/.devspace/state",
    ]
    assert scan(tmp_path, never=["src/.devspace", ".devspace"]).paths == ["a", "src"]


def test_a_pipe_is_sent_and_a_socket_is_not(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with socket.socket(socket.AF_UNIX) as server, tempfile.TemporaryDirectory(dir="/tmp") as short:
        server.bind(f"{short}/socket")
        assert scan(short).paths == []
    assert scan(tmp_path).paths == ["pipe"]


def test_a_device_is_an_error_that_names_it() -> None:
    with pytest.raises(ContextError, match="in the build context is a device"):
        scan("/dev", rules("*", "!null"))


def test_names_of_any_bytes_are_kept(tmp_path: Path) -> None:
    names = [b"\xff\xfe", b"new\nline", "é".encode(), b"x" * 255]
    for name in names:
        Path(tmp_path, os.fsdecode(name)).touch()
    assert sorted(path.encode("utf-8", "surrogateescape") for path in scan(tmp_path).paths) == sorted(names)


def test_sixty_four_levels_are_followed(tmp_path: Path) -> None:
    deep = "/".join(["d"] * 64)
    fill(tmp_path, [f"{deep}/file"])
    assert scan(tmp_path).paths[-1] == f"{deep}/file"


@pytest.mark.parametrize("name", ["missing", "file"])
def test_a_context_that_is_no_folder_is_an_error(tmp_path: Path, name: str) -> None:
    fill(tmp_path, ["file"])
    with pytest.raises(ContextError, match=f"{name} is not a folder"):
        scan(tmp_path / name)


@pytest.fixture
def unprivileged() -> Iterator[Path]:
    """A folder of a user who is not root, whom this process is meanwhile: root reads everything."""
    user = os.geteuid()
    os.seteuid(user or 65534)
    try:
        with tempfile.TemporaryDirectory() as folder:
            yield Path(folder)
    finally:
        os.seteuid(user)


def test_a_folder_that_may_not_be_read_is_an_error_that_names_it(unprivileged: Path) -> None:
    fill(unprivileged, ["closed/file"])
    (unprivileged / "closed").chmod(0)
    with pytest.raises(ContextError, match="'closed' in the build context cannot be read \\(Permission denied\\)"):
        scan(unprivileged)


def test_a_file_that_may_not_be_read_is_an_error_that_names_it(unprivileged: Path) -> None:
    fill(unprivileged, ["file"])
    (unprivileged / "file").chmod(0)
    found = scan(unprivileged)
    with (
        pytest.raises(ContextError, match="'file' in the build context cannot be read \\(Permission denied\\)"),
        open_unchanged(found.folder, "file", found.stamps[0]),
    ):
        pass


def only_file(folder: Path) -> tuple[Scan, Path]:
    fill(folder, ["file"])
    return scan(folder), folder / "file"


def test_a_file_that_is_as_scanned_can_be_opened(tmp_path: Path) -> None:
    found, _ = only_file(tmp_path)
    with open_unchanged(found.folder, "file", found.stamps[0]) as file:
        assert file.read() == b"file"


def test_a_file_that_changed_since_the_scan_is_an_error(tmp_path: Path) -> None:
    found, file = only_file(tmp_path)
    file.write_text("longer than before")
    with pytest.raises(ContextError, match="'file' changed"), open_unchanged(found.folder, "file", found.stamps[0]):
        pass


def test_a_file_that_is_gone_since_the_scan_is_an_error(tmp_path: Path) -> None:
    found, file = only_file(tmp_path)
    file.unlink()
    with pytest.raises(ContextError, match="'file' changed"), open_unchanged(found.folder, "file", found.stamps[0]):
        pass


NAMES = st.sampled_from(["a", "b", "ab", "c.py"])
FOLDERS = st.lists(NAMES, max_size=2)
COMPONENTS = st.sampled_from(["a", "b", "ab", "*", "**", "a*", "?", "*.py", "[^a]"])
LINES = st.builds(
    lambda mark, parts: mark + "/".join(parts),
    st.sampled_from(["", "!"]),
    st.lists(COMPONENTS, min_size=1, max_size=3),
)


@given(st.sets(st.builds(lambda folders, name: "/".join([*folders, f"{name}.f"]), FOLDERS, NAMES)), st.lists(LINES))
def test_the_scan_has_just_the_files_that_the_rules_leave_in(files: set[str], lines: list[str]) -> None:
    some = rules(*lines)
    with tempfile.TemporaryDirectory() as folder:
        fill(Path(folder), files)
        found = scan(folder, some)
    sent = {path for path, mode in zip(found.paths, found.modes, strict=True) if stat.S_ISREG(mode)}
    assert sent == {path for path in files if not some.excludes(path)}
