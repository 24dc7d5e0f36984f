"""Projects of a given size to measure with: images that have contexts of many small files."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from measure import run

FILES_PER_FOLDER = 100
IGNORED = "node_modules"
COPY_ALL = "FROM scratch\nCOPY . /\n"


@dataclass(frozen=True)
class Tree:
    """How many images, what the context of each holds, whether they all have the same one, and each a deployment."""

    images: int
    files: int
    ignored: int = 0
    file_size: int = 64
    dockerfile: str = COPY_ALL
    one_context: bool = False
    deployed: bool = False

    @property
    def names(self) -> list[str]:
        return [f"image-{number}" for number in range(self.images)]

    @property
    def contexts(self) -> list[str]:
        return ["context"] if self.one_context else self.names


@dataclass(frozen=True)
class Project:
    """A folder with a tree in it, and the namespace of its images."""

    folder: Path
    namespace: str

    @property
    def label(self) -> str:
        """What an image without a name needs to be removed with the project."""
        return f"imagetasks.bench={self.namespace}"

    def images(self) -> list[str]:
        """What the daemon holds of them."""
        listing = ["docker", "images", "--format", "{{.Repository}}:{{.Tag}}", f"{self.namespace}/*"]
        return sorted(run(listing, self.folder).split())

    def change(self) -> None:
        """Give the first file of each context new content of the same size."""
        for first in self.folder.glob("*/src/000/00000.txt"):
            first.write_bytes(os.urandom(first.stat().st_size))

    def forget(self) -> None:
        """Remove all that earlier runs have left."""
        shutil.rmtree(self.folder / ".devspace", ignore_errors=True)


@contextmanager
def project(tree: Tree) -> Iterator[Project]:
    """A project with a committed git repository; it and its images are removed at the end."""
    namespace = f"bench-{uuid.uuid4().hex[:8]}"
    made = Project(Path(tempfile.mkdtemp(prefix=f"{namespace}-")), namespace)
    try:
        _make(tree, made)
        yield made
    finally:
        if images := made.images():
            run(["docker", "rmi", "--force", *images], made.folder)
        run(["docker", "image", "prune", "--force", "--filter", f"label={made.label}"], made.folder)
        shutil.rmtree(made.folder)


def _make(tree: Tree, made: Project) -> None:
    for name in tree.contexts:
        context = made.folder / name
        _fill(context / "src", tree.files - 2, tree.file_size)
        _fill(context / IGNORED, tree.ignored, tree.file_size)
        (context / "Dockerfile").write_text(tree.dockerfile)
        (context / ".dockerignore").write_text(f"{IGNORED}\n")
    (made.folder / ".gitignore").write_text(f"{IGNORED}\n.devspace\n")
    (made.folder / "pyproject.toml").write_text('[tool.doit]\nloader = "imagetasks"\n')
    entries = "".join(_entry(tree, made, name) for name in tree.names)
    if tree.deployed:
        entries += "deployments:\n" + "".join(_deployment(made, name) for name in tree.names)
    (made.folder / "devspace.yaml").write_text(f"version: v1beta6\nimages:\n{entries}")
    _commit(made.folder)


def _entry(tree: Tree, made: Project, name: str) -> str:
    context = "context" if tree.one_context else name
    dockerfile = f"{context}/Dockerfile"
    if tree.one_context:
        dockerfile = f"{name}.Dockerfile"
        (made.folder / dockerfile).write_text(f"{tree.dockerfile}LABEL name={name}\n")
    image = f"{made.namespace}/{name}"
    return f"  {name}:\n    image: {image}\n    context: {context}\n    dockerfile: {dockerfile}\n"


def _deployment(made: Project, name: str) -> str:
    data = f"data: {{image: {made.namespace}/{name}}}"
    manifest = f"{{apiVersion: v1, kind: ConfigMap, metadata: {{name: {name}}}, {data}}}\n"
    (made.folder / f"{name}.yaml").write_text(manifest)
    return f"- name: {name}\n  kubectl: {{manifests: [{name}.yaml]}}\n"


def _fill(folder: Path, files: int, size: int) -> None:
    for number in range(files):
        subfolder = folder / f"{number // FILES_PER_FOLDER:03}"
        if number % FILES_PER_FOLDER == 0:
            subfolder.mkdir(parents=True)
        (subfolder / f"{number:05}.txt").write_bytes(os.urandom(size))


def _commit(folder: Path) -> None:
    settings = ("user.name=bench", "user.email=bench@localhost", "gc.auto=0")
    git = ["git", "-C", str(folder), *(word for setting in settings for word in ("-c", setting))]
    subprocess.run([*git, "init", "--quiet"], check=True)
    subprocess.run([*git, "add", "--all"], check=True)
    subprocess.run([*git, "commit", "--quiet", "--no-gpg-sign", "--message", "All files"], check=True)
