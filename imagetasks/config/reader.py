"""``devspace.yaml`` as nodes that know their place: YAML's structure, before anything is known of its meaning.

The YAML library parses; the nodes are put together here from its events, because only so can depth, size and
duplicate keys be judged while reading. Nothing is ever constructed from a tag. Nodes are named tuples, which are
made and imported faster than dataclasses: a file has thousands, and every run reads it.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator, Mapping
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

_UNCLOSED_QUOTE = "found unexpected end of stream"
_MISSING_CONTENT = "did not find expected node content"
_UNCLOSED = frozenset({"did not find expected ',' or ']'", "did not find expected ',' or '}'"})

_PLAIN_WORDS = {
    "mapping values are not allowed in this context": (
        "a `key: value` cannot stand here; check the indentation, or quote a text that holds `: `"
    ),
    "found character that cannot start any token": (
        "a value cannot start with a tab, `@`, `` ` `` or `%`; indent with spaces, or quote the text"
    ),
    "could not find expected ':'": "a key is not followed by `:`",
    "did not find expected key": "the indentation does not fit the lines above",
    "did not find expected '-' indicator": "the indentation does not fit the list above",
    _MISSING_CONTENT: "a value is missing",
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

    def with_values(self, values: Mapping[str, Node]) -> MappingNode:
        """The map with other values for the same keys."""
        return MappingNode(self.keys, values, self.line, self.column)


Node = ScalarNode | SequenceNode | MappingNode


class Document(NamedTuple):
    """What a file holds: ``root`` is ``None`` if that is nothing but comments.

    Of the ``mistakes``, such as a key that stands twice, none keeps the rest from being read: its last value counts,
    as it does for the Go library of kubectl and helm.
    """

    root: Node | None
    mistakes: tuple[ConfigError, ...] = ()

    @property
    def sound_root(self) -> Node | None:
        """The root; raises ConfigError for the first mistake."""
        if self.mistakes:
            raise self.mistakes[0]
        return self.root


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


def read_document(file: Path) -> Document:
    """The file's one document.

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
    return _parse(data, name)


def read_nodes(file: Path) -> Node | None:
    """The root of the file's one document. Raises ConfigError, also for mistakes in it, see :func:`read_document`."""
    return read_document(file).sound_root


def parse_nodes(data: bytes, file: str) -> Node | None:
    """The root of the one document in ``data``; ``file`` is for messages only. Raises as :func:`read_nodes` does."""
    return _parse(data, file).sound_root


def parse_document(data: bytes, file: str) -> Document:
    """The one document in ``data``, with its mistakes. Raises ConfigError for the others, as :func:`parse_nodes`."""
    return _parse(data, file)


def parse_documents(data: bytes, file: str) -> list[Node]:
    """The roots of all documents in ``data``, empty ones too. Raises ConfigError likewise."""
    text = _decode(data, file)
    with _telling_syntax(text, file):
        return _composer(text, file).documents()


def _parse(data: bytes, file: str) -> Document:
    text = _decode(data, file)
    with _telling_syntax(text, file):
        return _composer(text, file).document()


def _composer(text: str, file: str) -> _Composer:
    return _Composer(iter(YamlLoader(text).get_event, None), file)


@contextlib.contextmanager
def _telling_syntax(text: str, file: str) -> Iterator[None]:
    try:
        yield
    except yaml.MarkedYAMLError as error:
        raise _not_yaml(error, text, file) from None
    except yaml.YAMLError:
        raise ConfigError(f"{file} is not YAML") from None


def _not_yaml(error: yaml.MarkedYAMLError, text: str, file: str) -> ConfigError:
    """The error in plain words.

    What is opened and not closed is told of the opening: its end may be missing anywhere, and is often missed only
    where the file ends.
    """
    problem = str(error.problem)
    mark: _Mark | None = error.problem_mark
    words = _PLAIN_WORDS.get(problem, problem)
    at_end = mark is not None and mark.line >= len(text.splitlines())
    if problem == _UNCLOSED_QUOTE:
        words, mark = "a quote is opened here and never closed", error.context_mark
    elif (problem in _UNCLOSED or (problem == _MISSING_CONTENT and at_end)) and (opened := _unclosed_bracket(text)):
        start, end = "[]" if isinstance(opened, yaml.SequenceStartEvent) else "{}"
        place = "the end of the file" if at_end else f"line {_place(mark)[0]}"
        words, mark = f"a `{start}` is opened here, and a `{end}` or `,` is missing by {place}", opened.start_mark
    return ConfigError(f"this is not YAML: {words}", Position(file, *_place(mark)))


