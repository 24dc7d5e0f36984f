"""What an image is made from: read once a run, hashed for the skip decision, and handed to the engine."""

from __future__ import annotations

import functools
import glob
import hashlib
import itertools
import json
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from imagetasks.config.model import BuildOptions, CustomBuild, DockerBuild, Image, KanikoBuild
from imagetasks.context.archive import tar_stream
from imagetasks.context.digest import context_digest
from imagetasks.context.dockerfile import Dockerfile, read_dockerfile
from imagetasks.context.filecache import FileDigests
from imagetasks.context.hiding import IGNORE_FILE, hide_dockerfile
from imagetasks.context.ignore import IgnoreRules, find_ignore_file
from imagetasks.context.scan import STATE_FOLDER, Scan, scan
from imagetasks.errors import ContextError

_CACHE_FILE = "files.cache"


class DockerInputs:
    """The inputs of an image that is built from a Dockerfile and a context."""

    def __init__(self, image: Image, project: Path) -> None:
        self._image = image
        self._project = project
        self.folder = Path(os.path.normpath(project / image.context))
        self.dockerfile_path = Path(os.path.normpath(project / image.dockerfile))

    @functools.cached_property
    def dockerfile(self) -> Dockerfile:
        """The user's Dockerfile with the image's overrides."""
        options = self._options
        written = read_dockerfile(self.dockerfile_path)
        return written.override(self._image.entrypoint, self._image.cmd, options.target, options.build_args)

    @functools.cached_property
    def ignore_text(self) -> bytes:
        """The content of the ignore file that counts, empty if there is none."""
        return _read(find_ignore_file(self.folder, self.dockerfile_path))

    @functools.cached_property
    def scan(self) -> Scan:
        """The files of the context; the state folder is none of them, wherever it is."""
        ignore_file = find_ignore_file(self.folder, self.dockerfile_path)
        rules = IgnoreRules.parse(self.ignore_text, str(ignore_file or ""))
        return scan(self.folder, rules, never=self.state_folders)

    @property
    def state_folders(self) -> tuple[str, ...]:
        """Paths in the context that never belong to it: its own state folder, and the project's."""
        return tuple({STATE_FOLDER, _relative(self._project / STATE_FOLDER, self.folder)})

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
        digests = _file_digests(self._project)
        parts = (context_digest(self.scan, digests), self.dockerfile.text, _settings(self._image))
        digests.save()
        return _combined(parts)

    def build_context(self, replacements: Mapping[str, str]) -> PreparedContext:
        """What the engine gets; ``replacements`` are references for names of :meth:`image_names`."""
        options = self._options
        dockerfile = self.dockerfile.with_images(replacements, options.build_args, options.target)
        return PreparedContext(self, dockerfile)

    @property
    def _options(self) -> BuildOptions:
        assert isinstance(self._image.build, DockerBuild | KanikoBuild)
        return self._image.build.options


@dataclass(frozen=True)
class PreparedContext:
    """A :class:`imagetasks.builders.base.BuildContext`: a context with the Dockerfile that is to be built."""

    inputs: DockerInputs
    dockerfile: Dockerfile

    @property
    def folder(self) -> Path:
        """The context's folder, absolute."""
        return self.inputs.folder

    def dockerfile_text(self) -> str:
        """The Dockerfile as it is to be built."""
        return self.dockerfile.text

    def ignore_text(self) -> bytes:
        """The user's patterns, and the state folders, which no exception of theirs brings back."""
        return b"\n".join([self.inputs.ignore_text, *map(os.fsencode, self.inputs.state_folders), b""])

    def tar(self) -> tuple[str, Iterator[bytes]]:
        """The Dockerfile's name in the stream, and the stream.

        The user's own Dockerfile serves if it says what is to be built; else another one is hidden beside it, so
        that ``COPY . .`` copies what it would have copied.
        """
        found = self.inputs.scan
        own_name = _relative(self.inputs.dockerfile_path, self.folder)
        text = self.dockerfile.text.encode()
        if own_name in found.paths and _read(self.inputs.dockerfile_path) == text:
            return own_name, tar_stream(found)
        visible = _read(self.folder / IGNORE_FILE) if IGNORE_FILE in found.paths else None
        name, extra = hide_dockerfile(text, found.paths, visible)
        return name, tar_stream(found, extra)


class CustomInputs:
    """The inputs of an image that a custom command builds: its ``onChange`` files."""

    def __init__(self, build: CustomBuild, project: Path) -> None:
        self._build = build
        self._project = project

    def digest(self) -> str:
        """The digest of the command and of the files and folders that ``onChange`` names.

        :raises ContextError: one of them cannot be read
        """
        digests = _file_digests(self._project)
        parts = [json.dumps(asdict(self._build), sort_keys=True)]
        for found in self._scans():
            parts += (_relative(Path(found.folder), self._project), context_digest(found, digests))
        digests.save()
        return _combined(parts)

    def _scans(self) -> Iterator[Scan]:
        """The folders that are watched, each with all that it holds, then the files by the folders they are in."""
        found = sorted(
            {
                Path(os.path.normpath(self._project / path))
                for pattern in self._build.on_change
                for path in glob.glob(pattern, root_dir=self._project, recursive=True, include_hidden=True)  # noqa: PTH207
            }
        )
        folders = [path for path in found if path.is_dir()]
        files = [path for path in found if not path.is_dir()]
        for folder in folders:
            if not _is_below(folder, folders):
                yield scan(folder, never=(STATE_FOLDER, _relative(self._project / STATE_FOLDER, folder)))
        files = [file for file in files if not _is_below(file, folders)]
        for parent, members in itertools.groupby(files, lambda file: file.parent):
            yield scan(parent, IgnoreRules.parse(b"*", ""), always=[file.name for file in members])


Inputs = DockerInputs | CustomInputs


@functools.cache
def _file_digests(project: Path) -> FileDigests:
    """The cache that all images of a project share."""
    return FileDigests.load(project / STATE_FOLDER / _CACHE_FILE, project)


def _settings(image: Image) -> str:
    """The image's own settings that reach the builder, as text with one spelling."""
    build = asdict(image.build)
    if isinstance(image.build, DockerBuild):
        build = {key: build[key] for key in ("options", "args", "use_buildkit")}
    return json.dumps(build, sort_keys=True)


def _combined(parts: Sequence[str]) -> str:
    whole = hashlib.sha256()
    for part in parts:
        data = part.encode("utf-8", "surrogateescape")
        whole.update(len(data).to_bytes(8, "little") + data)
    return whole.hexdigest()


def _is_below(path: Path, folders: Sequence[Path]) -> bool:
    return not set(path.parents).isdisjoint(folders)


def _relative(path: Path, folder: Path) -> str:
    return os.path.relpath(path, folder).replace(os.sep, "/")


def _read(file: Path | None) -> bytes:
    if file is None:
        return b""
    try:
        return file.read_bytes()
    except OSError as error:
        raise ContextError(f"{file} cannot be read: {error.strerror}") from error
