"""Kubernetes manifests: the objects that they hold.

An object is a node with ``apiVersion`` and ``kind``. Scalars keep the quotes that they have or have not, so that
printing them gives what kubectl would have read.
"""

from __future__ import annotations

import json
import re
from codecs import BOM_UTF8
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from imagetasks.config.model import Deployment
from imagetasks.config.printing import print_nodes
from imagetasks.config.profiles import child_map, parse_path, patched
from imagetasks.config.reader import (
    MappingNode,
    Node,
    SequenceNode,
    describe,
    is_null,
    maps_in,
    parse_documents,
    position_of,
    text_in,
)
from imagetasks.errors import ConfigError, DeployError, Position

# Two escapes that are one sign in JSON, and none in YAML. Other escapes match too, for the end of `\\ud83d` is none.
_SURROGATES = re.compile(r"\\(?:u(d[89ab][0-9a-f]{2})\\u(d[c-f][0-9a-f]{2})|.)", re.IGNORECASE)
_NO_SPACE = re.compile(r"\S")


def parse_manifests(data: bytes, name: str) -> list[MappingNode]:
    """The objects in the documents of YAML or JSON text; lists stand for what they hold.

    :param name: what messages call it
    :raises DeployError: it is not YAML, or a document is no object
    """
    try:
        documents = parse_documents(_json_as_yaml(data), name)
    except ConfigError as error:
        raise DeployError(error.message, error.position) from None
    return [entry for document in documents if not is_null(document) for entry in _objects(document, name)]


def _json_as_yaml(data: bytes) -> bytes:
    """JSON texts, of which several may stand in a row, as YAML documents in the same lines; YAML stays as it is."""
    if not data.removeprefix(BOM_UTF8).lstrip().startswith(b"{"):
        return data
    try:
        return "".join(_json_documents(data.decode("utf-8-sig"))).encode()
    except (ValueError, RecursionError):
        return data


def _json_documents(text: str) -> Iterator[str]:
    """:raises ValueError: it is not JSON"""
    decoder, end = json.JSONDecoder(), 0
    while found := _NO_SPACE.search(text, end):
        start = found.start()
        lines = text.count("\n", end, start)
        yield "\n" * max(lines, 1) + "--- " if end else "\n" * lines
        _, end = decoder.raw_decode(text, start)
        yield _SURROGATES.sub(_sign, text[start:end])


def _sign(match: re.Match[str]) -> str:
    return bytes.fromhex(match[1] + match[2]).decode("utf-16-be") if match[1] else match[0]


def _objects(document: Node, name: str) -> list[MappingNode]:
    if not isinstance(document, MappingNode):
        raise DeployError(
            f"a manifest is a map with `apiVersion` and `kind`, not {describe(document)}", position_of(document, name)
        )
    items = document.values.get("items")
    objects = maps_in(items)
    if isinstance(items, SequenceNode) and len(objects) == len(items.items) and all(map(_says_its_kind, objects)):
        return objects
    if not _says_its_kind(document):
        raise DeployError("this manifest needs both `apiVersion` and `kind`", position_of(document, name))
    return [document]


def _says_its_kind(node: MappingNode) -> bool:
    return bool(text_in(node, "apiVersion") and text_in(node, "kind"))


def print_manifests(objects: Iterable[MappingNode]) -> str:
    """The objects as YAML documents."""
    return "---\n".join(print_nodes(entry) for entry in objects)


def namespace_of(entry: MappingNode) -> str:
    """The namespace that an object names itself, if any."""
    return text_in(child_map(entry, "metadata"), "namespace")


def identity(entry: MappingNode) -> dict[str, Any]:
    """What an object is known by: ``apiVersion``, ``kind`` and, in ``metadata``, ``name`` and ``namespace``."""
    metadata = child_map(entry, "metadata")
    known = {key: text_in(metadata, key) for key in ("name", "namespace") if text_in(metadata, key)}
    return {"apiVersion": text_in(entry, "apiVersion"), "kind": text_in(entry, "kind"), "metadata": known}


def apply_patches(objects: Sequence[MappingNode], patches: Node | None, deployment: Deployment) -> list[MappingNode]:
    """The objects after ``kubectl.patches``, each of which changes those that its ``target`` is about.

    A target has the object's ``name``, and may narrow it down by ``kind`` and ``apiVersion``; ``op``, ``path`` and
    ``value`` are those of a profile's patch
    (https://www.devspace.sh/docs/configuration/deployments/kubectl#patches).

    :raises DeployError: a patch is none, or does not fit
    """
    place = deployment.position("patches")
    file = place.file if place else ""
    changed = list(objects)
    for patch in _checked(patches, file):
        changed = [_patched(entry, patch, file) if _is_target(entry, patch) else entry for entry in changed]
    return changed


def _checked(patches: Node | None, file: str) -> Iterator[MappingNode]:
    for patch in patches.items if isinstance(patches, SequenceNode) else ():
        position = position_of(patch, file)
        if not isinstance(patch, MappingNode):
            raise DeployError(f"a patch is a map, not {describe(patch)}", position)
        if not text_in(child_map(patch, "target"), "name"):
            raise DeployError("this patch needs `target.name`, the name of the object that it changes", position)
        if text_in(patch, "op") not in ("add", "replace", "remove"):
            raise DeployError("this patch needs an `op`, which is add, replace or remove", position)
        if "value" not in patch.values and text_in(patch, "op") != "remove":
            raise DeployError("this patch needs a `value`", position)
        yield patch


def _is_target(entry: MappingNode, patch: MappingNode) -> bool:
    target = child_map(patch, "target")
    wanted = {key: text_in(target, key) for key in ("apiVersion", "kind") if text_in(target, key)}
    is_named = text_in(child_map(entry, "metadata"), "name") == text_in(target, "name")
    return is_named and all(text_in(entry, key) == value for key, value in wanted.items())


def _patched(entry: MappingNode, patch: MappingNode, file: str) -> MappingNode:
    op, path = text_in(patch, "op"), text_in(patch, "path")
    try:
        changed = patched(entry, parse_path(path), op, None if op == "remove" else patch.values["value"])
    except ConfigError as error:
        what = f"{text_in(entry, 'kind')} {text_in(child_map(entry, 'metadata'), 'name')}"
        message = f"the patch `{op}` of `{path}` does not fit {what}: {error.message}"
        raise DeployError(message, Position(file, patch.line, patch.column)) from None
    assert isinstance(changed, MappingNode)
    return changed
