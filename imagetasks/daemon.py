"""The Docker daemon, by its API: the one module that imports docker-py's client.

Importing it costs more than a run that skips everything: import it inside the function that needs a daemon.

Which daemon: ``DOCKER_HOST`` of an environment, else the context that ``docker context use`` chose, else the default
socket, as for the docker CLI.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator, Mapping
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

import docker
from docker.auth import AuthConfig
from docker.credentials import StoreError
from docker.errors import APIError, DockerException, ImageNotFound, InvalidConfigFile
from requests.exceptions import RequestException
from urllib3.exceptions import HTTPError

from imagetasks.cleanup import HeldImage
from imagetasks.docker_config import docker_config_file
from imagetasks.errors import BuildError, DaemonError, PushError
from imagetasks.output import Output, Progress, no_progress

if TYPE_CHECKING:
    from docker import APIClient

    from imagetasks.config.model import BuildOptions

_CONNECT_SECONDS = 10


class Daemon:
    """A connection to the daemon; one a thread, since the session below is not shared safely.

    :param environ: the environment that says which daemon
    :raises DaemonError: no daemon answers, or not to us
    """

    def __init__(self, environ: Mapping[str, str] = os.environ) -> None:
        try:
            self._client: APIClient = docker.from_env(
                timeout=_CONNECT_SECONDS, version="auto", environment=dict(environ)
            ).api
        except (InvalidConfigFile, TypeError, ValueError, AttributeError) as error:
            file = docker_config_file(environ)
            raise DaemonError(f"{file} or DOCKER_HOST is not as Docker has it: {_words(error)}") from None
        except DockerException as error:
            raise _unreachable(error) from error
        # Between two lines of a build minutes may pass: only the connection is timed.
        self._client.timeout = None  # type: ignore[assignment]

    def version(self) -> str:
        """The daemon's version, such as ``27.3.1``."""
        return str(self._ask(self._client.version)["Version"])

    def image_id(self, reference: str) -> str | None:
        """The id of the image that a name, ``name:tag`` or id stands for, or None if it is not there."""
        try:
            return str(self._ask(self._client.inspect_image, reference)["Id"])
        except ImageNotFound:
            return None

    def tag(self, image_id: str, repository: str, tag: str) -> None:
        """Give an image a name.

        :raises DaemonError: the image is not there
        """
        try:
            self._ask(self._client.tag, image_id, repository, tag)
        except ImageNotFound:
            raise DaemonError(f"image {image_id} is gone from the Docker daemon; run the build again") from None

    def images(self) -> list[HeldImage]:
        """All images, also those that have no name; see :class:`imagetasks.cleanup.ImageStore`."""
        return [_held_image(entry) for entry in self._ask(self._client.images, None, False, True)]

    def used_images(self) -> set[str]:
        """The ids of the images that containers use, running or not."""
        return {str(entry["ImageID"]) for entry in self._ask(self._client.containers, False, True)}

    def layers_size(self) -> int:
        """How many bytes all images take up together."""
        client: Any = self._client
        # docker-py's df() asks for the sizes of volumes too, which can take minutes.
        answer = self._ask(
            lambda: client._result(client._get(client._url("/system/df"), params={"type": "image"}), True)
        )
        return int(answer["LayersSize"])

    def remove_image(self, name: str, *, prune: bool) -> bool:
        """Take a name off an image, or remove one without; see :class:`imagetasks.cleanup.ImageStore`."""
        try:
            report = self._ask(self._client.remove_image, name, False, not prune)
        except ImageNotFound:
            return True
        except DaemonError as error:
            if isinstance(error.__cause__, APIError) and error.__cause__.status_code == HTTPStatus.CONFLICT:
                return False
            raise
        return any("Deleted" in entry for entry in report)

    def build(
        self, reference: str, context: Iterable[bytes], dockerfile: str, options: BuildOptions, output: Output
    ) -> str:
        """Build an image from a tar stream, name it and return its id.

        :param reference: ``repository:tag``
        :param dockerfile: the name of the Dockerfile in the stream
        :raises BuildError: the build failed, with the daemon's own words
        :raises UserError: whatever the making of the stream raised
        """
        self._leave_out_failing_helpers()
        messages = self._stream(
            self._client.build,
            fileobj=context,
            custom_context=True,
            tag=reference,
            dockerfile=dockerfile,
            buildargs=dict(options.build_args),
            target=options.target or None,
            network_mode=options.network or None,
            rm=True,
            forcerm=True,
            decode=True,
        )
        image_id = ""
        for message in messages:
            if "error" in message:
                raise BuildError(_words(message["error"]))
            image_id = message.get("aux", {}).get("ID", image_id)
            output.write(_line(message))
        if not image_id:
            raise BuildError("the daemon ended the build without naming an image")
        return image_id

    def push(
        self,
        repository: str,
        tag: str,
        credentials: Mapping[str, str],
        output: Output,
        progress: Progress = no_progress,
    ) -> None:
        """Push one tag of a repository.

        :param progress: is told of the bytes of all layers that the daemon sends
        :raises PushError: the registry or the daemon refused, with their own words
        """
        messages = self._stream(
            self._client.push, repository, tag=tag, auth_config=dict(credentials), stream=True, decode=True
        )
        layers: dict[str, tuple[int, int]] = {}
        for message in messages:
            if "error" in message:
                raise PushError(_words(message["error"]))
            output.write(_line(message))
            if sizes := layer_progress(message):
                layers[message["id"]] = sizes
                progress(sum(done for done, _ in layers.values()), sum(total for _, total in layers.values()))

    def _leave_out_failing_helpers(self) -> None:
        """A credential helper that fails is no reason for a build to fail, as it is none for the docker CLI."""
        client: Any = self._client
        known = client._auth_configs
        try:
            found = known.get_all_credentials()
        except (StoreError, DockerException, KeyError, TypeError, ValueError):
            found = known.auths
        # Without any entry docker-py would read the file again.
        client._auth_configs = AuthConfig({"auths": found or {"": {}}})

    def _ask(self, call: Any, *arguments: Any) -> Any:
        try:
            return call(*arguments)
        except ImageNotFound:
            raise
        except APIError as error:
            raise DaemonError(f"the Docker daemon refused: {_words(error.explanation or error)}") from error
        except RequestException as error:
            raise _unreachable(error) from error

    def _stream(self, call: Any, *arguments: Any, **options: Any) -> Iterator[dict[str, Any]]:
        try:
            yield from call(*arguments, **options)
        except APIError as error:
            yield {"error": error.explanation or str(error)}
        except (DockerException, RequestException, HTTPError, OSError) as error:
            raise DaemonError(f"the connection to the Docker daemon was lost: {_words(error)}") from error


