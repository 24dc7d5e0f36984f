"""Clusters on the user's own machine, which need no registry (specification, "Skip Image Push for Local Clusters").

The nodes of some run what a Docker daemon holds: that of this machine, or for minikube one of their own. Into those
of kind and k3d an image is loaded. The names are those of the contexts that these tools make.
"""

from __future__ import annotations

import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from imagetasks.errors import ClusterError, PushError
from imagetasks.kubeconfig import find_target, kubeconfig_files
from imagetasks.output import Output
from imagetasks.processes import run

MINIKUBE = "minikube"
KIND = "kind"
K3D = "k3d"

_WITH_THIS_DAEMON = ("docker-desktop", "docker-for-desktop")
_ASKING_SECONDS = 60


class LocalCluster(NamedTuple):
    """A local cluster.

    :ivar context: its context's name
    :ivar provider: :data:`MINIKUBE`, :data:`KIND` or :data:`K3D`; empty for one that runs what the daemon holds
    :ivar server: the address of its API server, which changes if it is made anew
    """

    context: str
    provider: str = ""
    server: str = ""

    @property
    def is_loaded(self) -> bool:
        """Whether images are loaded into its nodes instead of being pushed."""
        return self.provider in (KIND, K3D)

    @property
    def name(self) -> str:
        """What its provider calls it."""
        return self.context.removeprefix(f"{self.provider}-") if self.is_loaded else self.context


def local_cluster(context: str, server: str, local_contexts: Sequence[str]) -> LocalCluster | None:
    """The local cluster that a context is for, or None if it is for another.

    :param local_contexts: contexts that the user calls local, since their nodes run what the daemon holds
    """
    if context in _WITH_THIS_DAEMON or context in local_contexts:
        return LocalCluster(context, server=server)
    if context == MINIKUBE:
        return LocalCluster(context, MINIKUBE, server)
    for provider in (KIND, K3D):
        if context.startswith(f"{provider}-"):
            return LocalCluster(context, provider, server)
    return None


class LocalBuilds(NamedTuple):
    """What a local cluster means for the builds of a run.

    :ivar environ: the environment that leads to the daemon that builds
    :ivar warning: why images go to a registry after all, if they do
    """

    cluster: LocalCluster | None
    environ: Mapping[str, str]
    warning: str = ""


def find_local_builds(environ: Mapping[str, str], context: str, local_contexts: Sequence[str]) -> LocalBuilds:
    """What the context of a run, if it is a local cluster's, means for its builds.

    Where nothing can be known of a context, or minikube does not run, images are built and pushed as for any other
    cluster.

    :param context: the one that the command line names; else the current one holds
    """
    if not context and not kubeconfig_files(environ):
        return LocalBuilds(None, environ)
    try:
        target = find_target(environ, context=context)
    except ClusterError as error:
        return LocalBuilds(None, environ, f"images are pushed, as for a cluster elsewhere: {error}")
    cluster = local_cluster(target.context, target.server, local_contexts)
    if cluster is None or cluster.provider != MINIKUBE:
        return LocalBuilds(cluster, environ)
    of_minikube = minikube_environ(environ)
    if not of_minikube:
        return LocalBuilds(
            None, environ, "minikube names no Docker daemon; images are built by this machine's, and pushed"
        )
    return LocalBuilds(cluster, {**environ, **of_minikube})


def minikube_environ(environ: Mapping[str, str]) -> dict[str, str]:
    """The environment by which minikube's own daemon is reached; empty if minikube does not run or is not here."""
    command = [MINIKUBE, "docker-env", "--shell", "none"]
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, check=False, env=environ, timeout=_ASKING_SECONDS
        )
    except (OSError, subprocess.TimeoutExpired):
        return {}
    if done.returncode != 0:
        return {}
    assignments = (line.partition("=") for line in done.stdout.splitlines() if "=" in line)
    found = {name.strip(): value.strip().strip('"') for name, _, value in assignments}
    return found if "DOCKER_HOST" in found else {}


def load_image(reference: str, cluster: LocalCluster, environ: Mapping[str, str], output: Output) -> None:
    """Load an image of the daemon into a cluster's nodes.

    :param reference: ``repository:tag``
    :raises PushError: why it is not there
    """
    options = {KIND: ["load", "docker-image", reference, "--name"], K3D: ["image", "import", reference, "--cluster"]}
    command = [cluster.provider, *options[cluster.provider], cluster.name]
    try:
        code = run(command, folder=Path.cwd(), environ=environ, write=output.write)
    except OSError as error:
        raise PushError(
            f"{reference} goes into the cluster {cluster.context} by `{cluster.provider}`, which cannot be started "
            f"({error.strerror}); install it, or choose another context with --kube-context"
        ) from None
    if code != 0:
        raise PushError(f"`{' '.join(command)}` ended with exit code {code}")
