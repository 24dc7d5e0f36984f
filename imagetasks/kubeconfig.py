"""Which cluster and namespace a run is for, as far as the kubeconfig tells without the kubernetes package.

Of several files in ``KUBECONFIG``, the first one that says a thing wins (Kubernetes documentation, "Organizing
Cluster Access Using kubeconfig Files").
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import yaml

from imagetasks.errors import ClusterError

try:
    from yaml import CSafeLoader as _Loader
except ImportError:  # PyYAML without libyaml
    from yaml import SafeLoader as _Loader  # type: ignore[assignment]

DEFAULT_NAMESPACE = "default"

_LOGIN = "//[^/@]*@"
_SERVICE_ACCOUNT = Path("/var/run/secrets/kubernetes.io/serviceaccount")


class Target(NamedTuple):
    """A place to deploy to.

    :ivar context: the name of the kubeconfig's context; empty in a pod that has no kubeconfig
    :ivar server: the address of its API server, without a login, by which two clusters of one name can be told apart
    """

    context: str
    namespace: str
    server: str = ""


def find_target(environ: Mapping[str, str], *, context: str = "", namespace: str = "") -> Target:
    """The target of a run: ``context`` or the current one, and ``namespace`` or the context's.

    :raises ClusterError: there is no kubeconfig, or no such context in it
    """
    files = _read_all(kubeconfig_files(environ))
    name = context or _current(files)
    if not name:
        return _in_cluster(environ, namespace)
    contexts = _entries(files, "context")
    if name not in contexts:
        known = ", ".join(contexts) or "none"
        raise ClusterError(f"the kubeconfig has no context {name}; it has {known}")
    server = _entries(files, "cluster").get(str(contexts[name].get("cluster")), {}).get("server")
    return Target(name, namespace or _namespace(contexts[name]), re.sub(_LOGIN, "//", str(server or "")))


def current_context(environ: Mapping[str, str]) -> str:
    """The name of the current context, empty if there is none.

    :raises ClusterError: the kubeconfig cannot be read
    """
    return _current(_read_all(kubeconfig_files(environ)))


def current_namespace(environ: Mapping[str, str]) -> str:
    """The namespace of the current context, ``default`` if nothing names one.

    :raises ClusterError: the kubeconfig cannot be read
    """
    files = _read_all(kubeconfig_files(environ))
    return _namespace(_entries(files, "context").get(_current(files), {}))


def credential_plugin(files: Iterable[Path], context: str) -> str:
    """The program that gets a context's credentials (``exec`` of its user), empty if there is none.

    :raises ClusterError: the kubeconfig cannot be read
    """
    read = _read_all(files)
    user = _entries(read, "context").get(context, {}).get("user")
    plugin = _entries(read, "user").get(str(user), {}).get("exec")
    return str(plugin.get("command") or "") if isinstance(plugin, dict) else ""


def proxy_url(files: Iterable[Path], context: str) -> str:
    """The proxy that leads to a context's cluster (``proxy-url``), empty if there is none.

    :raises ClusterError: the kubeconfig cannot be read
    """
    read = _read_all(files)
    cluster = _entries(read, "context").get(context, {}).get("cluster")
    return str(_entries(read, "cluster").get(str(cluster), {}).get("proxy-url") or "")


def kubeconfig_files(environ: Mapping[str, str]) -> list[Path]:
    """The files of the kubeconfig that are there and hold something."""
    listed = [name for name in environ.get("KUBECONFIG", "").split(os.pathsep) if name]
    files = [Path(name) for name in listed] or [Path("~/.kube/config").expanduser()]
    return [file for file in files if file.is_file() and file.stat().st_size]


def environ_elsewhere(environ: Mapping[str, str]) -> dict[str, str]:
    """The environment for a program in another folder, where relative paths in ``KUBECONFIG`` would lead astray."""
    listed = environ.get("KUBECONFIG", "")
    absolute = os.pathsep.join(os.path.abspath(name) if name else "" for name in listed.split(os.pathsep))  # noqa: PTH100
    return {**environ, "KUBECONFIG": absolute} if listed else dict(environ)


def _in_cluster(environ: Mapping[str, str], namespace: str) -> Target:
    host = environ.get("KUBERNETES_SERVICE_HOST")
    if not host:
        raise ClusterError("there is no current Kubernetes context; choose one with --kube-context or KUBECONFIG")
    try:
        own = (_SERVICE_ACCOUNT / "namespace").read_text().strip()
    except OSError:
        own = ""
    return Target("", namespace or own or DEFAULT_NAMESPACE, host)


def _read_all(files: Iterable[Path]) -> list[dict[str, Any]]:
    return [_read(file) for file in files]


def _read(file: Path) -> dict[str, Any]:
    try:
        content = yaml.load(file.read_bytes(), Loader=_Loader)
    except OSError as error:
        raise ClusterError(f"the kubeconfig {file} cannot be read: {error.strerror}") from None
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        # What it says itself may quote the file, and in that a password.
        mark = getattr(error, "problem_mark", None)
        place = f"line {mark.line + 1} is" if mark else "it is"
        raise ClusterError(f"the kubeconfig {file} cannot be read: {place} not YAML") from None
    return content if isinstance(content, dict) else {}


def _current(files: list[dict[str, Any]]) -> str:
    return next((str(file["current-context"]) for file in files if file.get("current-context")), "")


def _namespace(context: dict[str, Any]) -> str:
    return str(context.get("namespace") or DEFAULT_NAMESPACE)


def _entries(files: list[dict[str, Any]], kind: str) -> dict[str, dict[str, Any]]:
    """The contexts, clusters or users of all files by their names, in their order."""
    found: dict[str, dict[str, Any]] = {}
    for file in files:
        entries = file.get(f"{kind}s")
        for entry in entries if isinstance(entries, list) else ():
            if isinstance(entry, dict) and isinstance(entry.get(kind), dict):
                found.setdefault(str(entry.get("name")), entry[kind])
    return found
