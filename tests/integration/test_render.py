"""What ``imagetasks render`` prints."""

from __future__ import annotations

from typing import Any

import pytest
import yaml

from tests.helm import find_helm
from tests.projects import Project

NOWHERE = {"KUBECONFIG": "/dev/null", "DOCKER_HOST": "unix:///nowhere/docker.sock"}
CONFIG_MAP = "{{apiVersion: v1, kind: ConfigMap, metadata: {{name: {name}}}, data: {{image: '{image}'}}}}\n"


@pytest.fixture
def shop(project: Project) -> Project:
    """``api`` and ``web``, each with a deployment that names its image; commands build them."""
    for name in ("api", "web"):
        project.write(f"{name}.yaml", CONFIG_MAP.format(name=name, image=f"registry.example/{name}"))
    project.write(
        "devspace.yaml",
        "version: v1beta6\nimages:\n"
        "  api: {image: registry.example/api, build: {custom: {command: 'true'}}}\n"
        "  web: {image: registry.example/web, build: {custom: {command: 'true'}}}\n"
        "deployments:\n"
        "- {name: api, kubectl: {manifests: [api.yaml]}}\n"
        "- {name: web, kubectl: {manifests: [web.yaml]}}\n",
    )
    return project


def render(project: Project, *words: str) -> tuple[list[str], list[dict[str, Any]], str]:
    """The comments and the documents that are printed, and what is said beside them."""
    result = project.imagetasks("render", *words, env=NOWHERE)
    assert result.returncode == 0, result.stderr
    comments = [line for line in result.stdout.splitlines() if line.startswith("#")]
    documents = [document for document in yaml.safe_load_all(result.stdout) if document]
    return comments, documents, result.stderr


def test_every_deployment_is_printed_with_its_last_tags_without_daemon_or_cluster(shop: Project) -> None:
    assert shop.doit("tag:api", "-t", "v7", env=NOWHERE).returncode == 0
    assert shop.doit("tag:web", "-t", "v8", env=NOWHERE).returncode == 0

    comments, documents, said = render(shop)

    assert comments == ["# deployment api", "# deployment web"]
    assert [document["data"]["image"] for document in documents] == [
        "registry.example/api:v7",
        "registry.example/web:v8",
    ]
    assert said == ""


def test_the_name_of_an_image_that_was_never_built_stays_and_that_is_said(shop: Project) -> None:
    _, documents, said = render(shop, "web")

    assert [document["data"]["image"] for document in documents] == ["registry.example/web"]
    assert said == "WARNING: web was never built, so that deployment web has no tag for it\n"


@pytest.mark.parametrize("words", [("web",), ("--deployments", "web"), ("--namespace", "n", "web")])
def test_only_what_is_named_is_printed(shop: Project, words: tuple[str, ...]) -> None:
    comments, _, _ = render(shop, *words)

    assert comments == ["# deployment web"]


def test_an_unknown_deployment_is_a_sentence_with_the_nearest(shop: Project) -> None:
    result = shop.imagetasks("render", "wep", env=NOWHERE)

    assert result.returncode == 3
    assert result.stderr == "ERROR: devspace.yaml has no deployment wep; did you mean web?\n"


def test_a_context_that_is_not_there_is_a_sentence(shop: Project) -> None:
    result = shop.imagetasks("render", "--kube-context", "nope", env=NOWHERE)

    assert result.returncode == 3
    assert result.stderr == "ERROR: the kubeconfig has no context nope; it has none\n"


@pytest.mark.helm
def test_a_chart_is_rendered_without_a_cluster(shop: Project) -> None:
    container = "{image: registry.example/web}"
    values = f"{{componentChart: true, path: {find_helm()}, values: {{containers: [{container}]}}}}"
    shop.write(
        "devspace.yaml",
        "version: v1beta6\nimages: {web: {image: registry.example/web, build: {custom: {command: 'true'}}}}\n"
        f"deployments: [{{name: web, helm: {values}}}]\n",
    )
    assert shop.doit("tag:web", "-t", "v8", env=NOWHERE).returncode == 0

    comments, documents, _ = render(shop)

    assert comments[0] == "# deployment web"
    [deployment] = [document for document in documents if document["kind"] == "Deployment"]
    assert deployment["spec"]["template"]["spec"]["containers"][0]["image"] == "registry.example/web:v8"
