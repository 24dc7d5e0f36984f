"""What in a folder can be built and deployed: its Dockerfiles, manifests and charts."""

from __future__ import annotations

import json
import os
import re
import subprocess
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from fnmatch import fnmatchcase
from pathlib import Path, PurePosixPath
from typing import NamedTuple

from imagetasks.context.dockerfile import Dockerfile, read_dockerfile
from imagetasks.context.dockerfile_parser import Instruction
from imagetasks.errors import DockerfileError

FOLDERS_FOR_DOCKERFILES = frozenset({"build", "container", "containers", "deploy", "docker"})
"""Names of folders that keep a Dockerfile for the folder above them."""
FOLDERS_FOR_MANIFESTS = frozenset({"k8s", "kube", "kubernetes", "manifests"})

_DOCKERFILES = ("Dockerfile", "Dockerfile.*", "*.Dockerfile")
_FOREIGN_FOLDERS = frozenset({"node_modules", "vendor", "venv", "__pycache__"})
_CHART = "Chart.yaml"
_FOLDERS_OF_CHART = frozenset({"charts", "crds", "templates"})
_KUSTOMIZATIONS = frozenset({"kustomization.yaml", "kustomization.yml"})
_MANIFESTS = (".yaml", ".yml")
_MANIFEST = re.compile(r"^apiVersion:.*?^kind:|^kind:.*?^apiVersion:", re.MULTILINE | re.DOTALL)
_LIBRARY_CHART = re.compile(r"^type:\s*library\b", re.MULTILINE)
_IMAGE = re.compile(r"""^[\s-]*image:\s*["']?([^\s"'#]+)""", re.MULTILINE)
_GIT_SECONDS = 30


class FoundDockerfile(NamedTuple):
    """A Dockerfile and the context that it is for, as paths from the project's folder."""

    path: PurePosixPath
    context: PurePosixPath


class FoundManifests(NamedTuple):
    """A folder with manifests."""

    folder: PurePosixPath
    is_kustomized: bool


class Findings(NamedTuple):
    """What is in a folder, by paths.

    :ivar charts: the folders of Helm charts
    :ivar named_images: the images that manifests name
    :ivar passed_over: files that are named like Dockerfiles, each with the reason why they are none
    """

    dockerfiles: tuple[FoundDockerfile, ...] = ()
    manifests: tuple[FoundManifests, ...] = ()
    charts: tuple[PurePosixPath, ...] = ()
    named_images: tuple[str, ...] = ()
    passed_over: tuple[str, ...] = ()


class _Folder(NamedTuple):
    path: PurePosixPath
    files: Sequence[str]


def search(root: Path) -> Findings:
    """Look through a folder, but not into hidden folders, into those of packages, and where git ignores files.

    A Dockerfile's context is the nearest folder, from its own up to ``root``, that has all that it copies.
    """
    folders = list(_walk(root))
    paths = [folder.path / name for folder in folders for name in folder.files if _is_named_dockerfile(name)]
    charts = [folder.path for folder in folders if _CHART in folder.files and not _is_library(root, folder.path)]
    manifests = [folder for folder in folders if folder.path.name in FOLDERS_FOR_MANIFESTS]
    ignored = _ignored(root, [*paths, *charts, *(folder.path for folder in manifests)])
    dockerfiles, passed_over = _read_dockerfiles(root, (path for path in paths if path not in ignored))
    found, images = _read_manifests(root, (folder for folder in manifests if folder.path not in ignored))
    return Findings(
        dockerfiles=tuple(dockerfiles),
        manifests=tuple(found),
        charts=tuple(chart for chart in charts if chart not in ignored),
        named_images=tuple(images),
        passed_over=tuple(passed_over),
    )


def _walk(root: Path) -> Iterator[_Folder]:
    for name, folders, files in os.walk(root):
        parts = _FOLDERS_OF_CHART if _CHART in files else frozenset()
        folders[:] = sorted(folder for folder in folders if folder not in parts and _is_the_projects(folder))
        yield _Folder(PurePosixPath(Path(name).relative_to(root).as_posix()), sorted(files))


