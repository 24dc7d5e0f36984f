"""Which images of a project a deployment names, as far as its files tell without a cluster, a network or a program.

Every command asks that, to know what a deployment waits for. So files are not parsed: an image counts as named where
what all spellings of its repository share stands, be it in a comment.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from pathlib import Path

from imagetasks.config.model import Chart, Deployment, Helm, Kubectl
from imagetasks.config.reader import MappingNode, Node, ScalarNode
from imagetasks.deploy.sources import DEPENDENCY_FILES, files_below, is_remote, local_files
from imagetasks.errors import ReferenceSyntaxError
from imagetasks.registry.reference import DOCKER_HUB, parse_repository

# Escapes, in double quotes and in JSON, that stand for letters and signs which a name may have.
_ESCAPED_LETTER = re.compile(rb"\\(x|u00|U000000)[2-7]")
_FOLDER_DEPENDED_ON = re.compile(rb"""\bfile://([^\s"',}]+)""")
_FOLDERS_OF_CHART = ("templates", "charts", "crds")


def mentioned_images(deployment: Deployment, project: Path, repositories: Mapping[str, str]) -> frozenset[str]:
    """The names of the images that ``deployment`` names in its manifests, its values or its chart.

    It may be more than it really uses, and is all where that cannot be known: with manifests from the web, and with
    kustomize. A chart from a repository names none but those in its values, since no tag is put anywhere else in it.

    :param project: the project's folder
    :param repositories: the repository of each of the project's images, by the image's name
    """
    texts: list[bytes] = []
    for text in _texts(deployment.method, project):
        if text is None or _ESCAPED_LETTER.search(text):
            return frozenset(repositories)
        texts.append(text.replace(rb"\/", b"/"))
    return frozenset(
        name for name, repository in repositories.items() if any(_names(text, name, repository) for text in texts)
    )


def _names(text: bytes, name: str, repository: str) -> bool:
    if f"runtime.images.{name}".encode() in text:
        return True
    try:
        return re.search(rb"(?<![\w.-])%s(?![\w./-])" % re.escape(_shared(repository)).encode(), text) is not None
    except ReferenceSyntaxError:  # it has a variable that is not known yet
        return True


def _shared(repository: str) -> str:
    """What all spellings of a repository have in common; the registry too where the rest would be found anywhere."""
    registry, path = parse_repository(repository)
    if registry == DOCKER_HUB or "/" in path:
        return path.removeprefix("library/")
    return f"{registry}/{path}"


def _texts(method: Kubectl | Helm | None, project: Path) -> Iterator[bytes | None]:
    """The texts that a deployment consists of, ``None`` for one that is not at hand."""
    match method:
        case Kubectl():
            yield from _texts_of_kubectl(method, project)
        case Helm():
            yield from _texts_of_node(method.values)
            yield from _texts_of_values_files(method, project)
            yield from _texts_of_chart(method.chart, project)


def _texts_of_kubectl(method: Kubectl, project: Path) -> Iterator[bytes | None]:
    yield method.inline_manifest.encode()
    yield from _texts_of_node(method.patches)
    if method.kustomize and method.manifests:
        yield None
        return
    for entry in method.manifests:
        if is_remote(entry):
            yield None
        else:
            yield from map(_content, local_files(entry, project))


def _texts_of_values_files(method: Helm, project: Path) -> Iterator[bytes | None]:
    for name in method.values_files:
        yield None if "://" in name else _content(project / name)


def _texts_of_chart(chart: Chart | None, project: Path) -> Iterator[bytes | None]:
    if chart is None or chart.repo:
        return
    path = project / chart.name
    if path.is_file():  # packed
        yield None
    elif path.is_dir():
        for folder in (path, *_folders_depended_on(path)):
            inside = (file for name in _FOLDERS_OF_CHART for file in files_below(folder / name))
            for file in (*folder.glob("*.yaml"), *inside):
                if file.is_file():
                    yield None if file.suffix == ".tgz" else _content(file)


def _folders_depended_on(chart: Path) -> Iterator[Path]:
    for name in DEPENDENCY_FILES:
        for folder in _FOLDER_DEPENDED_ON.findall(_content(chart / name)):
            yield chart / os.fsdecode(folder)


def _texts_of_node(node: Node | None) -> Iterator[bytes]:
    if isinstance(node, ScalarNode):
        yield node.text.encode()
    elif isinstance(node, MappingNode):
        for value in node.values.values():
            yield from _texts_of_node(value)
    elif node is not None:
        for item in node.items:
            yield from _texts_of_node(item)


def _content(file: Path) -> bytes:
    """What a file holds; one that cannot be read names nothing, and the deployment will tell."""
    try:
        return file.read_bytes()
    except OSError:
        return b""
