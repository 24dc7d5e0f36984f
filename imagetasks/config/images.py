"""The ``images`` section: its entries, once their keys are checked, as the model's images.

The rules are those of the reference, section "Configuration file".
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from imagetasks.config.mistakes import Mistakes
from imagetasks.config.model import BuildOptions, CustomBuild, DockerBuild, Engine, Image, KanikoBuild
from imagetasks.config.reader import MappingNode, Node, ScalarNode, describe, position_of
from imagetasks.config.schema import attributes
from imagetasks.errors import ReferenceSyntaxError
from imagetasks.registry.reference import parse_repository
from imagetasks.registry.tags import resolve_tag

ENGINES = ("docker", "kaniko", "custom")
MAX_NAME_BYTES = 200

# A name is part of a task's name, where doit reads `=` and `*`, and of a log file's.
_TASK_NAME = re.compile(r"(?![-_])[^\s=/\\*:]+")


def read_images(node: Node | None, values: Mapping[str, Any], mistakes: Mistakes) -> tuple[Image, ...]:
    """The images of the section ``node``, whose values the schema has read as ``values``.

    Mistakes that a single key cannot show are added: names, repositories and tags that are none, two engines in one
    entry, two entries with one repository.
    """
    if not isinstance(node, MappingNode):
        return ()
    images = tuple(
        _image(name, entry, values[name], node.keys[name], mistakes)
        for name, entry in node.values.items()
        if isinstance(entry, MappingNode)
    )
    _check_repositories(images, node, mistakes)
    return images


def check_name(node: Node, what: str, mistakes: Mistakes) -> None:
    """Add a mistake if the text cannot be part of a task's name."""
    text = node.text if isinstance(node, ScalarNode) else ""
    if not _TASK_NAME.fullmatch(text) or len(text.encode()) > MAX_NAME_BYTES:
        rule = (
            f"at most {MAX_NAME_BYTES} bytes, with no spaces and none of = / \\ * :, and does not start with - or _"
        )
        mistakes.add(node, f"{describe(node)} cannot be the name of {what}; a name has {rule}")


def _image(name: str, entry: MappingNode, values: Mapping[str, Any], key: ScalarNode, mistakes: Mistakes) -> Image:
    check_name(key, "an image", mistakes)
    own = {field: value for field, value in values.items() if field != "build"}
    build = values.get("build", {})
    positions = {field: position_of(place, mistakes.file) for field, place in entry.keys.items()}
    image = Image(
        name=name,
        build=_engine(f"images.{name}.build", entry.values.get("build"), build, mistakes),
        disabled=build.get("disabled", False),
        positions={**positions, "": position_of(key, mistakes.file)},
        **attributes(own),
    )
    _check_tag(image, entry.values.get("tag"), mistakes)
    return image


def _check_tag(image: Image, node: Node | None, mistakes: Mistakes) -> None:
    if image.tag is None or not isinstance(node, ScalarNode):
        return
    try:
        resolve_tag(image.tag)
    except ReferenceSyntaxError as error:
        filled = "with its variables filled in, " if "${" in image.tag else ""
        mistakes.add(node, filled + _without_secret(node, error, "is no tag"))


def _without_secret(node: ScalarNode, error: ReferenceSyntaxError, verdict: str) -> str:
    return f"the password that stands here {verdict}" if node.secret else error.message


def _engine(where: str, node: Node | None, values: Mapping[str, Any], mistakes: Mistakes) -> Engine:
    named = [name for name in ENGINES if name in values]
    if not named:
        return DockerBuild(options=values["options"]) if "options" in values else DockerBuild()
    assert isinstance(node, MappingNode)
    engine: Engine = values[named[0]]
    if len(named) > 1:
        mistakes.add(node.keys[named[1]], f"{where} names {' and '.join(named)}; an image has one engine")
    elif "options" in values:
        engine = _with_options(where, node, engine, values, mistakes)
    return engine


def _with_options(
    where: str, node: MappingNode, engine: Engine, values: Mapping[str, Any], mistakes: Mistakes
) -> Engine:
    """The engine with the options of ``build.options``, which is where older files have them."""
    if isinstance(engine, CustomBuild):
        mistakes.add(node.keys["options"], f"{where}.options is for docker and kaniko, and {where}.custom takes none")
        return engine
    if engine.options != BuildOptions():
        name = "kaniko" if isinstance(engine, KanikoBuild) else "docker"
        mistakes.add(
            node.keys["options"], f"{where}.options and {where}.{name}.options exclude each other; keep the latter"
        )
        return engine
    return replace(engine, options=values["options"])


def _check_repositories(images: tuple[Image, ...], section: MappingNode, mistakes: Mistakes) -> None:
    first: dict[str, Image] = {}
    for image in images:
        entry = section.values[image.name]
        node = entry.values["image"] if isinstance(entry, MappingNode) else None
        if not isinstance(node, ScalarNode):
            continue
        try:
            repository = parse_repository(image.image).canonical
        except ReferenceSyntaxError as error:
            mistakes.add(node, _without_secret(node, error, "is no repository"))
            continue
        other = first.setdefault(repository, image)
        if other is not image:
            mistakes.add(
                node, f"images.{image.name} has the same `image` as images.{other.name} ({other.position('image')})"
            )
