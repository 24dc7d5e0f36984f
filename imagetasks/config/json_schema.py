"""The format of ``devspace.yaml`` as a JSON Schema (draft 2020-12), by which editors complete and check.

It is made from the tables of keys that the loader reads by, one for each version, so that the two agree on keys, on
the kinds of their values and on which are required. Only the loader can know what lies beyond: whether a variable is
defined and what stands for it (a schema takes any ``${NAME}`` where a single value goes, and none where a list or a
map goes), what an expression puts out, how a number is written, how many bytes a name has, what a regular expression
is, whether a name stands twice, which system a hook is for, what profiles make of the file, and which files there
are. In one thing the loader is stricter: a word such as ``"true"`` in quotes is a text to it and to DevSpace, and no
flag, while a schema does not see the quotes.
"""

from __future__ import annotations

import json

from imagetasks.config.help import help_for
from imagetasks.config.json_rules import Rules, Schema
from imagetasks.config.load import NOT_FILLED, WITH_EXPRESSIONS
from imagetasks.config.schema import (
    FALSE,
    LARGEST,
    TRUE,
    Anything,
    Choice,
    Flag,
    Kind,
    ListOf,
    MapOf,
    Meaningless,
    Named,
    OrText,
    Section,
    Text,
    WholeNumber,
)
from imagetasks.config.versions import VERSIONS
from imagetasks.config.versions.tables import config_of

_SCALARS = ["string", "number", "boolean"]
_VARIABLE = r"\$!?\{"
_EXPRESSION = r"^\$#?!?\("
_NOTHING = "^$"


def json_schema() -> Schema:
    """The schema, as data for ``json.dumps``."""
    definitions: dict[str, Schema] = {}
    versions = []
    for version in VERSIONS:
        maker = _Maker(definitions, version)
        reference = maker.value(config_of(version), "", fills=True)
        versions.append({"if": {"properties": {"version": {"const": version}}}, "then": reference})
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "devspace.yaml",
        "description": "Images to build and what to do with them, as imagetasks reads it",
        "type": "object",
        "properties": {"version": {"description": help_for("version"), "enum": list(VERSIONS)}},
        "required": ["version"],
        "allOf": versions,
        "$defs": definitions,
    }


def schema_text() -> str:
    """The schema as the text of the published file."""
    return json.dumps(json_schema(), indent=1, ensure_ascii=False) + "\n"


