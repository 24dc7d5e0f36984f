"""Which cluster and namespace a run is for, as far as the kubeconfig tells without the kubernetes package.

Of several files in ``KUBECONFIG``, the first one that says a thing wins (Kubernetes documentation, "Organizing
Cluster Access Using kubeconfig Files").
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import yaml

from imagetasks.errors import ClusterError

try:
    from yaml import CSafeLoader as _Loader
except ImportError:  # PyYAML without libyaml
    from yaml import SafeLoader as _Loader  # type: ignore[assignment]

DEFAULT_NAMESPACE = "default"

_SERVICE_ACCOUNT = Path("/var/run/secrets/kubernetes.io/serviceaccount")


class Target(NamedTuple):
    """A place to deploy to.

    :ivar context: the name of the kubeconfig's context; empty in a pod that has no kubeconfig
    :ivar server: the address of its API server, by which two clusters of one name can be told apart
    """

    context: str
    namespace: str
    server: str = ""


def find_target(environ: Mapping[str, str], *, context: str = "", namespace: str = "") -> Target:
    """The target of a run: ``context`` or the current one, and ``namespace`` or the context's.

    :raises ClusterError: there is no kubeconfig, or no such context in it
    """
    files = [_read(file) for file in kubeconfig_files(environ)]
    name = context or current_context(environ)
    if not name:
        return _in_cluster(environ, namespace)
    contexts = dict(reversed(list(_entries(files, "context"))))
    if name not in contexts:
        known = ", ".join(contexts) or "none"
        raise ClusterError(f"the kubeconfig has no context {name}; it has {known}")
    clusters = dict(reversed(list(_entries(files, "cluster"))))
    server = clusters.get(str(contexts[name].get("cluster")), {}).get("server")
    return Target(name, namespace or contexts[name].get("namespace") or DEFAULT_NAMESPACE, str(server or ""))


def current_context(environ: Mapping[str, str]) -> str:
    """The name of the current context, empty if there is none."""
    for file in kubeconfig_files(environ):
        if name := _read(file).get("current-context"):
            return str(name)
    return ""


def kubeconfig_files(environ: Mapping[str, str]) -> list[Path]:
    """The files of the kubeconfig that are there."""
    listed = [name for name in environ.get("KUBECONFIG", "").split(os.pathsep) if name]
    files = [Path(name) for name in listed] or [Path("~/.kube/config").expanduser()]
    return [file for file in files if file.is_file()]


def _in_cluster(environ: Mapping[str, str], namespace: str) -> Target:
    host = environ.get("KUBERNETES_SERVICE_HOST")
    if not host:
        raise ClusterError("there is no current Kubernetes context; choose one with --kube-context or KUBECONFIG")
    try:
        own = (_SERVICE_ACCOUNT / "namespace").read_text().strip()
    except OSError:
        own = ""
    return Target("", namespace or own or DEFAULT_NAMESPACE, host)


def _read(file: Path) -> dict[str, Any]:
    try:
        content = yaml.load(file.read_bytes(), Loader=_Loader)
    except (OSError, yaml.YAMLError, ValueError, RecursionError) as error:
        raise ClusterError(f"the kubeconfig {file} cannot be read: {' '.join(str(error).split())}") from None
    return content if isinstance(content, dict) else {}


def _entries(files: list[dict[str, Any]], kind: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """The named contexts or clusters of all files, in their order."""
    for file in files:
        entries = file.get(f"{kind}s")
        for entry in entries if isinstance(entries, list) else ():
            if isinstance(entry, dict) and isinstance(entry.get(kind), dict):
                yield str(entry.get("name")), entry[kind]
