"""The values that a chart has by itself, together with those of the charts in it.

What a chart holds in ``charts/``, as a folder or packed, sees the values below its name, or below the ``alias`` that
the chart gives it (https://helm.sh/docs/chart_template_guide/subcharts_and_globals/).
"""

from __future__ import annotations

import tarfile
from collections.abc import Iterator, Mapping
from io import BytesIO
from pathlib import Path

from imagetasks.config.reader import MappingNode, maps_in, text_in
from imagetasks.config.versions.edits import put
from imagetasks.deploy.sources import DEPENDENCY_FILES, files_below, read_file
from imagetasks.deploy.values import NO_VALUES, merged, parse_chart_values
from imagetasks.errors import DeployError

_PACKED = ".tgz"
_Files = Mapping[str, bytes]
"""The files of a chart that its values come from, by their paths in it."""


def chart_values(chart: Path) -> MappingNode:
    """The values of a chart, and below their names those of the charts in it, which count less.

    :param chart: its folder or package
    :raises DeployError: a file cannot be read, or is not what it has to be
    """
    if chart.is_dir():
        found = [*chart.glob("*.yaml"), *files_below(chart / "charts")]
        files = {file.relative_to(chart).as_posix(): read_file(file) for file in found if _counts(file.name)}
        return _values(files, chart.name)
    return _values(_unpacked(read_file(chart), chart.name), chart.name)


def _counts(name: str) -> bool:
    return name == "values.yaml" or name in DEPENDENCY_FILES or name.endswith(_PACKED)


def _unpacked(package: bytes, chart: str) -> _Files:
    try:
        with tarfile.open(fileobj=BytesIO(package)) as archive:
            members = [member for member in archive if member.isfile() and _counts(Path(member.name).name)]
            contents = ((member.name, archive.extractfile(member)) for member in members)
            return {name.partition("/")[2]: content.read() for name, content in contents if content}
    except (tarfile.TarError, OSError, EOFError):
        raise DeployError(f"{chart} is no packed chart, as `helm package` makes one") from None


def _values(files: _Files, chart: str) -> MappingNode:
    values = _read(files, "values.yaml", chart)
    names = _names(files, chart)
    for inner in _charts_in(files, chart):
        name = text_in(_read(inner, "Chart.yaml", chart), "name")
        own = _values(inner, f"{chart}/{name}")
        for key in names.get(name, [name]):
            values = merged(put(NO_VALUES, key, own), values)
    return values


def _names(files: _Files, chart: str) -> Mapping[str, list[str]]:
    """The names that a chart has for those which it depends on, by what they call themselves."""
    names: dict[str, list[str]] = {}
    for file in DEPENDENCY_FILES:
        for dependency in maps_in(_read(files, file, chart).values.get("dependencies")):
            name = text_in(dependency, "name")
            names.setdefault(name, []).append(text_in(dependency, "alias") or name)
    return names


def _charts_in(files: _Files, chart: str) -> Iterator[_Files]:
    folders: dict[str, dict[str, bytes]] = {}
    for path, content in files.items():
        name, slash, rest = path.removeprefix("charts/").partition("/")
        if path == f"charts/{name}" and name.endswith(_PACKED):
            yield _unpacked(content, f"{chart}/{path}")
        elif path.startswith("charts/") and slash:
            folders.setdefault(name, {})[rest] = content
    yield from (folder for folder in folders.values() if "Chart.yaml" in folder)


def _read(files: _Files, name: str, chart: str) -> MappingNode:
    return parse_chart_values(files.get(name, b""), f"{name} of {chart}")
