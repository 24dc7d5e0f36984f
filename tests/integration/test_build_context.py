"""The scan and the tar stream of a context, judged by what ``docker build`` puts into an image."""

from __future__ import annotations

import io
import os
import shutil
import subprocess
import tarfile
import tempfile
import uuid
from collections.abc import Iterable, Iterator
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from imagetasks.context.archive import tar_stream
from imagetasks.context.ignore import IgnoreRules
from imagetasks.context.scan import scan
from imagetasks.errors import ContextError

if TYPE_CHECKING:
    from docker import DockerClient

pytestmark = pytest.mark.docker

LABEL = f"imagetasks.test.context={uuid.uuid4().hex}"
READ_BY_DOCKER = ("Dockerfile", ".dockerignore")
DOCKERFILE = f"FROM scratch\nLABEL {LABEL}\nCOPY . /\n"


def docker_cli() -> str | None:
    """A docker CLI that matches patterns with today's ``moby/patternmatcher``, which came with version 23."""
    cli = shutil.which("docker")
    if cli is None:
        return None
    command = [cli, "version", "--format", "{{.Client.Version}}"]
    version = subprocess.run(command, check=False, capture_output=True, text=True)
    major = version.stdout.partition(".")[0]
    return cli if major.isdecimal() and int(major) >= 23 else None


CLI = docker_cli()


@pytest.fixture(autouse=True, scope="module")
def remove_images(daemon: DockerClient) -> Iterator[None]:
    yield
    for image in daemon.api.images(filters={"label": LABEL}, quiet=True):
        daemon.api.remove_image(image, force=True)


def content(daemon: DockerClient, image: str) -> dict[str, tarfile.TarInfo]:
    """The entries of an image, without those that Docker makes for a container."""
    container = daemon.api.create_container(image, command=["-"])["Id"]
    try:
        archive = io.BytesIO(b"".join(daemon.api.export(container)))
    finally:
        daemon.api.remove_container(container)
    with tarfile.open(fileobj=archive, encoding="utf-8", errors="surrogateescape") as entries:
        found = {entry.name: entry for entry in entries}
    own = {".dockerenv", "dev", "etc", "proc", "sys"}
    return {path: entry for path, entry in found.items() if path.partition("/")[0] not in own}


def with_parents(paths: Iterable[str]) -> set[str]:
    every = {str(parent) for path in paths for parent in (PurePosixPath(path), *PurePosixPath(path).parents)}
    return every - {"."}


NAMES = st.sampled_from(["a", "b", "ab", "c.py", ".hidden", "d d", "[x]"])
FILES = st.sets(
    st.builds(lambda folders, name: "/".join([*folders, f"{name}.f"]), st.lists(NAMES, max_size=3), NAMES),
    min_size=3,
    max_size=20,
)
COMPONENTS = st.sampled_from(
    [
        "a",
        "b",
        "ab",
        "*",
        "**",
        "a*",
        "?",
        "?.f",
        "*.f",
        "[a-b]",
        "[^a]*",
        "**.f",
        "a**",
        ".*",
        ".",
        "..",
        r"\[x\]*",
        "d d",
    ]
)
LINES = st.builds(
    lambda mark, start, parts, end: mark + start + "/".join(parts) + end,
    st.sampled_from(["", "", "!", "#"]),
    st.sampled_from(["", "", "/", "./", " "]),
    st.lists(COMPONENTS, min_size=1, max_size=3),
    st.sampled_from(["", "", "/", " ", "\r"]),
)
# Exclusions that leave nothing make COPY fail, so that one file is always brought back.
IGNORE_FILES = st.lists(LINES, max_size=6).map(lambda lines: "\n".join([*lines, "!kept", ""]))


@pytest.mark.xfail(CLI is None, reason="no docker CLI of version 23 or later to compare with", run=False)
@settings(max_examples=30, deadline=None, database=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(FILES, IGNORE_FILES)
@example({"a/b.f", "a/a.f", "b.f"}, "a\n!**/b.f\n!kept\n")
@example({"a/b.f", "a/a.f", "b.f"}, "a\n!a/b.f\na\n!kept\n")
@example({"a/b.f", "a/a.f", "b.f"}, "*\n!a/*.f\n**/b.f\n!kept\n")
@example({"a.f"}, "!/.\n!kept\n")
@example({"a.f", "b.f"}, "Dockerfile\n.dockerignore\n[*].f\n!kept\n")
def test_the_scan_is_what_docker_sends(daemon: DockerClient, files: set[str], ignore_file: str) -> None:
    assert CLI is not None
    with tempfile.TemporaryDirectory() as name:
        context = Path(name)
        for path in {*files, "kept"}:
            (context / path).parent.mkdir(parents=True, exist_ok=True)
            (context / path).touch()
        (context / "Dockerfile").write_text(DOCKERFILE)
        (context / ".dockerignore").write_bytes(ignore_file.encode())
        built = subprocess.run(
            [CLI, "build", "--quiet", "--no-cache", name],
            env={**os.environ, "DOCKER_BUILDKIT": "0"},
            check=False,
            capture_output=True,
            text=True,
        )
        if "illegal exclusion pattern" in built.stderr:
            with pytest.raises(ContextError):
                IgnoreRules.parse(ignore_file.encode(), ".dockerignore")
            return
        assert built.returncode == 0, built.stderr
        found = scan(context, IgnoreRules.parse(ignore_file.encode(), ".dockerignore"), READ_BY_DOCKER)
    assert set(READ_BY_DOCKER) <= set(found.paths)
    in_image = set(content(daemon, built.stdout.strip()))
    assert in_image - set(READ_BY_DOCKER) == with_parents(found.paths) - set(READ_BY_DOCKER)


def test_the_daemon_builds_the_stream_as_it_is_on_disk(daemon: DockerClient, tmp_path: Path) -> None:
    deep = "/".join(["deep"] * 64)
    for path in ("a", "new\nline", "é", "x" * 255, f"{deep}/file", b"\xff\xfe".decode("utf-8", "surrogateescape")):
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text("content")
    (tmp_path / "a").chmod(0o751)
    (tmp_path / "link").symlink_to("a")
    os.mkfifo(tmp_path / "pipe")
    found = scan(tmp_path)
    stream = io.BytesIO(b"".join(tar_stream(found, {"Dockerfile": DOCKERFILE.encode()})))
    image, _ = daemon.images.build(fileobj=stream, custom_context=True, rm=True, forcerm=True)
    assert image.id is not None
    entries = content(daemon, image.id)
    assert set(entries) == {*found.paths, "Dockerfile"}
    assert entries["a"].mode & 0o7777 == 0o751
    assert (entries["a"].uid, entries["a"].gid) == (0, 0)
    assert entries["link"].linkname == "a"
    assert entries["pipe"].isfifo()
