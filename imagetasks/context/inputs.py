"""What an image is made from: read once a run, hashed for the skip decision, and handed to the engine.

Listing tasks makes these objects too, so what reads and hashes files is imported only when that is asked for.
"""

from __future__ import annotations

import functools
import hashlib
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from imagetasks.config.model import (
    REBUILD_IGNORING_CONTEXT,
    BuildOptions,
    CustomBuild,
    DockerBuild,
    Image,
    KanikoBuild,
)
from imagetasks.context.dockerfile import Dockerfile, read_dockerfile

if TYPE_CHECKING:
    from imagetasks.context.files import ContextFiles
    from imagetasks.context.prepared import PreparedContext


class DockerInputs:
    """The inputs of an image that is built from a Dockerfile and a context."""

    def __init__(self, image: Image, project: Path) -> None:
        self._image = image
        self._project = project
        self.folder = Path(os.path.normpath(project / image.context))
        self.dockerfile_path = Path(os.path.normpath(project / image.dockerfile))

    @functools.cached_property
    def dockerfile(self) -> Dockerfile:
        """The user's Dockerfile with what the image appends and overrides.

        :raises DockerfileError: it cannot be read, or has no such target
        """
        options = self._options
        written = read_dockerfile(self.dockerfile_path)
        appended = written.append(self._image.append_instructions, options.target)
        return appended.override(self._image.entrypoint, self._image.cmd, options.target, options.build_args)

    @functools.cached_property
    def files(self) -> ContextFiles:
        """The files of the context, scanned when they are first asked for."""
        from imagetasks.context.files import ContextFiles

        return ContextFiles(self.folder, self.dockerfile_path, self._project)

    def forget(self) -> None:
        """Read the Dockerfile and scan the context anew when they are next asked for, as both may have changed."""
        for name in ("dockerfile", "files", "_digest"):
            self.__dict__.pop(name, None)

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
        ignores_files = self._image.rebuild_strategy == REBUILD_IGNORING_CONTEXT
        files = REBUILD_IGNORING_CONTEXT if ignores_files else self.files.digest()
        return _combined(files, self.dockerfile.text, _settings(self._image))

    def build_context(self, replacements: Mapping[str, str]) -> PreparedContext:
        """What the engine gets; ``replacements`` are references for names of :meth:`image_names`."""
        from imagetasks.context.prepared import PreparedContext

        options = self._options
        dockerfile = self.dockerfile.with_images(replacements, options.build_args, options.target)
        return PreparedContext(self.files, dockerfile)

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
        from imagetasks.context.files import watched_digest

        return _combined(json.dumps(self._build._asdict()), watched_digest(self._build.on_change, self._project))

    def forget(self) -> None:
        """Nothing: what the files hold is looked at each time."""

    def unmatched(self) -> list[str]:
        """The patterns of ``onChange`` that name nothing."""
        from imagetasks.context.files import unmatched_patterns

        return unmatched_patterns(self._build.on_change, self._project)


Inputs = DockerInputs | CustomInputs


def _settings(image: Image) -> str:
    """The image's own settings that reach the builder, as text with one spelling."""
    assert isinstance(image.build, DockerBuild | KanikoBuild)
    build = {**image.build._asdict(), "options": image.build.options._asdict()}
    if isinstance(image.build, DockerBuild):
        build = {key: build[key] for key in ("options", "args", "use_buildkit", "use_cli")}
    return json.dumps(build, sort_keys=True)


def _combined(*parts: str) -> str:
    whole = hashlib.sha256()
    for part in parts:
        data = part.encode("utf-8", "surrogateescape")
        whole.update(len(data).to_bytes(8, "little") + data)
    return whole.hexdigest()
