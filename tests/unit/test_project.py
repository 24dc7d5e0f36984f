from __future__ import annotations

from pathlib import Path

from imagetasks.kubeconfig import Target
from imagetasks.options import Options
from imagetasks.project import Project, open_project
from tests.api_server import write_kubeconfig

METHOD = "kubectl: {manifests: [none.yaml]}"


def opened(folder: Path, text: str) -> Project:
    environ = write_kubeconfig(folder, "https://cluster.example")
    (folder / "devspace.yaml").write_text(f"version: v1beta6\n{text}")
    return open_project(folder / "devspace.yaml", Options(namespace="run"), environ, asker=None)


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


def test_a_dependency_goes_where_the_entry_says_unless_it_says_so_itself(tmp_path: Path) -> None:
    (tmp_path / "shop").mkdir()
    opened(
        tmp_path / "shop",
        "images: {app: {image: registry.example/app, createPullSecret: true}, "
        "other: {image: other, build: {kaniko: {namespace: builds}}}}\n"
        f"deployments: [{{name: web, {METHOD}}}, {{name: api, namespace: own, {METHOD}}}]",
    )
    project = opened(
        tmp_path,
        "dependencies: [{name: shop, source: {path: shop}, namespace: theirs}]\n"
        f"deployments: [{{name: web, {METHOD}}}]",
    )

    def namespace(target: Target) -> str:
        return target.namespace

    deployments = [plan for each in project.projects for plan in each.deployments]
    assert [namespace(plan.find_target()) for plan in deployments] == ["theirs", "own", "run"]
    assert [namespace(plan.find_target()) for plan in project.plans] == ["theirs", "builds"]
    [secret] = project.pull_secrets
    assert list(map(namespace, secret.find_targets())) == ["theirs", "own", "run"]
