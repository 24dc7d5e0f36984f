"""The Docker daemon that the tests use."""

from __future__ import annotations

import docker
from docker.errors import APIError, DockerException
from requests.exceptions import RequestException


def connect() -> docker.DockerClient | None:
    """A client of the daemon that the environment names, or nothing if none answers."""
    try:
        client = docker.from_env(timeout=60)
        client.ping()
    except (DockerException, RequestException):
        return None
    return client


def remove_images(repository: str) -> None:
    """Remove every image whose repository has ``repository`` as one of its path's components."""
    client = connect()
    if client is None:
        return
    for image in client.api.images():
        for tag in image["RepoTags"] or ():
            if repository in tag.split("/"):
                _remove(client, tag)
    client.close()


def _remove(client: docker.DockerClient, tag: str) -> None:
    """Remove a tag; an image that others are built from (409) goes with the last of them."""
    try:
        client.api.remove_image(tag, force=True)
    except APIError as error:
        if error.status_code not in (404, 409):
            raise
