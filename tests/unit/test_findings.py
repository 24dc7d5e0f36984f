"""What is found in a folder that has no devspace.yaml yet."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from imagetasks.first_steps.findings import search

FROM = "FROM busybox:1.36\n"
POD = "apiVersion: v1\nkind: Pod\nspec:\n  containers:\n  - name: api\n    image: ghcr.io/team/api:1.0\n"


def write(root: Path, files: dict[str, str]) -> None:
    for name, text in files.items():
        file = root / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")


def found_dockerfiles(root: Path) -> dict[str, str]:
    return {str(found.path): str(found.context) for found in search(root).dockerfiles}


def test_dockerfiles_are_found_by_all_their_usual_names(tmp_path: Path) -> None:
    write(
        tmp_path,
        dict.fromkeys(("Dockerfile", "a/Dockerfile.dev", "a/b/worker.Dockerfile", "a/Dockerfiles"), FROM),
    )

    assert found_dockerfiles(tmp_path) == {"Dockerfile": ".", "a/Dockerfile.dev": "a", "a/b/worker.Dockerfile": "a/b"}


@pytest.mark.parametrize("folder", [".git", ".devspace", "node_modules", "vendor", "web/node_modules/x"])
def test_folders_that_are_not_the_projects_own_are_not_searched(folder: str, tmp_path: Path) -> None:
    write(tmp_path, {f"{folder}/Dockerfile": FROM, f"{folder}/k8s/a.yaml": POD})

    assert search(tmp_path) == search(tmp_path / "nowhere")


def test_what_git_ignores_is_passed_over(tmp_path: Path) -> None:
    subprocess.run(["git", "init", "--quiet", tmp_path], check=True)
    files = {"out/Dockerfile": FROM, "out/k8s/a.yaml": POD, "chart/Chart.yaml": "name: x\n", "api/Dockerfile": FROM}
    write(tmp_path, {".gitignore": "/out/\n/chart/\n", **files})

    findings = search(tmp_path)

    assert [str(found.path) for found in findings.dockerfiles] == ["api/Dockerfile"]
    assert (findings.manifests, findings.charts) == ((), ())


@pytest.mark.parametrize(
    ("dockerfile", "copies", "context"),
    [
        ("api/Dockerfile", "COPY . .", "api"),
        ("api/Dockerfile", "COPY --chown=1:1 api/main.py /app/", "."),
        ("api/Dockerfile", 'COPY ["shared/*.txt", "/app/"]', "."),
        ("api/Dockerfile", "COPY main.py /", "api"),
        ("api/Dockerfile", "COPY target/made-later.jar /", "api"),
        ("api/Dockerfile", "COPY --from=builder /x /\nADD https://example.com/x $HERE /", "api"),
        ("api/docker/Dockerfile", "COPY . .", "api"),
        ("api/docker/Dockerfile", "COPY main.py /", "api"),
        ("api/docker/Dockerfile", "COPY start.sh /", "api/docker"),
        ("docker/api.Dockerfile", "COPY api /api", "."),
    ],
)
def test_the_context_is_the_nearest_folder_with_what_is_copied(
    dockerfile: str, copies: str, context: str, tmp_path: Path
) -> None:
    write(
        tmp_path, {"api/main.py": "", "shared/a.txt": "", "api/docker/start.sh": "", dockerfile: f"{FROM}{copies}\n"}
    )

    assert found_dockerfiles(tmp_path) == {dockerfile: context}


def test_a_file_that_is_only_named_like_a_dockerfile_is_passed_over_with_the_reason(tmp_path: Path) -> None:
    write(tmp_path, {"Dockerfile.md": "How to build\n", "api/Dockerfile.dockerignore": "*\n"})

    findings = search(tmp_path)

    assert findings.dockerfiles == ()
    assert findings.passed_over == ("Dockerfile.md: a Dockerfile needs at least one FROM instruction",)


def test_manifests_are_told_from_other_yaml(tmp_path: Path) -> None:
    write(
        tmp_path,
        {
            "k8s/pod.yaml": POD,
            "kube/values.yaml": "a: 1\n",
            "b/manifests/kustomization.yaml": "x: 1\n",
            "c/d.yml": POD,
        },
    )
    findings = search(tmp_path)

    assert {str(found.folder): found.is_kustomized for found in findings.manifests} == {
        "b/manifests": True,
        "k8s": False,
    }
    assert findings.named_images == ("ghcr.io/team/api:1.0",)


def test_a_chart_is_one_thing_and_a_library_of_charts_none(tmp_path: Path) -> None:
    write(
        tmp_path,
        {
            "chart/Chart.yaml": "apiVersion: v2\nname: shop\n",
            "chart/charts/db/Chart.yaml": "name: db\n",
            "chart/templates/k8s/a.yaml": POD,
            "common/Chart.yaml": "name: common\ntype: library\n",
        },
    )
    findings = search(tmp_path)

    assert list(map(str, findings.charts)) == ["chart"]
    assert findings.manifests == ()


def test_what_is_named_like_a_dockerfile_and_is_no_file_is_not_read(tmp_path: Path) -> None:
    write(tmp_path, {"Dockerfile": FROM, "Dockerfile.d/x": "", "k8s/a.yaml": POD})
    os.mkfifo(tmp_path / "Dockerfile.pipe")
    os.mkfifo(tmp_path / "k8s" / "pipe.yaml")

    findings = search(tmp_path)

    assert [str(found.path) for found in findings.dockerfiles] == ["Dockerfile"]
    assert findings.passed_over == ("Dockerfile.pipe: it is no file",)
    assert findings.named_images == ("ghcr.io/team/api:1.0",)
