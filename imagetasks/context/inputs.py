"""What an image is made from: read once a run, hashed for the skip decision, and handed to the engine.

Listing tasks makes these objects too, so what reads and hashes files is imported only when that is asked for.
"""

from __future__ import annotations

import functools
import hashlib
import itertools
import json
import os
import re
import threading
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from imagetasks.config.model import (
    REBUILD_IGNORING_CONTEXT,
    BuildOptions,
    CustomBuild,
    DockerBuild,
    Image,
    KanikoBuild,
)
from imagetasks.context.dockerfile import Dockerfile, read_dockerfile
from imagetasks.output import Progress, no_progress

if TYPE_CHECKING:
    from imagetasks.context.files import ContextFiles
    from imagetasks.context.looks import Looks
    from imagetasks.context.prepared import PreparedContext


class Contexts:
    """The contexts of a run: what several images have in common is looked at once. Safe to share between threads."""

    def __init__(self) -> None:
        self._files: dict[tuple[Path, Path | None, Path], ContextFiles] = {}
        self._looks: Looks | None = None
        self._lock = threading.Lock()

    def files(self, folder: Path, dockerfile_path: Path, project: Path) -> ContextFiles:
        """The files of the context that an image of a project has."""
        from imagetasks.context.files import ContextFiles, find_ignore_file
        from imagetasks.context.looks import Looks

        key = (folder, find_ignore_file(folder, dockerfile_path), project)
        with self._lock:
            self._looks = self._looks or Looks()
            if key not in self._files:
                self._files[key] = ContextFiles(*key, self._looks)
            return self._files[key]

    def forget(self) -> None:
        """Look anew when files are next asked for, as any of them may have changed."""
        with self._lock:
            self._files = {}
            self._looks = None


class DockerInputs:
    """The inputs of an image that is built from a Dockerfile and a context."""

    def __init__(self, image: Image, project: Path, contexts: Contexts | None = None) -> None:
        self._image = image
        self._project = project
        self._contexts = contexts or Contexts()
        self.folder = Path(os.path.normpath(project / image.context))
        self.dockerfile_path = Path(os.path.normpath(project / image.dockerfile))

    @functools.cached_property
    def written_dockerfile(self) -> Dockerfile:
        """The user's Dockerfile. Raises DockerfileError if it cannot be read."""
        return read_dockerfile(self.dockerfile_path)

    @functools.cached_property
    def dockerfile(self) -> Dockerfile:
        """The user's Dockerfile with what the image appends and overrides.

        :raises DockerfileError: it cannot be read, or has no such target
        """
        options = self._options
        appended = self.written_dockerfile.append(self._image.append_instructions, options.target)
        return appended.override(self._image.entrypoint, self._image.cmd, options.target, options.build_args)

    @functools.cached_property
    def files(self) -> ContextFiles:
        """The files of the context, scanned when they are first asked for."""
        return self._contexts.files(self.folder, self.dockerfile_path, self._project)

    def forget(self) -> None:
        """Read the Dockerfile and scan the context anew when they are next asked for, as both may have changed."""
        for name in ("written_dockerfile", "dockerfile", "files", "_digest"):
            self.__dict__.pop(name, None)
        self._contexts.forget()

    def image_names(self) -> tuple[str, ...]:
        """The names of the images that the Dockerfile builds FROM.

        :raises DockerfileError: the Dockerfile cannot be read, or has no such target
        """
        uses = self.dockerfile.image_references(self._options.build_args, self._options.target)
        return tuple(use.name for use in uses)

    def digest(self) -> str:
        """The digest of all that reaches the builder, as 64 hexadecimal digits (design, "Contract: the digest").

        :raises UserError: something cannot be read
        """
        return self._digest

    @functools.cached_property
    def _digest(self) -> str:
        files = REBUILD_IGNORING_CONTEXT if self._ignores_files else self.files.digest()
        return _combined(files, self.dockerfile.text, json.dumps(_settings(self._image), sort_keys=True))

    def named_settings(self) -> dict[str, str]:
        """What the digest covers beside files, each part under the name that people know it by.

        :raises DockerfileError: the Dockerfile cannot be read
        """
        image = self._image
        settings = _settings(image)
        options = settings.pop("options")
        arguments = options.pop("build_args")
        overrides = {
            "entrypoint": image.entrypoint,
            "cmd": image.cmd,
            "append_instructions": image.append_instructions,
            "rebuild_strategy": self._ignores_files,
        }
        return {
            "the Dockerfile": self.written_dockerfile.text,
            **_named({**overrides, **settings, **options}),
            **{f"the build argument {name}": value for name, value in arguments.items()},
        }

    def entries(self) -> Iterator[tuple[str, int, bytes]]:
        """The entries of the context that the digest covers; see :meth:`ContextFiles.entries`.

        The Dockerfile is there without its content, which is one of the settings.
        """
        if self._ignores_files:
            return
        own_name = os.path.relpath(self.dockerfile_path, self.folder).replace(os.sep, "/")
        for path, mode, content in self.files.entries():
            yield path, mode, b"" if path == own_name else content

    @property
    def _ignores_files(self) -> bool:
        return self._image.rebuild_strategy == REBUILD_IGNORING_CONTEXT

    def build_context(self, replacements: Mapping[str, str], progress: Progress = no_progress) -> PreparedContext:
        """What the engine gets.

        :param replacements: references for names of :meth:`image_names`
        :param progress: is told of the bytes that are sent
        """
        from imagetasks.context.prepared import PreparedContext

        options = self._options
        dockerfile = self.dockerfile.with_images(replacements, options.build_args, options.target)
        return PreparedContext(self.files, dockerfile, self.dockerfile_path, progress)

    @property
    def _options(self) -> BuildOptions:
        assert isinstance(self._image.build, DockerBuild | KanikoBuild)
        return self._image.build.options


