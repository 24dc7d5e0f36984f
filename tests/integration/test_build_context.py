"""The scan and the tar stream of a context, judged by what ``docker build`` puts into an image."""

from __future__ import annotations

import io
import os
import shutil
import socket
import stat
import subprocess
import tarfile
import tempfile
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from imagetasks.context.archive import tar_stream
from imagetasks.context.ignore import IgnoreRules
from imagetasks.context.scan import Scan, scan
from tests.projects import Project

if TYPE_CHECKING:
    from docker import DockerClient

pytestmark = pytest.mark.docker

LABEL = f"imagetasks.test.context={uuid.uuid4().hex}"
READ_BY_DOCKER = ("Dockerfile", ".dockerignore")
DOCKERFILE = f"FROM scratch\nLABEL {LABEL}\nCOPY . /\n"


CLI = shutil.which("docker")
NO_CLI = "no docker CLI to compare with"


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


def build_by_cli(context: Path) -> str:
    """The id of the image that ``docker build`` makes of a folder."""
    assert CLI is not None
    built = subprocess.run(
        [CLI, "build", "--quiet", "--no-cache", str(context)],
        env={**os.environ, "DOCKER_BUILDKIT": "0"},
        check=False,
        capture_output=True,
        text=True,
    )
    assert built.returncode == 0, built.stderr
    return built.stdout.strip()


def build_by_stream(daemon: DockerClient, found: Scan) -> str:
    """The id of the image that the daemon makes of our stream."""
    image, _ = daemon.images.build(
        fileobj=io.BytesIO(b"".join(tar_stream(found))), custom_context=True, rm=True, forcerm=True, nocache=True
    )
    assert image.id is not None
    return image.id


def described(entry: tarfile.TarInfo) -> tuple[bytes, int, int, int, int, str]:
    return entry.type, entry.mode & 0o7777, entry.uid, entry.gid, entry.size, entry.linkname


@pytest.mark.xfail(CLI is None, reason=NO_CLI, run=False)
@pytest.mark.parametrize(
    "ignore_file",
    [
        "",
        "a\n!**/b.f\n",
        "*\n!a/*.f\n**/b.f\n",
        "Dockerfile\n.dockerignore\n[*].f\n",
        "*\n!a\n!Dockerfile\n",
        ".dockerignore\n",
    ],
)
def test_an_image_has_the_files_that_docker_puts_into_it(
    daemon: DockerClient, tmp_path: Path, ignore_file: str
) -> None:
    for path in ("a/a.f", "a/b.f", "b.f", "[].f", "c/d/e"):
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).touch()
    (tmp_path / "Dockerfile").write_text(DOCKERFILE)
    (tmp_path / ".dockerignore").write_text(ignore_file)
    found = scan(tmp_path, IgnoreRules.parse(ignore_file.encode(), ".dockerignore"), READ_BY_DOCKER)
    ours = content(daemon, build_by_stream(daemon, found))
    assert set(ours) == set(content(daemon, build_by_cli(tmp_path)))


@pytest.mark.xfail(CLI is None, reason=NO_CLI, run=False)
def test_odd_entries_are_in_an_image_as_docker_puts_them_there(daemon: DockerClient) -> None:
    deep = "/".join(["deep"] * 64)
    # A socket's path has to be short.
    with tempfile.TemporaryDirectory(dir="/tmp") as name, socket.socket(socket.AF_UNIX) as server:
        folder = Path(name)
        for path in ("a", "new\nline", "é", "x" * 255, f"{deep}/file", "\udcff\udcfe", "old", " ", "-", "\\"):
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            (folder / path).write_text("content")
        (folder / "Dockerfile").write_text(DOCKERFILE)
        (folder / "empty").mkdir(mode=0o700)
        (folder / "a").chmod(0o4751)
        os.utime(folder / "old", (-5, -5))
        for link, target in {"link": "a", "dangling": "nowhere", "out": "../../etc/passwd", "loop": "loop"}.items():
            (folder / link).symlink_to(target)
        (folder / "hard").hardlink_to(folder / "a")
        os.mkfifo(folder / "pipe")
        server.bind(f"{name}/socket")
        found = scan(folder)
        by_stream = content(daemon, build_by_stream(daemon, found))
        by_cli = content(daemon, build_by_cli(folder))
    assert set(by_stream) == set(found.paths)
    assert {path: described(entry) for path, entry in by_stream.items()} == {
        path: described(entry) for path, entry in by_cli.items()
    }


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda path: os.mknod(path, stat.S_IFCHR | 0o600, os.makedev(1, 3)), "is a device"),
        (lambda path: shutil.rmtree(path.parent), "is not there"),
    ],
)
def test_what_no_image_can_be_built_of_is_a_sentence(
    project: Project, make: Callable[[Path], None], words: str
) -> None:
    if os.geteuid() != 0:
        pytest.skip("only root makes devices")
    project.write("docker/Dockerfile", "FROM scratch\nCOPY . /\n")
    project.write("src/main.py", "print()\n")
    project.write(
        "devspace.yaml",
        f"version: v1beta6\nimages:\n  app:\n    image: {project.repository('app')}\n"
        "    context: src\n    dockerfile: docker/Dockerfile\n",
    )
    make(project.folder / "src" / "odd")
    result = project.doit("build", "--skip-push")
    assert result.returncode != 0
    assert words in result.stdout + result.stderr
    assert "Traceback" not in result.stdout + result.stderr
