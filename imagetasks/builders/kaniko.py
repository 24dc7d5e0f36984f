"""The engine ``kaniko``: a pod in the cluster builds, and pushes what it has built."""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from imagetasks.builders.base import BuildContext
from imagetasks.cluster.client import Cluster
from imagetasks.cluster.pods import Pod, running_pod
from imagetasks.cluster.pull_secrets import pull_secret_name, store_pull_secret
from imagetasks.config.model import KanikoBuild
from imagetasks.config.printing import print_nodes
from imagetasks.config.reader import Node
from imagetasks.errors import BuildError
from imagetasks.output import Output
from imagetasks.registry.reference import parse_repository

EXECUTOR_IMAGE = "gcr.io/kaniko-project/executor:v1.23.2"
INIT_IMAGE = "busybox:1.36"

_CONTEXT = "/context"
_CONTEXT_CONTAINER, _EXECUTOR_CONTAINER = "context", "kaniko"
_CHUNK = 1 << 18

# Both scripts make the fifo, since either may be the first. It lies outside of the context.
_FIFO = "/context-arrived"
_AWAIT_CONTEXT = f'mkfifo {_FIFO} 2>/dev/null; read -r result <{_FIFO}; [ "$result" = whole ]'

# An exec's standard input cannot be closed by itself, so that each chunk follows a line with its length, and the
# last one a line with 0 and one with the checksum. A tar that fails spoils the sum.
_RECEIVE_CONTEXT = f"""
umask 0
mkfifo {_FIFO} 2>/dev/null
receive() {{
  while read -r length && [ "$length" -gt 0 ]; do
    dd bs="$length" count=1 iflag=fullblock 2>/dev/null
  done
}}
unpack() {{
  tar -xpf - -C {_CONTEXT} || echo failed >&3
  cat >/dev/null
}}
sum=$({{ receive | tee /dev/fd/3 | unpack; }} 3>&1 >/dev/null | sha256sum)
read -r expected
if [ "${{sum%% *}}" = "$expected" ]; then
  echo whole >{_FIFO}
else
  echo "the build context did not arrive whole" >&2
  echo broken >{_FIFO}
  exit 1
fi
"""


@dataclass(frozen=True)
class KanikoBuilder:
    """Builds in the namespace of ``cluster`` (reference, "Building", 4).

    :ivar project: the project's folder, whose pods of killed runs are removed
    :ivar tags: further tags that the image is pushed under
    :ivar pushes: whether it is pushed at all
    """

    settings: KanikoBuild
    context: BuildContext
    cluster: Cluster
    project: Path
    tags: Sequence[str] = ()
    pushes: bool = True

    def build(self, reference: str, output: Output) -> str:
        """Build in a pod that is deleted at the end; see :class:`imagetasks.builders.base.Builder`."""
        self.cluster.ensure_namespace(self.cluster.target.namespace)
        dockerfile, stream = self.context.tar()
        secret = self._pull_secret(reference, output)
        arguments = list(self.arguments(reference, dockerfile))
        with running_pod(self.cluster, build_pod(self.settings, arguments, secret), self.project) as pod:
            pod.wait_for(_CONTEXT_CONTAINER, output)
            pod.run(_CONTEXT_CONTAINER, _RECEIVE_CONTEXT, framed(stream))
            self._follow(pod, output)
        return ""

    def _follow(self, pod: Pod, output: Output) -> None:
        pod.wait_for(_EXECUTOR_CONTAINER, output)
        end = pod.follow(_EXECUTOR_CONTAINER, output)
        if end.exit_code != 0:
            reason = f" ({end.reason})" if end.reason not in ("", "Error") else ""
            raise BuildError(f"kaniko ended with exit code {end.exit_code}{reason}")

    def _pull_secret(self, reference: str, output: Output) -> str:
        """The name of the secret that holds the registry's credentials, empty if there are none."""
        if self.settings.pull_secret:
            return self.settings.pull_secret
        registry = parse_repository(reference.rpartition(":")[0]).registry
        stored = store_pull_secret(self.cluster, registry, lambda sentence: output.write(f"WARNING: {sentence}\n"))
        return "" if stored is None else pull_secret_name(registry)

    def arguments(self, reference: str, dockerfile: str) -> Iterator[str]:
        """The executor's arguments; the spellings are those that kaniko takes from 1.9 to 1.24."""
        yield from map(_escaped, self._own_arguments(reference, dockerfile))
        yield from self.settings.args

    def _own_arguments(self, reference: str, dockerfile: str) -> Iterator[str]:
        settings = self.settings
        repository, _, tag = reference.rpartition(":")
        yield f"--dockerfile={_CONTEXT}/{dockerfile}"
        yield f"--context=dir://{_CONTEXT}"
        for each in (tag, *self.tags):
            yield f"--destination={repository}:{each}"
        yield f"--snapshotMode={settings.snapshot_mode}"
        for name, value in settings.options.build_args.items():
            yield f"--build-arg={name}={value}"
        if settings.options.target:
            yield f"--target={settings.options.target}"
        if settings.insecure:
            yield from ("--insecure", "--skip-tls-verify")
        if not self.pushes:
            yield "--no-push"
        elif settings.cache:
            yield from ("--cache=true", f"--cache-repo={repository}")


