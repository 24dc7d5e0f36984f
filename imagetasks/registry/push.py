"""Pushing an image through the daemon, as who Docker's credential store says (specification, "7. Push Image")."""

from __future__ import annotations

import shutil

from imagetasks.errors import PushError
from imagetasks.output import Output, Progress, no_progress
from imagetasks.registry.credentials import Credentials, as_auth_config, find_credentials
from imagetasks.registry.reference import DOCKER_HUB, parse_reference

_REFUSALS = ("denied", "unauthorized", "no basic auth credentials", "authentication required", "forbidden")
_UNREACHABLE = (
    "connection refused",
    "no such host",
    "i/o timeout",
    "no route to host",
    "server misbehaving",
    ": eof",
)


def push(reference: str, output: Output, progress: Progress = no_progress) -> None:
    """Push ``repository:tag`` to the registry that it names.

    :param progress: is told of the bytes that are sent
    :raises PushError: which registry refused whom and what to run, or what else went wrong
    :raises DaemonError: no daemon answers
    :raises LoginError: the credential store cannot be read
    """
    from imagetasks.daemon import Daemon

    named = parse_reference(reference)
    registry = named.repository.registry
    credentials = find_credentials(registry)
    repository, _, tag = reference.rpartition(":")
    try:
        Daemon().push(repository, tag, as_auth_config(credentials) if credentials else {}, output, progress)
    except PushError as error:
        raise PushError(_explain(reference, registry, credentials, error.message)) from error


def _explain(reference: str, registry: str, credentials: Credentials | None, words: str) -> str:
    lowered = words.lower()
    if any(refusal in lowered for refusal in _REFUSALS):
        who = _who(credentials)
        return f"registry {registry} does not let {who} push {reference}; run `{_login(registry)}` ({words})"
    if any(sign in lowered for sign in _UNREACHABLE):
        return f"registry {registry}, which {reference} is pushed to, cannot be reached; see that it runs ({words})"
    return f"{reference} was not pushed: {words}"


def _who(credentials: Credentials | None) -> str:
    if credentials is None:
        return "somebody who is not logged in"
    return f"user {credentials.username}" if credentials.username else "the identity token that is stored for it"


def _login(registry: str) -> str:
    program = "docker login" if shutil.which("docker") else "imagetasks login"
    return program if registry == DOCKER_HUB else f"{program} {registry}"
