"""Deployments of manifests: made ready here, in memory, and applied by the ``kubectl`` command line."""

from __future__ import annotations

import hashlib
import os
import re
import subprocess
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import groupby
from pathlib import Path
from typing import NamedTuple

from imagetasks.cluster.client import Cluster
from imagetasks.cluster.mistakes import context_words
from imagetasks.config.model import Deployment, Kubectl
from imagetasks.config.printing import print_nodes
from imagetasks.config.reader import MappingNode, shown_path, text_in
from imagetasks.deploy.base import BuiltImage
from imagetasks.deploy.image_tags import fill_runtime_variables, fill_runtime_variables_in, tag_manifest
from imagetasks.deploy.manifests import apply_patches, identity, namespace_of, parse_manifests, print_manifests
from imagetasks.deploy.messages import Messages, shown_messages
from imagetasks.deploy.sources import fetch, is_remote, local_files, read_file, shown_address
from imagetasks.errors import DeployError
from imagetasks.kubeconfig import Target, environ_elsewhere
from imagetasks.output import Announce, Output, no_announcement
from imagetasks.processes import run

_API_PATH = re.compile(r"/(?:api/v1|apis/([^/]+)/([^/]+))(?:/namespaces/([^/]+))?/([^/]+)/([^/]+)")
_KUSTOMIZATION = re.compile(r"(\*|kustomization\.ya?ml)$")
_CUSTOM_KIND = "CustomResourceDefinition"
_ARGUMENTS_OF_KIND: Mapping[str, Sequence[str]] = {"Job": ("--force",), _CUSTOM_KIND: ()}
"""Kinds that are applied by themselves. A job cannot change its image: where kubectl is forced, it makes it anew."""
_MAX_SHOWN = 500


