"""Deployments of charts and components, by the ``helm`` command line, of Helm 3 or 4."""

from __future__ import annotations

import functools
import hashlib
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple
from urllib.parse import urlencode

from imagetasks.cluster.client import Cluster
from imagetasks.cluster.rollout import explain_rollout
from imagetasks.config.model import Chart, Deployment, Helm
from imagetasks.config.printing import print_nodes
from imagetasks.config.reader import MappingNode, shown_path
from imagetasks.deploy.base import BuiltImage
from imagetasks.deploy.chart_values import chart_values
from imagetasks.deploy.charts import (
    chart_content,
    copy_chart,
    has_dependencies,
    local_chart,
    private_places,
    pull_chart,
    with_login_apart,
    write_private,
)
from imagetasks.deploy.component import COMPONENT_CHART, component_values
from imagetasks.deploy.helm_cli import HelmCli
from imagetasks.deploy.image_tags import fill_runtime_variables_in, tag_values
from imagetasks.deploy.manifests import identity, parse_manifests
from imagetasks.deploy.replicas import replicas_announced
from imagetasks.deploy.sources import fetch, is_remote, read_file, shown_address
from imagetasks.deploy.values import difference, merged, parse_values
from imagetasks.errors import ClusterError, DeployError
from imagetasks.kubeconfig import Target, environ_elsewhere
from imagetasks.output import Announce, Output, no_announcement

_DEFAULT_TIMEOUT = "180"
"""In seconds (reference, section "Configuration file")."""
_VALUES_TO_KEEP = ("--reuse-values", "--reset-values", "--reset-then-reuse-values")
_ARGUMENTS_TO_WAIT = ("--wait", "--atomic", "--rollback-on-failure")
_THERE = (
    "deployed",
    "failed",
    "superseded",
    "pending-install",
    "pending-upgrade",
    "pending-rollback",
    "uninstalling",
)
"""The statuses of a release but for ``uninstalled``, which is what stays of one whose history is kept."""


