"""``imagetasks validate``: print every mistake in a file."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from imagetasks.commands.parser import Parser, config_file, options_of
from imagetasks.config.load import read_config
from imagetasks.config.mistakes import Mistakes
from imagetasks.config.model import Config, CustomBuild
from imagetasks.config.variables import Value
from imagetasks.context.inputs import DockerInputs
from imagetasks.dependencies import ProjectNode
from imagetasks.errors import ConfigError, UserError
from imagetasks.options import Options
from imagetasks.project import open_project, path_mistakes, read_projects
from imagetasks.report.terminal import show


def main(words: Sequence[str]) -> int:
    """Print the file's mistakes, one a line as ``file:line:column: sentence``, or else what it holds.

    Those in the files of its dependencies, as far as these are here, count too.

    Nobody is asked for the value of a variable, and no command is run for one.
    """
    parser = Parser("validate", "Print every mistake in the file, or else what it holds.")
    parser.add_argument("file", nargs="?", metavar="FILE", help="the file [default: that of --config]")
    parser.add_configuration()
    found = parser.parse_args(words)
    options = options_of(found)
    files = _Files(options)
    files.read(Path(found.file) if found.file else config_file(options))
    for warning in files.warnings:
        sys.stderr.write(f"WARNING: {warning}\n")
    if files.errors:
        show(sys.stdout, "".join(f"{line}\n" for line in files.lines))
        return 3
    config, mistakes = files.found[0]
    held = ", ".join([_count(config.images, "image"), _count(config.deployments, "deployment")])
    show(sys.stdout, f"{mistakes.file} is valid: {held}\n")
    return 0


class _Files:
    """The user's file and those of its dependencies, each as far as it can be read."""

    def __init__(self, options: Options) -> None:
        self.found: list[tuple[Config, Mistakes]] = []
        self.errors: list[UserError] = []
        self._unread: list[ConfigError] = []
        self._options = options

    @property
    def lines(self) -> list[str]:
        """All mistakes, each once, file after file."""
        return list(dict.fromkeys(line for error in self.errors for line in str(error).splitlines()))

    @property
    def warnings(self) -> list[str]:
        """What in the files has no meaning, each once."""
        return list(dict.fromkeys(warning for config, _ in self.found for warning in config.warnings))

    def read(self, file: Path) -> None:
        """Read all files and note what is wrong in them."""
        nodes: list[ProjectNode] = []
        try:
            nodes = read_projects(file, self._options, os.environ, asker=None, load=self._load)
            self._unread.extend(_missing(nodes))
        except ConfigError as error:
            self._unread.append(error)
        skipped = [id(node.config) for node in nodes if node.skip_build]
        for config, mistakes in self.found:
            if id(config) not in skipped:
                _check_paths(config, mistakes)
            self._note(mistakes)
        self.errors += self._unread
        if not self.errors:
            self._check_graph(file)

    def _check_graph(self, file: Path) -> None:
        """Note what a run would tell beyond the files, such as a stage that a Dockerfile has not."""
        try:
            open_project(file, self._options, asker=None)
        except UserError as error:
            self.errors.append(error)

    def _load(self, file: Path, handed: Mapping[str, Value], profiles: Sequence[str]) -> Config:
        try:
            config, mistakes = read_config(
                file,
                variables=self._options.variables,
                profiles=profiles,
                environ=os.environ,
                asker=None,
                handed=handed,
                every_profile=True,
            )
        except ConfigError as error:
            self._unread.append(error)
            return Config(file)
        self.found.append((config, mistakes))
        return config

    def _note(self, mistakes: Mistakes) -> None:
        try:
            mistakes.check()
        except ConfigError as error:
            self.errors.append(error)


def _missing(nodes: Sequence[ProjectNode]) -> Iterator[ConfigError]:
    """A mistake for each dependency in a folder that has no configuration."""
    for node in nodes:
        dependency = node.dependency
        if dependency and not node.config and not dependency.is_pending and isinstance(dependency.source, str):
            message = f"the dependency {dependency.name} has no configuration: there is no file at its `path`"
            yield ConfigError(message, dependency.position)


def _count(entries: Sequence[object], noun: str) -> str:
    return f"{len(entries)} {noun}{'' if len(entries) == 1 else 's'}"


def _check_paths(config: Config, mistakes: Mistakes) -> None:
    for image in config.images:
        is_known = "${" not in image.dockerfile + image.context
        if is_known and not image.disabled and not isinstance(image.build, CustomBuild):
            for mistake in path_mistakes(image, DockerInputs(image, config.folder)):
                mistakes.add_error(mistake)
