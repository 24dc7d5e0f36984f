"""The ``deployments`` section, as far as the graph needs it.

The rules are those of the reference, section "Configuration file".
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from imagetasks.config.images import check_name
from imagetasks.config.mistakes import Mistakes
from imagetasks.config.model import Deployment
from imagetasks.config.reader import MappingNode, Node, ScalarNode, is_null, maps_in, position_of
from imagetasks.config.schema import DEPLOYMENT_KINDS, check_names_differ


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
    return Deployment(value.get("name", ""), kinds[0] if kinds else "", position_of(entry, mistakes.file))
