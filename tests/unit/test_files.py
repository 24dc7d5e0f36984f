from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from unittest.mock import patch

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from imagetasks.context.filecache import FileDigests, project_digests
from imagetasks.context.files import ContextFiles, find_ignore_file
from imagetasks.context.inputs import Contexts
from imagetasks.errors import ContextError

HOUR = 3_600_000_000_000
SETTLES_IN = 0.06
"""After so many seconds what was written is remembered."""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    context = tmp_path / "context"
    (context / "src" / "deep").mkdir(parents=True)
    (context / "node_modules").mkdir()
    for name in ("Dockerfile", "src/a", "src/deep/b", "node_modules/c"):
        (context / name).write_text(name)
    (context / ".dockerignore").write_text("node_modules\n")
    return tmp_path


@pytest.fixture
def settled() -> Iterator[None]:
    """A clock for which everything was written long ago; the next change has another time, as it would then."""
    with patch.object(FileDigests, "clock", lambda _: time.time_ns() + HOUR):
        yield


def in_a_new_run(project: Path, context: str = "context") -> ContextFiles:
    if project_digests.cache_info().currsize:
        project_digests(project).save()
    project_digests.cache_clear()
    folder = project / context
    return Contexts().files(folder, folder / "Dockerfile", project)


def without_any_cache(project: Path, context: str = "context") -> str:
    folder = project / context
    with tempfile.TemporaryDirectory() as elsewhere:
        return ContextFiles(folder, find_ignore_file(folder, folder / "Dockerfile"), Path(elsewhere)).digest()


def wait_for_the_clock(folder: Path) -> None:
    """Until what is written has a time that nothing had so far."""
    probe = folder / "probe"
    probe.touch()
    before = probe.stat().st_ctime_ns
    while probe.stat().st_ctime_ns == before:
        probe.touch()
    probe.unlink()


def test_the_dockerfiles_own_ignore_file_wins(tmp_path: Path) -> None:
    dockerfile = tmp_path / "images" / "api.Dockerfile"
    dockerfile.parent.mkdir()
    assert find_ignore_file(tmp_path, dockerfile) is None
    (tmp_path / ".dockerignore").touch()
    assert find_ignore_file(tmp_path, dockerfile) == tmp_path / ".dockerignore"
    own = dockerfile.with_name("api.Dockerfile.dockerignore")
    own.touch()
    assert find_ignore_file(tmp_path, dockerfile) == own


@pytest.mark.usefixtures("settled")
def test_an_unchanged_context_is_not_scanned_again(project: Path) -> None:
    before = in_a_new_run(project).digest()
    with patch("imagetasks.context.scan.scan", side_effect=AssertionError):
        assert in_a_new_run(project).digest() == before


@pytest.mark.usefixtures("settled")
def test_what_is_ignored_may_change_without_a_new_scan(project: Path) -> None:
    before = in_a_new_run(project).digest()
    (project / "context" / "node_modules" / "new").touch()
    with patch("imagetasks.context.scan.scan", side_effect=AssertionError):
        assert in_a_new_run(project).digest() == before


@pytest.mark.usefixtures("settled")
def test_an_ignored_file_that_becomes_a_folder_with_an_exception_is_entered(project: Path) -> None:
    (project / "context" / ".dockerignore").write_text("docs\n!docs/*.md\n")
    (project / "context" / "docs").write_text("a file so far")
    before = in_a_new_run(project).digest()
    (project / "context" / "docs").unlink()
    (project / "context" / "docs").mkdir()
    (project / "context" / "docs" / "a.md").touch()
    assert in_a_new_run(project).digest() == without_any_cache(project) != before


@pytest.mark.usefixtures("settled")
def test_a_context_that_changed_after_it_was_looked_at_is_not_sent(project: Path) -> None:
    in_a_new_run(project).digest()
    files = in_a_new_run(project)
    files.digest()
    wait_for_the_clock(project)
    (project / "context" / "src" / "a").write_text("later")
    for _ in range(2):
        with pytest.raises(ContextError, match="changed after it was hashed; run the build again"):
            assert files.scan


@pytest.mark.usefixtures("settled")
def test_a_context_that_was_only_looked_at_can_be_sent(project: Path) -> None:
    before = in_a_new_run(project).scan.paths
    in_a_new_run(project).digest()
    files = in_a_new_run(project)
    files.digest()
    assert files.scan.paths == before


