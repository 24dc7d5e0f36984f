"""The configuration as frozen data: what is left of ``devspace.yaml`` once it is read, checked and filled in.

Keys and defaults are those of the reference (section "Configuration file"). Paths are as the user wrote them,
relative to the folder of the file.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from imagetasks.errors import Position
from imagetasks.state import STATE_FOLDER


@dataclass(frozen=True)
class BuildOptions:
    """``options`` of an engine: what reaches the builder beside the context."""

    target: str = ""
    network: str = ""
    build_args: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class DockerBuild:
    """``build.docker``, and the engine of an image that names none."""

    prefer_minikube: bool = True
    skip_push: bool = False
    disable_fallback: bool = False
    use_buildkit: bool = False
    args: tuple[str, ...] = ()
    options: BuildOptions = BuildOptions()


@dataclass(frozen=True)
class KanikoBuild:
    """``build.kaniko``."""

    cache: bool = True
    snapshot_mode: str = "full"
    flags: tuple[str, ...] = ()
    namespace: str = ""
    insecure: bool = False
    pull_secret: str = ""
    options: BuildOptions = BuildOptions()


@dataclass(frozen=True)
class CustomBuild:
    """``build.custom``."""

    command: str
    args: tuple[str, ...] = ()
    image_flag: str = ""
    on_change: tuple[str, ...] = ()


Engine = DockerBuild | KanikoBuild | CustomBuild


@dataclass(frozen=True)
class Image:
    """One entry of ``images``.

    ``image`` is a repository without a tag. ``tag`` is the tagging schema with its variables filled in, except
    ``${DEVSPACE_RANDOM}`` and ``${DEVSPACE_TIMESTAMP}``, which differ from load to load and so are filled in when
    the image is tagged; ``None`` stands for the default schema. ``entrypoint`` and ``cmd``: ``None`` leaves the
    Dockerfile's own, ``()`` clears it. ``positions`` holds where each key that the user wrote stands, by the key's
    name, and under ``""`` the entry's own name.
    """

    name: str
    image: str
    tag: str | None = None
    dockerfile: str = "./Dockerfile"
    context: str = "./"
    entrypoint: tuple[str, ...] | None = None
    cmd: tuple[str, ...] | None = None
    create_pull_secret: bool = False
    build: Engine = DockerBuild()
    disabled: bool = False
    positions: Mapping[str, Position] = field(default_factory=dict, compare=False)

    def position(self, key: str) -> Position | None:
        """Where ``key`` stands in the user's file, or, where it was left out, the entry."""
        return self.positions.get(key) or self.positions.get("")


@dataclass(frozen=True)
class Deployment:
    """One entry of ``deployments``, as far as the graph needs it."""

    name: str
    kind: str
    position: Position | None = field(default=None, compare=False)


@dataclass(frozen=True)
class Config:
    """A whole ``devspace.yaml``; ``file`` is absolute."""

    file: Path
    images: tuple[Image, ...] = ()
    deployments: tuple[Deployment, ...] = ()

    @property
    def folder(self) -> Path:
        """The project's folder, which every relative path of the file starts from."""
        return self.file.parent

    @property
    def state_folder(self) -> Path:
        """``.devspace/``: doit's database, logs and caches."""
        return self.folder / STATE_FOLDER
