"""Looking into images that the daemon holds."""

from __future__ import annotations

import io
import json
import tarfile

import docker

from tests.projects import Project


def only_image(daemon: docker.DockerClient, project: Project, name: str, registry: str = "") -> str:
    """The one ``repository:tag`` that a project has made of an image."""
    [image] = daemon.images.list(project.repository(name, registry))
    [tag] = image.tags
    return str(tag)


def files(daemon: docker.DockerClient, image: str) -> dict[str, bytes]:
    """The regular files of an image, with their content, from all its layers."""
    saved = b"".join(daemon.images.get(image).save())
    found: dict[str, bytes] = {}
    with tarfile.open(fileobj=io.BytesIO(saved)) as archive:
        manifest = archive.extractfile("manifest.json")
        assert manifest is not None
        for layer in json.load(manifest)[0]["Layers"]:
            content = archive.extractfile(layer)
            assert content is not None
            found |= _files_of_layer(content.read())
    return found


def _files_of_layer(layer: bytes) -> dict[str, bytes]:
    with tarfile.open(fileobj=io.BytesIO(layer)) as archive:
        members = [member for member in archive if member.isreg()]
        return {member.name: (archive.extractfile(member) or io.BytesIO()).read() for member in members}


def settings(daemon: docker.DockerClient, image: str) -> dict[str, object]:
    """The ``Config`` of an image."""
    config: dict[str, object] = daemon.images.get(image).attrs["Config"]
    return config