def test_a_context_that_was_written_just_now_is_scanned_again(project: Path) -> None:
    in_a_new_run(project).digest()
    with patch("imagetasks.context.scan.scan", side_effect=ZeroDivisionError), pytest.raises(ZeroDivisionError):
        in_a_new_run(project).digest()


@pytest.mark.parametrize("name", ["top", "src/a"])
def test_a_file_that_is_removed_while_its_context_is_hashed_is_not_remembered_as_missing(
    project: Path, name: str
) -> None:
    (project / "context" / "top").touch()
    time.sleep(SETTLES_IN)

    def read_and_remove(*_: object) -> str:
        (project / "context" / name).unlink()
        return "00" * 32

    with patch("imagetasks.context.digest.context_digest", read_and_remove):
        in_a_new_run(project).digest()
    assert in_a_new_run(project).digest() == without_any_cache(project)


def test_thousands_of_rewrites_of_the_same_size_are_never_missed(project: Path) -> None:
    file = project / "context" / "src" / "a"
    digests = set()
    for number in range(2000):
        file.write_text(f"{number:04}")
        if number % 100 == 0:
            time.sleep(SETTLES_IN)
        digests.add(in_a_new_run(project).digest())
        if number % 100 == 0:
            assert in_a_new_run(project).digest() in digests
    assert len(digests) == 2000


def test_the_digests_of_files_are_saved_when_the_program_ends(project: Path) -> None:
    program = (
        "import sys; from pathlib import Path; from imagetasks.context.files import ContextFiles;"
        "ContextFiles(Path(sys.argv[1], 'context'), None, Path(sys.argv[1])).digest()"
    )
    (project / ".devspace").mkdir()
    subprocess.run([sys.executable, "-c", program, str(project)], check=True)
    assert (project / ".devspace" / "files.cache").exists()


def test_images_with_other_ignore_files_have_other_digests(project: Path) -> None:
    context = project / "context"
    (context / "Dockerfile.dockerignore").write_text("src\n")
    (context / "other.Dockerfile").touch()
    contexts = Contexts()
    own, common = (contexts.files(context, context / name, project) for name in ("Dockerfile", "other.Dockerfile"))
    assert own.digest() != common.digest()
    assert "src/a" in common.scan.paths
    assert "src/a" not in own.scan.paths


@pytest.mark.usefixtures("settled")
def test_a_folder_of_several_contexts_is_looked_at_once(project: Path) -> None:
    context = project / "context"
    dockerfiles = [context / f"{number}.Dockerfile" for number in range(5)]
    for number, dockerfile in enumerate(dockerfiles):
        dockerfile.touch()
        (context / f"{number}.Dockerfile.dockerignore").write_text(f"{number}.Dockerfile\n")
    folders = [(context, dockerfile) for dockerfile in dockerfiles] + [(context / "src", dockerfiles[0])]
    for folder, dockerfile in folders:
        Contexts().files(folder, dockerfile, project).digest()
    looked_at: list[str] = []
    real = os.listdir

    def listdir(path: str) -> list[str]:
        looked_at.append(os.path.normpath(path))
        return real(path)

    contexts = Contexts()
    with patch("imagetasks.context.looks.os.listdir", listdir):
        for folder, dockerfile in folders:
            contexts.files(folder, dockerfile, project).digest()
    assert looked_at.count(str(context / "src")) == 1
    assert looked_at.count(str(context / "src" / "deep")) == 1


@pytest.mark.usefixtures("settled")
def test_what_a_hook_changed_is_seen_in_the_same_run(project: Path) -> None:
    in_a_new_run(project).digest()
    contexts = Contexts()
    context = project / "context"
    before = contexts.files(context, context / "Dockerfile", project).digest()
    wait_for_the_clock(project)
    (context / "src" / "a").write_text("generated")
    assert contexts.files(context, context / "Dockerfile", project).digest() == before
    contexts.forget()
    after = contexts.files(context, context / "Dockerfile", project).digest()
    assert after == without_any_cache(project) != before


def test_threads_that_ask_at_once_get_the_same(project: Path) -> None:
    context = project / "context"
    contexts = Contexts()
    with ThreadPoolExecutor(8) as threads:
        digests = list(
            threads.map(lambda _: contexts.files(context, context / "Dockerfile", project).digest(), range(50))
        )
    assert set(digests) == {without_any_cache(project)}


