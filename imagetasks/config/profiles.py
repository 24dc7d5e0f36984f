"""Profiles: other versions of the file, made by replacing whole sections, by merging and by patches.

The rules are those of the reference, section "Profiles", and for what later versions add those of DevSpace's
documentation (https://www.devspace.sh/docs/5.x/configuration/profiles/basics). All work on nodes, before variables
are filled in, so that every value keeps the place where the user wrote it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import NamedTuple

from imagetasks.config.mistakes import Mistakes
from imagetasks.config.patterns import matches
from imagetasks.config.reader import (
    MAX_DEPTH,
    MappingNode,
    Node,
    ScalarNode,
    SequenceNode,
    is_null,
    maps_in,
    position_of,
    text_in,
)
from imagetasks.config.versions import VERSIONS
from imagetasks.errors import ConfigError

_STEP = re.compile(r"""(?:^|(?!^)\.)([^.\[\]]+)|\[([0-9]+|\*)\]|\["([^"]+)"\]|\['([^']+)'\]""")
_FILTER = re.compile(r"""\[\?\(@\.(\w+) ?== ?(['"])([^.'"\[\]]+)\2\)\]""")
_EACH = "*"
_INDEX = re.compile(r"[0-9]{1,9}")


class Profile(NamedTuple):
    """An entry of ``profiles`` as a person sees it; an ``active`` one is applied to the file."""

    name: str
    description: str
    active: bool


def apply_profiles(root: MappingNode, names: Sequence[str], file: str) -> MappingNode:
    """The file's root with the named profiles applied, in that order, each after its parents and once.

    ``root`` must have passed the check of its ``profiles``. Raises ConfigError for a profile that is not defined, for
    profiles that are each other's parents, and for a patch that does not fit.
    """
    profiles = profiles_of(root)
    mistakes = Mistakes(file)
    for name in with_parents(profiles, names, file):
        profile = profiles[name]
        root = _merged(_replaced(root, profile), child_map(profile, "merge"))
        for patch in maps_in(profile.values.get("patches")):
            root = _patched_root(root, patch, mistakes)
    mistakes.check()
    return root


def profiles_of(root: MappingNode) -> Mapping[str, MappingNode]:
    """The profiles that a file defines, by name."""
    return {text_in(profile, "name"): profile for profile in maps_in(root.values.get("profiles"))}


def with_parents(profiles: Mapping[str, MappingNode], names: Sequence[str], file: str) -> tuple[str, ...]:
    """The names with those of all parents, each after its own parents.

    Raises ConfigError for a name that is not defined, and for a cycle.
    """
    found: dict[str, None] = {}

    def add(name: str, place: Node | None, path: tuple[str, ...]) -> None:
        position = place and position_of(place, file)
        if name not in profiles:
            defined = f"it defines {', '.join(profiles)}" if profiles else "it defines none"
            raise ConfigError(f"there is no profile `{name}` in {file}; {defined}", position)
        if name in path:
            cycle = " -> ".join([*path[path.index(name) :], name])
            raise ConfigError(f"profiles are each other's parents: {cycle}", position)
        if name not in found:
            for parent in _parents(profiles[name]):
                add(parent.text, parent, (*path, name))
            found[name] = None

    for name in names:
        add(name, None, ())
    return tuple(found)


def check_parents(root: MappingNode, mistakes: Mistakes) -> None:
    """Add a mistake if any profile, used or not, has a parent that is not defined, or is its own parent at last."""
    profiles = profiles_of(root)
    try:
        with_parents(profiles, tuple(profiles), mistakes.file)
    except ConfigError as error:
        mistakes.add_error(error)


