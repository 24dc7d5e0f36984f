"""The configuration as frozen data: what is left of ``devspace.yaml`` once it is read, checked and filled in.

Keys and defaults are those of the reference (section "Configuration file"). Paths are as the user wrote them,
relative to the folder of the file. Named tuples serve, since every command makes these classes, and to make a
dataclass takes six times as long.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from imagetasks.config.reader import Node
from imagetasks.config.variables import Value
from imagetasks.errors import Position
from imagetasks.state import STATE_FOLDER

_NOTHING: Mapping[str, Any] = {}


class BuildOptions(NamedTuple):
    """``options`` of an engine: what reaches the builder beside the context."""

    target: str = ""
    network: str = ""
    build_args: Mapping[str, str] = _NOTHING


class DockerBuild(NamedTuple):
    """``docker``, and the engine of an image that names none; ``buildKit`` is this too, with ``use_buildkit``."""

    prefer_minikube: bool = True
    skip_push: bool = False
    disable_fallback: bool = False
    use_buildkit: bool = False
    use_cli: bool = False
    args: tuple[str, ...] = ()
    options: BuildOptions = BuildOptions()

    @property
    def needs_cli(self) -> bool:
        """Whether the docker CLI has to build it: the API knows neither BuildKit nor the CLI's arguments."""
        return self.use_buildkit or self.use_cli or bool(self.args)


class KanikoBuild(NamedTuple):
    """``kaniko``.

    ``image`` and ``init_image`` take the place of the executor's and the init container's own. What goes into the
    pod as it is, such as ``resources``, stays YAML.
    """

    cache: bool = True
    snapshot_mode: str = "full"
    args: tuple[str, ...] = ()
    namespace: str = ""
    insecure: bool = False
    pull_secret: str = ""
    image: str = ""
    init_image: str = ""
    service_account: str = ""
    annotations: Mapping[str, str] = _NOTHING
    node_selector: Mapping[str, str] = _NOTHING
    resources: Node | None = None
    tolerations: Node | None = None
    options: BuildOptions = BuildOptions()


class CustomBuild(NamedTuple):
    """``custom``.

    ``append_args`` come after the image; with ``image_tag_only`` the tag stands for the image, and with
    ``skip_image_arg`` there is no argument for it.
    """

    command: str
    args: tuple[str, ...] = ()
    append_args: tuple[str, ...] = ()
    image_flag: str = ""
    image_tag_only: bool = False
    skip_image_arg: bool = False
    on_change: tuple[str, ...] = ()


Engine = DockerBuild | KanikoBuild | CustomBuild


REBUILD_BY_DEFAULT = "default"
REBUILD_ALWAYS = "always"
REBUILD_IGNORING_CONTEXT = "ignoreContextChanges"
REBUILD_STRATEGIES = (REBUILD_BY_DEFAULT, REBUILD_ALWAYS, REBUILD_IGNORING_CONTEXT)


class Image(NamedTuple):
    """One entry of ``images``.

    ``image`` is a repository without a tag. ``tags`` are tagging schemas with their variables filled in, except those
    that differ from load to load, such as ``${DEVSPACE_RANDOM}``, which are filled in when the image is tagged;
    without one the default schema holds. ``entrypoint`` and ``cmd``: ``None`` leaves the Dockerfile's own, ``()``
    clears it. ``append_instructions`` come before them in the target stage. ``positions`` holds where each key that
    the user wrote stands, by the newest version's name for it, and under ``""`` the entry's own name.
    """

    name: str
    image: str
    tags: tuple[str, ...] = ()
    dockerfile: str = "./Dockerfile"
    context: str = "./"
    entrypoint: tuple[str, ...] | None = None
    cmd: tuple[str, ...] | None = None
    append_instructions: tuple[str, ...] = ()
    rebuild_strategy: str = REBUILD_BY_DEFAULT
    create_pull_secret: bool = True
    build: Engine = DockerBuild()
    disabled: bool = False
    positions: Mapping[str, Position] = _NOTHING

    def position(self, key: str) -> Position | None:
        """Where ``key`` stands in the user's file, or, where it was left out, the entry."""
        return self.positions.get(key) or self.positions.get("")


class Kubectl(NamedTuple):
    """``kubectl`` of a deployment.

    :ivar manifests: files, folders, globs and addresses; with ``kustomize``, folders with a kustomization
    :ivar inline_manifest: a manifest that stands in ``devspace.yaml`` itself
    :ivar patches: of later versions: entries with ``target`` and ``op``, ``path``, ``value``
    """

    manifests: tuple[str, ...] = ()
    inline_manifest: str = ""
    kustomize: bool = False
    kustomize_args: tuple[str, ...] = ()
    patches: Node | None = None
    replace_image_tags: bool = True
    create_args: tuple[str, ...] = ()
    apply_args: tuple[str, ...] = ()
    delete_args: tuple[str, ...] = ()
    kubectl_path: str = ""
    kustomize_path: str = ""


