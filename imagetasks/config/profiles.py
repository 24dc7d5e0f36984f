"""Profiles: other versions of the file, made by replacing whole sections and by patches.

The rules are those of the reference, section "Profiles". Both work on nodes, before variables are filled in, so that
every value keeps the place where the user wrote it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from imagetasks.config.mistakes import Mistakes
from imagetasks.config.reader import MAX_DEPTH, MappingNode, Node, ScalarNode, SequenceNode, is_null, maps_in, text_in
from imagetasks.errors import ConfigError

_STEP = re.compile(r"""(?:^|(?!^)\.)([^.\[\]]+)|\[([0-9]+)\]|\["([^"]+)"\]|\['([^']+)'\]""")
_INDEX = re.compile(r"[0-9]{1,9}")


def apply_profiles(root: MappingNode, names: Sequence[str], file: str) -> MappingNode:
    """The file's root with the named profiles applied, in that order.

    ``root`` must have passed the check of its ``profiles``. Raises ConfigError for a profile that is not defined, and
    for a patch that does not fit.
    """
    profiles = _profiles(root)
    mistakes = Mistakes(file)
    for name in names:
        if name not in profiles:
            defined = f"it defines {', '.join(profiles)}" if profiles else "it defines none"
            raise ConfigError(f"there is no profile `{name}` in {file}; {defined}")
        root = _replaced(root, profiles[name])
        for patch in maps_in(profiles[name].values.get("patches")):
            root = _patched_root(root, patch, mistakes)
    mistakes.check()
    return root


def parse_path(path: str) -> tuple[str, ...]:
    """The steps of a patch's path: ``deployments[0].name`` and ``/deployments/0/name`` are the same three.

    Raises ConfigError if it is neither.
    """
    steps = tuple(path[1:].split("/")) if path.startswith("/") else _dotted(path)
    if not steps or not all(steps):
        raise ConfigError("a path is like `images.api.image`, `deployments[0].name` or `/images/api/image`")
    if len(steps) > MAX_DEPTH:
        raise ConfigError(f"its path has more than {MAX_DEPTH} steps")
    return steps


def _dotted(path: str) -> tuple[str, ...]:
    steps = []
    end = 0
    while step := _STEP.match(path, end):
        steps.append(step[step.lastindex or 0])
        end = step.end()
    return tuple(steps) if end == len(path) else ("",)


def _profiles(root: MappingNode) -> Mapping[str, MappingNode]:
    return {text_in(profile, "name"): profile for profile in maps_in(root.values.get("profiles"))}


def _replaced(root: MappingNode, profile: MappingNode) -> MappingNode:
    sections = profile.values.get("replace")
    if isinstance(sections, MappingNode):
        written = {name: section for name, section in sections.values.items() if not is_null(section)}
        root = root._replace(keys={**root.keys, **sections.keys}, values={**root.values, **written})
    return root


def _patched_root(root: MappingNode, patch: MappingNode, mistakes: Mistakes) -> MappingNode:
    op, path, value = text_in(patch, "op"), text_in(patch, "path"), patch.values.get("value")
    try:
        if value is None and op != "remove":
            raise ConfigError("it has no `value`")
        patched = _patched(root, parse_path(path), op, None if op == "remove" else value)
    except ConfigError as error:
        mistakes.add(patch.values["path"], f"the patch `{op}` of `{path}` cannot be applied: {error.message}")
        return root
    assert isinstance(patched, MappingNode)
    return patched


def _patched(node: Node, steps: tuple[str, ...], op: str, value: Node | None) -> Node:
    """The node with ``value`` put at the end of ``steps``; what is not on the way is shared with the old node."""
    step, rest = steps[0], steps[1:]
    old = _child(node, step)
    if old is None and (rest or op != "add"):
        raise ConfigError(f"there is no `{step}`")
    if rest and old is not None:
        return _with_child(node, step, _patched(old, rest, op, value))
    if op == "add" and value is not None and isinstance(old, SequenceNode):
        return _with_child(node, step, old._replace(items=(*old.items, value)))
    return _with_child(node, step, value, insert=op == "add")


def _child(node: Node, step: str) -> Node | None:
    if isinstance(node, MappingNode):
        return node.values.get(step)
    if isinstance(node, SequenceNode) and _INDEX.fullmatch(step) and int(step) < len(node.items):
        return node.items[int(step)]
    return None


def _with_child(node: Node, step: str, value: Node | None, *, insert: bool = False) -> Node:
    """The node with another value at ``step``, or with none for ``None``; in a list, ``insert`` moves the old on."""
    if isinstance(node, MappingNode):
        keys = {key: place for key, place in node.keys.items() if key != step or value is not None}
        values = {key: child for key, child in node.values.items() if key != step or value is not None}
        if value is not None:
            keys[step] = ScalarNode(step, plain=False, line=value.line, column=value.column)
            values[step] = value
        return node._replace(keys=keys, values=values)
    if isinstance(node, SequenceNode) and _INDEX.fullmatch(step) and int(step) <= len(node.items):
        index = int(step)
        new = () if value is None else (value,)
        return node._replace(items=node.items[:index] + new + node.items[index + (not insert) :])
    raise ConfigError(f"there is no place for `{step}`")