@dataclass(frozen=True)
class KubectlDeployer:
    """Applies manifests; see :class:`imagetasks.deploy.base.Deployer`.

    Tags are put in first, then the patches are applied, which thus have the last word.
    """

    deployment: Deployment
    settings: Kubectl
    project: Path
    target: Target

    def digest(self) -> str:
        """A digest of the manifests and settings; of what is on the web, the address alone.

        :raises DeployError: a manifest is not there or cannot be read
        """
        digest = hashlib.sha256()
        for part in self._inputs():
            digest.update(len(part).to_bytes(8, "big") + part)
        return digest.hexdigest()

    def render(self, images: Sequence[BuiltImage]) -> str:
        """The manifests with tags and patches."""
        return print_manifests(self._objects(images))

    def deploy(
        self, images: Sequence[BuiltImage], output: Output, announce: Announce = no_announcement
    ) -> tuple[str, ...]:
        """Apply the manifests, into a namespace that is made if it is not there.

        Objects that name a namespace themselves go there.
        """
        objects = self._objects(images)
        cluster = Cluster(self.target)
        cluster.ensure_namespace(self.target.namespace)
        for (namespace, kind), batch in groupby(objects, self._batch):
            text = print_manifests(batch)
            self._run(["apply", *self._apply_arguments(kind), "--filename", "-"], namespace, output, text)
            if kind == _CUSTOM_KIND:
                announce("waiting for custom resource definitions")
                condition = ["--for", "condition=Established", "--timeout", "60s"]
                self._run(["wait", *condition, "--filename", "-"], namespace, output, text)
        return tuple(cluster.paths_of(map(identity, objects)))

    def purge(self, objects: Sequence[str], output: Output) -> None:
        """Delete what was applied, the last first, and wait until it is gone."""
        cluster = Cluster(self.target)
        paths = list(objects) or cluster.paths_of(map(identity, self._objects(None)), of_known_kinds=True)
        gone = frozenset(cluster.missing(paths))
        left = [_Resource.at(path) for path in reversed(paths) if path not in gone]
        for namespace, batch in groupby(left, lambda resource: resource.namespace):
            names = [resource.argument for resource in batch]
            self._run(["delete", "--ignore-not-found", *self.settings.delete_args, *names], namespace, output)

    def _inputs(self) -> Iterator[bytes]:
        settings = self.settings
        arguments = (settings.kustomize, settings.kustomize_args, settings.create_args, settings.apply_args)
        yield repr((settings.replace_image_tags, *arguments)).encode()
        yield settings.inline_manifest.encode()
        yield print_nodes(settings.patches).encode() if settings.patches else b""
        for source in self._sources():
            yield source.address.encode() or source.read()

    def _objects(self, images: Sequence[BuiltImage] | None) -> list[MappingNode]:
        """The objects to apply; without images, as they are before the images are built."""
        inline, patches = self.settings.inline_manifest, self.settings.patches
        if images is not None:
            inline = fill_runtime_variables(inline, images, self.deployment.position("inlineManifest"))
            patches = patches and fill_runtime_variables_in(patches, images, self.deployment.position("patches"))
        objects = [entry for source in self._sources() for entry in parse_manifests(source.read(), source.name)]
        if self.settings.create_args:
            objects = list(self._created(objects))
        objects += parse_manifests(inline.encode(), f"inlineManifest of deployment {self.deployment.name}")
        if not objects:
            raise DeployError(f"deployment {self.deployment.name} has no manifests", self.deployment.position())
        if self.settings.replace_image_tags:
            objects = [tag_manifest(entry, images or ()) for entry in objects]
        return apply_patches(objects, patches, self.deployment)

    def _sources(self) -> Iterator[_Source]:
        for entry in self.settings.manifests:
            if self.settings.kustomize:
                yield self._kustomization(entry)
            elif is_remote(entry):
                yield _Source(shown_address(entry), partial(fetch, entry), entry)
            else:
                yield from self._files(entry)

    def _files(self, entry: str) -> Iterator[_Source]:
        files = local_files(entry, self.project)
        if not files:
            raise DeployError(
                f"deployment {self.deployment.name} names the manifests {entry}, and there are none",
                self.deployment.position("manifests"),
            )
        for file in files:
            yield _Source(shown_path(file), partial(read_file, file))

    def _kustomization(self, entry: str) -> _Source:
        folder = _KUSTOMIZATION.sub("", entry) or "."
        path = self.settings.kustomize_path
        program = [self._program(path), "build"] if path else [self._kubectl, "kustomize"]
        command = [*program, folder, *self.settings.kustomize_args]
        return _Source(f"the output of kustomize for {folder}", partial(self._output, command))

    def _created(self, objects: Iterable[MappingNode]) -> Iterator[MappingNode]:
        """The objects as ``kubectl create`` with the user's arguments would make them."""
        create = ["create", "--dry-run=client", "--output=yaml", "--validate=false", *self.settings.create_args]
        for (namespace, _), batch in groupby(objects, self._batch):
            command = [*self._command(namespace), *create, "--filename", "-"]
            yield from parse_manifests(self._output(command, print_manifests(batch)), "the output of kubectl create")

    def _batch(self, entry: MappingNode) -> tuple[str, str]:
        """What is applied together: kubectl refuses objects that are not in the one namespace that it is told."""
        kind = text_in(entry, "kind")
        return namespace_of(entry) or self.target.namespace, kind if kind in _ARGUMENTS_OF_KIND else ""

    def _apply_arguments(self, kind: str) -> list[str]:
        own = self.settings.apply_args
        is_server_side = any(argument.startswith("--server-side") for argument in own)
        return [*own] if is_server_side else [*_ARGUMENTS_OF_KIND.get(kind, ()), *own]

    @property
    def _kubectl(self) -> str:
        return self._program(self.settings.kubectl_path or "kubectl")

    def _program(self, path: str) -> str:
        return str(self.project / path) if os.sep in path else path

    def _command(self, namespace: str) -> list[str]:
        context = ["--context", self.target.context] if self.target.context else []
        return [self._kubectl, *context, *(["--namespace", namespace] if namespace else [])]

    def _run(self, arguments: Sequence[str], namespace: str, output: Output, text: str = "") -> None:
        messages = Messages(output)
        command = [*self._command(namespace), *arguments]
        try:
            code = run(
                command,
                folder=self.project,
                environ=environ_elsewhere(os.environ),
                write=messages.write,
                standard_input=[text.encode()],
            )
        except OSError as error:
            raise self._cannot_start(command[0], error) from None
        messages.end()
        if code != 0:
            place = f"namespace {namespace} of {context_words(self.target)}"
            said = messages.last or f"exit code {code}"
            raise DeployError(f"`kubectl {arguments[0]}` failed in {place}: {said}")

    def _output(self, command: Sequence[str], text: str = "") -> bytes:
        try:
            result = subprocess.run(
                command,
                cwd=self.project,
                env=environ_elsewhere(os.environ),
                input=text.encode(),
                capture_output=True,
                check=False,
            )
        except OSError as error:
            raise self._cannot_start(command[0], error) from None
        if result.returncode != 0:
            said = shown_messages(result.stderr.decode(errors="replace")).strip().rpartition("\n")[2][-_MAX_SHOWN:]
            what = " ".join(word for word in (Path(command[0]).name, *command[1:3]) if not word.startswith("-"))
            raise DeployError(f"`{what}` failed: {said}", self.deployment.position("manifests"))
        return result.stdout

    def _cannot_start(self, program: str, error: OSError) -> DeployError:
        if isinstance(error, FileNotFoundError):
            return DeployError(
                f"there is no program `{program}`: install it, or name where it is in `kubectlBinaryPath` "
                "(`cmdPath` in older versions) or `kustomizeBinaryPath`",
                self.deployment.position(),
            )
        return DeployError(f"`{program}` cannot be started: {error.strerror}", self.deployment.position())


class _Source(NamedTuple):
    """Where manifests come from.

    :ivar name: what messages call it
    :ivar address: on the web; empty for what is at hand
    """

    name: str
    read: Callable[[], bytes]
    address: str = ""


class _Resource(NamedTuple):
    """An object in the cluster as ``kubectl delete`` takes it; ``namespace`` is empty if it is in none."""

    namespace: str
    argument: str

    @classmethod
    def at(cls, path: str) -> _Resource:
        """The object at an API path."""
        match = _API_PATH.fullmatch(path)
        assert match is not None
        group, version, namespace, plural, name = match.groups()
        return cls(namespace or "", f"{plural}.{version}.{group}/{name}" if group else f"{plural}/{name}")
