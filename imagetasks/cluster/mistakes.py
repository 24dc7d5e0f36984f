"""What the Kubernetes API's refusals mean to a user, in one sentence each.

Refusals are objects of kind ``Status`` (https://kubernetes.io/docs/reference/kubernetes-api/common-definitions/status/).
"""

from __future__ import annotations

import json
import re
from http import HTTPStatus
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from imagetasks.errors import ClusterError, ConflictError, UnreachableError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from imagetasks.kubeconfig import Target

_MISSING_RIGHT = re.compile(
    r'User "(?P<user>[^"]*)" cannot (?P<verb>[\w*]+) resource "(?P<resource>[^"]*)" in API group "(?P<group>[^"]*)"'
    r'(?: in the namespace "(?P<namespace>[^"]*)")?'
)


def context_words(target: Target) -> str:
    """A cluster as sentences name it."""
    return f"context {target.context}" if target.context else "this pod's cluster"


def is_terminating(namespace: Mapping[str, Any]) -> bool:
    """Whether a namespace is being deleted."""
    return bool(namespace.get("status", {}).get("phase") == "Terminating")


def terminating_mistake(namespace: str, target: Target) -> ClusterError:
    """A namespace that is being deleted."""
    return ClusterError(
        f"namespace {namespace} of {context_words(target)} is being deleted; wait until it is gone, or choose another"
    )


def status_mistake(code: int, body: bytes | str | None, target: Target) -> ClusterError:
    """The error for an answer with a status code of 400 or more.

    :param body: the answer's: a ``Status`` as JSON, or whatever stands between us and the API server has to say
    """
    status = _status(body)
    message = " ".join(str(status.get("message") or _reason(code)).split())
    if terminating := _terminating_namespace(status):
        return terminating_mistake(terminating, target)
    if right := _MISSING_RIGHT.search(message) if code == HTTPStatus.FORBIDDEN else None:
        return ClusterError(_missing_right(right, target))
    kind = ConflictError if code == HTTPStatus.CONFLICT else ClusterError
    return kind(_refusal(code, message, context_words(target)))


def connection_mistake(error: Exception, server: str, target: Target) -> UnreachableError:
    """The error for an API server that cannot be reached, or whose certificate is not accepted."""
    from urllib3.exceptions import ProxyError

    root = _root(error)
    url = urlsplit(server)
    where = f"the API server {url.scheme}://{url.netloc.rpartition('@')[2]} of {context_words(target)}"
    if untrusted := getattr(root, "verify_message", ""):
        return UnreachableError(
            f"the certificate of {where} is not accepted ({untrusted}); "
            "give its certificate-authority in the kubeconfig"
        )
    silent = "it does not answer in time" if isinstance(root, TimeoutError) else "it ends the connection"
    reason = getattr(root, "strerror", None) or silent
    if isinstance(getattr(error, "reason", error), ProxyError):
        return UnreachableError(
            f"the proxy that leads to {where} cannot be used ({reason}); "
            "see HTTPS_PROXY and NO_PROXY, or proxy-url in the kubeconfig"
        )
    return UnreachableError(f"{where} cannot be reached ({reason}); is the cluster running, and is this its address?")


def _refusal(code: int, message: str, where: str) -> str:
    match code:
        case HTTPStatus.UNAUTHORIZED:
            return f"the credentials of {where} are not accepted; log in to the cluster again"
        case HTTPStatus.CONFLICT:
            return f"{where} refuses a change that meets another one: {message}"
        case HTTPStatus.TOO_MANY_REQUESTS:
            return f"{where} has too many requests to answer; try again later ({message})"
        case _ if code >= HTTPStatus.INTERNAL_SERVER_ERROR:
            return f"{where} fails with {code}: {message}"
        case _:
            return f"{where} refuses it: {message}"


def _status(body: bytes | str | None) -> dict[str, Any]:
    try:
        status = json.loads(body or "")
    except ValueError:
        return {}
    return status if isinstance(status, dict) else {}


def _reason(code: int) -> str:
    try:
        return HTTPStatus(code).phrase
    except ValueError:
        return f"status {code}"


def _terminating_namespace(status: Mapping[str, Any]) -> str:
    """The namespace whose deletion is why nothing is created in it, empty if that is not why.

    The cause has the namespace in ``field`` only as ``metadata.namespace``; the message names it.
    """
    causes = (status.get("details") or {}).get("causes") or ()
    if not any(cause.get("reason") == "NamespaceTerminating" for cause in causes):
        return ""
    named = re.search(r"namespace (\S+)", str(status.get("message")))
    return named[1] if named else "unknown"


def _missing_right(right: re.Match[str], target: Target) -> str:
    resource = ".".join(filter(None, (right["resource"], right["group"])))
    where = f"namespace {right['namespace']} of " if right["namespace"] else ""
    return (
        f"user {right['user']} may not {right['verb']} {resource} in {where}{context_words(target)}; "
        "a role that allows it has to be bound to them"
    )


def _root(error: BaseException) -> BaseException:
    """What an exception comes from: urllib3 keeps it as a reason, a cause or an argument."""
    inner = (getattr(error, "reason", None), error.__cause__, *error.args)
    deeper = next((each for each in inner if isinstance(each, BaseException)), None)
    return _root(deeper) if deeper else error