class CustomInputs:
    """The inputs of an image that a custom command builds: the command itself and its ``onChange`` files."""

    def __init__(self, build: CustomBuild, project: Path) -> None:
        self._build = build
        self._project = project

    def digest(self) -> str:
        """The digest of the command and of what ``onChange`` names.

        :raises ContextError: something cannot be read
        """
        from imagetasks.context.watched import watched_digest

        return _combined(json.dumps(self._build._asdict()), watched_digest(self._build.on_change, self._project))

    def named_settings(self) -> dict[str, str]:
        """The settings of the command, each under its key in the file."""
        return _named(self._build._asdict())

    def entries(self) -> Iterator[tuple[str, int, bytes]]:
        """What ``onChange`` names; see :meth:`imagetasks.context.files.ContextFiles.entries`."""
        from imagetasks.context.watched import watched_entries

        return watched_entries(self._build.on_change, self._project)

    def forget(self) -> None:
        """Nothing: what the files hold is looked at each time."""

    def unmatched(self) -> list[str]:
        """The patterns of ``onChange`` that name nothing."""
        from imagetasks.context.watched import unmatched_patterns

        return unmatched_patterns(self._build.on_change, self._project)


Inputs = DockerInputs | CustomInputs

_KEYS = {"append_instructions": "appendDockerfileInstructions", "use_buildkit": "useBuildKit"}
"""The keys that the user's file has for settings whose names here do not tell them."""

_PLATFORM_VARIABLE = "DOCKER_DEFAULT_PLATFORM"
"""For which platform the docker CLI builds (its reference, section "Environment variables")."""


def _settings(image: Image) -> dict[str, Any]:
    """The image's own settings that reach the builder, beside overrides; ``options`` in a dict of their own."""
    assert isinstance(image.build, DockerBuild | KanikoBuild)
    options = image.build.options._asdict()
    build = {**image.build._asdict(), "options": options}
    if isinstance(image.build, DockerBuild):
        build = {key: build[key] for key in ("options", "args", "use_buildkit", "use_cli")}
        options["build_args"] = {**_taken_from_environment(image.build.args), **options["build_args"]}
        if image.build.needs_cli and os.environ.get(_PLATFORM_VARIABLE):
            build["platform"] = os.environ[_PLATFORM_VARIABLE]
    return build


def _taken_from_environment(args: Sequence[str]) -> dict[str, str]:
    """The build arguments to which the docker CLI gives the value that its environment has: ``--build-arg NAME``
    (https://docs.docker.com/reference/cli/docker/buildx/build/#build-arg).
    """
    joined = [arg.removeprefix("--build-arg=") for arg in args if arg.startswith("--build-arg=")]
    names = [*joined, *(name for option, name in itertools.pairwise(args) if option == "--build-arg")]
    return {name: os.environ[name] for name in names if name in os.environ}


def _named(settings: Mapping[str, object]) -> dict[str, str]:
    """Settings as text, under the keys that the user's file has for them."""
    return {
        f"`{_KEYS.get(name) or _camel_case(name)}`": json.dumps(value, sort_keys=True)
        for name, value in settings.items()
    }


def _camel_case(name: str) -> str:
    return re.sub("_(.)", lambda found: found[1].upper(), name)


def _combined(*parts: str) -> str:
    whole = hashlib.sha256()
    for part in parts:
        data = part.encode("utf-8", "surrogateescape")
        whole.update(len(data).to_bytes(8, "little") + data)
    return whole.hexdigest()
