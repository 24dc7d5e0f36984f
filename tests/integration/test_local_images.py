from __future__ import annotations

import os

import docker
import pytest

from imagetasks.errors import DaemonError
from imagetasks.local_images import holds_image

pytestmark = pytest.mark.docker

TCP = {"DOCKER_HOST": "tcp://127.0.0.1:1"}
NOWHERE = {"DOCKER_HOST": "unix:///nowhere/docker.sock"}


def test_an_image_is_found_by_its_name_and_its_id(daemon: docker.DockerClient, busybox: str) -> None:
    image_id = str(daemon.images.get(busybox).id)

    assert holds_image(busybox, image_id, os.environ)
    assert holds_image(image_id, image_id, os.environ)


def test_another_image_and_a_missing_one_are_not_it(daemon: docker.DockerClient, busybox: str) -> None:
    image_id = str(daemon.images.get(busybox).id)

    assert not holds_image(busybox, "sha256:" + "0" * 64, os.environ)
    assert not holds_image("localhost:1/no/such:image", image_id, os.environ)


@pytest.mark.parametrize("environ", [TCP, NOWHERE])
def test_where_no_daemon_answers_nothing_can_be_said(
    environ: dict[str, str], busybox: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DOCKER_HOST", environ["DOCKER_HOST"])

    with pytest.raises(DaemonError, match="no Docker daemon answers"):
        holds_image(busybox, "sha256:" + "0" * 64, environ)
