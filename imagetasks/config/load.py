"""From the path of a ``devspace.yaml`` to the configuration: read, apply profiles, fill in variables, check."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from imagetasks.config.answers import Answers
from imagetasks.config.dependencies import read_dependencies
from imagetasks.config.deployments import read_deployments
from imagetasks.config.filling import Filler
from imagetasks.config.hooks import read_hooks
from imagetasks.config.images import check_engines, read_images
from imagetasks.config.mistakes import Mistakes
from imagetasks.config.model import Config
from imagetasks.config.patterns import compile_pattern
from imagetasks.config.predefined import predefined_variables
from imagetasks.config.profiles import (
    Profile,
    activated_profiles,
    apply_profiles,
    check_parents,
    profiles_of,
    with_parents,
)
from imagetasks.config.questions import NO_QUESTIONS, Asker
from imagetasks.config.reader import (
    MappingNode,
    Node,
    ScalarNode,
    SequenceNode,
    describe,
    is_null,
    maps_in,
    position_of,
    read_document,
    shown_path,
    text_in,
)
from imagetasks.config.runtime_variables import check_runtime_variables
from imagetasks.config.schema import CONFIG, WRONG, check_names_differ
from imagetasks.config.variables import VARIABLE_NAME, Value, VariableDefinition, Variables
from imagetasks.config.versions import NEWEST, VERSIONS
from imagetasks.config.versions.edits import child
from imagetasks.config.versions.steps import list_variables, upgrade
from imagetasks.config.versions.tables import config_of
from imagetasks.errors import ConfigError, Position
from imagetasks.registry.tags import VOLATILE_VARIABLES

# A command is for a shell, which has variables of its own.
NOT_FILLED = frozenset({"version", "commands", "vars", "profiles"})

_NONE: Mapping[str, Value] = {}

WITH_EXPRESSIONS = frozenset({"v1beta11", "v2beta1"})


class FilledFile(NamedTuple):
    """A file after profiles and variables, before its keys are checked."""

    path: Path
    root: MappingNode
    variables: Variables
    mistakes: Mistakes


def load_config(
    file: Path,
    *,
    variables: Mapping[str, str],
    profiles: Sequence[str] = (),
    environ: Mapping[str, str],
    asker: Asker | None = NO_QUESTIONS,
    handed: Mapping[str, Value] = _NONE,
) -> Config:
    """The configuration in ``file``, a ``devspace.yaml`` of one of the :data:`imagetasks.config.versions.VERSIONS`.

    ``variables`` are those of the command line (``--var``), and ``handed`` those that a project which depends on this
    one sets, which go before them; ``profiles`` are applied in their order. The user is asked for the
    variables that the file's values use, and no others; without an ``asker`` the configuration is one to be listed,
    for which nothing is asked or run: where a value needs that, a placeholder stands.

    Raises ConfigError for a file that cannot be read and for every mistake in it, one line each.
    """
    config, mistakes = read_config(
        file, variables=variables, profiles=profiles, environ=environ, asker=asker, handed=handed
    )
    mistakes.check()
    return config


def read_config(
    file: Path,
    *,
    variables: Mapping[str, str],
    profiles: Sequence[str] = (),
    environ: Mapping[str, str],
    asker: Asker | None = NO_QUESTIONS,
    handed: Mapping[str, Value] = _NONE,
    every_profile: bool = False,
) -> tuple[Config, Mistakes]:
    """Like :func:`load_config`, but gives the mistakes, and the configuration without what they are in.

    With ``every_profile``, the parents of profiles that are not applied are looked at too.

    Raises ConfigError for mistakes beyond which nothing can be known of the file.
    """
    filled = _fill(file, variables=variables, profiles=profiles, environ=environ, asker=asker, handed=handed)
    root, mistakes = filled.root, filled.mistakes
    if every_profile:
        check_parents(root, mistakes)
    version = text_in(root, "version")
    config_of(version).read(root, "", mistakes)
    check_engines(root.values.get("images"), mistakes)
    written = root
    root = upgrade(mistakes.without_wrong(root) if mistakes else root, version)
    values = CONFIG.read(root, "", mistakes)
    images = read_images(root.values.get("images"), values.get("images", {}), mistakes)
    deployments = read_deployments(root.values.get("deployments"), values.get("deployments", ()), mistakes)
    names = {"images": [image.name for image in images], "deployments": [one.name for one in deployments]}
    if mistakes:
        names = {
            section: [*dict.fromkeys((*known, *_names_in(written.values.get(section))))]
            for section, known in names.items()
        }
    hooks = read_hooks(root.values.get("hooks"), values.get("hooks", ()), names, mistakes)
    dependencies = read_dependencies(root.values.get("dependencies"), values.get("dependencies", ()), mistakes)
    config = Config(
        filled.path,
        images,
        deployments,
        hooks,
        dependencies,
        variables=filled.variables.found,
        warnings=mistakes.warnings,
        left_open=mistakes.left_open,
    )
    return config, mistakes


def _names_in(section: Node | None) -> list[str]:
    if isinstance(section, MappingNode):
        return list(section.keys)
    return [text_in(entry, "name") for entry in maps_in(section)]


def fill_file(
    file: Path,
    *,
    variables: Mapping[str, str],
    profiles: Sequence[str] = (),
    environ: Mapping[str, str],
    asker: Asker | None = NO_QUESTIONS,
) -> FilledFile:
    """The first half of :func:`read_config`. What the user has answered is kept in the state folder."""
    return _fill(file, variables=variables, profiles=profiles, environ=environ, asker=asker)


def read_profiles(
    file: Path, *, variables: Mapping[str, str], profiles: Sequence[str] = (), environ: Mapping[str, str]
) -> tuple[Profile, ...]:
    """The profiles that ``file`` defines, in its order; ``profiles`` are those that the user names.

    Raises ConfigError, also for names that the file does not define and profiles that are each other's parents.
    """
    reading, root = _begin(file, variables, environ, NO_QUESTIONS)
    named = reading.active_profiles(root, profiles)
    reading.mistakes.check()
    defined = profiles_of(root)
    active = with_parents(defined, named, reading.mistakes.file)
    return tuple(Profile(name, text_in(node, "description"), name in active) for name, node in defined.items())


def _fill(
    file: Path,
    *,
    variables: Mapping[str, str],
    profiles: Sequence[str],
    environ: Mapping[str, str],
    asker: Asker | None,
    handed: Mapping[str, Value] = _NONE,
) -> FilledFile:
    """The file with its mistakes so far; if there are any before the variables, nothing is asked or run for those."""
    reading, root = _begin(file, variables, environ, asker, handed)
    mistakes = reading.mistakes
    active = reading.active_profiles(root, profiles)
    root = list_variables(apply_profiles(root, active, mistakes.file))
    check_runtime_variables(root, mistakes)
    all_variables = reading.variables_of(root, active)
    _find_unused(root, all_variables, mistakes)
    root = _filled(root, all_variables, mistakes)
    reading.answers.save()
    return FilledFile(reading.path, root, all_variables, mistakes)


def _begin(
    file: Path,
    variables: Mapping[str, str],
    environ: Mapping[str, str],
    asker: Asker | None,
    handed: Mapping[str, Value] = _NONE,
) -> tuple[_Reading, MappingNode]:
    """What the rest of the reading needs, and the file's root, whose ``version`` and ``profiles`` are right."""
    path = Path(os.path.abspath(file))  # noqa: PTH100  # resolve() would follow links out of the user's folder
    mistakes = Mistakes(shown_path(path))
    document = read_document(path)
    for mistake in document.mistakes:
        mistakes.add_error(mistake)
    try:
        root = _root(document.root, mistakes.file)
    except ConfigError as error:
        raise mistakes.with_error(error) from None
    has_profiles = _check_section(root, "profiles", mistakes)
    answers = Answers.of_project(path.parent)
    return _Reading(path, mistakes, answers, variables, handed, environ, asker, has_profiles), root


