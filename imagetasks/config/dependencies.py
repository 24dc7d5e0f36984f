"""The ``dependencies`` section: its entries, once their keys are checked, as the model's dependencies.

The rules are those of the reference, section "Configuration file", and for ``profiles``, ``vars``, ``overwriteVars``
and ``disabled`` those of the later versions' schema (``DependencyConfig`` in upstream's ``v1beta11/schema.go``).
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import urlsplit

from imagetasks.config.images import check_name
from imagetasks.config.mistakes import Mistakes
from imagetasks.config.model import Dependency, GitSource
from imagetasks.config.reader import MappingNode, Node, ScalarNode, maps_in, position_of
from imagetasks.config.variables import Value

REVISIONS = ("branch", "tag", "revision")

# What git would take for an option or a part of a refspec.
_REVISION = re.compile(r"(?![-+])[^\s:^~?*\[\\]+")
_TRANSPORT = re.compile(r"[A-Za-z0-9_+-]*::")
_NO_NAME = re.compile(r"[\s=/\\*:]+|^[-_.]+")


def read_dependencies(
    node: Node | None, values: Sequence[Mapping[str, Any]], mistakes: Mistakes
) -> tuple[Dependency, ...]:
    """The dependencies of the section ``node``, whose values the schema has read as ``values``, in its order.

    Those that are disabled are left out. Mistakes that a single key cannot show are added: a source that is neither
    or both of a folder and a repository, addresses and revisions that git would take for something else, and names
    that stand twice.
    """
    found: dict[str, Dependency] = {}
    for entry, value in zip(maps_in(node), values, strict=True):
        if value.get("disabled"):
            continue
        dependency = _dependency(entry, value, mistakes)
        if dependency is None:
            continue
        other = found.setdefault(dependency.name, dependency)
        if other is not dependency:
            mistakes.add(
                entry, f"the name {dependency.name} is taken by the dependency at {other.position}; give one a `name`"
            )
    return tuple(found.values())


def _dependency(entry: MappingNode, value: Mapping[str, Any], mistakes: Mistakes) -> Dependency | None:
    if "source" in entry.values and "source" not in value:
        return None  # a mistake in it is told already
    source = _source(entry, value.get("source", {}), mistakes)
    if source is None:
        return None
    if "name" in value:
        check_name(entry.values["name"], "a dependency", mistakes)
    profiles = value.get("profiles", ())
    return Dependency(
        name=value.get("name") or _default_name(source, value["source"].get("subPath", "")),
        source=source,
        sub_path=value["source"].get("subPath", ""),
        config=value.get("config", ""),
        namespace=value.get("namespace", ""),
        profiles=(value["profile"], *profiles) if "profile" in value else profiles,
        variables=_variables(entry.values.get("vars"), value.get("vars", {})),
        overwrite_variables=value.get("overwriteVars", False),
        skip_build=value.get("skipBuild", False),
        ignore_dependencies=value.get("ignoreDependencies", False),
        is_pending=_is_pending(entry),
        position=position_of(entry, mistakes.file),
    )


def _variables(node: Node | None, texts: Mapping[str, str]) -> dict[str, Value]:
    nodes = node.values if isinstance(node, MappingNode) else {}
    written = {name: nodes[name] for name in texts}
    return {
        name: Value(texts[name], "dependency", secret=place.secret, pending=place.pending)
        for name, place in written.items()
        if isinstance(place, ScalarNode)
    }


def _is_pending(entry: MappingNode) -> bool:
    source = entry.values["source"]
    nodes = [*(source.values.values() if isinstance(source, MappingNode) else ()), *entry.values.values()]
    return any(isinstance(node, ScalarNode) and node.pending for node in nodes)


def _source(entry: MappingNode, value: Mapping[str, Any], mistakes: Mistakes) -> str | GitSource | None:
    node = entry.values.get("source", entry)
    if ("path" in value) == ("git" in value):
        mistakes.add(node, "`source` of a dependency needs one of `path` and `git`")
        return None
    revisions = {key: value[key] for key in REVISIONS if key in value}
    if "path" in value:
        if revisions:
            mistakes.add(node, f"`{next(iter(revisions))}` is for a dependency from git, and this one has a `path`")
        path: str = value["path"]
        return path
    assert isinstance(node, MappingNode)
    url = value["git"].strip()
    if url.startswith("-") or _TRANSPORT.match(url) or not _is_address(url):
        mistakes.add(
            node.values["git"], "`git` must be an https, ssh, git or file address or the path of a repository"
        )
    if len(revisions) > 1:
        mistakes.add(node, f"`source` has {' and '.join(revisions)}; a dependency is taken from one of them")
    for key, text in revisions.items():
        if not _REVISION.fullmatch(text):
            place = node.values[key]
            secret = isinstance(place, ScalarNode) and place.secret
            mistakes.add(place, f"{'the given text' if secret else f'`{text}`'} cannot be a {key} in git")
    return GitSource(url, **revisions)


def _is_address(url: str) -> bool:
    try:
        urlsplit(url)
    except ValueError:
        return False
    return bool(url) and url.isprintable()


def _default_name(source: str | GitSource, sub_path: str) -> str:
    """The last component of the path, without what cannot be part of a task's name."""
    path = sub_path or (source.url if isinstance(source, GitSource) else source)
    path = re.sub(r"(\.git|/devspace\.ya?ml)?/*$", "", path.replace("\\", "/").rstrip("/"))
    last = path.rpartition("/")[2]
    return _NO_NAME.sub("-", last).strip("-_.") or "dependency"