def _unclosed_bracket(text: str) -> yaml.CollectionStartEvent | None:
    """The innermost ``[`` or ``{`` that is open where the parser gives up."""
    opened = []
    with contextlib.suppress(yaml.YAMLError):
        for event in yaml.parse(text, Loader=YamlLoader):
            if isinstance(event, yaml.CollectionStartEvent):
                opened.append(event)
            elif isinstance(event, yaml.CollectionEndEvent):
                opened.pop()
    return opened[-1] if opened and opened[-1].flow_style else None


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
        self._mistakes: list[ConfigError] = []
        self._size = 0
        self._size_of_aliases = 0
        self._deepest = 0

    def document(self) -> Document:
        next(self._events)  # the start of the stream
        if not isinstance(next(self._events), yaml.DocumentStartEvent):
            return Document(None)
        node = self._node(next(self._events), 0)
        next(self._events)  # the end of the document
        event = next(self._events)
        if isinstance(event, yaml.DocumentStartEvent):
            raise self._error(event, "a second document starts here; the file must hold one")
        return Document(node, tuple(self._mistakes))

    def documents(self) -> list[Node]:
        """The roots of all documents. Raises ConfigError for the first mistake."""
        nodes = []
        next(self._events)  # the start of the stream
        while isinstance(next(self._events), yaml.DocumentStartEvent):
            self._anchors.clear()
            nodes.append(self._node(next(self._events), 0))
            next(self._events)  # the end of the document
        if self._mistakes:
            raise self._mistakes[0]
        return nodes

    def _error(self, event: yaml.Event, message: str) -> ConfigError:
        return ConfigError(message, Position(self._file, *_place(event.start_mark)))

    def _note(self, event: yaml.Event, message: str) -> None:
        self._mistakes.append(self._error(event, message))

    def _node(self, event: yaml.Event, depth: int) -> Node:
        anchor = getattr(event, "anchor", None)
        if anchor is None:
            return self._content(event, depth)
        if isinstance(event, yaml.AliasEvent):
            return self._aliased(event, depth)
        size, deepest = self._size, self._deepest
        self._deepest = depth
        node = self._content(event, depth)
        self._anchors[anchor] = _Anchor(node, self._size - size, self._deepest - depth)
        self._deepest = max(self._deepest, deepest)
        return node

    def _content(self, event: yaml.Event, depth: int) -> Node:
        self._size += 1
        tag = getattr(event, "tag", None)
        if tag is not None:
            self._check_tag(event, tag)
        line, column = _place(event.start_mark)
        if isinstance(event, yaml.ScalarEvent):
            plain = event.implicit[0] if tag is None else tag not in _TEXT_TAGS
            return ScalarNode(event.value, plain, line, column)
        self._check_depth(event, depth)
        if isinstance(event, yaml.SequenceStartEvent):
            return SequenceNode(tuple(self._items(depth + 1)), line, column)
        return MappingNode(*self._pairs(depth + 1), line, column)

    def _check_depth(self, event: yaml.Event, depth: int) -> None:
        if depth > MAX_DEPTH:
            raise self._error(event, f"the nesting is deeper than {MAX_DEPTH} levels")
        self._deepest = max(self._deepest, depth)

    def _check_tag(self, event: yaml.Event, tag: str) -> None:
        if tag not in _STANDARD_TAGS and tag not in _TEXT_TAGS:
            shown = tag.replace("tag:yaml.org,2002:", "!!")
            self._note(event, f"the tag `{shown}` is not understood; leave it out")

    def _aliased(self, event: yaml.AliasEvent, depth: int) -> Node:
        anchor = self._anchors.get(event.anchor or "")
        if anchor is None:
            raise self._error(event, f"there is no anchor `&{event.anchor}` before this alias")
        self._check_depth(event, depth + anchor.height)
        self._size += anchor.size
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
            value_event = next(self._events)
            value = self._node(value_event, depth)
            if not isinstance(key, ScalarNode):
                self._note(event, f"a key must be a text, not {describe(key)}")
            elif key.text == "<<" and key.plain:
                merged.extend(self._merged(value_event, value))
            elif key.text in keys:
                first = keys[key.text].line
                self._note(event, f"the key `{key.text}` stands twice in this map, first in line {first}")
                values[key.text] = value
            else:
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
            self._note(event, "`<<` merges a map or a list of maps")
        return mappings