def activated_profiles(
    profiles: Mapping[str, MappingNode],
    environ: Mapping[str, str],
    variable: Callable[[str], str | None],
    mistakes: Mistakes,
) -> tuple[str, ...]:
    """The profiles that are active without being named: of one of whose ``activation`` all conditions hold.

    A condition is a regular expression that the whole value of a variable (``vars``, by ``variable``) or of an
    environment variable (``env``, empty if it is not set) has to match. Mistakes are added for expressions that are
    none, and for variables without a value; a profile is left open, and not active, where ``variable`` gives ``None``
    for one whose value is not known.
    """

    def holds(profile: str, values: Callable[[str], str | None], name: str, pattern: Node) -> bool:
        try:
            value = values(name)
            if value is None:
                mistakes.leave_open(
                    pattern, f"profile `{profile}` is left out: without a run, its variable `{name}` is not known"
                )
                return False
            return isinstance(pattern, ScalarNode) and _matches(pattern.text, value)
        except ConfigError as error:
            mistakes.add(pattern, error.message)
        return False

    def applies(profile: str, activation: MappingNode) -> bool:
        conditions = [
            (values, name, pattern)
            for key, values in (("env", lambda name: environ.get(name, "")), ("vars", variable))
            for name, pattern in child_map(activation, key).values.items()
        ]
        return all(holds(profile, *condition) for condition in conditions)

    return tuple(
        name
        for name, profile in profiles.items()
        if any(applies(name, activation) for activation in maps_in(profile.values.get("activation")))
    )


def _matches(pattern: str, value: str) -> bool:
    return matches(pattern.removeprefix("^").removesuffix("$"), value, whole=True)


def _parents(profile: MappingNode) -> Iterator[ScalarNode]:
    """The names of the profiles that a profile builds on; those of other files are left out."""
    parents = [profile.values.get("parent")]
    parents += [
        entry.values.get("profile") for entry in maps_in(profile.values.get("parents")) if not _is_elsewhere(entry)
    ]
    for name in parents:
        if isinstance(name, ScalarNode) and not name.is_null:
            yield name


def _is_elsewhere(parent: MappingNode) -> bool:
    return bool(child_map(parent, "source").values)


def child_map(node: MappingNode, key: str) -> MappingNode:
    """The map under a key, an empty one if there is none."""
    value = node.values.get(key)
    return value if isinstance(value, MappingNode) else MappingNode({}, {}, node.line, node.column)


def parse_path(path: str) -> tuple[str, ...]:
    """The steps of a patch's path: ``deployments[0].name`` and ``/deployments/0/name`` are the same three.

    In the latter, ``~1`` is a slash of a key and ``~0`` a tilde (RFC 6901). Raises ConfigError if it is neither.
    """
    if path.startswith("/"):
        steps = tuple(step.replace("~1", "/").replace("~0", "~") for step in path[1:].split("/"))
    else:
        steps = _dotted(path)
    if not steps or not all(steps):
        raise ConfigError("a path is like `images.api.image`, `deployments[0].name` or `/images/api/image`")
    if len(steps) > MAX_DEPTH:
        raise ConfigError(f"its path has more than {MAX_DEPTH} steps")
    return steps


def _dotted(path: str) -> tuple[str, ...]:
    # Later versions' paths are JSONPath, in which `$` is the root, and `name=value` is written as a filter.
    path = _FILTER.sub(r".\1=\3", path).removeprefix("$.")
    steps = []
    end = 0
    while step := _STEP.match(path, end):
        steps.append(step[step.lastindex or 0])
        end = step.end()
    return tuple(steps) if end == len(path) else ("",)


def _replaced(root: MappingNode, profile: MappingNode) -> MappingNode:
    sections = profile.values.get("replace")
    if isinstance(sections, MappingNode):
        written = {name: section for name, section in sections.values.items() if not is_null(section)}
        root = root._replace(keys={**root.keys, **sections.keys}, values={**root.values, **written})
    return root


def _merged(node: MappingNode, other: MappingNode) -> MappingNode:
    """The map with another merged into it: maps are merged, null removes, and all else replaces (RFC 7396)."""
    keys, values = dict(node.keys), dict(node.values)
    for key, new in other.values.items():
        old = values.get(key)
        if is_null(new):
            keys.pop(key, None)
            values.pop(key, None)
        else:
            keys.setdefault(key, other.keys[key])
            empty = MappingNode({}, {}, new.line, new.column)
            base = old if isinstance(old, MappingNode) else empty
            values[key] = _merged(base, new) if isinstance(new, MappingNode) else new
    return node._replace(keys=keys, values=values)