@pytest.mark.usefixtures("settled")
def test_a_copy_of_a_project_with_its_state_has_the_digest_of_what_it_holds(project: Path) -> None:
    in_a_new_run(project).digest()
    copy = project.with_name(f"{project.name}-copy")
    shutil.copytree(project, copy, symlinks=True)
    (copy / "context" / "src" / "a").write_text("other")
    assert in_a_new_run(copy).digest() == without_any_cache(copy)


NAMES = st.sampled_from(["a", "b", "c", "x.log"])
PATHS = st.builds("/".join, st.lists(NAMES, min_size=1, max_size=3))
CONTENTS = st.sampled_from(["one", "two", "three"])
IGNORE_LINES = st.sampled_from(["*.log", "a", "!a/b", "b/*", "!b/c", "**/c", "a/b", "!**/x.log"])


class EditedContext(RuleBasedStateMachine):
    """Whatever is done to a context, its digest is the one that is computed without remembering anything."""

    def __init__(self) -> None:
        super().__init__()
        self.project = Path(tempfile.mkdtemp())
        self.context = self.project / "context"
        self.context.mkdir()
        self.clock = patch.object(FileDigests, "clock", lambda _: time.time_ns() + HOUR)
        self.clock.start()

    def teardown(self) -> None:
        self.clock.stop()
        shutil.rmtree(self.project)

    def edit(self, change: str, *arguments: object) -> None:
        wait_for_the_clock(self.project)
        with suppress(OSError):  # There is no such file, or one that is in the way.
            getattr(os, change)(*arguments)

    @rule(path=PATHS, content=CONTENTS)
    def write(self, path: str, content: str) -> None:
        wait_for_the_clock(self.project)
        with suppress(OSError):
            (self.context / path).parent.mkdir(parents=True, exist_ok=True)
            (self.context / path).write_text(content)

    @rule(path=PATHS)
    def rewrite_under_an_old_time(self, path: str) -> None:
        wait_for_the_clock(self.project)
        file = self.context / path
        if file.is_file():
            times = (file.stat().st_atime_ns, file.stat().st_mtime_ns)
            file.write_text(file.read_text()[::-1])
            os.utime(file, ns=times)

    @rule(one=PATHS, other=PATHS)
    def swap(self, one: str, other: str) -> None:
        for source, target in ((one, "kept aside"), (other, one), ("kept aside", other)):
            self.edit("rename", self.context / source, self.context / target)

    @rule(path=PATHS, mode=st.sampled_from([0o644, 0o755, 0o700]))
    def chmod(self, path: str, mode: int) -> None:
        self.edit("chmod", self.context / path, mode)

    @rule(path=PATHS)
    def touch_to_the_past(self, path: str) -> None:
        self.edit("utime", self.context / path, (1, 1))

    @rule(old=PATHS, new=PATHS)
    def rename(self, old: str, new: str) -> None:
        self.edit("rename", self.context / old, self.context / new)

    @rule(old=PATHS, new=PATHS)
    def hard_link(self, old: str, new: str) -> None:
        self.edit("link", self.context / old, self.context / new)

    @rule(path=PATHS, aim=PATHS)
    def symbolic_link(self, path: str, aim: str) -> None:
        self.edit("symlink", aim, self.context / path)

    @rule(path=PATHS)
    def remove(self, path: str) -> None:
        wait_for_the_clock(self.project)
        if (self.context / path).is_dir() and not (self.context / path).is_symlink():
            shutil.rmtree(self.context / path)
        else:
            with suppress(OSError):
                (self.context / path).unlink()

    @rule(path=PATHS)
    def make_a_folder(self, path: str) -> None:
        self.edit("makedirs", self.context / path)

    @rule(lines=st.lists(IGNORE_LINES, max_size=3))
    def ignore(self, lines: list[str]) -> None:
        wait_for_the_clock(self.project)
        (self.context / ".dockerignore").write_text("\n".join(lines))

    @invariant()
    def digest_is_that_of_what_is_there(self) -> None:
        assert in_a_new_run(self.project).digest() == without_any_cache(self.project)


TestEditedContext = EditedContext.TestCase
TestEditedContext.settings = settings(max_examples=25, stateful_step_count=15, deadline=None)
