"""Fixtures, and what happens to tests whose needs are not met.

A test marked ``docker``, ``registry``, ``cluster``, ``helm`` or ``browser`` is skipped where that is missing.
``IMAGETASKS_REQUIRE``, a comma-separated list of those markers, turns every skip of such a test into a failure.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Generator, Iterator
from functools import cache
from pathlib import Path

import docker
import pytest

from imagetasks.cluster.client import Cluster
from tests.browser import Browser, missing_browser, open_browser
from tests.cluster import missing_cluster, new_namespace
from tests.daemon import connect, remove_images
from tests.helm import find_helm
from tests.projects import Project
from tests.registries import Registry

ROOT = Path(__file__).parent.parent
NEEDS = ("docker", "registry", "cluster", "helm", "browser")
REQUIRED = frozenset(filter(None, os.environ.get("IMAGETASKS_REQUIRE", "").split(",")))


@cache
def missing(need: str) -> str:
    """What ``need`` lacks here, in a sentence; empty if it is met."""
    if need == "docker":
        return "" if connect() else "no Docker daemon answers"
    if need == "cluster":
        return missing_cluster()
    if need == "browser":
        return missing_browser()
    if need == "helm":
        return "" if find_helm() else "there is no helm: install it, or run scripts/helm"
    programs = [program for program in ("docker-registry", "htpasswd", "openssl") if not shutil.which(program)]
    return f"not installed: {', '.join(programs)}" if programs else ""


def needs(item: pytest.Item) -> set[str]:
    return {mark.name for mark in item.iter_markers() if mark.name in NEEDS}


def pytest_runtest_setup(item: pytest.Item) -> None:
    for need in sorted(needs(item)):
        if sentence := missing(need):
            pytest.skip(sentence)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    required = needs(item) & REQUIRED
    if report.skipped and required and not hasattr(report, "wasxfail"):
        reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else report.longrepr
        report.outcome = "failed"
        report.longrepr = f"IMAGETASKS_REQUIRE names {', '.join(sorted(required))}, but: {reason}"
    return report


@pytest.fixture(autouse=True)
def no_cluster(request: pytest.FixtureRequest) -> Iterator[None]:
    """Whoever does not ask for the cluster must not find one, the developer's own least of all."""
    with pytest.MonkeyPatch.context() as environ:
        if "cluster" not in needs(request.node):
            environ.setenv("KUBECONFIG", os.devnull)
        yield


@pytest.fixture(scope="session")
def daemon() -> Iterator[docker.DockerClient]:
    """The real daemon."""
    client = connect()
    assert client is not None, "no Docker daemon answers"
    yield client
    client.close()


@pytest.fixture(scope="session")
def busybox(daemon: docker.DockerClient) -> str:
    """``busybox:1.36``, in the daemon: the real one or a stand-in."""
    subprocess.run([ROOT / "scripts" / "base-images"], check=True, stdout=subprocess.DEVNULL)
    image = "busybox:1.36"
    daemon.images.get(image)
    return image


@pytest.fixture(scope="session")
def registry() -> Iterator[Registry]:
    """A registry that anyone may push to."""
    with Registry() as running:
        yield running


@pytest.fixture(scope="session")
def private_registry() -> Iterator[Registry]:
    """A registry that knows the user ``ann`` with the password ``correct horse``."""
    with Registry(htpasswd={"ann": "correct horse"}) as running:
        yield running


@pytest.fixture
def cluster() -> Iterator[Cluster]:
    """The real cluster, with a namespace of the test's own."""
    with new_namespace() as made:
        yield made


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """A headless browser."""
    with open_browser() as running:
        yield running


@pytest.fixture
def docker_config(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty credential store of Docker's, in ``$DOCKER_CONFIG``."""
    folder = tmp_path_factory.mktemp("docker-config")
    (folder / "config.json").write_text("{}")
    monkeypatch.setenv("DOCKER_CONFIG", str(folder))
    return folder


@pytest.fixture
def project(tmp_path: Path) -> Iterator[Project]:
    """An empty project; the images that it makes in the daemon are removed at the end."""
    made = Project(tmp_path)
    yield made
    remove_images(made.namespace)
