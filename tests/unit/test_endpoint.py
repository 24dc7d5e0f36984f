from __future__ import annotations

import json
from pathlib import Path

import pytest

from imagetasks.endpoint import daemon_endpoint


@pytest.mark.parametrize(
    ("environ", "config", "endpoint"),
    [
        ({}, None, "default"),
        ({}, {"currentContext": "default"}, "default"),
        ({"DOCKER_HOST": "unix:///var/run/docker.sock"}, None, "default"),
        ({"DOCKER_HOST": "tcp://127.0.0.1:2375"}, {"currentContext": "colima"}, "tcp://127.0.0.1:2375"),
        ({}, {"currentContext": "colima"}, "context:colima"),
        ({"DOCKER_CONTEXT": "desktop-linux"}, {"currentContext": "colima"}, "context:desktop-linux"),
    ],
)
def test_the_daemon_is_named_as_the_docker_cli_chooses_it(
    tmp_path: Path, environ: dict[str, str], config: dict[str, str] | None, endpoint: str
) -> None:
    if config is not None:
        (tmp_path / "config.json").write_text(json.dumps(config))

    assert daemon_endpoint({**environ, "DOCKER_CONFIG": str(tmp_path)}) == endpoint


def test_a_configuration_of_docker_s_that_is_broken_names_no_context(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text("{")

    assert daemon_endpoint({"DOCKER_CONFIG": str(tmp_path)}) == "default"
