"""The ``deployments`` section: its entries, once their keys are checked, as the model's deployments.

The rules are those of the reference, section "Configuration file".
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from imagetasks.config.images import check_name
from imagetasks.config.mistakes import Mistakes
from imagetasks.config.model import Chart, Deployment, Helm, Kubectl
from imagetasks.config.reader import MappingNode, Node, ScalarNode, is_null, maps_in, position_of
from imagetasks.config.schema import DEPLOYMENT_KINDS, attributes, check_names_differ
from imagetasks.errors import Position


def read_deployments(
    node: Node | None, values: Sequence[Mapping[str, Any]], mistakes: Mistakes
) -> tuple[Deployment, ...]:
    """The deployments of the section ``node``, whose values the schema has read as ``values``, in its order.

    Those that are disabled are left out. Mistakes that a single key cannot show are added: names that are none or
    stand twice, and entries that are not of exactly one kind.
    """
    if node is not None:
        check_names_differ(node, "deployments", mistakes)
    return tuple(
        _deployment(entry, value, mistakes)
        for entry, value in zip(maps_in(node), values, strict=True)
        if not value.get("disabled")
    )


def _deployment(entry: MappingNode, value: Mapping[str, Any], mistakes: Mistakes) -> Deployment:
    name = entry.values["name"]
    check_name(name, "a deployment", mistakes)
    kinds = [kind for kind in DEPLOYMENT_KINDS if kind in entry.values and not is_null(entry.values[kind])]
    if len(kinds) != 1 and not mistakes.has_wrong_key(entry):
        found = " and ".join(kinds) or "neither"
        shown = f" `{name.text}`" if isinstance(name, ScalarNode) and not name.secret else ""
        mistakes.add(entry, f"deployment{shown} needs one of helm and kubectl, and has {found}")
    kind = kinds[0] if kinds else ""
    settings = {"replaceImageTags": value.get("updateImageTags", True), **value.get(kind, {})}
    return Deployment(
        name=value.get("name", ""),
        kind=kind,
        namespace=value.get("namespace", ""),
        method=_METHODS[kind](settings) if kind in _METHODS else None,
        positions=_positions(entry, kind, mistakes.file),
    )


def _kubectl(settings: dict[str, Any]) -> Kubectl:
    paths = {
        "kubectl_path": settings.pop("kubectlBinaryPath", ""),
        "kustomize_path": settings.pop("kustomizeBinaryPath", ""),
    }
    return Kubectl(**attributes(settings), **paths)


def _helm(settings: dict[str, Any]) -> Helm:
    """Without a chart, a deployment with helm is one of the component chart."""
    chart = settings.pop("chart", {})
    path = chart.pop("path", "")
    is_component = settings.pop("componentChart", False) or not (chart.get("name") or path)
    return Helm(
        chart=None if is_component else Chart(**{"name": path, **chart}),
        cmd_path=settings.pop("path", ""),
        **attributes(settings),
    )


_METHODS: Mapping[str, Callable[[dict[str, Any]], Kubectl | Helm]] = {"kubectl": _kubectl, "helm": _helm}


def _positions(entry: MappingNode, kind: str, file: str) -> dict[str, Position]:
    settings = entry.values.get(kind)
    keys = settings.keys if isinstance(settings, MappingNode) else {}
    places = {key: position_of(place, file) for key, place in {**entry.keys, **keys}.items()}
    return {**places, "": position_of(entry, file)}
