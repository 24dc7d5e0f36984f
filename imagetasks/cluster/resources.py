"""Where objects stand in the API: what a cluster says of its kinds (Kubernetes documentation, "API concepts")."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple


class Resource(NamedTuple):
    """How the API spells a kind.

    :ivar root: of its group and version: ``/api/v1``, ``/apis/apps/v1``
    :ivar name: in the plural: ``deployments``
    """

    root: str
    name: str
    namespaced: bool

    def path(self, name: str, namespace: str) -> str:
        """The path of an object, in ``namespace`` unless its kind stands in none."""
        middle = f"/namespaces/{namespace}" if self.namespaced else ""
        return f"{self.root}{middle}/{self.name}/{name}"


def root_of(version: str) -> str:
    """The path of an ``apiVersion``."""
    return f"/apis/{version}" if "/" in version else f"/api/{version}"


def resources_in(root: str, listed: Mapping[str, Any]) -> dict[str, Resource]:
    """The kinds of a group and version.

    :param listed: the ``APIResourceList`` at ``root``; what has a slash in its name is a part of another resource
    """
    return {
        entry["kind"]: Resource(root, entry["name"], entry["namespaced"])
        for entry in listed.get("resources") or ()
        if "/" not in entry["name"]
    }


def objects_in(manifests: Iterable[Mapping[str, Any]]) -> Iterator[Mapping[str, Any]]:
    """The objects that have a name, those in lists too."""
    for manifest in manifests:
        if isinstance(manifest.get("items"), list) and str(manifest.get("kind")).endswith("List"):
            yield from objects_in(manifest["items"])
        elif (manifest.get("metadata") or {}).get("name"):
            yield manifest
