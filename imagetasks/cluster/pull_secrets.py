"""Pull secrets: the user's credentials for a registry, where the cluster's nodes find them.

The rules are those of the reference, section "Pull secrets". What a secret holds is Docker's ``config.json``, of the
one registry (https://kubernetes.io/docs/concepts/configuration/secret/#docker-config-secrets).
"""

from __future__ import annotations

import base64
import json
import random
import re
import time
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from imagetasks.errors import ClusterError, ConflictError
from imagetasks.registry.credentials import Credentials, find_credentials, registry_key
from imagetasks.registry.reference import DOCKER_HUB

if TYPE_CHECKING:
    from imagetasks.cluster.client import Cluster

_TYPE = "kubernetes.io/dockerconfigjson"
_KEY = ".dockerconfigjson"
_TOKEN_USERNAME = "00000000-0000-0000-0000-000000000000"  # noqa: S105 - who logs in to Azure's with a token
_SERVICE_ACCOUNT = "default"
_PATIENCE_SECONDS = 30.0
_PAUSE_SECONDS = 0.05


def pull_secret_name(registry: str) -> str:
    """What the pull secret of a registry (``docker.io``, ``localhost:5000``) is called in every namespace."""
    if registry == DOCKER_HUB:
        return "devspace-auth-docker"
    return f"devspace-auth-{re.sub('[^a-z0-9-]', '-', registry.lower())}"


def ensure_pull_secret(cluster: Cluster, registry: str, warn: Callable[[str], None]) -> bool:
    """See to it that pods in the cluster's namespace can pull from a registry; says whether anything was changed.

    The namespace is created if it is not there. Without credentials for the registry the cluster stays as it is.

    :param warn: takes the sentence that there are no credentials
    :raises LoginError: the user's credentials cannot be read
    :raises ClusterError: the cluster does not take them
    """
    changed = store_pull_secret(cluster, registry, warn)
    if changed is None:
        return False
    return _add_to_service_account(cluster, pull_secret_name(registry)) or changed


def store_pull_secret(cluster: Cluster, registry: str, warn: Callable[[str], None]) -> bool | None:
    """Create or update the secret, for pods that name it; ``None`` if there are no credentials to put into it.

    The rest is as with :func:`ensure_pull_secret`.
    """
    credentials = find_credentials(registry)
    if not credentials:
        warn(
            f"there are no credentials for {registry}, so that the cluster gets no pull secret for it; "
            f"if it asks for some, run `imagetasks login {registry}`"
        )
        return None
    cluster.ensure_namespace(cluster.target.namespace)
    return _store(cluster, pull_secret_name(registry), _docker_config(registry, credentials))


def is_current(cluster: Cluster, registry: str) -> bool:
    """Whether :func:`ensure_pull_secret` would neither change nor warn of anything.

    :raises LoginError: the user's credentials cannot be read
    :raises ClusterError: the cluster does not tell
    """
    credentials = find_credentials(registry)
    if not credentials:
        return False
    name = pull_secret_name(registry)
    secret = cluster.read(_secret_path(cluster, name)) or {}
    if _held(secret) != _docker_config(registry, credentials):
        return False
    return name in _pull_secrets(cluster.read(_service_account_path(cluster)) or {})


def _docker_config(registry: str, credentials: Credentials) -> dict[str, Any]:
    """Nodes know users and passwords alone, so that an identity token stands in the password's place too.

    Azure's registries take it there (https://learn.microsoft.com/azure/container-registry/container-registry-authentication).
    """
    token = credentials.identity_token
    username = credentials.username or (_TOKEN_USERNAME if token else "")
    pair = f"{username}:{token or credentials.password}"
    entry = {"auth": base64.b64encode(pair.encode()).decode()}
    return {"auths": {registry_key(registry): entry | ({"identitytoken": token} if token else {})}}


def _store(cluster: Cluster, name: str, config: Mapping[str, Any]) -> bool:
    """Create or update a secret, whoever else does so at the same time; of several writers, the last one wins."""
    content = {"type": _TYPE, "data": {_KEY: base64.b64encode(json.dumps(config).encode()).decode()}}
    path = _secret_path(cluster, name)
    found = cluster.read(path)
    if found is None:
        secret = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": name}, **content}
        try:
            cluster.create(path.rpartition("/")[0], secret)
        except ConflictError:
            cluster.patch(path, content)
        return True
    if _held(found) == config:
        return False
    cluster.patch(path, content)
    return True


def _held(secret: Mapping[str, Any]) -> object:
    """The Docker configuration in a secret, ``None`` if it holds none."""
    if secret.get("type") != _TYPE:
        return None
    try:
        return json.loads(base64.b64decode((secret.get("data") or {}).get(_KEY, "")))
    except ValueError:
        return None


def _add_to_service_account(cluster: Cluster, name: str) -> bool:
    """Add a secret to those that pods get which name none; what is there stays, whoever adds at the same time."""
    deadline = time.monotonic() + _PATIENCE_SECONDS
    while True:
        account = _service_account(cluster, deadline)
        if name in (names := _pull_secrets(account)):
            return False
        version = account["metadata"]["resourceVersion"]
        added = [{"name": each} for each in (*names, name)]
        try:
            cluster.patch(
                _service_account_path(cluster),
                {"metadata": {"resourceVersion": version}, "imagePullSecrets": added},
            )
        except ConflictError:
            if time.monotonic() > deadline:
                raise
            time.sleep(random.uniform(0, _PAUSE_SECONDS))  # noqa: S311 - so that those who collide do not meet again
        else:
            return True


def _service_account(cluster: Cluster, deadline: float) -> dict[str, Any]:
    """The service account of pods that name none; a new namespace has none yet."""
    while True:
        account = cluster.read(_service_account_path(cluster))
        if account is not None:
            return account
        if time.monotonic() > deadline:
            raise ClusterError(
                f"namespace {cluster.target.namespace} has no service account {_SERVICE_ACCOUNT}, "
                "which the cluster should have made and a pull secret is to be added to"
            )
        time.sleep(_PAUSE_SECONDS)


def _pull_secrets(account: Mapping[str, Any]) -> list[str]:
    return [entry.get("name", "") for entry in account.get("imagePullSecrets") or ()]


def _secret_path(cluster: Cluster, name: str) -> str:
    return f"/api/v1/namespaces/{cluster.target.namespace}/secrets/{name}"


def _service_account_path(cluster: Cluster) -> str:
    return f"/api/v1/namespaces/{cluster.target.namespace}/serviceaccounts/{_SERVICE_ACCOUNT}"
