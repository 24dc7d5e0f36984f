"""A ``devspace.yaml`` for what a folder holds. No I/O.

It is of the newest version: that of the current DevSpace too, and the one whose keys the schema and the messages
name, so that nobody has to learn others first.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from pathlib import PurePosixPath
from typing import Any, NamedTuple, TypeVar

import yaml

from imagetasks.config.versions import NEWEST
from imagetasks.errors import ReferenceSyntaxError
from imagetasks.first_steps.findings import (
    FOLDERS_FOR_DOCKERFILES,
    FOLDERS_FOR_MANIFESTS,
    Findings,
    FoundDockerfile,
    FoundManifests,
)
from imagetasks.registry.reference import parse_reference

T = TypeVar("T")

_GENERAL_FOLDERS = frozenset({"chart", "charts", "helm"}) | FOLDERS_FOR_DOCKERFILES | FOLDERS_FOR_MANIFESTS
_NOT_IN_NAMES = re.compile(r"[^a-z0-9]+")
_MAX_NAME = 60
_NAMELESS = "app"


class DraftedImage(NamedTuple):
    """An entry of ``images``."""

    name: str
    repository: str
    dockerfile: FoundDockerfile


class Draft(NamedTuple):
    """What is to be in the file; ``deployments`` are the entries' settings by their names."""

    project: str
    images: tuple[DraftedImage, ...]
    deployments: Mapping[str, Mapping[str, Any]]

    def as_yaml(self) -> str:
        """The file's text."""
        content: dict[str, Any] = {
            "version": NEWEST,
            "name": self.project,
            "images": {image.name: _entry(image) for image in self.images},
        }
        if self.deployments:
            content["deployments"] = dict(self.deployments)
        return yaml.safe_dump(content, sort_keys=False, allow_unicode=True)


def make_draft(folder: str, findings: Findings, registry: str) -> Draft:
    """The draft for a folder of that name.

    Names are those of folders, made unique by those above them. Where manifests name an image of an entry's name,
    its repository is the entry's, so that a deployment gets the image.

    :param registry: what repositories begin with; empty for a registry on this machine
    """
    project = _as_name([folder])
    named = {} if registry else _repositories(findings.named_images)
    prefix = registry or default_registry(folder)
    images = _unique(findings.dockerfiles, lambda found: _image_words(found.path, project))
    kubectl = _unique(findings.manifests, lambda found: _words(found.folder, _GENERAL_FOLDERS, project))
    charts = _unique(findings.charts, lambda path: _words(path, _GENERAL_FOLDERS, project), taken=kubectl)
    return Draft(
        project,
        tuple(DraftedImage(name, named.get(name, f"{prefix}/{name}"), found) for name, found in images.items()),
        {
            **{name: {"kubectl": _kubectl(one)} for name, one in kubectl.items()},
            **{name: {"helm": {"chart": {"name": f"./{_literal(path)}"}}} for name, path in charts.items()},
        },
    )


def default_registry(folder: str) -> str:
    """A place for images that is nobody else's: in a registry on this machine, where ``docker run registry`` is."""
    return f"localhost:5000/{_as_name([folder])}"


def _entry(image: DraftedImage) -> dict[str, str]:
    found = image.dockerfile
    context = f"./{_literal(found.context)}/" if found.context.parts else "./"
    return {"image": image.repository, "dockerfile": f"./{_literal(found.path)}", "context": context}


def _kubectl(found: FoundManifests) -> dict[str, Any]:
    return {"manifests": [_literal(found.folder)], **({"kustomize": True} if found.is_kustomized else {})}


def _literal(path: PurePosixPath) -> str:
    """A path as a text of the file in which nothing is a variable."""
    return str(path).replace("${", "$${")


def _repositories(images: Iterable[str]) -> dict[str, str]:
    """The repositories of images by the last part of their names; none for a name that stands for several."""
    found: dict[str, set[str]] = {}
    for image in images:
        try:
            repository = parse_reference(image).repository
        except ReferenceSyntaxError:  # a template, say
            continue
        found.setdefault(repository.path.rpartition("/")[2], set()).add(str(repository))
    return {name: repositories.pop() for name, repositories in found.items() if len(repositories) == 1}


# -- names


def _image_words(path: PurePosixPath, project: str) -> list[str]:
    """What an image may be called by, the most telling word last: ``api/Dockerfile.worker`` is ``[api, worker]``."""
    kind = path.name.removeprefix("Dockerfile").removesuffix("Dockerfile").strip(".")
    words = _words(path.parent, FOLDERS_FOR_DOCKERFILES, project)
    return [*words, kind] if kind else words


def _words(folder: PurePosixPath, general: frozenset[str], project: str) -> list[str]:
    """The names of the folders that tell something, the project's own where none does."""
    return [part for part in folder.parts if part not in general] or [project]


def _unique(found: Sequence[T], words: Callable[[T], Sequence[str]], taken: Collection[str] = ()) -> dict[str, T]:
    """Each under the shortest name that is its own: as many of its last words as that takes, else with a number."""
    tails = [[_as_name(own[-length:]) for length in range(1, len(own) + 1)] for own in map(words, found)]
    holders = Counter(name for names in tails for name in set(names))
    named: dict[str, T] = {}
    for each, names in zip(found, tails, strict=True):
        own = (name for name in names if holders[name] == 1 and name not in taken)
        named[_numbered(next(own, names[-1]), {*taken, *named})] = each
    return named


def _numbered(name: str, taken: Collection[str]) -> str:
    numbers = range(2, len(taken) + 3)
    return next(each for each in (name, *(f"{name}-{number}" for number in numbers)) if each not in taken)


def _as_name(words: Iterable[str]) -> str:
    """Words as a name that tasks and repositories may have."""
    name = _NOT_IN_NAMES.sub("-", "-".join(words).lower()).strip("-")
    return name[-_MAX_NAME:].strip("-") or _NAMELESS
