"""``devspace.yaml`` as nodes that know their place: YAML's structure, before anything is known of its meaning.

The YAML library parses; the nodes are put together here from its events, because only so can depth, size and
duplicate keys be judged while reading. Nothing is ever constructed from a tag. Nodes are named tuples, which are
made and imported faster than dataclasses: a file has thousands, and every run reads it.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple, Protocol

import yaml
from yaml.reader import Reader

from imagetasks.errors import ConfigError, Position

try:
    from yaml import CSafeLoader as YamlLoader
except ImportError:  # PyYAML without libyaml
    from yaml import SafeLoader as YamlLoader  # type: ignore[assignment]

MAX_DEPTH = 100
MAX_NODES_BEHIND_ALIASES = 100_000
MAX_SHOWN = 60

NULLS = frozenset({"", "~", "null", "Null", "NULL"})

_STANDARD_TAGS = frozenset(
    f"tag:yaml.org,2002:{name}" for name in ("str", "int", "float", "bool", "null", "map", "seq")
)
_TEXT_TAGS = frozenset({"!", "tag:yaml.org,2002:str"})

_PLAIN_WORDS = {
    "mapping values are not allowed in this context": (
        "a `key: value` cannot stand here; check the indentation, or quote a text that holds `: `"
    ),
    "found character that cannot start any token": (
        "a value cannot start with a tab, `@`, `` ` `` or `%`; indent with spaces, or quote the text"
    ),
    "found unexpected end of stream": "a quote is opened and never closed",
    "could not find expected ':'": "a key is not followed by `:`",
    "did not find expected key": "the indentation does not fit the lines above",
    "did not find expected '-' indicator": "the indentation does not fit the list above",
    "did not find expected ',' or ']'": "a `[` is opened and not closed, or a `,` is missing",
    "did not find expected ',' or '}'": "a `{` is opened and not closed, or a `,` is missing",
    "did not find expected node content": "a value is missing",
    "found unknown escape character": r"a text in double quotes has an unknown escape; write `\\` for a backslash",
}


class ScalarNode(NamedTuple):
    """A single value, as it is written; ``plain`` without quotes, ``secret`` if it must not be shown.

    The text of a ``pending`` one is a placeholder: what it stands for is not known.
    """

    text: str
    plain: bool
    line: int
    column: int
    secret: bool = False
    pending: bool = False

    @property
    def is_null(self) -> bool:
        """Whether it stands for no value at all."""
        return self.plain and self.text in NULLS


class SequenceNode(NamedTuple):
    """A list."""

    items: tuple[Node, ...]
    line: int
    column: int


class MappingNode(NamedTuple):
    """A map; ``keys`` and ``values`` have the same keys in the same order, with merge keys (``<<``) resolved."""

    keys: Mapping[str, ScalarNode]
    values: Mapping[str, Node]
    line: int
    column: int


Node = ScalarNode | SequenceNode | MappingNode


def is_null(node: Node) -> bool:
    """Whether the node stands for no value, as in ``images:`` with nothing behind it."""
    return isinstance(node, ScalarNode) and node.is_null


def describe(node: Node) -> str:
    """What a node is, in the words of a message; a secret's text is not shown."""
    if isinstance(node, SequenceNode):
        return "a list"
    if isinstance(node, MappingNode):
        return "a map"
    if node.is_null:
        return "nothing"
    if node.secret:
        return "a password"
    text = " ".join(node.text.split())
    if len(text) > MAX_SHOWN:
        text = f"{text[:MAX_SHOWN]}…"
    return f"`{text}`" if node.plain else f'the text "{text}"'


def maps_in(node: Node | None) -> list[MappingNode]:
    """The maps in a list, and none where there is no list."""
    items = node.items if isinstance(node, SequenceNode) else ()
    return [item for item in items if isinstance(item, MappingNode)]


def text_in(node: Node | None, key: str) -> str:
    """The text under ``key`` of a map, and the empty text where there is none."""
    value = node.values.get(key) if isinstance(node, MappingNode) else None
    return value.text if isinstance(value, ScalarNode) and not value.is_null else ""


