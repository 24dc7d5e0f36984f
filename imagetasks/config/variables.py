"""Variables: ``${NAME}`` in the values of ``devspace.yaml``, and what stands for it.

The rules are those of the reference, section "Variables", for a run in which nobody is asked.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from imagetasks.config.mistakes import Mistakes, nearest
from imagetasks.config.reader import Node, ScalarNode, SequenceNode
from imagetasks.errors import ConfigError

VARIABLE_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]*")

_USE = re.compile(r"\$?\$\{(" + VARIABLE_NAME.pattern + r")\}")
_NUMBER_OR_BOOLEAN = re.compile(
    r"[-+]?([0-9]+(\.[0-9]*)?|\.[0-9]+)([eE][-+]?[0-9]+)?|true|false|True|False|TRUE|FALSE"
)


@dataclass(frozen=True)
class VariableDefinition:
    """One entry of ``vars``."""

    name: str
    source: str = "all"
    default: str | None = None
    question: str = ""
    options: tuple[str, ...] = ()
    password: bool = False
    validation_pattern: str = ""
    validation_message: str = ""

    def check(self, value: str) -> None:
        """Raise ConfigError if a value from outside the file is not one that the definition allows."""
        shown = "the given value" if self.password else f"`{value}`"
        if self.options and value not in self.options:
            options = "one of its options" if self.password else " or ".join(self.options)
            raise ConfigError(f"{shown} is no option of variable `{self.name}`; take {options}")
        if self.validation_pattern and not re.search(self.validation_pattern, value):
            reason = self.validation_message or f"it must match `{self.validation_pattern}`"
            raise ConfigError(f"{shown} is not allowed for variable `{self.name}`: {reason}")


class Variables:
    """The values of all variables, each found when it is first used.

    ``given`` are those of the command line. ``predefined`` finds a value on demand and may raise ConfigError;
    those named in ``volatile`` differ from load to load.
    """

    def __init__(
        self,
        definitions: Sequence[VariableDefinition],
        *,
        given: Mapping[str, str],
        environ: Mapping[str, str],
        predefined: Mapping[str, Callable[[], str]],
        volatile: frozenset[str] = frozenset(),
    ) -> None:
        self._definitions = {definition.name: definition for definition in definitions}
        self._given = given
        self._environ = environ
        self._predefined = predefined
        self._volatile = volatile
        self._found: dict[str, str | ConfigError] = {}

    def value(self, name: str) -> str:
        """The variable's value; raises ConfigError, without a position, if it has none or one that is not allowed."""
        if name not in self._found:
            try:
                self._found[name] = self._find(name)
            except ConfigError as error:
                self._found[name] = error
        found = self._found[name]
        if isinstance(found, ConfigError):
            raise found
        return found

    def is_secret(self, name: str) -> bool:
        """Whether the value must not be shown."""
        return name in self._definitions and self._definitions[name].password

    def is_volatile(self, name: str) -> bool:
        """Whether the value differs from load to load, and nobody has set it."""
        return name in self._volatile and not any(
            name in names for names in (self._definitions, self._given, self._environ)
        )

    def _find(self, name: str) -> str:
        definition = self._definitions.get(name)
        if definition is not None:
            return self._defined(definition)
        if name in self._given:
            return self._given[name]
        if name in self._environ:
            return self._environ[name]
        if name in self._predefined:
            return self._predefined[name]()
        guess = nearest(name, [*self._definitions, *self._predefined, *self._given])
        setting = f"pass --var {name}=VALUE or set the environment variable {name}"
        hint = f"did you mean `{guess}`?" if guess else setting
        raise ConfigError(f"variable `{name}` is not defined; {hint}")

    def _defined(self, definition: VariableDefinition) -> str:
        name = definition.name
        asks_environment = definition.source in ("all", "env")
        outside = self._given.get(name)
        if outside is None and asks_environment:
            outside = self._environ.get(name)
        if outside is not None:
            definition.check(outside)
            return outside
        if definition.default is not None:
            return definition.default
        environment = f" or set the environment variable {name}" if asks_environment else ""
        raise ConfigError(f"variable `{name}` has no value; pass --var {name}=VALUE{environment}")


def fill(node: Node, variables: Variables, mistakes: Mistakes, *, keep_volatile: bool = False) -> Node:
    """The node with the variables in its values replaced; keys stay.

    With ``keep_volatile``, variables that differ from load to load stay as ``${NAME}``.
    """
    if isinstance(node, ScalarNode):
        return _fill_scalar(node, variables, mistakes, keep_volatile) if "${" in node.text else node
    if isinstance(node, SequenceNode):
        items = tuple(fill(item, variables, mistakes, keep_volatile=keep_volatile) for item in node.items)
        return node._replace(items=items)
    values = {
        key: fill(value, variables, mistakes, keep_volatile=keep_volatile) for key, value in node.values.items()
    }
    return node._replace(values=values)


def _fill_scalar(node: ScalarNode, variables: Variables, mistakes: Mistakes, keep_volatile: bool) -> ScalarNode:
    secret = False

    def value(use: re.Match[str]) -> str:
        nonlocal secret
        name = use[1]
        if use[0].startswith("$$"):
            return use[0][1:]
        if keep_volatile and variables.is_volatile(name):
            return use[0]
        try:
            text = variables.value(name)
        except ConfigError as error:
            mistakes.add(node, str(error))
            return ""
        secret = secret or variables.is_secret(name)
        return text

    text = _USE.sub(value, node.text)
    plain = bool(_NUMBER_OR_BOOLEAN.fullmatch(text))
    return node._replace(text=text, plain=plain, secret=secret)
