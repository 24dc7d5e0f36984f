"""``imagetasks doctor`` and what is really there."""

from __future__ import annotations

from pathlib import Path

import docker
import pytest

from tests.projects import Project
from tests.registries import Registry


@pytest.mark.docker
@pytest.mark.registry
def test_doctor_is_content_once_the_login_that_it_asks_for_is_made(
    project: Project, private_registry: Registry, docker_config: Path, daemon: docker.DockerClient
) -> None:
    image = project.repository("api", private_registry.address)
    project.write("devspace.yaml", f"version: v1beta6\nimages: {{api: {{image: {image}}}}}\n")

    before = project.imagetasks("doctor")
    advice = f"`imagetasks login {private_registry.address}`"
    login = ["login", "-u", "ann", "--password-stdin", private_registry.address]
    assert project.imagetasks(*login, env={"PATH": "/nowhere"}, stdin="correct horse").returncode == 0
    after = project.imagetasks("doctor")

    assert (before.returncode, advice in before.stdout) == (1, True)
    assert after.returncode == 0, after.stdout
    assert daemon.version()["Version"] in after.stdout
    assert "the stored credentials are accepted" in after.stdout
