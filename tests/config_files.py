"""Hypothesis strategies for the content of a ``devspace.yaml``, made from the table of keys.

Paths are those of json_rules: ``images.*.tags[]`` are the tags of any image.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from hypothesis import strategies as st

from imagetasks.config.dependencies import REVISIONS
from imagetasks.config.model import Config
from imagetasks.config.schema import (
    ENGINES,
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
from imagetasks.config.versions.tables import DEPLOYMENT_KINDS, config_of

Data = Any
"""What YAML and JSON hold: maps, lists, texts, numbers, booleans and None."""

NAMES = st.sampled_from(["api", "web", "a.b", "two words", "0", "${NAME}", "x" * 300, "ü", "-", "[0]", "../up"])
WORDS = st.sampled_from(
    ["api", "shop/api", "./Dockerfile", "a b", "ü", "1", "all", "before:build", "images.api.image", "[", "../../x"]
)
PLACEHOLDERS = st.sampled_from(
    ["${TEXT}", "a${TEXT}b", "$!{TEXT}", "${UNDEFINED}", "$${X}", "$(echo", "${runtime.images.api.tag}", "${A.b"]
)
NUMBERS = st.integers(-3, 10**20) | st.sampled_from([0.0, 0.5, 1.0, -1.5])
VALUES = WORDS | NUMBERS | st.booleans()
ANYTHING: st.SearchStrategy[Data] = st.recursive(
    VALUES,
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(NAMES, inner, max_size=2),
    max_leaves=4,
)

TASK_NAMES = st.sampled_from(["api", "web", "a.b", "ü", "[0]", "${NAME}", "0"])
TAGS = st.sampled_from(["v1", "#####", "1.20_a-b", "${DEVSPACE_RANDOM}", "x" * 128, 5, 1.5, True])
SOUND_NAMES = {
    "images": TASK_NAMES,
    "deployments": TASK_NAMES,
    "dependencies": TASK_NAMES,
    "vars": st.sampled_from(["A", "_b.c-d", "NAME"]),
}
SOUND_TEXTS: dict[str, st.SearchStrategy[Data]] = {
    "images.*.image": st.sampled_from(["api", "shop/a__b", "a.b:5000/c-d/e.f", "localhost/x", "[::1]/x", "A/b", 7]),
    "images.*.tag": TAGS,
    "images.*.tags[]": TAGS,
    "deployments[].name": TASK_NAMES | st.integers(0, 9),
    "dependencies[].name": TASK_NAMES | st.integers(0, 9),
    "vars[].name": SOUND_NAMES["vars"] | st.booleans(),
}
ADDRESSES = st.sampled_from(["https://host/shop.git", "git@host:shop", "../shop", 5])
REVISION_TEXTS = st.sampled_from(["main", "feature/x", "v1.0", "0a1b2c", 5])

MOST_KEYS = 3
UNSOUND = st.sampled_from(["Shop/API", "shop/api:v1", "shop//api", "a b", "a=b", "-x", "x" * 201, "ext::x", "a..b^"])
ADDED = (
    "docker",
    "kaniko",
    "custom",
    "helm",
    "kubectl",
    "component",
    "path",
    "git",
    "branch",
    "tag",
    "options",
    "name",
)


def files() -> st.SearchStrategy[Data]:
    """Files of all versions that are right, unless two names in them are the same."""
    return st.sampled_from(VERSIONS).flatmap(
        lambda version: right(config_of(version)).map(lambda data: {**data, "version": version})
    )


def right(kind: Kind, path: str = "") -> st.SearchStrategy[Data]:
    """Values of the kind at a place in the file."""
    if isinstance(kind, Meaningless):
        kind = kind.kind
    match kind:
        case ListOf(item=item):
            return st.lists(right(item, f"{path}[]"), max_size=2)
        case MapOf(value=value):
            return st.dictionaries(SOUND_NAMES.get(path, NAMES), right(value, f"{path}.*"), max_size=2)
        case Named(as_list=entries, as_map=by_name):
            return right(entries, path) | right(by_name, path)
        case OrText(section=section):
            return WORDS | right(section, path)
        case Section():
            return _sections(kind, path)
    return _single(kind, path)


def _single(kind: Kind, path: str) -> st.SearchStrategy[Data]:
    section, _, key = path.rpartition(".")
    match kind:
        case Text() if section.startswith("dependencies") and key in ("git", *REVISIONS):
            return ADDRESSES if key == "git" else REVISION_TEXTS
        case Text():
            return SOUND_TEXTS.get(path, VALUES)
        case Flag():
            return st.booleans()
        case WholeNumber():
            return st.integers(0, 1000)
        case Choice(words=words):
            return st.sampled_from(words)
    assert isinstance(kind, Anything)
    return ANYTHING


def _sections(section: Section, path: str) -> st.SearchStrategy[Data]:
    some = st.lists(st.sampled_from(sorted(section.keys)), max_size=MOST_KEYS) if section.keys else st.just([])
    return some.flatmap(
        lambda keys: st.fixed_dictionaries(
            {key: right(section.keys[key], f"{path}.{key}".lstrip(".")) for key in {*keys, *section.required}}
        )
    ).map(lambda data: _sound(data, path, section))


def _sound(data: Data, path: str, section: Section) -> Data:
    """The section without keys that exclude each other, and with one of those of which one is needed."""
    match path:
        case "images.*" | "images.*.build":
            return _without_options(_with_one(data, ENGINES))
        case "images.*.custom" | "images.*.build.custom" | "hooks[]":
            return {"command": "x", **data}
        case "deployments[]" | "deployments.*":
            return _with_one(data, DEPLOYMENT_KINDS, {"kubectl": {}})
        case "dependencies[].source" | "dependencies[]" | "dependencies.*" if "source" not in section.keys:
            return _sound_source(data)
    return data


def _without_options(data: Data) -> Data:
    """The image without options beside an engine, which may have its own."""
    has_engine = any(engine in data for engine in ENGINES)
    return {key: value for key, value in data.items() if key != "options" or not has_engine}


def _sound_source(data: Data) -> Data:
    data = _with_one(data, ("path", "git"), {"path": "../shop"})
    if "git" in data:
        return _with_one(data, REVISIONS)
    return {key: value for key, value in data.items() if key not in REVISIONS}


def _with_one(data: Data, keys: Collection[str], default: Data | None = None) -> Data:
    """The data with the first of the keys alone, or else the default."""
    first = [key for key in keys if key in data][:1]
    others = {key: value for key, value in data.items() if key not in keys or key in first}
    return others if first else {**others, **(default or {})}


def with_text(data: Data, texts: st.SearchStrategy[str]) -> st.SearchStrategy[Data]:
    """The data with one of the texts instead of one of its single values, if it has any."""
    places = [place for place in _places(data) if place and not isinstance(_at(data, place), dict | list)]
    return (
        st.tuples(st.sampled_from(places), texts).map(lambda found: _put(data, *found)) if places else st.just(data)
    )


def mutated(data: Data) -> st.SearchStrategy[Data]:
    """The data with one value replaced, or one key renamed, added or left out; it may still be right."""
    places = [place for place in _places(data) if place]
    if not places:
        return ANYTHING
    return st.sampled_from(places).flatmap(lambda place: _changed(data, place))


def _places(data: Data) -> list[tuple[Any, ...]]:
    inner = data.items() if isinstance(data, dict) else enumerate(data) if isinstance(data, list) else ()
    return [(), *((key, *rest) for key, value in inner for rest in _places(value))]


def _changed(data: Data, place: tuple[Any, ...]) -> st.SearchStrategy[Data]:
    step, *rest = place
    if rest:
        return _changed(data[step], tuple(rest)).map(lambda value: _with(data, step, value))
    odd = st.none() | st.just("")
    replaced = (ANYTHING | UNSOUND | odd).map(lambda value: _with(data, step, value))
    if isinstance(data, list):
        return replaced | st.just(data[:step] + data[step + 1 :])
    others = {key: value for key, value in data.items() if key != step}
    renamed = (NAMES | UNSOUND | st.just(f"{step}x")).map(lambda name: {**others, name: data[step]})
    added = st.tuples(st.sampled_from(ADDED), odd | st.just({}) | UNSOUND).map(lambda new: {**data, new[0]: new[1]})
    return replaced | renamed | added | st.just(others)


def _at(data: Data, place: tuple[Any, ...]) -> Data:
    for step in place:
        data = data[step]
    return data


def _put(data: Data, place: tuple[Any, ...], value: Data) -> Data:
    step, *rest = place
    return _with(data, step, _put(data[step], tuple(rest), value) if rest else value)


def _with(data: Data, step: Any, value: Data) -> Data:
    if isinstance(data, list):
        return [*data[:step], value, *data[step + 1 :]]
    return {**data, step: value}


def without_positions(config: Config) -> Config:
    """A configuration to be compared with one that stands elsewhere or in no file, or has other variables in it."""
    return config._replace(
        images=tuple(image._replace(positions={}) for image in config.images),
        deployments=tuple(deployment._replace(position=None) for deployment in config.deployments),
        variables={},
    )