def position_of(node: Node, file: str) -> Position:
    """The node's place in ``file``."""
    return Position(file, node.line, node.column)


def shown_path(file: Path) -> str:
    """The path as a user would type it: relative if it lies below the current folder, else absolute."""
    try:
        return str(file.relative_to(Path.cwd()))
    except (ValueError, OSError):
        return str(file)


def read_nodes(file: Path) -> Node | None:
    """The file's one document, or ``None`` if it holds nothing but comments.

    Raises ConfigError if the file cannot be read, is not one YAML document in UTF-8, or is made to exhaust the
    reader (deep nesting, aliases of aliases).
    """
    name = shown_path(file)
    try:
        data = file.read_bytes()
    except FileNotFoundError:
        raise ConfigError(f"there is no file {name}; go to the project's folder, or name the file") from None
    except OSError as error:
        raise ConfigError(f"{name} cannot be read: {os.strerror(error.errno or 0)}") from None
    return parse_nodes(data, name)


def parse_nodes(data: bytes, file: str) -> Node | None:
    """The one document in ``data``; ``file`` is for messages only. Raises ConfigError, see :func:`read_nodes`."""
    with _telling_mistakes(file):
        return _Composer(_parse(data, file), file).document()


def parse_documents(data: bytes, file: str) -> list[Node]:
    """All documents in ``data``, empty ones too; ``file`` is for messages only. Raises ConfigError likewise."""
    with _telling_mistakes(file):
        return list(_Composer(_parse(data, file), file).documents())


def _parse(data: bytes, file: str) -> Iterator[yaml.Event]:
    return yaml.parse(_decode(data, file), Loader=YamlLoader)


@contextmanager
def _telling_mistakes(file: str) -> Iterator[None]:
    try:
        yield
    except yaml.MarkedYAMLError as error:
        problem = str(error.problem)
        position = Position(file, *_place(error.problem_mark))
        raise ConfigError(f"this is not YAML: {_PLAIN_WORDS.get(problem, problem)}", position) from None
    except yaml.YAMLError:
        raise ConfigError(f"{file} is not YAML") from None


def _decode(data: bytes, file: str) -> str:
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        before = data[: error.start].decode("utf-8-sig")
        raise ConfigError("the file is not UTF-8; save it as UTF-8", _end(before, file)) from None
    found = Reader.NON_PRINTABLE.search(text)
    if found:
        what = "a NUL byte" if found[0] == "\0" else f"the control character U+{ord(found[0]):04X}"
        raise ConfigError(f"{what} cannot stand in YAML", _end(text[: found.start()], file))
    return text


class _Mark(Protocol):
    line: int
    column: int


def _place(mark: _Mark | None) -> tuple[int, int]:
    """Line and column, which YAML marks count from 0."""
    return (mark.line + 1, mark.column + 1) if mark else (1, 1)


def _end(text: str, file: str) -> Position:
    return Position(file, text.count("\n") + 1, len(text) - text.rfind("\n"))


class _Anchor(NamedTuple):
    node: Node
    size: int
    height: int