def _held_image(entry: Mapping[str, Any]) -> HeldImage:
    return HeldImage(
        id=entry["Id"],
        parent=entry["ParentId"],
        names=tuple(name for name in entry["RepoTags"] or () if name != "<none>:<none>"),
        digests=tuple(name for name in entry["RepoDigests"] or () if not name.startswith("<none>@")),
        created=entry["Created"],
        size=entry["Size"],
    )


def _line(message: Mapping[str, Any]) -> str:
    if "stream" in message:
        return str(message["stream"])
    if "status" in message and "progress" not in message:
        prefix = f"{message['id']}: " if message.get("id") else ""
        return f"{prefix}{message['status']}\n"
    return ""


def layer_progress(message: Mapping[str, Any]) -> tuple[int, int] | None:
    """How many bytes of how many of a layer are sent, where a message tells it; some tell more than the total."""
    detail = message.get("progressDetail") or {}
    if "id" not in message or not detail.get("total"):
        return None
    total = int(detail["total"])
    return min(int(detail.get("current", 0)), total), total


def _words(text: object) -> str:
    return " ".join(str(text).split()).rstrip(".")


def _unreachable(error: Exception) -> DaemonError:
    where = re.sub(r"(?<=//)[^/]*@", "", os.environ.get("DOCKER_HOST", "")) or "its default address"
    if "Permission denied" in str(error):
        return DaemonError(
            f"the Docker daemon at {where} does not let this user in; "
            "add the user to the group `docker` or run as root"
        )
    return DaemonError(f"no Docker daemon answers at {where}; start one, or set DOCKER_HOST to one that runs")