@dataclass(frozen=True)
class HelmDeployer:
    """Installs or upgrades a release; see :class:`imagetasks.deploy.base.Deployer`.

    Values reach helm in files that nobody else may read. Those of the deployment stand over those of its files, and
    these over the chart's.
    """

    deployment: Deployment
    settings: Helm
    project: Path
    target: Target

    def digest(self) -> str:
        """A digest of the chart, the values and the settings; of what is not on this machine, the address alone.

        :raises DeployError: the chart or a file of values is not there or cannot be read
        """
        digest = hashlib.sha256()
        for part in self._inputs():
            digest.update(len(part).to_bytes(8, "big") + part)
        return digest.hexdigest()

    def render(self, images: Sequence[BuiltImage]) -> str:
        """The manifests of the chart with its values, as helm makes them without a cluster."""
        with self._prepared(images) as release:
            command = ["template", self._release_name, *release.arguments, *self._hooks, *self.settings.template_args]
            return release.helm.read(command)

    def deploy(
        self, images: Sequence[BuiltImage], output: Output, announce: Announce = no_announcement
    ) -> tuple[str, ...]:
        """Install the chart, or upgrade its release, in a namespace that is made if it is not there.

        :returns: the path of the secret in which helm keeps this revision of the release
        """
        cluster = Cluster(self.target)
        cluster.ensure_namespace(self.target.namespace)
        if self.settings.recreate:
            output.write("WARNING: `recreate` has no effect since Helm 3, which leaves pods that need no change\n")
        before = self._revisions(cluster)
        told = replicas_announced(cluster, self._release_name, announce) if self._waits else nullcontext()
        with self._prepared(images) as release, told:
            command = ["upgrade", self._release_name, *release.arguments, "--install", *self._kept_values]
            try:
                release.helm.run([*command, *self._options(release.helm), *self.settings.upgrade_args], output)
            except DeployError as error:
                lines = [error.message, self._why_not_ready(cluster, release.helm)]
                if self.settings.atomic and self._revisions(cluster) != before:
                    lines.append(self._undo(cluster, release.helm, output))
                raise DeployError("\n".join(filter(None, lines))) from None
        return tuple(self._revisions(cluster, "deployed").values())

    def purge(self, objects: Sequence[str], output: Output) -> None:
        """Uninstall the release, if it is there."""
        if self._revisions(Cluster(self.target), *_THERE):
            with self._private_helm() as (helm, _):
                helm.run(["uninstall", self._release_name, *self._hooks, *self.settings.delete_args], output)

    @property
    def _release_name(self) -> str:
        return self.settings.release_name or self.deployment.name

    @property
    def _waits(self) -> bool:
        """Whether helm waits until all is ready; in later versions of the file only its own arguments say so."""
        asked = {argument.partition("=")[0] for argument in self.settings.upgrade_args}
        return self.settings.wait or self.settings.atomic or not asked.isdisjoint(_ARGUMENTS_TO_WAIT)

    @property
    def _chart(self) -> Chart | None:
        return self.settings.chart and with_login_apart(self.settings.chart)

    def _inputs(self) -> Iterator[bytes]:
        chart = self.settings.chart
        shown = chart and chart._replace(password="")
        yield repr(self.settings._replace(chart=shown, values=None, cmd_path="")).encode()
        yield print_nodes(self.settings.values).encode() if self.settings.values else b""
        for name in self.settings.values_files:
            yield name.encode() if is_remote(name) else self._read_values_file(name)
        if path := self._local_chart():
            yield from chart_content(path)

    def _local_chart(self) -> Path | None:
        if self.settings.chart is None:
            return COMPONENT_CHART
        return local_chart(self.settings.chart, self.project)

    @contextmanager
    def _prepared(self, images: Sequence[BuiltImage]) -> Iterator[_Release]:
        with self._private_helm() as (helm, folder):
            chart = self._ready_chart(helm, folder)
            file = folder / "values.yaml"
            write_private(file, print_nodes(self._values(images, chart)))
            yield _Release(helm, [str(chart), "--values", str(file)])

    @contextmanager
    def _private_helm(self) -> Iterator[tuple[HelmCli, Path]]:
        """Helm, and a folder that nobody else may read for what it is given."""
        chart = self._chart
        with TemporaryDirectory(prefix="imagetasks-") as name:
            folder = Path(name)
            environ = {
                **environ_elsewhere(os.environ),
                **(private_places(folder) if chart and chart.password else {}),
            }
            program = self.settings.cmd_path or "helm"
            yield HelmCli(program, self.project, self.target, environ, self.deployment.position("path")), folder

    def _ready_chart(self, helm: HelmCli, folder: Path) -> Path:
        """The chart's folder or package, with all that it depends on."""
        chart = self._local_chart()
        if chart is None:
            assert self._chart is not None
            return pull_chart(self._chart, helm, folder, self.settings.fetch_args)
        if self.settings.disable_dependency_update or not has_dependencies(chart):
            return chart
        # Helm writes what the chart depends on into its folder.
        copy = copy_chart(chart, folder)
        helm.read(["dependency", "update", str(copy)])
        return copy

    def _values(self, images: Sequence[BuiltImage], chart: Path) -> MappingNode:
        """What differs from the values of the chart and of the charts in it.

        Tags are put in when all are together: one may say the repository, and another the tag.
        """
        own = chart_values(chart)
        values = functools.reduce(merged, self._given_values(images), own)
        return difference(own, tag_values(values, images) if self.settings.replace_image_tags else values)

    def _given_values(self, images: Sequence[BuiltImage]) -> Iterator[MappingNode]:
        """The values of the deployment, those that count more last."""
        for name in self.settings.values_files:
            shown = shown_address(name) if is_remote(name) else shown_path(self.project / name)
            yield self._checked(parse_values(self._read_values_file(name), shown), shown)
        if isinstance(node := self.settings.values, MappingNode):
            place = self.deployment.position("values")
            yield self._checked(fill_runtime_variables_in(node, images, place), place.file if place else "")

    def _checked(self, values: MappingNode, file: str) -> MappingNode:
        return values if self.settings.chart else component_values(values, file)

    def _read_values_file(self, name: str) -> bytes:
        return fetch(name) if is_remote(name) else read_file(self.project / name)

    def _options(self, helm: HelmCli) -> Iterator[str]:
        settings = self.settings
        timeout = settings.timeout or _DEFAULT_TIMEOUT
        yield from ("--timeout", f"{timeout}s" if timeout.isdecimal() else timeout)
        if settings.wait or settings.atomic:
            yield "--wait"
        if settings.force:
            yield from helm.force_flags
        if settings.cleanup_on_fail:
            yield "--cleanup-on-fail"
        yield from self._hooks

    @property
    def _kept_values(self) -> Sequence[str]:
        """Without values, helm would take those of the last revision, unless it is told not to."""
        chooses = any(argument.startswith(_VALUES_TO_KEEP) for argument in self.settings.upgrade_args)
        return [] if chooses else ["--reset-values"]

    @property
    def _hooks(self) -> Sequence[str]:
        return ["--no-hooks"] if self.settings.disable_hooks else []

    def _why_not_ready(self, cluster: Cluster, helm: HelmCli) -> str:
        """What keeps the objects of the release from being ready, where that was waited for; as it is for hooks."""
        waited = ("hooks", "manifest") if self._waits else ("hooks",)
        try:
            texts = [helm.read(["get", what, self._release_name]) for what in waited]
            objects = [entry for text in texts for entry in parse_manifests(text.encode(), "the release's manifests")]
            return explain_rollout(cluster, cluster.paths_of(map(identity, objects), of_known_kinds=True))
        except (DeployError, ClusterError):
            return ""  # there is no release, and what helm has said stands alone

    def _undo(self, cluster: Cluster, helm: HelmCli, output: Output) -> str:
        """Do what ``atomic`` asks for, and tell what came of it.

        Helm's own flag would undo the upgrade before one can look why the pods are not ready.
        """
        successful = self._revisions(cluster, "deployed", "superseded")
        try:
            if not successful:
                helm.run(["uninstall", self._release_name, *self._hooks], output)
                return "the release has been removed again"
            helm.run(["rollback", self._release_name, str(max(successful)), *self._options(helm)], output)
        except DeployError as error:
            return error.message
        return f"the release has been rolled back to revision {max(successful)}"

    def _revisions(self, cluster: Cluster, *statuses: str) -> Mapping[int, str]:
        """The revisions of the release, and the paths of the secrets in which helm keeps them.

        :param statuses: those that are looked for; without any, all are
        """
        secrets = f"/api/v1/namespaces/{self.target.namespace}/secrets"
        wanted = f"owner=helm,name={self._release_name}" + (f",status in ({','.join(statuses)})" if statuses else "")
        found = (cluster.read(f"{secrets}?{urlencode({'labelSelector': wanted})}") or {}).get("items") or ()
        named = ((secret["metadata"]["labels"]["version"], secret["metadata"]["name"]) for secret in found)
        return {int(version): f"{secrets}/{name}" for version, name in named}


class _Release(NamedTuple):
    """A release made ready: helm, and its arguments for the chart and the values."""

    helm: HelmCli
    arguments: list[str]