class _Reading(NamedTuple):
    """One file while it is read, and what is known from outside of it; ``has_profiles`` if these can be applied."""

    path: Path
    mistakes: Mistakes
    answers: Answers
    given: Mapping[str, str]
    handed: Mapping[str, Value]
    environ: Mapping[str, str]
    asker: Asker | None
    has_profiles: bool

    def variables_of(self, root: MappingNode, profiles: Sequence[str]) -> Variables:
        """The variables of a root whose ``vars`` are a list."""
        folder, name = self.path.parent, text_in(root, "name")
        return Variables(
            _definitions(root, self.mistakes),
            given=self.given,
            handed=self.handed,
            environ=self.environ,
            predefined=predefined_variables(folder, self.environ, name=name, profiles=profiles),
            volatile=frozenset(VOLATILE_VARIABLES),
            folder=folder,
            answers=self.answers,
            asker=None if self.mistakes else self.asker,
        )

    def active_profiles(self, root: MappingNode, named: Sequence[str]) -> tuple[str, ...]:
        """The profiles that are active by their ``activation``, and then those that the user names."""
        if not self.has_profiles:
            if named:
                self.mistakes.check()
            return ()
        profiles = profiles_of(root)
        if not any("activation" in profile.values for profile in profiles.values()):
            return tuple(named)
        variables = self.variables_of(list_variables(root), named)

        def value(name: str) -> str | None:
            found = variables.find(name)
            return None if found.pending else found.text

        activated = activated_profiles(profiles, self.environ, value, self.mistakes)
        return (*(name for name in activated if name not in named), *named)