class _Composer:
    """Puts nodes together from the parser's events; counts what aliases stand for instead of copying it."""

    def __init__(self, events: Iterator[yaml.Event], file: str) -> None:
        self._events = events
        self._file = file
        self._anchors: dict[str, _Anchor] = {}
        self._size = 0
        self._size_of_aliases = 0
        self._deepest = 0

    def document(self) -> Node | None:
        next(self._events)  # the start of the stream
        if not isinstance(next(self._events), yaml.DocumentStartEvent):
            return None
        node = self._node(next(self._events), 0)
        next(self._events)  # the end of the document
        event = next(self._events)
        if isinstance(event, yaml.DocumentStartEvent):
            raise self._error(event, "a second document starts here; the file must hold one")
        return node

    def documents(self) -> Iterator[Node]:
        next(self._events)  # the start of the stream
        while isinstance(next(self._events), yaml.DocumentStartEvent):
            self._anchors.clear()
            yield self._node(next(self._events), 0)
            next(self._events)  # the end of the document

    def _error(self, event: yaml.Event, message: str) -> ConfigError:
        return ConfigError(message, Position(self._file, *_place(event.start_mark)))

    def _node(self, event: yaml.Event, depth: int) -> Node:
        if isinstance(event, yaml.AliasEvent):
            return self._aliased(event, depth)
        anchor = getattr(event, "anchor", None)
        if anchor is None:
            return self._content(event, depth)
        size, deepest = self._size, self._deepest
        self._deepest = depth
        node = self._content(event, depth)
        self._anchors[anchor] = _Anchor(node, self._size - size, self._deepest - depth)
        self._deepest = max(self._deepest, deepest)
        return node

    def _content(self, event: yaml.Event, depth: int) -> Node:
        self._grow(event, 1, depth)
        plain = self._is_plain(event)
        line, column = _place(event.start_mark)
        if isinstance(event, yaml.ScalarEvent):
            return ScalarNode(event.value, plain, line, column)
        if isinstance(event, yaml.SequenceStartEvent):
            return SequenceNode(tuple(self._items(depth + 1)), line, column)
        keys, values = self._pairs(depth + 1)
        return MappingNode(keys, values, line, column)

    def _grow(self, event: yaml.Event, size: int, depth: int) -> None:
        if depth > MAX_DEPTH:
            raise self._error(event, f"the nesting is deeper than {MAX_DEPTH} levels")
        self._size += size
        self._deepest = max(self._deepest, depth)

    def _is_plain(self, event: yaml.Event) -> bool:
        tag = getattr(event, "tag", None)
        if tag is None:
            return not isinstance(event, yaml.ScalarEvent) or event.implicit[0]
        if tag not in _STANDARD_TAGS and tag not in _TEXT_TAGS:
            shown = tag.replace("tag:yaml.org,2002:", "!!")
            raise self._error(event, f"the tag `{shown}` is not understood; leave it out")
        return tag not in _TEXT_TAGS

    def _aliased(self, event: yaml.AliasEvent, depth: int) -> Node:
        anchor = self._anchors.get(event.anchor or "")
        if anchor is None:
            raise self._error(event, f"there is no anchor `&{event.anchor}` before this alias")
        self._grow(event, anchor.size, depth + anchor.height)
        self._size_of_aliases += anchor.size
        if self._size_of_aliases > MAX_NODES_BEHIND_ALIASES:
            raise self._error(event, f"the aliases up to here stand for more than {MAX_NODES_BEHIND_ALIASES} values")
        return anchor.node

    def _items(self, depth: int) -> Iterator[Node]:
        while not isinstance(event := next(self._events), yaml.SequenceEndEvent):
            yield self._node(event, depth)

    def _pairs(self, depth: int) -> tuple[dict[str, ScalarNode], dict[str, Node]]:
        keys: dict[str, ScalarNode] = {}
        values: dict[str, Node] = {}
        merged: list[MappingNode] = []
        while not isinstance(event := next(self._events), yaml.MappingEndEvent):
            key = self._node(event, depth)
            if not isinstance(key, ScalarNode):
                raise self._error(event, f"a key must be a text, not {describe(key)}")
            value_event = next(self._events)
            value = self._node(value_event, depth)
            if key.plain and key.text == "<<":
                merged.extend(self._merged(value_event, value))
                continue
            if key.text in keys:
                first = keys[key.text].line
                raise self._error(event, f"the key `{key.text}` stands twice in this map, first in line {first}")
            keys[key.text] = key
            values[key.text] = value
        for mapping in merged:
            for name, key in mapping.keys.items():
                if name not in keys:
                    keys[name] = key
                    values[name] = mapping.values[name]
        return keys, values

    def _merged(self, event: yaml.Event, value: Node) -> list[MappingNode]:
        nodes = value.items if isinstance(value, SequenceNode) else (value,)
        mappings = [node for node in nodes if isinstance(node, MappingNode)]
        if len(mappings) < len(nodes):
            raise self._error(event, "`<<` merges a map or a list of maps")
        return mappings
