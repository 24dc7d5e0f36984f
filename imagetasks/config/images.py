"""The ``images`` section: its entries, once they are checked and upgraded, as the model's images.

The rules are those of the reference, section "Configuration file", and for what later versions add those of
DevSpace's documentation (https://www.devspace.sh/docs/configuration/images).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from imagetasks.config.mistakes import Mistakes
from imagetasks.config.model import BuildOptions, CustomBuild, DockerBuild, Engine, Image, KanikoBuild
from imagetasks.config.reader import MappingNode, Node, ScalarNode, SequenceNode, describe, is_null, position_of
from imagetasks.config.schema import BUILD_OPTIONS, ENGINES, WRONG, attributes
from imagetasks.config.versions.edits import child
from imagetasks.errors import Position, ReferenceSyntaxError
from imagetasks.registry.reference import parse_repository
from imagetasks.registry.tags import resolve_tag

MAX_NAME_BYTES = 200

_OF_ENGINES = frozenset({*ENGINES, *BUILD_OPTIONS, "skipPush"})

# A name is part of a task's name, where doit reads `=` and `*`, and of a log file's.
TASK_NAME = re.compile(r"(?![-_])[^\s=/\\*:]+")


def check_engines(node: Node | None, mistakes: Mistakes) -> None:
    """Look at the engines of the section ``node``, which is as its own version has it.

    Mistakes are added for two engines in one entry, for ``build.options`` that an engine cannot take or has of its
    own, and for a custom engine without a command.
    """
    for name, image in node.values.items() if isinstance(node, MappingNode) else ():
        if isinstance(image, MappingNode):
            build = image.values.get("build", image)
            if isinstance(build, MappingNode):
                _check_engine(f"images.{name}" if build is image else f"images.{name}.build", build, mistakes)


def _check_engine(where: str, node: MappingNode, mistakes: Mistakes) -> None:
    named = [name for name in ENGINES if name in node.values and not is_null(node.values[name])]
    if len(named) > 1:
        mistakes.add(node.keys[named[1]], f"{where} names {' and '.join(named)}; an image has one engine", where)
    elif named:
        engine = node.values[named[0]]
        if "options" in node.values:
            _check_options(f"{where}.options", node.keys["options"], f"{where}.{named[0]}", engine, mistakes)
        if named == ["custom"] and isinstance(engine, MappingNode) and not _has_command(engine):
            place = engine.values.get("command", engine)
            mistakes.add(place, f"`command` is missing in {where}.custom", f"{where}.custom")
        if named == ["custom"]:
            for option in BUILD_OPTIONS.keys() & node.keys.keys():
                mistakes.warn(
                    node.keys[option], f"`{where}.{option}` has no meaning here: a custom command takes none"
                )


def _has_command(custom: MappingNode) -> bool:
    """Whether there is one for some operating system; if that is another one, only a build needs to know."""
    commands = child(custom, "commands")
    is_empty = commands is None or (isinstance(commands, SequenceNode) and not commands.items)
    return child(custom, "command") is not None or not is_empty


def _check_options(options: str, node: Node, where: str, engine: Node, mistakes: Mistakes) -> None:
    if where.endswith(".custom"):
        mistakes.add(node, f"{options} is for docker and kaniko, and {where} takes none")
    elif isinstance(engine, MappingNode) and "options" in engine.values:
        mistakes.add(node, f"{options} and {where}.options exclude each other; keep the latter")


def read_images(node: Node | None, values: Mapping[str, Any], mistakes: Mistakes) -> tuple[Image, ...]:
    """The images of the section ``node``, whose values the schema has read as ``values``.

    Mistakes that a single key cannot show are added: names, repositories and tags that are none, two entries with
    one repository.
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


def is_shown(node: ScalarNode, what: str, mistakes: Mistakes) -> bool:
    """Whether a text can be shown everywhere, as names are; if it holds a password, a mistake is added."""
    if node.secret:
        mistakes.add(node, f"{what} holds a variable with `password: true`, and is shown everywhere; use another one")
    return not node.secret


def check_name(node: Node, what: str, mistakes: Mistakes) -> None:
    """Add a mistake if the text cannot be part of a task's name."""
    if isinstance(node, ScalarNode) and not is_shown(node, f"the name of {what}", mistakes):
        return
    text = node.text if isinstance(node, ScalarNode) else ""
    if not TASK_NAME.fullmatch(text) or len(text.encode()) > MAX_NAME_BYTES:
        rule = (
            f"at most {MAX_NAME_BYTES} bytes, with no spaces and none of = / \\ * :, and does not start with - or _"
        )
        mistakes.add(node, f"{describe(node)} cannot be the name of {what}; a name has {rule}")


def _image(name: str, entry: MappingNode, values: Mapping[str, Any], key: ScalarNode, mistakes: Mistakes) -> Image:
    check_name(key, "an image", mistakes)
    file = mistakes.file
    positions = {field: Position(file, place.line, place.column) for field, place in entry.keys.items()}
    positions[""] = position_of(key, file)
    own = {field: value for field, value in values.items() if field not in _OF_ENGINES}
    instructions = own.pop("appendDockerfileInstructions", ())
    image = Image(
        name=name,
        build=_engine(values),
        append_instructions=instructions,
        positions=positions,
        **attributes(own),
    )
    _check_tags(entry.values.get("tags"), mistakes)
    return image


def _check_tags(node: Node | None, mistakes: Mistakes) -> None:
    for tag in node.items if isinstance(node, SequenceNode) else ():
        if not isinstance(tag, ScalarNode) or not is_shown(tag, "a tag", mistakes) or tag.pending:
            continue
        try:
            resolve_tag(tag.text)
        except ReferenceSyntaxError as error:
            filled = "with its variables filled in, " if "${" in tag.text else ""
            mistakes.add(tag, filled + error.message)


def _engine(values: Mapping[str, Any]) -> Engine:
    if _OF_ENGINES.isdisjoint(values):
        return DockerBuild()
    options = BuildOptions(**attributes({key: values[key] for key in BUILD_OPTIONS if key in values}))
    name = next((name for name in ENGINES if name in values), "docker")
    settings = attributes(values.get(name, {}))
    if name == "kaniko":
        return KanikoBuild(**settings, options=options)
    if name == "custom":
        return _custom(settings)
    if name == "buildKit":
        settings["use_buildkit"] = True
    return DockerBuild(**settings, skip_push=values.get("skipPush", False), options=options)


def _custom(settings: dict[str, Any]) -> CustomBuild:
    """The command for this operating system. Without ``skipImageArg`` the newest version gives it no image."""
    commands = [each.command for each in settings.pop("commands", ()) if each is not WRONG and each.fits()]
    return CustomBuild(
        **{"skip_image_arg": True, "command": "", **settings, **({"command": commands[0]} if commands else {})}
    )


def _check_repositories(images: tuple[Image, ...], section: MappingNode, mistakes: Mistakes) -> None:
    first: dict[str, Image] = {}
    for image in images:
        entry = section.values[image.name]
        node = entry.values["image"] if isinstance(entry, MappingNode) else None
        if not isinstance(node, ScalarNode) or not is_shown(node, "`image`", mistakes) or node.pending:
            continue
        try:
            repository = parse_repository(image.image).canonical
        except ReferenceSyntaxError as error:
            mistakes.add(node, error.message)
            continue
        other = first.setdefault(repository, image)
        if other is not image:
            mistakes.add(
                node, f"images.{image.name} has the same `image` as images.{other.name} ({other.position('image')})"
            )
