"""From the path of a ``devspace.yaml`` to the configuration: read, apply profiles, fill in variables, check."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from imagetasks.config.deployments import read_deployments
from imagetasks.config.images import read_images
from imagetasks.config.mistakes import Mistakes
from imagetasks.config.model import Config
from imagetasks.config.predefined import predefined_variables
from imagetasks.config.profiles import apply_profiles
from imagetasks.config.reader import (
    MappingNode,
    Node,
    ScalarNode,
    describe,
    is_null,
    maps_in,
    position_of,
    read_nodes,
    shown_path,
)
from imagetasks.config.schema import CONFIG, check_names_differ
from imagetasks.config.variables import VARIABLE_NAME, VariableDefinition, Variables, fill
from imagetasks.errors import ConfigError, Position
from imagetasks.registry.tags import VOLATILE_VARIABLES

VERSIONS = ("v1beta3", "v1beta4", "v1beta5", "v1beta6")

# A command is for a shell, which has variables of its own.
_NOT_FILLED = frozenset({"version", "commands", "vars", "profiles"})


def load_config(
    file: Path, *, variables: Mapping[str, str], profiles: Sequence[str] = (), environ: Mapping[str, str]
) -> Config:
    """The configuration in ``file``, a ``devspace.yaml`` of one of :data:`VERSIONS`.

    ``variables`` are those of the command line (``--var``); ``profiles`` are applied in their order. Nothing is run
    or asked for that the file's values do not use, and nobody is asked a question.

    Raises ConfigError for a file that cannot be read and for every mistake in it, one line each.
    """
    path = Path(os.path.abspath(file))  # noqa: PTH100  # resolve() would follow links out of the user's folder
    mistakes = Mistakes(shown_path(path))
    root = _root(read_nodes(path), mistakes.file)
    _read_section(root, "profiles", mistakes)
    root = apply_profiles(root, profiles, mistakes.file)
    all_variables = Variables(
        _definitions(root, mistakes),
        given=variables,
        environ=environ,
        predefined=predefined_variables(path.parent, environ),
        volatile=frozenset(VOLATILE_VARIABLES),
    )
    root = _filled(root, all_variables, mistakes)
    values = CONFIG.read(root, "", mistakes)
    mistakes.check()
    images = read_images(root.values.get("images"), values.get("images", {}), mistakes)
    deployments = read_deployments(root.values.get("deployments"), values.get("deployments", ()), mistakes)
    mistakes.check()
    return Config(path, images, deployments)


def _root(node: Node | None, file: str) -> MappingNode:
    if node is None or is_null(node):
        message = f"the file is empty; it needs at least `version: {VERSIONS[-1]}`"
        raise ConfigError(message, Position(file, 1, 1))
    if not isinstance(node, MappingNode):
        message = f"the file must be a map with keys such as `version` and `images`, not {describe(node)}"
        raise ConfigError(message, position_of(node, file))
    version = node.values.get("version", node)
    if version is node or is_null(version):
        raise ConfigError(f"`version` is missing; write `version: {VERSIONS[-1]}`", position_of(version, file))
    if not (isinstance(version, ScalarNode) and version.text in VERSIONS):
        message = f"`version` must be one of {', '.join(VERSIONS)}, not {describe(version)}"
        raise ConfigError(message, position_of(version, file))
    return node


def _read_section(root: MappingNode, key: str, mistakes: Mistakes) -> tuple[Any, ...]:
    """A list of entries with names, checked ahead of the rest because the rest depends on it."""
    node = root.values.get(key)
    if node is None or is_null(node):
        return ()
    values: tuple[Any, ...] = CONFIG.keys[key].read(node, key, mistakes)
    check_names_differ(node, key, mistakes)
    mistakes.check()
    return values


def _definitions(root: MappingNode, mistakes: Mistakes) -> tuple[VariableDefinition, ...]:
    definitions: tuple[VariableDefinition, ...] = _read_section(root, "vars", mistakes)
    for node, definition in zip(maps_in(root.values.get("vars")), definitions, strict=True):
        _check_definition(node, definition, mistakes)
    mistakes.check()
    return definitions


def _check_definition(node: MappingNode, definition: VariableDefinition, mistakes: Mistakes) -> None:
    if not VARIABLE_NAME.fullmatch(definition.name):
        rule = "letters, digits and `_`, `-` or `.`, and starts with a letter or `_`"
        mistakes.add(node.values["name"], f"`{definition.name}` is no name for a variable, which has {rule}")
    try:
        re.compile(definition.validation_pattern)
    except (re.error, OverflowError, RecursionError) as error:
        mistakes.add(node.values["validationPattern"], f"`validationPattern` is no regular expression: {error}")


def _filled(root: MappingNode, variables: Variables, mistakes: Mistakes) -> MappingNode:
    """The root with the variables filled in; in a tag those that differ from load to load stay."""

    def section(key: str, node: Node) -> Node:
        if key in _NOT_FILLED:
            return node
        if key == "images" and isinstance(node, MappingNode):
            return _changed(
                node, lambda _, image: _changed(image, field) if isinstance(image, MappingNode) else image
            )
        return fill(node, variables, mistakes)

    def field(key: str, node: Node) -> Node:
        return fill(node, variables, mistakes, keep_volatile=key == "tag")

    filled = _changed(root, section)
    mistakes.check()
    return filled


def _changed(node: MappingNode, change: Callable[[str, Node], Node]) -> MappingNode:
    return node._replace(values={key: change(key, value) for key, value in node.values.items()})