class _Maker:
    """Makes schemas of the kinds in one version's table; sections become definitions, which versions share.

    ``fills`` tells whether variables are filled in at a place. The definition of a section allows nothing in its
    place, as a key with no value, or an empty text, is left out to the loader; where that is not so, its use says it.
    """

    def __init__(self, definitions: dict[str, Schema], version: str) -> None:
        self._definitions = definitions
        self._version = version
        self._placeholder = f"{_VARIABLE}|{_EXPRESSION}" if version in WITH_EXPRESSIONS else _VARIABLE
        self._instead_of_many = f"{_NOTHING}|{_EXPRESSION}" if version in WITH_EXPRESSIONS else _NOTHING
        self._rules = Rules(self._placeholder)

    def value(self, kind: Kind, path: str, *, fills: bool) -> Schema:
        """What a value of the kind looks like where it must stand."""
        if isinstance(kind, Meaningless):
            kind = kind.kind
        match kind:
            case ListOf(item=item):
                return {"type": "array", "items": self.value(item, f"{path}[]", fills=fills)}
            case MapOf(value=entry):
                entries = {"type": "object", "additionalProperties": self._entry(entry, f"{path}.*", fills=fills)}
                return {**entries, **self._rules.of_names(path)}
            case Named(as_list=entries, as_map=by_name):
                as_map = self.value(by_name, path, fills=fills)
                return {**as_map, **self.value(entries, path, fills=fills), "type": ["array", "object"]}
            case OrText(section=section):
                return {"anyOf": [{"type": _SCALARS}, self.value(section, path, fills=fills)]}
            case Section():
                return {"$ref": f"#/$defs/{self._define(kind, path, fills=fills)}", "type": "object"}
        return {**self._scalar(kind, fills=fills), **self._rules.of_text(path)}

    def _entry(self, kind: Kind, path: str, *, fills: bool) -> Schema:
        """What a value looks like under a name that the user chooses."""
        value = self.value(kind, path, fills=fills)
        if isinstance(kind, OrText):
            return {"anyOf": [*value["anyOf"], {"type": "null"}]}
        if isinstance(kind, Text | Anything) or (isinstance(kind, Section) and not kind.required):
            return {**value, "type": [*_types(value), "null"]}
        return value

    def _define(self, section: Section, path: str, *, fills: bool) -> str:
        """The name of the section's definition, which may be that of an equal one."""
        properties = {}
        for key, name in ({key: key for key in section.keys} | dict(section.older)).items():
            filled = fills and (bool(path) or key not in NOT_FILLED)
            properties[key] = self._property(section, name, f"{path}.{name}".lstrip("."), fills=filled)
            if key != name:
                properties[key]["description"] = f"The older spelling of {name}"
        definition: Schema = {
            "type": ["object", "string", "null"],
            "pattern": self._instead_of_many if fills else _NOTHING,
            "properties": properties,
        }
        if not section.open:
            definition["additionalProperties"] = False
        if section.required:
            definition["required"] = list(section.required)
        rules = [{"not": {"required": [older, name]}} for older, name in section.older.items()]
        rules += self._rules.of_section(path, section.keys)
        if rules:
            definition["allOf"] = rules
        return self._name(definition, path.replace("[]", "").replace(".*", "") or "file")

    def _name(self, definition: Schema, name: str) -> str:
        name = f"{name}-{self._version}"
        known = (other for other, same in self._definitions.items() if same == definition)
        name = next(known, name)
        while self._definitions.setdefault(name, definition) != definition:
            name += "+"
        return name

    def _property(self, section: Section, name: str, path: str, *, fills: bool) -> Schema:
        kind = section.keys[name]
        value = self.value(kind, path, fills=fills)
        if name not in section.required:
            value = self._or_nothing(value, fills=fills)
        elif isinstance(kind, Text):
            value["minLength"] = 1
        help_text = help_for(path)
        if isinstance(kind, Meaningless):
            help_text = f"{help_text or 'Known to DevSpace'}; without a meaning here: {kind.instead}"
        return {"description": help_text, **value} if help_text else value

    def _or_nothing(self, value: Schema, *, fills: bool) -> Schema:
        if "anyOf" in value:
            return {"anyOf": [*value["anyOf"], {"enum": ["", None]}]}
        if "$ref" in value:
            return {"$ref": value["$ref"]}
        types = _types(value)
        if "string" not in types:
            pattern = self._instead_of_many if fills and "integer" not in types else _NOTHING
            return {**value, "type": [*types, "string", "null"], "pattern": pattern}
        if "pattern" in value:
            value = {**value, "pattern": f"{_NOTHING}|{value['pattern']}"}
        return {**value, "type": [*types, "null"]}

    def _scalar(self, kind: Kind, *, fills: bool) -> Schema:
        variable: Schema = {"type": "string", "pattern": self._placeholder}
        match kind:
            case Text():
                return {"type": _SCALARS}
            case Flag():
                words = f"^({'|'.join(sorted(TRUE | FALSE))})$"
                return {"type": ["boolean", "string"], "pattern": f"{words}|{self._placeholder}" if fills else words}
            case WholeNumber():
                number: Schema = {"type": "integer", "minimum": -LARGEST, "maximum": LARGEST}
                return {**number, **variable, "type": ["integer", "string"]} if fills else number
            case Choice(words=allowed):
                return {"anyOf": [{"enum": list(allowed)}, *([variable] if fills else [])]}
        assert isinstance(kind, Anything)
        return {"type": [*_SCALARS, "array", "object"]}


def _types(value: Schema) -> list[str]:
    types = value["type"]
    return list(types) if isinstance(types, list) else [types]