def _patched_root(root: MappingNode, patch: MappingNode, mistakes: Mistakes) -> MappingNode:
    op, path, value = text_in(patch, "op"), text_in(patch, "path"), patch.values.get("value")
    try:
        if value is None and op != "remove":
            raise ConfigError("it has no `value`")
        steps = parse_path(path)
        if steps[0] == "version":
            raise ConfigError("`version` says how the file is read, and cannot be patched")
        leads_nowhere = _EACH not in steps and _may_lead_nowhere(root, path) and _find(root, steps) is None
        if leads_nowhere and op == "remove":
            return root
        targets = _expanded(root, steps, op) if _EACH in steps else [steps]
        if not targets:
            raise ConfigError(f"nothing is there for `{_EACH}`")
        changed: Node = root
        for target in reversed(targets):
            changed = patched(changed, target, "add" if leads_nowhere else op, None if op == "remove" else value)
    except ConfigError as error:
        mistakes.add(patch.values["path"], f"the patch `{op}` of `{path}` cannot be applied: {error.message}")
        return root
    assert isinstance(changed, MappingNode)
    return changed


def _may_lead_nowhere(root: MappingNode, path: str) -> bool:
    """Whether removing what is not there is no mistake, and replacing adds it: later versions' own paths are so."""
    return not path.startswith("/") and text_in(root, "version") in VERSIONS[VERSIONS.index("v1beta11") :]


def _find(node: Node | None, steps: tuple[str, ...]) -> Node | None:
    for step in steps:
        node = None if node is None else _child(node, step)
    return node


def _expanded(root: Node, steps: tuple[str, ...], op: str) -> list[tuple[str, ...]]:
    """The paths that a path with ``*`` stands for; what is added need not be there yet."""
    if op == "add" and steps[-1] != _EACH:
        return [(*path, steps[-1]) for path in _targets(root, steps[:-1])]
    return list(_targets(root, steps))


def _targets(node: Node, steps: tuple[str, ...], path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """The paths to all that is there for steps of which ``*`` stands for every one."""
    if not steps:
        yield path
        return
    names = _names(node) if steps[0] == _EACH else [steps[0]]
    for name in names:
        child = _child(node, name)
        if child is not None:
            yield from _targets(child, steps[1:], (*path, name))


def _names(node: Node) -> list[str]:
    if isinstance(node, MappingNode):
        return list(node.values)
    return [str(index) for index in range(len(node.items))] if isinstance(node, SequenceNode) else []


def patched(node: Node, steps: tuple[str, ...], op: str, value: Node | None) -> Node:
    """The node with ``value`` put at the end of ``steps``; what is not on the way is shared with the old node.

    Raises ConfigError if there is no place for it.
    """
    step, rest = steps[0], steps[1:]
    old = _child(node, step)
    if old is None and (rest or op != "add"):
        raise ConfigError(f"there is no `{step}`")
    if rest and old is not None:
        return _with_child(node, step, patched(old, rest, op, value))
    if op == "add" and value is not None and isinstance(old, SequenceNode):
        return _with_child(node, step, old._replace(items=(*old.items, value)))
    return _with_child(node, step, value, insert=op == "add")


def _child(node: Node, step: str) -> Node | None:
    if isinstance(node, MappingNode):
        return node.values.get(step)
    if isinstance(node, SequenceNode):
        index = _index(node, step)
        return node.items[index] if index is not None and index < len(node.items) else None
    return None


def _index(node: SequenceNode, step: str) -> int | None:
    """The place in a list that a step means: a number, ``-`` for the one after the last entry, or ``name=value``
    for the first entry with that key.
    """
    if step == "-":
        return len(node.items)
    if _INDEX.fullmatch(step):
        return int(step)
    key, sign, value = step.partition("=")
    found = (index for index, item in enumerate(node.items) if sign and text_in(item, key) == value)
    return next(found, None)


def _with_child(node: Node, step: str, value: Node | None, *, insert: bool = False) -> Node:
    """The node with another value at ``step``, or with none for ``None``; in a list, ``insert`` moves the old on."""
    if isinstance(node, MappingNode):
        keys = {key: place for key, place in node.keys.items() if key != step or value is not None}
        values = {key: child for key, child in node.values.items() if key != step or value is not None}
        if value is not None:
            keys[step] = ScalarNode(step, plain=False, line=value.line, column=value.column)
            values[step] = value
        return node._replace(keys=keys, values=values)
    index = _index(node, step) if isinstance(node, SequenceNode) else None
    if isinstance(node, SequenceNode) and index is not None and index <= len(node.items):
        new = () if value is None else (value,)
        return node._replace(items=node.items[:index] + new + node.items[index + (not insert) :])
    raise ConfigError(f"there is no place for `{step}`")
