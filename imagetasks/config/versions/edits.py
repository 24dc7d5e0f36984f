"""Edits of nodes: each gives a new node, in which every value keeps the place where the user wrote it."""

from __future__ import annotations

from collections.abc import Callable

from imagetasks.config.reader import MappingNode, Node, ScalarNode, SequenceNode, is_null

Edit = Callable[[MappingNode], MappingNode]


def child(node: Node | None, *path: str) -> Node | None:
    """The value at the end of a path of keys; None if there is none, or a nothing or an empty text is left for it."""
    for key in path:
        node = node.values.get(key) if isinstance(node, MappingNode) else None
    return None if isinstance(node, ScalarNode) and (node.is_null or not node.text) else node


def scalar(text: str, place: Node) -> ScalarNode:
    """A value that the user has not written, at the place of what it follows from."""
    return ScalarNode(text, plain=True, line=place.line, column=place.column)


def put(node: MappingNode, key: str, value: Node) -> MappingNode:
    """The map with a value for a key, which if it is new stands where its value does."""
    name = node.keys.get(key) or scalar(key, value)
    return node._replace(keys={**node.keys, key: name}, values={**node.values, key: value})


def drop(node: MappingNode, *names: str) -> MappingNode:
    """The map without some keys."""
    return node._replace(
        keys={key: name for key, name in node.keys.items() if key not in names},
        values={key: value for key, value in node.values.items() if key not in names},
    )


def rename(node: MappingNode, old: str, new: str) -> MappingNode:
    """The map with another name for a key, in the same place; a key that stands for nothing is dropped."""
    if old not in node.values:
        return node
    value, name = child(node, old), node.keys[old]
    node = drop(node, old)
    return node if value is None else _put_at(node, new, value, name)


def move(node: MappingNode, source: MappingNode, key: str) -> MappingNode:
    """The map with a key and its value from another map, unless that has none."""
    value = child(source, key)
    return node if value is None else _put_at(node, key, value, source.keys[key])


def edit(node: MappingNode, change: Edit, *path: str) -> MappingNode:
    """The map with the map at the end of ``path`` changed, if there is one."""
    if not path:
        return change(node)
    inner = node.values.get(path[0])
    if not isinstance(inner, MappingNode):
        return node
    changed = edit(inner, change, *path[1:])
    return node if changed is inner else node._replace(values={**node.values, path[0]: changed})


def edit_each(node: MappingNode, section: str, change: Edit) -> MappingNode:
    """The map with every entry of one of its sections changed, be it a map of entries or a list."""
    entries = node.values.get(section)
    changed: Node
    if isinstance(entries, MappingNode):
        changed = entries._replace(values={name: _edited(entry, change) for name, entry in entries.values.items()})
    elif isinstance(entries, SequenceNode):
        changed = entries._replace(items=tuple(_edited(entry, change) for entry in entries.items))
    else:
        return node
    return node._replace(values={**node.values, section: changed})


def listed(node: MappingNode, section: str, change: Edit | None = None, *, short: str = "") -> MappingNode:
    """The map with a section that is a map of entries as a list of entries that have their name in ``name``.

    An entry that is a single value is one with that value for the key ``short``.
    """
    entries = node.values.get(section)
    if not isinstance(entries, MappingNode):
        return node
    items = [_named(entries.keys[name], entry, short) for name, entry in entries.values.items()]
    changed = tuple(change(item) if change else item for item in items)
    return node._replace(values={**node.values, section: SequenceNode(changed, entries.line, entries.column)})


def _named(key: ScalarNode, entry: Node, short: str) -> MappingNode:
    empty = MappingNode({}, {}, key.line, key.column)
    if isinstance(entry, MappingNode):
        entry = drop(entry, "name")
    else:
        entry = put(empty, short, entry) if short and not is_null(entry) else empty
    return empty._replace(
        keys={"name": key, **entry.keys}, values={"name": key._replace(plain=False), **entry.values}
    )


def _edited(node: Node, change: Edit) -> Node:
    return change(node) if isinstance(node, MappingNode) else node


def _put_at(node: MappingNode, key: str, value: Node, name: ScalarNode) -> MappingNode:
    return node._replace(keys={**node.keys, key: name._replace(text=key)}, values={**node.values, key: value})