def build_pod(settings: KanikoBuild, arguments: Sequence[str], secret: str) -> dict[str, Any]:
    """The manifest of the pod.

    :param arguments: the executor's
    :param secret: the name of a secret of type ``kubernetes.io/dockerconfigjson``, or empty
    """
    context = {"name": "context", "mountPath": _CONTEXT}
    volumes: list[dict[str, Any]] = [{"name": "context", "emptyDir": {}}]
    mounts = [context]
    if secret:
        items = [{"key": ".dockerconfigjson", "path": "config.json"}]
        volumes.append({"name": "pull-secret", "secret": {"secretName": secret, "items": items}})
        mounts.append({"name": "pull-secret", "mountPath": "/kaniko/.docker"})
    init_container: dict[str, Any] = {
        "name": _CONTEXT_CONTAINER,
        "image": settings.init_image or INIT_IMAGE,
        "imagePullPolicy": "IfNotPresent",
        "command": ["sh", "-c", _AWAIT_CONTEXT],
        "volumeMounts": [context],
    }
    executor: dict[str, Any] = {
        "name": _EXECUTOR_CONTAINER,
        "image": settings.image or EXECUTOR_IMAGE,
        "imagePullPolicy": "IfNotPresent",
        "args": list(arguments),
        "volumeMounts": mounts,
    }
    if settings.resources:  # for both, since a quota may ask it of each; one after the other, they need no more
        init_container["resources"] = executor["resources"] = _plain(settings.resources)
    spec: dict[str, Any] = {
        "restartPolicy": "Never",
        "initContainers": [init_container],
        "containers": [executor],
        "volumes": volumes,
        **_placement(settings),
    }
    metadata = {
        "generateName": "devspace-build-",
        "labels": {"devspace-build": "true", "devspace-build-id": uuid.uuid4().hex[:12]},
        "annotations": dict(settings.annotations),
    }
    return {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec}


def framed(stream: Iterable[bytes]) -> Iterator[bytes]:
    """The stream as :data:`_RECEIVE_CONTEXT` reads it."""
    digest = hashlib.sha256()
    for part in stream:
        digest.update(part)
        for start in range(0, len(part), _CHUNK):
            chunk = part[start : start + _CHUNK]
            yield b"%d\n" % len(chunk) + chunk
    yield f"0\n{digest.hexdigest()}\n".encode()


def _placement(settings: KanikoBuild) -> Mapping[str, Any]:
    """What decides where the pod runs, and as whom."""
    keys = {
        "nodeSelector": dict(settings.node_selector),
        "tolerations": _plain(settings.tolerations) if settings.tolerations else [],
        "serviceAccountName": settings.service_account,
    }
    return {key: value for key, value in keys.items() if value}


def _plain(node: Node) -> Any:
    return yaml.safe_load(print_nodes(node))


def _escaped(argument: str) -> str:
    """The argument so that Kubernetes hands it on as it is: it takes ``$(NAME)`` for a variable."""
    return argument.replace("$", "$$")
