"""The mistakes of one file, gathered so that a user sees all of them at once."""

from __future__ import annotations

import functools
from collections.abc import Iterable, Mapping

from imagetasks.config.reader import MappingNode, Node, ScalarNode, SequenceNode, position_of
from imagetasks.errors import ConfigError, Position, UserError


class Mistakes:
    """Sentences about one file, each with its position."""

    def __init__(self, file: str) -> None:
        self.file = file
        self._found: dict[tuple[Position, str], str] = {}
        self._wrong: dict[int, Node] = {}
        self._warnings: dict[str, Position] = {}
        self._left_open: dict[str, Position] = {}

    def __len__(self) -> int:
        """How many there are."""
        return len(self._found)

    def add(self, node: Node, message: str, where: str = "") -> None:
        """Note a mistake at ``node``, to which the path of keys ``where`` leads.

        What stands in one place of the file may be come to by several paths, because an alias or a profile repeats
        it. It is told of the first.
        """
        self._wrong[id(node)] = node
        self._tell(position_of(node, self.file), message, where)

    def add_follow_up(self, node: Node) -> None:
        """Note that ``node`` is of no use because of a mistake that is already told."""
        self._wrong[id(node)] = node

    def add_error(self, error: UserError) -> None:
        """Note a mistake that something else has found."""
        self._tell(error.position or Position(self.file, 1, 1), error.message)

    def _tell(self, position: Position, message: str, where: str = "") -> None:
        self._found.setdefault((position, message.replace(where, "")), " ".join(message.split()))

    def without_wrong(self, root: MappingNode) -> MappingNode:
        """The root with pending values instead of those that have a mistake, so that the rest can be judged."""
        return root.with_values({key: self._right(value) for key, value in root.values.items()})

    def has_wrong_key(self, node: MappingNode) -> bool:
        """Whether a key of the map has a mistake, and may stand for one that is missing."""
        return any(id(key) in self._wrong for key in node.keys.values())

    def _right(self, node: Node) -> Node:
        if id(node) in self._wrong:
            placeholder = f"${{{node.line}.{node.column}}}"
            return ScalarNode(placeholder, plain=False, line=node.line, column=node.column, pending=True)
        if isinstance(node, SequenceNode):
            return node._replace(items=tuple(self._right(item) for item in node.items))
        return self.without_wrong(node) if isinstance(node, MappingNode) else node

    def warn(self, node: Node, message: str) -> None:
        """Note what is no mistake at ``node``, but means nothing here."""
        self._warnings.setdefault(message, position_of(node, self.file))

    def leave_open(self, node: Node, message: str) -> None:
        """Note what at ``node`` cannot be known where nothing is asked or run."""
        self._left_open.setdefault(message, position_of(node, self.file))

    @property
    def warnings(self) -> tuple[str, ...]:
        """What was warned of or left open, one line each, in the order of the file."""
        return _lines({**self._warnings, **self._left_open})

    @property
    def left_open(self) -> tuple[str, ...]:
        """What was left open, one line each, in the order of the file."""
        return _lines(self._left_open)

    def check(self) -> None:
        """Raise ConfigError if there are any: one line each, in the order of the file."""
        if self._found:
            raise self._as_error()

    def with_error(self, error: UserError) -> ConfigError:
        """The mistakes with one more, beyond which the file cannot be read, as an error to raise."""
        self.add_error(error)
        return self._as_error()

    def _as_error(self) -> ConfigError:
        (position, message), *others = sorted((place, sentence) for (place, _), sentence in self._found.items())
        lines = [message, *(f"{other}: {sentence}" for other, sentence in others)]
        return ConfigError("\n".join(lines), position)


def _lines(sentences: Mapping[str, Position]) -> tuple[str, ...]:
    return tuple(f"{place}: {text}" for place, text in sorted((at, text) for text, at in sentences.items()))


def nearest(name: str, known: Iterable[str]) -> str | None:
    """The known name that ``name`` was most likely meant to be."""
    return _nearest(name, tuple(known))


@functools.lru_cache(maxsize=1000)
def _nearest(name: str, known: tuple[str, ...]) -> str | None:
    import difflib  # only mistakes pay for it

    folded = {candidate.lower(): candidate for candidate in known}
    match = difflib.get_close_matches(name.lower(), folded, n=1)
    return folded[match[0]] if match else None
