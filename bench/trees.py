"""Projects of a given size to measure with: images ``FROM scratch``, each with a context of many small files."""

from __future__ import annotations

import os
import subprocess
from dataclasses import dataclass
from pathlib import Path

FILES_PER_FOLDER = 100
IGNORED = "node_modules"


@dataclass(frozen=True)
class Tree:
    """How many images, and what the context of each holds."""

    images: int
    files: int
    ignored: int = 0
    file_size: int = 64

    def __str__(self) -> str:
        return f"{self.images}x{self.files}"

    @property
    def names(self) -> list[str]:
        return [f"image-{number}" for number in range(self.images)]


def make(tree: Tree, folder: Path, namespace: str) -> None:
    """Fill ``folder`` with a committed git repository and its ``devspace.yaml``; images are ``namespace/image-N``."""
    for name in tree.names:
        context = folder / name
        _fill(context / "src", tree.files - 2, tree.file_size)
        _fill(context / IGNORED, tree.ignored, tree.file_size)
        (context / "Dockerfile").write_text("FROM scratch\nCOPY . /\n")
        (context / ".dockerignore").write_text(f"{IGNORED}\n")
    (folder / ".gitignore").write_text(f"{IGNORED}\n.devspace\n")
    (folder / "pyproject.toml").write_text('[tool.doit]\nloader = "imagetasks"\n')
    entries = "".join(
        f"  {name}:\n    image: {namespace}/{name}\n    context: {name}\n    dockerfile: {name}/Dockerfile\n"
        for name in tree.names
    )
    (folder / "devspace.yaml").write_text(f"version: v1beta6\nimages:\n{entries}")
    _commit(folder)


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
