"""What the loader asks of a file beyond its keys and the kinds of their values, as far as JSON Schema can say it.

The rules themselves are those of ``images``, ``deployments``, ``dependencies``, ``hooks`` and ``variables`` here, and
of ``registry.reference``; tests hold the two to each other. Patterns are in the dialect of ECMAScript, as JSON Schema
asks, which for these is Python's too.
"""

from __future__ import annotations

import itertools
from collections.abc import Collection, Sequence
from typing import Any

from imagetasks.config.dependencies import REVISIONS
from imagetasks.config.hooks import OTHER_ACTIONS
from imagetasks.config.images import MAX_NAME_BYTES, TASK_NAME
from imagetasks.config.schema import DEPLOYMENT_KINDS, ENGINES, TRUE
from imagetasks.config.variables import VARIABLE_NAME

Schema = dict[str, Any]

NAME = f"^{TASK_NAME.pattern}$"
VARIABLE = f"^{VARIABLE_NAME.pattern}$"
TAG = "^[A-Za-z0-9_#][A-Za-z0-9_.#-]{0,127}$"
REVISION = r"^(?![-+])[^\s:^~?*\[\\]+$"
ADDRESS = r"^(?!\s*(-|[A-Za-z0-9_+-]*::))\s*\S"

_LABEL = "[a-zA-Z0-9]([a-zA-Z0-9-]*[a-zA-Z0-9])?"
_REGISTRY = rf"({_LABEL}(\.{_LABEL})*|\[[a-fA-F0-9:]+\])(:[0-9]+)?"
_COMPONENT = r"[a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*"
_IS_REGISTRY = "([^/]*[.:A-Z][^/]*|localhost)/"
_NO_REPOSITORY = "([0-9a-f]{64}|sha256)$"
REPOSITORY = f"^(?!{_NO_REPOSITORY})((?={_IS_REGISTRY}){_REGISTRY}/|(?!{_IS_REGISTRY})){_COMPONENT}(/{_COMPONENT})*$"

_NOTHING = "^$"
_DISABLED: Schema = {
    "type": "object",
    "required": ["disabled"],
    "properties": {"disabled": {"enum": [True, *sorted(TRUE)]}},
}
_NAMES = {"images": NAME, "deployments": NAME, "dependencies": NAME, "vars": VARIABLE}
_TEXTS = {"images.*.image": REPOSITORY, "images.*.tag": TAG, "images.*.tags[]": TAG}


class Rules:
    """The rules for the places in a file of one version; ``placeholder`` is what variables look like in it."""

    def __init__(self, placeholder: str) -> None:
        self._placeholder = placeholder

    def of_text(self, path: str) -> Schema:
        """What a text must be like, by the path of keys that leads to it."""
        if path == "vars[].name":
            # A number is none, and `true` is one.
            return {"type": ["string", "boolean"], "pattern": VARIABLE}
        return self._text(_TEXTS[path]) if path in _TEXTS else {}

    def of_names(self, path: str) -> Schema:
        """What the names in a map must be like."""
        if path not in _NAMES:
            return {}
        names: Schema = {"pattern": _NAMES[path]}
        if _NAMES[path] == NAME:
            names["maxLength"] = MAX_NAME_BYTES
        if path == "dependencies":
            return {"allOf": [{"anyOf": [{"propertyNames": names}, {"additionalProperties": _DISABLED}]}]}
        return {"propertyNames": names}

    def of_section(self, path: str, keys: Collection[str]) -> Sequence[Schema]:
        """What a section with known ``keys`` must be like as a whole."""
        match path:
            case "images.*" | "images.*.build":
                return _engines([engine for engine in ENGINES if engine in keys])
            case "deployments[]" | "deployments.*":
                return self._unless_disabled(keys, {"oneOf": _deployment_kinds(keys), **self._own_name(path)})
            case "dependencies[]" | "dependencies.*":
                source = self._source()
                if "source" in keys:
                    source = {"properties": {"source": source}}
                return self._unless_disabled(keys, {"type": "object", "allOf": [source, self._own_name(path)]})
            case "hooks[]":
                others = [_object(key) for key in OTHER_ACTIONS if key in keys]
                if "where" in keys:
                    others.append({"required": ["where"], "properties": {"where": _object("container")}})
                needed = {"anyOf": [_text("command"), *others, *([_text("os")] if "os" in keys else [])]}
                return self._unless_disabled(keys, needed)
        return ()

    def _text(self, pattern: str) -> Schema:
        # No number that is below zero is a name, a tag or a repository.
        return {"pattern": f"{pattern}|{self._placeholder}", "minimum": 0}

    def _own_name(self, path: str) -> Schema:
        """The rule for ``name`` where it is not the key of the entry, under which it means nothing."""
        if not path.endswith("[]"):
            return {}
        name = self._text(f"{_NOTHING}|{NAME}")
        return {"properties": {"name": {**name, "maxLength": MAX_NAME_BYTES}}}

    def _unless_disabled(self, keys: Collection[str], rule: Schema) -> list[Schema]:
        return [{"anyOf": [_DISABLED, rule]} if "disabled" in keys else rule]

    def _source(self) -> Schema:
        """A folder, or a repository with at most one of the revisions."""
        address, revision = (self._text(f"{_NOTHING}|{pattern}") for pattern in (ADDRESS, REVISION))
        return {
            "oneOf": [
                {**_text("path"), "not": {"anyOf": [_text(key) for key in REVISIONS]}},
                {**_text("git"), "allOf": [_not_both(_text(one), _text(other)) for one, other in _pairs(REVISIONS)]},
            ],
            "properties": {"git": address, **dict.fromkeys(REVISIONS, revision)},
        }


def _engines(engines: Sequence[str]) -> list[Schema]:
    """At most one engine, and what ``build.options`` and a custom command ask for."""
    if not engines:
        return []
    options: Schema = {"required": ["options"]}
    own_options = [
        {"required": [engine], "properties": {engine: {"type": "object", **options}}}
        for engine in engines
        if engine != "custom"
    ]
    return [
        *(_not_both(_some(one), _some(other)) for one, other in _pairs(engines)),
        *(_not_both(options, own) for own in [*own_options, _some("custom")]),
        {"properties": {"custom": {"anyOf": [_filled("command"), _filled("commands")]}}},
    ]


def _deployment_kinds(keys: Collection[str]) -> list[Schema]:
    """Exactly one kind; a ``component`` is upgraded to ``helm`` where that is not there."""
    kinds = [_some(kind) for kind in DEPLOYMENT_KINDS if kind in keys]
    if "component" in keys:
        kinds[0] = {"anyOf": [kinds[0], _object("component")]}
    return kinds


def _some(key: str) -> Schema:
    """A map that has something for the key."""
    return {"type": "object", "required": [key], "properties": {key: {"not": {"type": "null"}}}}


def _filled(key: str) -> Schema:
    """A map that has something for the key, and nothing empty; or no map."""
    return {"required": [key], "properties": {key: {"not": {"enum": ["", None, []]}}}}


def _text(key: str) -> Schema:
    """A map that has a text for the key, and not an empty one."""
    return {"type": "object", "required": [key], "properties": {key: {"not": {"enum": ["", None]}}}}


def _object(key: str) -> Schema:
    """A map that has a map for the key."""
    return {"type": "object", "required": [key], "properties": {key: {"type": "object"}}}


def _pairs(keys: Sequence[str]) -> list[tuple[str, str]]:
    return list(itertools.combinations(keys, 2))


def _not_both(one: Schema, other: Schema) -> Schema:
    return {"not": {"type": "object", "allOf": [one, other]}}
