from __future__ import annotations

from pathlib import Path

from imagetasks.options import Options
from imagetasks.project import Project, open_project

METHOD = "kubectl: {manifests: [none.yaml]}"


def opened(folder: Path, text: str) -> Project:
    (folder / "devspace.yaml").write_text(f"version: v1beta6\n{text}")
    return open_project(folder / "devspace.yaml", Options(), {}, asker=None)


def test_images_that_are_not_built_get_their_pull_secrets_too(tmp_path: Path) -> None:
    project = opened(
        tmp_path,
        "images: {app: {image: registry.example/app, createPullSecret: true, build: {disabled: true}}}\n"
        f"deployments: [{{name: web, {METHOD}}}]",
    )
    assert [plan.registry for plan in project.pull_secrets] == ["registry.example"]


def test_a_project_gets_the_pull_secrets_of_its_dependencies(tmp_path: Path) -> None:
    (tmp_path / "shop").mkdir()
    opened(tmp_path / "shop", "images: {app: {image: registry.example/app, createPullSecret: true}}")
    project = opened(
        tmp_path,
        "dependencies: [{name: shop, source: {path: shop}, skipBuild: true}]\n"
        f"deployments: [{{name: web, {METHOD}}}]",
    )
    assert [plan.registry for plan in project.pull_secrets] == ["registry.example"]
