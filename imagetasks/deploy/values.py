"""Helm values: read, put over one another, and compared (https://helm.sh/docs/chart_template_guide/values_files/)."""

from __future__ import annotations

from imagetasks.config.reader import Document, MappingNode, Node, parse_document
from imagetasks.errors import ConfigError, DeployError

NO_VALUES = MappingNode({}, {}, 1, 1)


def parse_values(data: bytes, name: str) -> MappingNode:
    """The values in YAML text, be it empty.

    :param name: what messages call it
    :raises DeployError: it is not YAML, or no map
    """
    document = _parse(data, name)
    if document.mistakes:
        raise _as_deploy_error(document.mistakes[0])
    return _map_in(document, name)


def parse_chart_values(data: bytes, name: str) -> MappingNode:
    """The values of a chart, which need not be the user's to mend: a key that stands twice is no mistake to helm.

    :raises DeployError: it is not YAML, or no map
    """
    return _map_in(_parse(data, name), name)


def _parse(data: bytes, name: str) -> Document:
    try:
        return parse_document(data, name)
    except ConfigError as error:
        raise _as_deploy_error(error) from None


def _as_deploy_error(error: ConfigError) -> DeployError:
    return DeployError(error.message, error.position)


def _map_in(document: Document, name: str) -> MappingNode:
    if document.root is None:
        return NO_VALUES
    if not isinstance(document.root, MappingNode):
        raise DeployError(f"{name} must hold a map")
    return document.root


def merged(lower: MappingNode, upper: MappingNode) -> MappingNode:
    """The values with others over them: maps are merged, and all else is replaced."""
    values: dict[str, Node] = dict(lower.values)
    for key, new in upper.values.items():
        old = values.get(key)
        values[key] = merged(old, new) if isinstance(old, MappingNode) and isinstance(new, MappingNode) else new
    return MappingNode({**lower.keys, **upper.keys}, values, upper.line, upper.column)


def difference(lower: MappingNode, whole: MappingNode) -> MappingNode:
    """What has to be put over ``lower`` for it to become ``whole``, which has all its keys."""
    values: dict[str, Node] = {}
    for key, new in whole.values.items():
        old = lower.values.get(key)
        if isinstance(old, MappingNode) and isinstance(new, MappingNode):
            if (inner := difference(old, new)).values:
                values[key] = inner
        elif new != old:
            values[key] = new
    return whole.with_values(values)
