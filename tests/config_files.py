"""Hypothesis strategies for the content of a ``devspace.yaml``, made from the table of keys."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from imagetasks.config.model import Config
from imagetasks.config.schema import (
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

Data = Any
"""What YAML and JSON hold: maps, lists, texts, numbers, booleans and None."""

NAMES = st.sampled_from(["api", "web", "a.b", "two words", "0", "${NAME}", "x" * 300, "ü", "-", "[0]", "../up"])
WORDS = st.sampled_from(
    ["api", "shop/api", "./Dockerfile", "a b", "ü", "1", "all", "before:build", "images.api.image", "[", "../../x"]
)
PLACEHOLDERS = st.sampled_from(
    ["${TEXT}", "a${TEXT}b", "$!{TEXT}", "${UNDEFINED}", "$${X}", "$(echo", "${runtime.images.api.tag}", "${A.b"]
)
VALUES = WORDS | st.integers(-3, 10**20) | st.booleans() | st.floats(allow_nan=False, allow_infinity=False)
ANYTHING: st.SearchStrategy[Data] = st.recursive(
    VALUES,
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(NAMES, inner, max_size=2),
    max_leaves=4,
)


MOST_KEYS = 3


def files() -> st.SearchStrategy[Data]:
    """Files of all versions, right as far as their keys and the kinds of their values go."""
    return st.sampled_from(VERSIONS).flatmap(
        lambda version: right(config_of(version)).map(lambda data: {**data, "version": version})
    )


def right(kind: Kind) -> st.SearchStrategy[Data]:
    """Values of the kind."""
    if isinstance(kind, Meaningless):
        kind = kind.kind
    match kind:
        case ListOf(item=item):
            return st.lists(right(item), max_size=2)
        case MapOf(value=value):
            return st.dictionaries(NAMES, right(value), max_size=2)
        case Named(as_list=entries, as_map=by_name):
            return right(entries) | right(by_name)
        case OrText(section=section):
            return WORDS | right(section)
        case Section():
            return _sections(kind)
    return _single(kind)


def _single(kind: Kind) -> st.SearchStrategy[Data]:
    match kind:
        case Text():
            return VALUES
        case Flag():
            return st.booleans()
        case WholeNumber():
            return st.integers(0, 1000)
        case Choice(words=words):
            return st.sampled_from(words)
    assert isinstance(kind, Anything)
    return ANYTHING


def _sections(section: Section) -> st.SearchStrategy[Data]:
    some = st.lists(st.sampled_from(sorted(section.keys)), max_size=MOST_KEYS) if section.keys else st.just([])
    return some.flatmap(
        lambda keys: st.fixed_dictionaries({key: right(section.keys[key]) for key in {*keys, *section.required}})
    )


def with_text(data: Data, texts: st.SearchStrategy[str]) -> st.SearchStrategy[Data]:
    """The data with one of the texts instead of one of its single values, if it has any."""
    places = [place for place in _places(data) if place and not isinstance(_at(data, place), dict | list)]
    return (
        st.tuples(st.sampled_from(places), texts).map(lambda found: _put(data, *found)) if places else st.just(data)
    )


def mutated(data: Data) -> st.SearchStrategy[Data]:
    """The data with one value replaced, one key renamed or one key or item left out; it may still be right."""
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
    replaced = (ANYTHING | st.none() | st.just("")).map(lambda value: _with(data, step, value))
    if isinstance(data, list):
        return replaced | st.just(data[:step] + data[step + 1 :])
    others = {key: value for key, value in data.items() if key != step}
    return replaced | st.just(others) | st.just({**others, f"{step}x": data[step]})


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
    """A configuration to be compared with one that stands elsewhere; of deployments no more than their kinds."""
    return config._replace(
        images=tuple(image._replace(positions={}) for image in config.images),
        deployments=tuple(deployment._replace(method=None, positions={}) for deployment in config.deployments),
    )
