"""Docker's own credential store, read and written as ``docker push`` and ``docker login`` do.

It is ``config.json`` in ``$DOCKER_CONFIG`` or ``~/.docker``: the entries of ``auths`` hold credentials themselves,
``credsStore`` and ``credHelpers`` name programs (``docker-credential-NAME``) that keep them elsewhere
(https://docs.docker.com/reference/cli/docker/login/#credential-stores).
"""

from __future__ import annotations

import base64
import json
import os
import shutil
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from imagetasks.docker_config import docker_config_file
from imagetasks.errors import LoginError
from imagetasks.private_file import locked, replace_file
from imagetasks.registry.reference import DOCKER_HUB

DOCKER_HUB_KEY = "https://index.docker.io/v1/"
HELPER_PREFIX = "docker-credential-"

_TOKEN_USERNAME = "<token>"  # noqa: S105 - what helpers have in the user name's place when the secret is a token


@dataclass(frozen=True)
class Credentials:
    """Who somebody is at a registry: a user name and a password, or an identity token in the password's place."""

    username: str = ""
    password: str = field(default="", repr=False)
    identity_token: str = field(default="", repr=False)


def find_credentials(registry: str) -> Credentials | None:
    """What the user has stored for a registry (``docker.io``, ``localhost:5000``), or ``None``.

    :raises LoginError: the store cannot be read
    """
    config = _read_config(config_file())
    helper = _helper(config, registry)
    return _from_helper(helper, registry) if helper else _from_auths(_section(config, "auths"), registry)


def store_credentials(registry: str, credentials: Credentials) -> None:
    """Store credentials where ``docker login`` would: with the registry's helper, else in ``config.json``.

    Where there is a helper, ``config.json`` gets an empty entry, as it does from Docker. The rest of the file stays,
    and two programs that store at once both succeed, as long as both are this one.

    :raises LoginError: the store cannot be read or written, and is as it was
    """
    helper = _helper(_read_config(config_file()), registry)
    if helper:
        _to_helper(helper, registry, credentials)
    entry = {} if helper else _as_entry(credentials)
    try:
        _update_config(registry_key(registry), entry)
    except OSError as error:
        raise LoginError(f"{config_file()} cannot be written: {error.strerror}") from None


def as_auth_config(credentials: Credentials) -> dict[str, str]:
    """The ``auth_config`` that docker-py takes, and the daemon in ``X-Registry-Auth``."""
    if credentials.identity_token:
        return {"identitytoken": credentials.identity_token}
    return {"username": credentials.username, "password": credentials.password}


def config_file() -> Path:
    """The file that the user's credentials, or the names of the programs that keep them, are in."""
    return docker_config_file(os.environ)


def registry_key(registry: str) -> str:
    """What Docker keeps the credentials for a registry under: its address, and for Docker Hub an old URL."""
    return DOCKER_HUB_KEY if registry == DOCKER_HUB else registry


def _read_config(path: Path) -> dict[str, Any]:
    try:
        text = path.read_text(encoding="utf-8")
        config = json.loads(text) if text.strip() else {}
    except FileNotFoundError:
        return {}
    except OSError as error:
        raise LoginError(f"{path} cannot be read: {error.strerror}") from None
    except ValueError:
        raise LoginError(f"{path} is not JSON: correct it, or move it away and log in again") from None
    return _object(config, path.name)


def _object(value: object, name: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise LoginError(f"{name} in {config_file().parent} is not a JSON object: correct it and log in again")
    return value


def _section(config: dict[str, Any], key: str) -> dict[str, Any]:
    return _object(config.get(key) or {}, key)


# -- the file's own entries


def _from_auths(auths: dict[str, Any], registry: str) -> Credentials | None:
    """Find a registry's entry; its key may be a URL, as old versions of Docker wrote it."""
    from docker.auth import resolve_index_name

    keys = [key for key in (registry_key(registry), *auths) if key in auths and resolve_index_name(key) == registry]
    return _from_entry(keys[0], _object(auths[keys[0]], keys[0])) if keys else None


def _from_entry(key: str, entry: dict[str, Any]) -> Credentials | None:
    from docker.auth import decode_auth

    username, password = entry.get("username", ""), entry.get("password", "")
    try:
        if entry.get("auth"):
            username, password = decode_auth(entry["auth"])
        credentials = Credentials(username, password.rstrip("\0"), entry.get("identitytoken", ""))
    except (ValueError, TypeError, AttributeError):
        raise LoginError(f"what auths in {config_file()} holds for {key} cannot be read: log in again") from None
    return credentials if credentials != Credentials() else None


def _as_entry(credentials: Credentials) -> dict[str, str]:
    pair = f"{credentials.username}:{credentials.password}"
    entry = {"auth": base64.b64encode(pair.encode()).decode()}
    return entry | ({"identitytoken": credentials.identity_token} if credentials.identity_token else {})


def _update_config(key: str, entry: dict[str, str]) -> None:
    path = config_file().resolve()
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with locked(path.parent):
        config = _read_config(path)
        config["auths"] = _section(config, "auths") | {key: entry}
        replace_file(path, json.dumps(config, indent="\t", ensure_ascii=False))


# -- the programs that keep credentials elsewhere


def _helper(config: dict[str, Any], registry: str) -> str:
    """The name of the helper that Docker would ask; a registry's own goes before the one for all."""
    name = _section(config, "credHelpers").get(registry_key(registry), config.get("credsStore") or "")
    if not isinstance(name, str):
        raise LoginError(f"the credential helper for {registry} in {config_file()} is not a string")
    return name


class _Store(Protocol):
    """What we use of ``docker.credentials.Store``."""

    def get(self, server: str) -> dict[str, str]: ...

    def store(self, server: str, username: str, secret: str) -> object: ...


def _store(helper: str, registry: str) -> _Store:
    program = HELPER_PREFIX + helper
    if not shutil.which(program):
        raise LoginError(
            f"{program}, which {config_file()} names as the credential helper for {registry}, is not on PATH"
        )
    from docker.credentials import Store

    return Store(helper)


def _from_helper(helper: str, registry: str) -> Credentials | None:
    store = _store(helper, registry)
    from docker.credentials import CredentialsNotFound, StoreError

    try:
        found = store.get(registry_key(registry))
        username, secret = found["Username"], found["Secret"]
    except CredentialsNotFound:
        return None
    except (StoreError, ValueError, KeyError, TypeError):
        raise LoginError(_helper_failed(helper, registry)) from None
    if username == _TOKEN_USERNAME:
        return Credentials(identity_token=secret)
    return Credentials(username, secret)


def _to_helper(helper: str, registry: str, credentials: Credentials) -> None:
    store = _store(helper, registry)
    from docker.credentials import StoreError

    username, secret = credentials.username, credentials.password
    if credentials.identity_token:
        username, secret = _TOKEN_USERNAME, credentials.identity_token
    try:
        store.store(registry_key(registry), username, secret)
    except StoreError:
        raise LoginError(_helper_failed(helper, registry)) from None


def _helper_failed(helper: str, registry: str) -> str:
    """What a helper printed stays out of the sentence: it may hold the secret."""
    program = HELPER_PREFIX + helper
    return f"the credential helper {program} failed for {registry}: see whether `{program} list` works"
