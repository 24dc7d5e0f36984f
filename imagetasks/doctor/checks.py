"""Looking for what a project needs: programs, a daemon, registries, a cluster.

Nothing that is found is shown but names and versions.
"""

from __future__ import annotations

import json
import os
import platform
import shutil
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from importlib import import_module
from importlib.metadata import version
from pathlib import Path
from time import monotonic
from typing import TYPE_CHECKING, Any

import imagetasks
from imagetasks.doctor.needs import Needs, Right
from imagetasks.endpoint import daemon_endpoint
from imagetasks.errors import ClusterError, LoginError, OptionError, UserError
from imagetasks.processes import run

if TYPE_CHECKING:
    from imagetasks.kubeconfig import Target
    from imagetasks.local_clusters import LocalCluster

LIMIT_SECONDS = 15.0
"""How long all checks together may take."""

_REVIEWS = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews"
_VERSION_ARGUMENTS = {
    "git": ("--version",),
    "helm": ("version", "--short"),
    "k3d": ("version",),
    "kind": ("version",),
    "kubectl": ("version", "--client", "--output=json"),
    "minikube": ("version", "--short"),
}


@dataclass(frozen=True)
class Check:
    """Something to look for.

    :ivar needed_by: what needs it, empty if nothing does
    :ivar look: returns what is found, a version say; raises UserError for what is not there
    """

    subject: str
    needed_by: str
    look: Callable[[], str]


@dataclass(frozen=True)
class Finding:
    """What a check has come to; ``detail`` is what was found, or why nothing was."""

    check: Check
    is_there: bool
    detail: str

    @property
    def is_missing(self) -> bool:
        """Whether it is needed and not there."""
        return bool(self.check.needed_by) and not self.is_there


def checks_for(needs: Needs, find_target: Callable[[], Target], local: LocalCluster | None = None) -> Iterator[Check]:
    """The checks of a project, and of what any project may need.

    :param find_target: finds the cluster and the namespace that it is deployed to; raises ClusterError
    :param local: the local cluster that this is, if it is one
    """
    yield Check("imagetasks", "", lambda: imagetasks.__version__)
    yield Check("doit", "", lambda: version("doit"))
    yield Check("Python", "", platform.python_version)
    yield Check("git", needs.git, partial(_program, "git"))
    yield Check("Docker daemon", needs.daemon, _daemon)
    yield Check("docker CLI", needs.docker_cli, partial(_docker_cli, buildkit=False))
    yield Check("BuildKit", needs.buildkit, partial(_docker_cli, buildkit=True))
    for registry, needed_by in needs.registries.items():
        yield Check(f"registry {registry}", needed_by, partial(_registry, registry))
    yield Check("kubectl", needs.kubectl, partial(_program, "kubectl"))
    yield Check("helm", needs.helm, partial(_program, "helm"))
    if local and local.provider:
        yield Check(local.provider, needs.provider, partial(_program, local.provider))
    yield Check("cluster", needs.cluster, partial(_cluster, find_target))
    for right, needed_by in needs.rights.items():
        yield Check(f"right to create {right.resource}", needed_by, partial(_right, right, find_target))


def run_checks(checks: Sequence[Check], limit: float = LIMIT_SECONDS) -> list[Finding]:
    """Do all checks at once; one that has not come to an end within ``limit`` seconds has found nothing."""
    found: dict[Check, Finding] = {}
    _import_clients()
    threads = [threading.Thread(target=_do, args=(check, found), daemon=True) for check in checks]
    for thread in threads:
        thread.start()
    end = monotonic() + limit
    for thread in threads:
        thread.join(max(0.0, end - monotonic()))
    done = dict(found)
    return [done.get(check) or Finding(check, False, f"no answer within {limit:g} s") for check in checks]


def _import_clients() -> None:
    """Import what several checks would: libraries that import each other fail if that begins in several threads."""
    for library in ("docker", "kubernetes"):
        import_module(library)


def _do(check: Check, found: dict[Check, Finding]) -> None:
    try:
        found[check] = Finding(check, True, check.look())
    except UserError as error:
        found[check] = Finding(check, False, str(error))


# -- this machine


def _program(name: str) -> str:
    """The version that a program tells."""
    path = shutil.which(name)
    if not path:
        raise OptionError("not on PATH")
    text = _output([path, *_VERSION_ARGUMENTS[name]])
    if name == "kubectl":
        return _kubectl_version(text)
    return text.splitlines()[0].removeprefix(f"{name} ").removeprefix("version ")


def _output(command: Sequence[str]) -> str:
    """What a program prints. Its run ends with ours, even if it hangs."""
    pieces: list[str] = []
    try:
        code = run(command, folder=Path.cwd(), environ=os.environ, write=pieces.append)
    except OSError as error:
        raise OptionError(f"{command[0]} cannot be started ({error.strerror})") from None
    text = "".join(pieces).strip()
    if code != 0 or not text:
        raise OptionError(f"`{' '.join(command)}` ended with exit code {code} and told no version")
    return text


def _kubectl_version(text: str) -> str:
    try:
        return str(json.loads(text)["clientVersion"]["gitVersion"])
    except (ValueError, KeyError, TypeError):
        raise OptionError("`kubectl version` told no version") from None


def _daemon() -> str:
    from imagetasks.daemon import Daemon

    return f"{Daemon().version()} ({daemon_endpoint(os.environ)})"


def _docker_cli(*, buildkit: bool) -> str:
    from imagetasks.builders.docker_cli import find_docker_cli

    program = find_docker_cli(buildkit=buildkit)
    return f"{_output([program, '--version']).removeprefix('Docker version ').partition(',')[0]} ({program})"


# -- elsewhere


def _registry(registry: str) -> str:
    from imagetasks.registry.credentials import find_credentials
    from imagetasks.registry.login import check_credentials, wants_credentials

    credentials = find_credentials(registry)
    if credentials:
        check_credentials(registry, credentials)
        return "the stored credentials are accepted"
    if wants_credentials(registry):
        raise LoginError(f"no credentials are stored; `imagetasks login {registry}` does that")
    return "lets everybody in"


def _cluster(find_target: Callable[[], Target]) -> str:
    from imagetasks.cluster.client import Cluster
    from imagetasks.cluster.mistakes import context_words

    target = find_target()
    server = Cluster(target).read("/version") or {}
    return f"{server.get('gitVersion', 'of unknown version')} ({context_words(target)}, namespace {target.namespace})"


def _right(right: Right, find_target: Callable[[], Target]) -> str:
    """Ask the cluster whether we may (Kubernetes documentation, "Checking API access")."""
    from imagetasks.cluster.client import Cluster

    target = find_target()
    attributes = {"namespace": target.namespace, "verb": "create", "resource": right.resource, "group": right.group}
    review = {
        "apiVersion": "authorization.k8s.io/v1",
        "kind": "SelfSubjectAccessReview",
        "spec": {"resourceAttributes": attributes},
    }
    status: Mapping[str, Any] = Cluster(target).create(_REVIEWS, review).get("status") or {}
    if not status.get("allowed"):
        raise ClusterError(f"not given in namespace {target.namespace}; a role that allows it has to be bound to you")
    return f"given in namespace {target.namespace}"
