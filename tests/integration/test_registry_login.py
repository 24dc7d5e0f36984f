"""Logins at Debian's docker-registry, and what Docker's own command line makes of them."""

from __future__ import annotations

import io
import json
import subprocess
import tarfile
import warnings
from collections.abc import Iterator
from pathlib import Path

import docker
import pytest

from imagetasks.errors import LoginError
from imagetasks.registry.credentials import Credentials, as_auth_config, find_credentials, store_credentials
from imagetasks.registry.login import check_credentials, login
from tests.registries import Registry

pytestmark = pytest.mark.registry

ANN = Credentials("ann", "pa:ss wörd")


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path))
    return tmp_path


@pytest.fixture(params=[False, True], ids=["http", "tls"])
def registry(request: pytest.FixtureRequest) -> Iterator[Registry]:
    with Registry(htpasswd={ANN.username: ANN.password}, tls=request.param) as registry:
        yield registry


@pytest.fixture
def image(registry: Registry) -> Iterator[str]:
    """An image in the daemon that belongs to the registry."""
    archive = io.BytesIO()
    with tarfile.open(fileobj=archive, mode="w") as tar:
        tar.addfile(tarfile.TarInfo("empty"))
    name = f"{registry.address}/team/app:1"
    client = docker.from_env()
    client.api.import_image_from_data(archive.getvalue(), repository=name.rpartition(":")[0], tag="1")
    yield name
    client.images.remove(name, force=True)
    client.close()


def docker_cli(*arguments: str, standard_input: str = "") -> subprocess.CompletedProcess[str]:
    return subprocess.run(["docker", *arguments], input=standard_input, capture_output=True, text=True, check=False)


def test_a_login_with_the_right_password_is_stored(registry: Registry) -> None:
    with warnings.catch_warnings(record=True) as printed:
        login(registry.address, username=ANN.username, password=ANN.password)

    assert find_credentials(registry.address) == ANN
    assert printed == []


@pytest.mark.parametrize("username", ["ann", "bob"])
def test_a_login_with_a_wrong_password_is_refused(registry: Registry, username: str) -> None:
    with pytest.raises(LoginError, match=f"registry {registry.address} refuses user {username}") as caught:
        login(registry.address, username=username, password="not-the-one")

    assert find_credentials(registry.address) is None
    assert "not-the-one" not in str(caught.value)


def test_an_open_registry_takes_any_credentials() -> None:
    with Registry() as registry:
        check_credentials(registry.address, ANN)


def test_a_registry_that_stopped_cannot_be_reached(registry: Registry) -> None:
    registry.stop()

    with pytest.raises(LoginError, match=f"registry {registry.address} cannot be reached"):
        check_credentials(registry.address, ANN)


@pytest.mark.docker
def test_docker_pushes_with_what_we_stored(registry: Registry, image: str) -> None:
    assert docker_cli("push", image).returncode != 0

    store_credentials(registry.address, ANN)

    pushed = docker_cli("push", image)
    assert pushed.returncode == 0, pushed.stderr


@pytest.mark.docker
def test_docker_py_pushes_with_what_docker_stored(registry: Registry, image: str) -> None:
    said = docker_cli("login", "-u", ANN.username, "--password-stdin", registry.address, standard_input=ANN.password)
    assert said.returncode == 0, said.stderr

    credentials = find_credentials(registry.address)

    assert credentials == ANN
    client = docker.from_env()
    messages = client.api.push(image, auth_config=as_auth_config(credentials), stream=True, decode=True)
    assert [message["error"] for message in messages if "error" in message] == []
    client.close()


@pytest.mark.docker
def test_we_write_what_docker_writes(registry: Registry, folder: Path) -> None:
    file = folder / "config.json"
    before = json.dumps({"auths": {"10.0.0.1": {"auth": "Ym9iOnNlY3JldA=="}}, "psFormat": "table {{.Names}}"})
    file.write_text(before)
    docker_cli("login", "-u", ANN.username, "--password-stdin", registry.address, standard_input=ANN.password)
    theirs = file.read_text()
    file.write_text(before)

    login(registry.address, username=ANN.username, password=ANN.password)

    assert registry.address in theirs
    assert file.read_text() == theirs
