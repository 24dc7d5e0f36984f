"""The tags of the images just built, put into manifests and values in memory.

The rules are those of the reference, section "Deploying", and for ``${runtime.images.NAME}`` those of DevSpace's
documentation (https://www.devspace.sh/docs/configuration/runtime-variables). Nodes go in and others come out: what is
not changed stays as the user wrote it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TypeVar

from imagetasks.config.reader import MappingNode, Node, ScalarNode, SequenceNode
from imagetasks.deploy.base import BuiltImage
from imagetasks.errors import DeployError, Position, ReferenceSyntaxError
from imagetasks.registry.reference import Repository, parse_reference, parse_repository
from imagetasks.runtime import fill_runtime, images_named

_AnyNode = TypeVar("_AnyNode", bound=Node)
_Change = Callable[[str, str, Mapping[str, Node]], str]
"""From the key, the text and the map that it stands in to the new text."""
_NO_SIBLINGS: Mapping[str, Node] = {}


def tag_manifest(manifest: MappingNode, images: Sequence[BuiltImage]) -> MappingNode:
    """The manifest with a tag on every value of a key ``image``, at any depth, that names one of ``images``.

    The tag takes the place of a tag or digest that the value has. Values that name other images stay.
    """
    tags = _tags(images)
    return _changed(manifest, lambda key, text, _: _tagged(text, tags) if key == "image" else text)


def tag_values(values: _AnyNode, images: Sequence[BuiltImage]) -> _AnyNode:
    """The helm values with a tag on every text, under whatever key, that names one of ``images``.

    Where ``repository`` has a ``tag`` beside it, as in most charts, the tag goes there: the chart puts them together.
    """
    tags = _tags(images)

    def change(key: str, text: str, siblings: Mapping[str, Node]) -> str:
        if key == "tag":
            return _tag_of(siblings.get("repository"), tags) or text
        return text if key == "repository" and "tag" in siblings else _tagged(text, tags)

    return _changed(values, change)


def fill_runtime_variables(text: str, images: Sequence[BuiltImage], position: Position | None = None) -> str:
    """The text with ``${runtime.images.NAME}``, ``….image`` and ``….tag`` filled in: all, repository or tag.

    :param position: where the text stands, for messages
    :raises DeployError: there is no such image
    """
    references = {image.name: f"{image.repository}:{image.tag}" for image in images}
    for name in images_named(text):
        if name not in references:
            known = ", ".join(references) or "none"
            raise DeployError(f"${{runtime.images.{name}}} names no image; there are {known}", position)
    return fill_runtime(text, references)


def fill_runtime_variables_in(
    node: _AnyNode, images: Sequence[BuiltImage], position: Position | None = None
) -> _AnyNode:
    """The node with the variables in its texts filled in, as :func:`fill_runtime_variables` does."""
    return _changed(node, lambda _, text, __: fill_runtime_variables(text, images, position))


def _tags(images: Sequence[BuiltImage]) -> Mapping[Repository, str]:
    """The tag of each repository; of two images with one repository, the first counts."""
    return {parse_repository(image.repository): image.tag for image in reversed(images)}


def _tag_of(node: Node | None, tags: Mapping[Repository, str]) -> str:
    """The tag for the repository that a node names; empty if it is none of ours."""
    try:
        return tags.get(parse_reference(node.text).repository, "") if isinstance(node, ScalarNode) else ""
    except ReferenceSyntaxError:
        return ""


def _tagged(text: str, tags: Mapping[Repository, str]) -> str:
    try:
        reference = parse_reference(text)
    except ReferenceSyntaxError:
        return text
    if reference.repository not in tags:
        return text
    name = text.partition("@")[0]
    if reference.tag:
        name = name.removesuffix(f":{reference.tag}")
    return f"{name}:{tags[reference.repository]}"


def _changed(node: _AnyNode, change: _Change, key: str = "", siblings: Mapping[str, Node] = _NO_SIBLINGS) -> _AnyNode:
    """The node with ``change`` applied to every value that is a text, or is nothing."""
    if isinstance(node, MappingNode):
        values = {name: _changed(value, change, name, node.values) for name, value in node.values.items()}
        return node._replace(values=values)
    if isinstance(node, SequenceNode):
        return node._replace(items=tuple(_changed(item, change) for item in node.items))
    assert isinstance(node, ScalarNode)
    old = "" if node.is_null else node.text
    new = change(key, old, siblings)
    # A name such as 12:30 would be a number without quotes.
    return node if new == old else node._replace(text=new, plain=False, pending=False)
