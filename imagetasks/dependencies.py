"""The projects of a run: the user's own and those that it depends on, directly or through others."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from imagetasks.config.model import Config, Dependency, GitSource
from imagetasks.config.variables import PREDEFINED, Value
from imagetasks.errors import ConfigError, Position
from imagetasks.graph import find_cycle

CONFIG_FILE = "devspace.yaml"

Load = Callable[[Path, Mapping[str, Value], Sequence[str]], Config]
"""Reads a configuration file with the variables that are handed down to it, and with profiles."""

Checkout = Callable[[GitSource, Path, Position | None], Path | None]
"""The folder that holds a git source, or None if it has yet to be fetched.

What is given beside the source is the folder that the path of a local repository starts from, and where the user's
file names it.
"""


class ProjectNode(NamedTuple):
    """A project that is in the graph once, however many others depend on it.

    :ivar name: the dependency's name, empty for the user's own project
    :ivar config: its configuration; None if it is not here, or not known where
    :ivar needs: where the projects that it depends on are named, by their names
    :ivar dependency: the entry that was the first to name it
    """

    name: str = ""
    config: Config | None = None
    needs: Mapping[str, Position | None] = {}
    dependency: Dependency | None = None

    @property
    def loaded(self) -> Config:
        """The configuration of a project that is certainly here."""
        assert self.config is not None
        return self.config

    @property
    def skip_build(self) -> bool:
        """Whether its images are left out."""
        return self.dependency is not None and self.dependency.skip_build

    @property
    def namespace(self) -> str:
        """Where it builds and deploys if it does not say so itself; empty for the namespace of the run."""
        return self.dependency.namespace if self.dependency else ""


_Variables = frozenset[tuple[str, Value]]

_Key = tuple[Path | GitSource, str, tuple[str, ...], _Variables]
"""What makes two dependencies one: the file, or what is to be fetched and the path in it, profiles, and variables."""


def resolve(
    config: Config,
    profiles: Sequence[str],
    load: Load,
    checkout: Checkout,
    *,
    lists_only: bool,
) -> list[ProjectNode]:
    """All projects, each after those that it depends on, the user's own last.

    A project that several others name with the same profiles and variables is there once, under the name and with the
    settings that the entry nearest to the user's own project gives it; with others it is another project, and needs
    another name. (Upstream takes the first of one name, and at most warns of the others.)

    As upstream does (``resolveDependency`` in its ``dependency/resolver.go``), ``overwriteVars`` hands down the
    variables that the user's own project uses, also to dependencies of dependencies, and an entry's ``vars`` go
    before those. Profiles of the command line are for the user's own project alone.

    :param profiles: those of the command line
    :param lists_only: whether a dependency that is not here may be left without its configuration
    :raises ConfigError: a dependency that is not there, a cycle, or two projects with one name
    """
    own = {name: value for name, value in config.variables.items() if value.origin != PREDEFINED}
    return _Resolver(own, load, checkout, lists_only=lists_only).resolve(config, profiles)


class _Resolver:
    def __init__(self, variables: Mapping[str, Value], load: Load, checkout: Checkout, *, lists_only: bool) -> None:
        self._variables = variables
        self._load = load
        self._checkout = checkout
        self._lists_only = lists_only
        self._nodes: dict[_Key, ProjectNode] = {}

    def resolve(self, config: Config, profiles: Sequence[str]) -> list[ProjectNode]:
        key: _Key = (Path(os.path.realpath(config.file)), "", tuple(profiles), frozenset())
        self._nodes[key] = ProjectNode(config=config)
        waiting = [key]
        while waiting:
            waiting.extend(self._expand(waiting.pop(0)))
        by_name = {node.name: node for node in self._nodes.values()}
        _check_cycles(by_name)
        ordered: dict[str, ProjectNode] = {}
        _put_after_needs("", by_name, ordered)
        return list(ordered.values())

    def _expand(self, key: _Key) -> list[_Key]:
        """Add what a project depends on, and return what of it is new."""
        node = self._nodes[key]
        if node.config is None or (node.dependency and node.dependency.ignore_dependencies):
            return []
        needs: dict[str, Position | None] = {}
        new = []
        for dependency in node.config.dependencies:
            found, file = self._locate(dependency, node.config.folder)
            if found not in self._nodes:
                self._add(found, file, dependency)
                new.append(found)
            needs.setdefault(self._nodes[found].name, dependency.position)
        self._nodes[key] = node._replace(needs=needs)
        return new

    def _locate(self, dependency: Dependency, folder: Path) -> tuple[_Key, Path | None]:
        source = dependency.source
        variables = frozenset(self._handed(dependency).items())
        path: Path | None = folder / source if isinstance(source, str) else None
        if isinstance(source, GitSource) and not dependency.is_pending:
            path = self._checkout(source, folder, dependency.position)
        if path is None or dependency.is_pending:
            place = source if isinstance(source, GitSource) else folder / source
            return (place, dependency.sub_path, dependency.profiles, variables), None
        file = _config_file(path / dependency.sub_path, dependency)
        is_here = os.path.isfile(file)  # noqa: PTH113  # Path.is_file raises where a folder may not be entered
        if not is_here and not self._lists_only:
            message = f"the dependency {dependency.name} has no configuration: there is no file {file}"
            raise ConfigError(message, dependency.position)
        return (Path(os.path.realpath(file)), "", dependency.profiles, variables), file if is_here else None

    def _handed(self, dependency: Dependency) -> dict[str, Value]:
        return {**(self._variables if dependency.overwrite_variables else {}), **dependency.variables}

    def _add(self, key: _Key, file: Path | None, dependency: Dependency) -> None:
        other = next((node for node in self._nodes.values() if node.name == dependency.name), None)
        if other:
            place = other.dependency.position if other.dependency else None
            raise ConfigError(
                f"the name {dependency.name} is taken by the dependency at {place}, which is another project "
                "or has other profiles or variables; give one of them a `name`",
                dependency.position,
            )
        config = None
        if file:
            config = self._load_config(file, dependency)
        self._nodes[key] = ProjectNode(dependency.name, config, dependency=dependency)

    def _load_config(self, file: Path, dependency: Dependency) -> Config:
        try:
            return self._load(file, self._handed(dependency), dependency.profiles)
        except ConfigError as error:
            raise error if error.position else ConfigError(error.message, dependency.position) from error


def _config_file(path: Path, dependency: Dependency) -> Path:
    path = Path(os.path.normpath(path))
    return path if path.suffix in (".yaml", ".yml") else path / (dependency.config or CONFIG_FILE)


def _check_cycles(nodes: Mapping[str, ProjectNode]) -> None:
    cycle = find_cycle({name: node.needs for name, node in nodes.items()})
    if cycle:
        shown = (f"{name or 'this project'} ({_folder(nodes[name])})" for name in cycle)
        *_, last, first = cycle
        raise ConfigError(f"dependencies depend on each other: {' -> '.join(shown)}", nodes[last].needs[first])


def _folder(node: ProjectNode) -> str:
    return str(node.config.folder) if node.config else "not fetched yet"


def _put_after_needs(name: str, nodes: Mapping[str, ProjectNode], ordered: dict[str, ProjectNode]) -> None:
    for need in nodes[name].needs:
        if need not in ordered:
            _put_after_needs(need, nodes, ordered)
    ordered[name] = nodes[name]