def _find_unused(root: MappingNode, variables: Variables, mistakes: Mistakes) -> None:
    """Find the values of the variables that ask for it even where nothing uses them (``alwaysResolve``)."""
    for entry in maps_in(root.values.get("vars")):
        definition = variables.definitions.get(text_in(entry, "name"))
        if definition and definition.always_resolve:
            try:
                variables.find(definition.name)
            except ConfigError as error:
                mistakes.add(entry, str(error))


def _root(node: Node | None, file: str) -> MappingNode:
    if node is None or is_null(node):
        message = f"the file is empty; it needs at least `version: {NEWEST}`"
        raise ConfigError(message, Position(file, 1, 1))
    if not isinstance(node, MappingNode):
        message = f"the file must be a map with keys such as `version` and `images`, not {describe(node)}"
        raise ConfigError(message, position_of(node, file))
    version = node.values.get("version", node)
    if version is node or is_null(version):
        raise ConfigError(f"`version` is missing; write `version: {NEWEST}`", position_of(version, file))
    if not (isinstance(version, ScalarNode) and version.text in VERSIONS):
        message = f"`version` must be one of {', '.join(VERSIONS)}, not {describe(version)}"
        raise ConfigError(message, position_of(version, file))
    return node


def _check_section(root: MappingNode, key: str, mistakes: Mistakes) -> bool:
    """Check a list of entries with names ahead of the rest, which depends on it; return whether it is right."""
    node = child(root, key)
    if node is None:
        return True
    before = len(mistakes)
    config_of(text_in(root, "version")).keys[key].read(node, key, mistakes)
    check_names_differ(node, key, mistakes)
    return len(mistakes) == before


def _definitions(root: MappingNode, mistakes: Mistakes) -> tuple[VariableDefinition, ...] | None:
    """The definitions in ``vars``, which is a list by now; of one with a mistake, no more than its name.

    It is ``None`` if they are not all known, even by name.
    """
    _check_section(root, "vars", mistakes)
    node = child(root, "vars")
    if node is None:
        return ()
    if not (isinstance(node, SequenceNode) and all(text_in(entry, "name") for entry in node.items)):
        return None
    values = CONFIG.keys["vars"].read(node, "vars", Mistakes(mistakes.file))
    return tuple(
        value
        if value is not WRONG and _is_sound(entry, value, mistakes)
        else VariableDefinition(text_in(entry, "name"))
        for entry, value in zip(node.items, values, strict=True)
    )


def _is_sound(node: Node, definition: VariableDefinition, mistakes: Mistakes) -> bool:
    """Whether name and pattern are such; if not, a mistake is added.

    A ``default`` beside a ``value`` is warned of; DevSpace refuses the two together once the variable is used.
    """
    assert isinstance(node, MappingNode)
    if definition.value is not None and definition.default is not None:
        mistakes.warn(
            node.keys["default"], f"`default` of variable `{definition.name}` has no meaning beside its `value`"
        )
    if not VARIABLE_NAME.fullmatch(definition.name):
        rule = "letters, digits and `_`, `-` or `.`, and starts with a letter or `_`"
        mistakes.add(node.values["name"], f"`{definition.name}` is no name for a variable, which has {rule}")
        return False
    try:
        if definition.validation_pattern:
            compile_pattern(definition.validation_pattern)
    except ConfigError as error:
        mistakes.add(node.values["validationPattern"], f"`validationPattern`: {error}")
        return False
    return True


def _filled(root: MappingNode, variables: Variables, mistakes: Mistakes) -> MappingNode:
    """The root with the variables filled in; in a tag those that differ from load to load stay."""

    version = root.values["version"]
    has_expressions = isinstance(version, ScalarNode) and version.text in WITH_EXPRESSIONS
    filler = Filler(variables, mistakes, expressions=has_expressions)

    def section(key: str, node: Node) -> Node:
        if key in NOT_FILLED:
            return node
        if key == "images" and isinstance(node, MappingNode):
            return _changed(node, image)
        return filler.fill(node, f"{key}/")

    def image(key: str, node: Node) -> Node:
        return _changed(node, field) if isinstance(node, MappingNode) else filler.fill(node, f"images/{key}/")

    def field(key: str, node: Node) -> Node:
        return filler.fill(node, f"images/-/{key}/", keep_volatile=key in ("tag", "tags"))

    return _changed(root, section)


def _changed(node: MappingNode, change: Callable[[str, Node], Node]) -> MappingNode:
    return node.with_values({key: change(key, value) for key, value in node.values.items()})