class Chart(NamedTuple):
    """``helm.chart``: a folder, or the name of a chart in a repository; ``password`` is secret."""

    name: str = ""
    version: str = ""
    repo: str = ""
    username: str = ""
    password: str = ""


class Helm(NamedTuple):
    """``helm`` of a deployment.

    :ivar chart: without one, the component chart
    :ivar values: the file's own, which stand over those of ``values_files`` and of the chart
    :ivar timeout: in seconds, or as helm writes it (``3m``); empty for the default
    """

    chart: Chart | None = None
    release_name: str = ""
    values: Node | None = None
    values_files: tuple[str, ...] = ()
    replace_image_tags: bool = True
    wait: bool = False
    timeout: str = ""
    force: bool = False
    atomic: bool = False
    cleanup_on_fail: bool = False
    recreate: bool = False
    disable_hooks: bool = False
    disable_dependency_update: bool = False
    upgrade_args: tuple[str, ...] = ()
    template_args: tuple[str, ...] = ()
    delete_args: tuple[str, ...] = ()
    fetch_args: tuple[str, ...] = ()
    cmd_path: str = ""


class Deployment(NamedTuple):
    """One entry of ``deployments``.

    :ivar kind: the key that it has for its method, such as ``helm``
    :ivar namespace: empty for that of the run
    :ivar method: ``None`` for a kind that is not carried out here
    :ivar positions: where each key of ``helm`` or ``kubectl`` stands, and under ``""`` the entry
    """

    name: str
    kind: str
    namespace: str = ""
    method: Kubectl | Helm | None = None
    positions: Mapping[str, Position] = _NOTHING

    def position(self, key: str = "") -> Position | None:
        """Where ``key`` stands in the user's file, or, where it was left out, the entry."""
        return self.positions.get(key) or self.positions.get("")


ALL = "all"
EACH = "*"


class Hook(NamedTuple):
    """A command of the user's that runs at one time; an entry of ``hooks`` that names several is several of these.

    :ivar args: ``None`` leaves the command to a shell, as the event form of later versions does
    :ivar when: ``before`` or ``after``
    :ivar stage: ``images`` or ``deployments``
    :ivar target: one of them by name, :data:`ALL` of them together, or :data:`EACH` by itself
    :ivar shown: the command line as it may be shown, without secrets
    :ivar images: the names of the images that its command line is told of (:mod:`imagetasks.runtime`)
    """

    command: str
    args: tuple[str, ...] | None
    when: str
    stage: str
    target: str = ALL
    shown: str = ""
    silent: bool = False
    position: Position | None = None
    images: tuple[str, ...] = ()


class GitSource(NamedTuple):
    """A revision in a git repository; without ``branch``, ``tag`` and ``revision`` the head of its main branch."""

    url: str
    branch: str = ""
    tag: str = ""
    revision: str = ""


class Dependency(NamedTuple):
    """One entry of ``dependencies``: another project that is built and deployed before this one.

    :ivar source: a folder or file, relative to the folder of the file that names it, or a git repository
    :ivar sub_path: the project's folder or file in ``source``
    :ivar config: the configuration file in that folder
    :ivar namespace: what is deployed to unless a deployment names another; empty for that of the run
    :ivar variables: what it sets of the other project's variables
    :ivar overwrite_variables: whether the user's own project hands its variables down too
    :ivar is_pending: whether where it is cannot be known, because a variable in it is not asked for
    """

    name: str
    source: str | GitSource
    sub_path: str = ""
    config: str = ""
    namespace: str = ""
    profiles: tuple[str, ...] = ()
    variables: Mapping[str, Value] = _NOTHING
    overwrite_variables: bool = False
    skip_build: bool = False
    ignore_dependencies: bool = False
    is_pending: bool = False
    position: Position | None = None


class Config(NamedTuple):
    """A whole ``devspace.yaml``.

    :ivar file: its absolute path
    :ivar variables: the variables that its values use
    :ivar warnings: what in it has no meaning here, a line each
    :ivar left_open: the warnings that are there only because it is read without asking or running anything
    """

    file: Path
    images: tuple[Image, ...] = ()
    deployments: tuple[Deployment, ...] = ()
    hooks: tuple[Hook, ...] = ()
    dependencies: tuple[Dependency, ...] = ()
    variables: Mapping[str, Value] = _NOTHING
    warnings: tuple[str, ...] = ()
    left_open: tuple[str, ...] = ()

    @property
    def folder(self) -> Path:
        """The project's folder, which every relative path of the file starts from."""
        return self.file.parent

    @property
    def state_folder(self) -> Path:
        """``.devspace/``: doit's database, logs and caches."""
        return self.folder / STATE_FOLDER

    @property
    def secrets(self) -> frozenset[str]:
        """The texts that are to be shown nowhere: the values of password variables."""
        secret = (value for value in self.variables.values() if value.secret and not value.pending)
        return frozenset(value.text for value in secret if value.text)
