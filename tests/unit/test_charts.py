from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from imagetasks.config.model import Chart
from imagetasks.deploy.charts import chart_content, copy_chart, has_dependencies, local_chart
from imagetasks.errors import DeployError
from tests.helm import make_chart


def web_chart(folder: Path, *dependencies: object) -> Path:
    return make_chart(folder, {"it.yaml": "kind: ConfigMap\n"}, "", *dependencies)


def test_a_folder_is_a_chart_unless_a_repository_has_it(tmp_path: Path) -> None:
    chart = web_chart(tmp_path / "web")
    assert local_chart(Chart("web"), tmp_path) == chart
    assert local_chart(Chart("web", repo="https://charts.example.com"), tmp_path) is None
    assert local_chart(Chart("stable/web"), tmp_path) is None
    assert local_chart(Chart("oci://registry.example.com/web"), tmp_path) is None


def test_a_path_with_nothing_there_is_a_mistake(tmp_path: Path) -> None:
    with pytest.raises(
        DeployError, match=r"^there is no chart at \./web; name its folder, or a chart and its `repo`$"
    ):
        local_chart(Chart("./web"), tmp_path)


def test_a_charts_content_does_not_depend_on_where_it_is(tmp_path: Path) -> None:
    first, second = web_chart(tmp_path / "a" / "web"), web_chart(tmp_path / "b" / "web")
    assert list(chart_content(first)) == list(chart_content(second))
    (second / "templates" / "it.yaml").write_text("kind: Secret\n")
    assert list(chart_content(first)) != list(chart_content(second))


def test_our_own_state_is_no_part_of_a_chart(tmp_path: Path) -> None:
    chart = web_chart(tmp_path / "web")
    before = list(chart_content(chart))
    (chart / ".devspace").mkdir()
    (chart / ".devspace" / "state").write_text("new")
    assert list(chart_content(chart)) == before


def test_a_folder_that_a_chart_depends_on_is_part_of_its_content(tmp_path: Path) -> None:
    common = web_chart(tmp_path / "common")
    dependency = {"name": "common", "version": "1.0.0", "repository": "file://../common"}
    chart = web_chart(tmp_path / "web", dependency)
    before = list(chart_content(chart))
    (common / "templates" / "it.yaml").write_text("kind: Secret\n")
    assert list(chart_content(chart)) != before


@pytest.mark.parametrize("file", ["Chart.yaml", "requirements.yaml"])
def test_a_copy_finds_the_folders_that_the_chart_depends_on(tmp_path: Path, file: str) -> None:
    chart = web_chart(tmp_path / "web")
    local = {"name": "common", "version": "1.0.0", "repository": "file://../common"}
    fetched = {"name": "redis", "version": "1.0.0", "repository": "https://charts.example.com"}
    text = yaml.safe_dump({"name": "web", "dependencies": [local, fetched]})
    (chart / file).write_text(text)
    assert has_dependencies(chart)
    copy = copy_chart(chart, tmp_path / "copies")
    dependencies = yaml.safe_load((copy / file).read_text())["dependencies"]
    assert [each["repository"] for each in dependencies] == [
        f"file://{tmp_path}/common",
        "https://charts.example.com",
    ]
    assert (chart / file).read_text() == text
    assert (copy / "templates" / "it.yaml").is_file()


def test_a_link_to_nowhere_in_a_chart_is_told(tmp_path: Path) -> None:
    chart = web_chart(tmp_path / "web")
    (chart / "lost.yaml").symlink_to(tmp_path / "nowhere")
    with pytest.raises(DeployError, match=r"^.*web/lost\.yaml cannot be read"):
        copy_chart(chart, tmp_path / "copies")


def test_most_charts_depend_on_nothing(tmp_path: Path) -> None:
    assert not has_dependencies(web_chart(tmp_path / "web"))


def test_what_a_link_leads_to_is_part_of_a_charts_content(tmp_path: Path) -> None:
    shared = web_chart(tmp_path / "shared") / "templates"
    chart = tmp_path / "web"
    chart.mkdir()
    (chart / "templates").symlink_to(shared)
    before = list(chart_content(chart))
    (shared / "it.yaml").write_text("kind: Secret\n")
    assert list(chart_content(chart)) != before
