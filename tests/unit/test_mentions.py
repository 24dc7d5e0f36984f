from __future__ import annotations

from pathlib import Path

import pytest

from imagetasks.config.model import Chart, Deployment, Helm, Kubectl
from imagetasks.config.reader import parse_nodes
from imagetasks.deploy.mentions import mentioned_images

REPOSITORIES = {"api": "registry.example.com/api", "web": "nginx", "worker": "team/worker"}
ALL = frozenset(REPOSITORIES)


def mentions(project: Path, method: Kubectl | Helm) -> frozenset[str]:
    return mentioned_images(Deployment("it", "kubectl", method=method), project, REPOSITORIES)


def mentions_in_manifest(project: Path, text: str) -> frozenset[str]:
    (project / "it.yaml").write_text(text)
    return mentions(project, Kubectl(manifests=("it.yaml",)))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("apiVersion: v1\nkind: Pod\nname: web-nginx", set()),
        ("image: registry.example.com/api:1", {"api"}),
        ("image: nginx", {"web"}),
        ('image: "docker.io/library/nginx:1"', {"web"}),
        (f"image: index.docker.io/nginx@sha256:{'0' * 64}", {"web"}),
        ("image: team/worker", {"worker"}),
        ("image: docker.io/team/worker:1\n---\nimage: nginx", {"worker", "web"}),
        ('{"image": "team\\/worker"}', {"worker"}),
        ('image: "t\\x65am/worker"', ALL),
        ("image: team/worker-two\nfile: nginx.conf", set()),
        ("tag: ${runtime.images.api.tag}", {"api"}),
    ],
)
def test_an_image_is_mentioned_where_any_spelling_of_its_name_stands(
    text: str, expected: set[str], tmp_path: Path
) -> None:
    assert mentions_in_manifest(tmp_path, text) == expected


@pytest.mark.parametrize(
    "method",
    [
        Kubectl(manifests=("https://example.com/all.yaml",)),
        Kubectl(manifests=("k8s",), kustomize=True),
        Helm(chart=Chart("postgresql"), values_files=("https://example.com/values.yaml",)),
    ],
)
def test_what_cannot_be_known_mentions_all(method: Kubectl | Helm, tmp_path: Path) -> None:
    assert mentions(tmp_path, method) == ALL


def test_an_image_whose_repository_is_not_known_yet_counts_as_mentioned(tmp_path: Path) -> None:
    deployment = Deployment("it", "kubectl", method=Kubectl(inline_manifest="kind: Pod"))
    assert mentioned_images(deployment, tmp_path, {"api": "${REGISTRY}/api", "web": "nginx"}) == {"api"}


def test_folders_patterns_patches_and_inline_manifests_are_looked_at(tmp_path: Path) -> None:
    (tmp_path / "k8s").mkdir()
    (tmp_path / "k8s" / "api.json").write_text('{"image": "registry.example.com/api"}')
    patches = parse_nodes(b"[{op: add, path: image, value: nginx}]", "patches")
    method = Kubectl(manifests=("k8s/*",), inline_manifest="image: team/worker", patches=patches)
    assert mentions(tmp_path, method) == ALL
    assert mentions(tmp_path, method._replace(inline_manifest="", patches=None)) == {"api"}


def test_values_and_values_files_and_a_local_chart_are_looked_at(tmp_path: Path) -> None:
    chart = tmp_path / "chart"
    (chart / "templates").mkdir(parents=True)
    (chart / "Chart.yaml").write_text("name: it")
    values = parse_nodes(b"{a: [{b: nginx}]}", "values")
    (tmp_path / "values.yaml").write_text("image: team/worker")
    method = Helm(chart=Chart("chart"), values=values, values_files=("values.yaml",))
    assert mentions(tmp_path, method) == {"web", "worker"}
    (chart / "templates" / "it.yaml").write_text("image: registry.example.com/api:{{ .Values.tag }}")
    assert mentions(tmp_path, method) == ALL


def test_what_a_chart_has_from_other_folders_is_looked_at(tmp_path: Path) -> None:
    for name in ("chart/charts", "common", "linked"):
        (tmp_path / name).mkdir(parents=True)
    (tmp_path / "chart" / "Chart.yaml").write_text("dependencies: [{name: common, repository: 'file://../common'}]")
    (tmp_path / "common" / "values.yaml").write_text("image: nginx")
    (tmp_path / "linked" / "values.yaml").write_text("image: team/worker")
    (tmp_path / "chart" / "charts" / "linked").symlink_to(tmp_path / "linked")
    assert mentions(tmp_path, Helm(chart=Chart("chart"))) == {"web", "worker"}


def test_a_packed_chart_may_mention_all_and_one_of_a_repository_only_what_its_values_do(tmp_path: Path) -> None:
    (tmp_path / "it.tgz").write_bytes(b"packed")
    assert mentions(tmp_path, Helm(chart=Chart("it.tgz"))) == ALL
    assert mentions(tmp_path, Helm(chart=Chart("bitnami/redis"))) == set()


def test_files_that_are_not_there_mention_nothing(tmp_path: Path) -> None:
    assert mentions(tmp_path, Kubectl(manifests=("none.yaml", "none/*.yaml"))) == set()
