from __future__ import annotations

import tarfile
from pathlib import Path

import pytest
import yaml

from imagetasks.config.printing import print_nodes
from imagetasks.deploy.chart_values import chart_values
from imagetasks.errors import DeployError
from tests.helm import make_chart


def pack(chart: Path, folder: Path) -> Path:
    package = folder / f"{chart.name}-1.0.0.tgz"
    with tarfile.open(package, "w:gz") as archive:
        archive.add(chart, chart.name)
    return package


def values_of(chart: Path) -> object:
    return yaml.safe_load(print_nodes(chart_values(chart)))


def test_charts_in_a_chart_have_their_values_below_their_names_and_count_less(tmp_path: Path) -> None:
    chart = make_chart(tmp_path / "shop", {}, "web: {a: shop}\ncolor: red\n")
    make_chart(chart / "charts" / "web", {}, "a: web\nb: web\n")
    make_chart(chart / "charts" / "web" / "charts" / "inner", {}, "c: inner\n")
    pack(make_chart(tmp_path / "packed", {}, "d: packed\n"), chart / "charts")
    expected = {
        "web": {"a": "shop", "b": "web", "inner": {"c": "inner"}},
        "packed": {"d": "packed"},
        "color": "red",
    }
    assert values_of(chart) == expected
    assert values_of(pack(chart, tmp_path)) == expected


@pytest.mark.parametrize("file", ["Chart.yaml", "requirements.yaml"])
def test_a_chart_in_a_chart_goes_by_its_aliases(tmp_path: Path, file: str) -> None:
    chart = make_chart(tmp_path / "shop", {})
    make_chart(chart / "charts" / "web", {}, "a: 1\n")
    names = [{"name": "web", "alias": "one"}, {"name": "web", "alias": "two"}]
    (chart / file).write_text(yaml.safe_dump({"name": "shop", "dependencies": names}))
    assert values_of(chart) == {"one": {"a": 1}, "two": {"a": 1}}


def test_a_package_that_is_none_is_told(tmp_path: Path) -> None:
    (tmp_path / "web.tgz").write_bytes(b"nothing packed")
    with pytest.raises(DeployError, match=r"^web\.tgz is no packed chart"):
        chart_values(tmp_path / "web.tgz")