def _is_the_projects(folder: str) -> bool:
    """Whether a folder may have what is looked for; a name that cannot be shown cannot be written down either."""
    return not folder.startswith(".") and folder not in _FOREIGN_FOLDERS and folder.isprintable()


def _is_named_dockerfile(name: str) -> bool:
    if name.endswith(".dockerignore") or not name.isprintable():
        return False
    return any(fnmatchcase(name, pattern) for pattern in _DOCKERFILES)


def _ignored(root: Path, paths: Iterable[PurePosixPath]) -> frozenset[PurePosixPath]:
    """Those of the paths that git ignores; none where there is no git or no repository."""
    command = ["git", "-C", str(root), "check-ignore", "--stdin", "-z"]
    asked = "".join(f"{path}\0" for path in paths if path.parts)
    try:
        done = subprocess.run(command, input=asked, capture_output=True, text=True, check=False, timeout=_GIT_SECONDS)
    except (OSError, subprocess.TimeoutExpired):
        return frozenset()
    return frozenset(PurePosixPath(path) for path in done.stdout.split("\0") if path)


# -- Dockerfiles


def _read_dockerfiles(root: Path, paths: Iterable[PurePosixPath]) -> tuple[list[FoundDockerfile], list[str]]:
    found, passed_over = [], []
    for path in paths:
        if not (root / path).is_file():  # reading a pipe would never end
            passed_over.append(f"{path}: it is no file")
            continue
        try:
            dockerfile = read_dockerfile(root / path)
        except DockerfileError as error:
            passed_over.append(f"{path}: {error.message}")
        else:
            found.append(FoundDockerfile(path, _context(root, path, dockerfile)))
    return found, passed_over


def _context(root: Path, path: PurePosixPath, dockerfile: Dockerfile) -> PurePosixPath:
    own = path.parent
    usual = own.parent if own.name in FOLDERS_FOR_DOCKERFILES else own
    copied = [name for stage in dockerfile.stages for each in stage.instructions for name in _copied(each)]
    candidates = [usual, own, *own.parents]
    return next((folder for folder in candidates if all(_holds(root / folder, name) for name in copied)), usual)


def _copied(instruction: Instruction) -> Iterator[str]:
    """What an instruction copies from the context, as far as the file itself tells."""
    if instruction.keyword not in {"ADD", "COPY"} or any("--from=" in flag[0] for flag in instruction.flags()):
        return
    words = [word[0] for word in instruction.words() if not word[0].startswith("--")]
    with suppress(ValueError):
        words = json.loads(" ".join(words))
    for word in words[:-1]:
        if not any(sign in word for sign in ("$", "<<", "://", "git@")):
            yield word.strip("\"'").lstrip("/") or "."


def _holds(folder: Path, name: str) -> bool:
    if (folder / name).exists():
        return True
    with suppress(ValueError, NotImplementedError):  # what is no pattern
        return any(folder.glob(name))
    return False


# -- manifests and charts


def _read_manifests(root: Path, folders: Iterable[_Folder]) -> tuple[list[FoundManifests], list[str]]:
    found, images = [], []
    for folder in folders:
        texts = [_text(root / folder.path / name) for name in folder.files if name.endswith(_MANIFESTS)]
        is_kustomized = not _KUSTOMIZATIONS.isdisjoint(folder.files)
        if is_kustomized or any(_MANIFEST.search(text) for text in texts):
            found.append(FoundManifests(folder.path, is_kustomized))
            images += [image for text in texts for image in _IMAGE.findall(text)]
    return found, images


def _is_library(root: Path, chart: PurePosixPath) -> bool:
    return _LIBRARY_CHART.search(_text(root / chart / _CHART)) is not None


def _text(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8", errors="replace") if file.is_file() else ""
    except OSError:
        return ""
