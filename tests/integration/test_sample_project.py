"""The sample project, built as it stands in the repository."""

from __future__ import annotations

import json
import shutil
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import docker
import pytest
from docker.models.containers import Container

from tests.projects import Project
from tests.registries import Registry

SAMPLE = Path(__file__).parents[2] / "sample-project"
NAMES = ("base", "api", "web", "worker")

pytestmark = [pytest.mark.docker, pytest.mark.registry]


@pytest.fixture
def shop(project: Project, busybox: str, registry: Registry, monkeypatch: pytest.MonkeyPatch) -> Project:
    """A copy of the sample project, built once."""
    shutil.copytree(SAMPLE, project.folder, dirs_exist_ok=True, ignore=shutil.ignore_patterns(".devspace"))
    monkeypatch.setenv("REGISTRY", f"{registry.address}/{project.namespace}")
    built = project.imagetasks("build")
    assert built.returncode == 0, built.stdout + built.stderr
    return project


def tags(shop: Project, daemon: docker.DockerClient, registry: Registry) -> dict[str, list[str]]:
    """What the daemon holds of each image, by the image's name."""
    repositories = {name: shop.repository(f"shop/{name}", registry.address) for name in NAMES}
    return {
        name: [tag for image in daemon.images.list(repository) for tag in image.tags if tag.startswith(repository)]
        for name, repository in repositories.items()
    }


@contextmanager
def running(daemon: docker.DockerClient, image: str) -> Iterator[Container]:
    container = daemon.containers.run(image, detach=True, ports={"8080/tcp": ("127.0.0.1", 0)})
    try:
        yield container
    finally:
        container.remove(force=True)


def get(container: Container, path: str) -> str:
    container.reload()
    [address] = container.ports["8080/tcp"] or []
    wait = ["sh", "-c", "for i in $(seq 50); do healthcheck && exit; sleep 0.1; done; exit 1"]
    assert container.exec_run(wait).exit_code == 0, container.logs()
    with urllib.request.urlopen(f"http://127.0.0.1:{address['HostPort']}{path}", timeout=10) as response:
        body: bytes = response.read()
        return body.decode()


def test_every_image_is_built_and_pushed_once(shop: Project, daemon: docker.DockerClient, registry: Registry) -> None:
    first = tags(shop, daemon, registry)
    assert {name: len(made) for name, made in first.items()} == dict.fromkeys(NAMES, 1)
    for made in first.values():
        daemon.images.remove(made[0], force=True)
        daemon.images.pull(made[0])

    again = shop.imagetasks("build")

    assert again.returncode == 0, again.stdout + again.stderr
    assert tags(shop, daemon, registry) == first


def test_services_built_from_the_base_answer(shop: Project, daemon: docker.DockerClient, registry: Registry) -> None:
    made = tags(shop, daemon, registry)
    with running(daemon, made["api"][0]) as api:
        orders = json.loads(get(api, "/cgi-bin/orders"))
        assert {"order": 1002, "article": "kettle", "quantity": 1} in orders
    with running(daemon, made["web"][0]) as web:
        assert "<td>49.00</td>" in get(web, "/")


def test_ignored_file_rebuilds_nothing(shop: Project, daemon: docker.DockerClient, registry: Registry) -> None:
    before = tags(shop, daemon, registry)
    for ignored in ("base/NOTES.md", "api/tests/orders.sh", "web/data/spring.draft.csv"):
        (shop.folder / ignored).write_text("changed")

    assert shop.imagetasks("build").returncode == 0

    assert tags(shop, daemon, registry) == before


def test_change_in_the_base_rebuilds_what_is_built_from_it(
    shop: Project, daemon: docker.DockerClient, registry: Registry
) -> None:
    with (shop.folder / "base" / "healthcheck.sh").open("a") as script:
        script.write("# changed\n")

    assert shop.imagetasks("build").returncode == 0

    counts = {name: len(made) for name, made in tags(shop, daemon, registry).items()}
    assert counts == {"base": 2, "api": 2, "web": 2, "worker": 1}
