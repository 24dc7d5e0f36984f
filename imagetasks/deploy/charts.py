"""Charts, on this machine or pulled by helm (https://helm.sh/docs/topics/charts/)."""

from __future__ import annotations

import json
import shutil
from base64 import b64encode
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from urllib.parse import unquote, urlsplit

from imagetasks.config.model import Chart
from imagetasks.config.printing import print_nodes
from imagetasks.config.reader import MappingNode, maps_in, shown_path, text_in
from imagetasks.config.versions.edits import edit_each, put, scalar
from imagetasks.deploy.helm_cli import HelmCli
from imagetasks.deploy.sources import DEPENDENCY_FILES, files_below, read_file
from imagetasks.deploy.values import parse_values
from imagetasks.errors import DeployError
from imagetasks.state import STATE_FOLDER

_FILE = "file://"
_OCI = "oci://"
_REPOSITORY = "private"
_REGISTRY_CONFIG = "registry.json"
_NOT_IN_CHART = (STATE_FOLDER, ".git")
"""What changes by itself where a project's folder is a chart."""


def local_chart(chart: Chart, project: Path) -> Path | None:
    """The folder or package that a chart is; ``None`` for one that helm has to fetch.

    :raises DeployError: the name can only be that of a folder, and there is none
    """
    if chart.repo or "://" in chart.name:
        return None
    path = project / chart.name
    if path.exists():
        return path
    if chart.name.startswith((".", "/")):
        raise DeployError(f"there is no chart at {chart.name}; name its folder, or a chart and its `repo`")
    return None


def chart_content(chart: Path) -> Iterator[bytes]:
    """The names and contents of all files of a chart, and of the folders that it depends on.

    :raises DeployError: one cannot be read
    """
    yield from _content(chart)
    for dependency in _dependencies(chart):
        if folder := _folder_depended_on(dependency, chart):
            yield from _content(folder)


def _content(chart: Path) -> Iterator[bytes]:
    if chart.is_file():
        yield read_file(chart)
    for file in files_below(chart, *_NOT_IN_CHART):
        yield str(file.relative_to(chart)).encode()
        yield read_file(file)


def has_dependencies(chart: Path) -> bool:
    """Whether a chart's folder names other charts that belong to it."""
    return chart.is_dir() and bool(_dependencies(chart))


def copy_chart(chart: Path, folder: Path) -> Path:
    """A copy of a chart's folder in ``folder``, for helm to put the charts into that it depends on.

    :raises DeployError: a file cannot be read
    """
    copy = folder / chart.resolve().name
    try:
        shutil.copytree(chart, copy, ignore=shutil.ignore_patterns(*_NOT_IN_CHART))
    except shutil.Error as error:
        file = Path(error.args[0][0][0])
        raise DeployError(f"{shown_path(file)} cannot be read, and is part of a chart") from None
    for name in DEPENDENCY_FILES:
        if node := _read(chart / name):
            node = edit_each(node, "dependencies", lambda dependency: _with_absolute_folder(dependency, chart))
            (copy / name).write_text(print_nodes(node), encoding="utf-8")
    return copy


def with_login_apart(chart: Chart) -> Chart:
    """The chart with the login, if its repository's address holds one, in the places of its own."""
    if "@" not in chart.repo:
        return chart
    address = urlsplit(chart.repo)
    repo = address._replace(netloc=address.netloc.rpartition("@")[2]).geturl()
    username, password = unquote(address.username or ""), unquote(address.password or "")
    return chart._replace(repo=repo, username=chart.username or username, password=chart.password or password)


def pull_chart(chart: Chart, helm: HelmCli, folder: Path, arguments: Sequence[str]) -> Path:
    """The package of a chart that is not on this machine, in ``folder``.

    :param helm: runs with :func:`private_places` if the chart has a password, which no command line gets
    :param arguments: of the user's for ``helm pull``
    :raises DeployError: helm does not get it
    """
    packages = folder / "packages"
    packages.mkdir()
    version = ["--version", chart.version] if chart.version else []
    reference = _reference(chart, helm, folder)
    helm.read(["pull", *reference, *version, "--destination", str(packages), *arguments])
    return next(packages.iterdir())


def _reference(chart: Chart, helm: HelmCli, folder: Path) -> list[str]:
    if (chart.repo or chart.name).startswith(_OCI):
        reference = "/".join(part.rstrip("/") for part in (chart.repo, chart.name) if part)
        if chart.password:
            _log_in(chart, reference, folder)
        return [reference]
    if chart.repo and chart.password:
        add = ["repo", "add", _REPOSITORY, chart.repo, "--username", chart.username, "--password-stdin"]
        helm.read(add, chart.password)
        return [f"{_REPOSITORY}/{chart.name}"]
    return [chart.name, "--repo", chart.repo] if chart.repo else [chart.name]


def private_places(folder: Path) -> Mapping[str, str]:
    """The environment in which helm keeps repositories and credentials in ``folder``, apart from the user's own."""
    return {
        "HELM_REPOSITORY_CONFIG": str(folder / "repositories.yaml"),
        "HELM_REPOSITORY_CACHE": str(folder / "cache"),
        "HELM_REGISTRY_CONFIG": str(folder / _REGISTRY_CONFIG),
    }


def write_private(file: Path, text: str) -> None:
    """Write a new file that nobody else may read."""
    file.touch(mode=0o600)
    file.write_text(text, encoding="utf-8")


def _log_in(chart: Chart, reference: str, folder: Path) -> None:
    """Write the credentials of a registry as ``helm registry login`` does, which would also ask the registry."""
    registry = reference.removeprefix(_OCI).partition("/")[0]
    encoded = b64encode(f"{chart.username}:{chart.password}".encode()).decode()
    write_private(folder / _REGISTRY_CONFIG, json.dumps({"auths": {registry: {"auth": encoded}}}))


def _with_absolute_folder(dependency: MappingNode, chart: Path) -> MappingNode:
    folder = _folder_depended_on(dependency, chart)
    if folder is None:
        return dependency
    return put(dependency, "repository", scalar(f"{_FILE}{folder}", dependency.values["repository"]))


def _folder_depended_on(dependency: MappingNode, chart: Path) -> Path | None:
    repository = text_in(dependency, "repository")
    return (chart / repository.removeprefix(_FILE)).resolve() if repository.startswith(_FILE) else None


def _dependencies(chart: Path) -> list[MappingNode]:
    nodes = [node for name in DEPENDENCY_FILES if (node := _read(chart / name))]
    return [dependency for node in nodes for dependency in maps_in(node.values.get("dependencies"))]


def _read(file: Path) -> MappingNode | None:
    return parse_values(read_file(file), shown_path(file)) if file.is_file() else None
