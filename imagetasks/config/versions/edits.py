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
    return MappingNode({**node.keys, key: name}, {**node.values, key: value}, node.line, node.column)


def drop(node: MappingNode, *names: str) -> MappingNode:
    """The map without some keys."""
    if node.keys.keys().isdisjoint(names):
        return node
    keys, values = dict(node.keys), dict(node.values)
    for name in names:
        keys.pop(name, None)
        values.pop(name, None)
    return MappingNode(keys, values, node.line, node.column)


def rename(node: MappingNode, old: str, new: str) -> MappingNode:
    """The map with another name for a key, in the same place; a key that stands for nothing is dropped."""
    value = child(node, old)
    return drop(node, old) if value is None else replace(node, old, new, value)


def replace(node: MappingNode, old: str, new: str, value: Node) -> MappingNode:
    """The map with another name and another value for a key, in the same place."""
    keys, values = dict(node.keys), dict(node.values)
    name = keys.pop(old)
    keys[new] = ScalarNode(new, name.plain, name.line, name.column)
    del values[old]
    values[new] = value
    return MappingNode(keys, values, node.line, node.column)


def move(node: MappingNode, source: MappingNode, key: str) -> MappingNode:
    """The map with a key and its value from another map, unless that has none."""
    value = child(source, key)
    if value is None:
        return node
    keys, values = {**node.keys, key: source.keys[key]}, {**node.values, key: value}
    return MappingNode(keys, values, node.line, node.column)


def edit(node: MappingNode, change: Edit, *path: str) -> MappingNode:
    """The map with the map at the end of ``path`` changed, if there is one."""
    if not path:
        return change(node)
    inner = node.values.get(path[0])
    if not isinstance(inner, MappingNode):
        return node
    changed = edit(inner, change, *path[1:])
    return node if changed is inner else node.with_values({**node.values, path[0]: changed})


def edit_each(node: MappingNode, section: str, change: Edit) -> MappingNode:
    """The map with every entry of one of its sections changed, be it a map of entries or a list."""
    entries = node.values.get(section)
    changed: Node
    if isinstance(entries, MappingNode):
        changed = entries.with_values(
            {
                name: change(entry) if isinstance(entry, MappingNode) else entry
                for name, entry in entries.values.items()
            }
        )
    elif isinstance(entries, SequenceNode):
        items = tuple(change(entry) if isinstance(entry, MappingNode) else entry for entry in entries.items)
        changed = SequenceNode(items, entries.line, entries.column)
    else:
        return node
    return node.with_values({**node.values, section: changed})


def listed(node: MappingNode, section: str, *, short: str = "") -> MappingNode:
    """The map with a section that is a map of entries as a list of entries that have their name in ``name``.

    An entry that is a single value is one with that value for the key ``short``.
    """
    entries = node.values.get(section)
    if not isinstance(entries, MappingNode):
        return node
    items = tuple(_named(entries.keys[name], entry, short) for name, entry in entries.values.items())
    return node.with_values({**node.values, section: SequenceNode(items, entries.line, entries.column)})


def _named(key: ScalarNode, entry: Node, short: str) -> MappingNode:
    empty = MappingNode({}, {}, key.line, key.column)
    if isinstance(entry, MappingNode):
        entry = drop(entry, "name")
    else:
        entry = put(empty, short, entry) if short and not is_null(entry) else empty
    return empty._replace(
        keys={"name": key, **entry.keys}, values={"name": key._replace(plain=False), **entry.values}
    )
