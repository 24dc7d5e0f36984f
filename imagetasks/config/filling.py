"""Values of ``devspace.yaml`` with their variables and expressions replaced by what these stand for.

An expression is a value ``$(command)``: the command's output takes its place (DevSpace's documentation,
https://www.devspace.sh/docs/configuration/expressions).
"""

from __future__ import annotations

import re

from imagetasks.config.mistakes import Mistakes
from imagetasks.config.reader import NULLS, MappingNode, Node, ScalarNode, SequenceNode, parse_nodes
from imagetasks.config.variables import RUNTIME, USE, Variables
from imagetasks.errors import ConfigError

_NUMBER_OR_BOOLEAN = re.compile(
    r"[-+]?([0-9]+(\.[0-9]*)?|\.[0-9]+)([eE][-+]?[0-9]+)?|true|false|True|False|TRUE|FALSE"
)
_EXPRESSION = re.compile(r"^\$(?P<untrimmed>#?)(?P<text>!?)\((?P<script>.+)\)$", re.MULTILINE | re.DOTALL)
# What a deployment, a hook or a pipeline is made of has its expressions evaluated when that runs.
_EVALUATED_LATER = re.compile(r"deployments/[^/]*/helm/values/|(hooks|dev|pipelines|functions)/")


class Filler:
    """Fills in the values of one file; ``expressions`` says whether its version has them.

    What cannot be known in this run (see :class:`Variables`) stays as it is written, and its node is pending. So is
    a value with a mistake, which is added to ``mistakes``: nothing more is to be said of it.
    """

    def __init__(self, variables: Variables, mistakes: Mistakes, *, expressions: bool = False) -> None:
        self._variables = variables
        self._mistakes = mistakes
        self._expressions = expressions

    def fill(self, node: Node, path: str = "", *, keep_volatile: bool = False) -> Node:
        """The node with its values filled in; keys stay. ``path`` holds the keys that lead to it, each with a ``/``.

        With ``keep_volatile``, variables that differ from load to load stay as ``${NAME}``.
        """
        if isinstance(node, ScalarNode):
            return self._scalar(node, path, keep_volatile) if "$" in node.text else node
        if isinstance(node, SequenceNode):
            items = [(item, self.fill(item, f"{path}-/", keep_volatile=keep_volatile)) for item in node.items]
            # An expression may leave an entry out.
            kept = tuple(new for old, new in items if new is old or not _is_nothing(new))
            return SequenceNode(kept, node.line, node.column)
        values = {
            key: self.fill(value, f"{path}{key}/", keep_volatile=keep_volatile) for key, value in node.values.items()
        }
        return node.with_values(values)

    def _scalar(self, node: ScalarNode, path: str, keep_volatile: bool) -> Node:
        expression = _EXPRESSION.search(node.text) if self._expressions else None
        later = expression is not None and _EVALUATED_LATER.match(path) is not None
        try:
            filled = self._replaced(node, keep_volatile)
            if expression is None:
                return filled
            if later or filled.pending or self._variables.lists_only:
                return filled._replace(pending=True)
            # An expression's output may hold variables, but what it says is not run.
            return Filler(self._variables, self._mistakes).fill(self._evaluated(filled), keep_volatile=keep_volatile)
        except ConfigError as error:
            for fault in self._variables.faults(node.text) or [str(error)]:
                self._mistakes.add(node, fault)
            return node._replace(pending=True)

    def _replaced(self, node: ScalarNode, keep_volatile: bool) -> ScalarNode:
        value = self._variables.expand(node.text, keep_volatile=keep_volatile)
        if value.text == node.text and not value.pending:
            return node._replace(pending=f"${{{RUNTIME}" in node.text)
        could_be_plain = _NUMBER_OR_BOOLEAN.fullmatch(value.text) is not None
        plain = could_be_plain and not any(use[1] for use in USE.finditer(node.text))
        pending = value.pending or f"${{{RUNTIME}" in node.text
        return ScalarNode(value.text, plain, node.line, node.column, value.secret, pending)

    def _evaluated(self, node: ScalarNode) -> Node:
        """What the expression's command says: a test is true or false, and other output is YAML, or else a text."""
        from imagetasks.config.shell import run, shell_command

        expression = _EXPRESSION.search(node.text)
        if expression is None:
            return node
        result = run(shell_command(expression["script"]), self._variables.folder, self._variables.environ)
        said_nothing = not result.output and not result.error_output
        if result.code not in (0, 1) or (result.code and not said_nothing):
            raise ConfigError(f"the expression failed: {self._variables.mask(result.reason)}")
        if said_nothing:
            return node._replace(text="false" if result.code else "true", plain=True)
        output = result.output if expression["untrimmed"] else result.output.strip()
        text = node.text[: expression.start()] + output + node.text[expression.end() :]
        if expression["text"]:
            return node._replace(text=text, plain=False)
        return self._parsed(text, node)

    def _parsed(self, text: str, at: ScalarNode) -> Node:
        if text in NULLS or text == "undefined":
            return at._replace(text="", plain=True)
        try:
            parsed = parse_nodes(text.encode(), self._mistakes.file)
        except ConfigError:
            parsed = None
        if parsed is None or isinstance(parsed, ScalarNode):
            return at._replace(text=text, plain=bool(_NUMBER_OR_BOOLEAN.fullmatch(text)))
        return _placed(parsed, at)


def _is_nothing(node: Node) -> bool:
    return isinstance(node, ScalarNode) and node.is_null


def _placed(node: Node, at: ScalarNode) -> Node:
    """The node as if it stood, with all that is in it, where another one stands."""
    if isinstance(node, ScalarNode):
        return node._replace(line=at.line, column=at.column, secret=at.secret)
    if isinstance(node, SequenceNode):
        return SequenceNode(tuple(_placed(item, at) for item in node.items), at.line, at.column)
    keys = {key: name._replace(line=at.line, column=at.column) for key, name in node.keys.items()}
    return MappingNode(keys, {key: _placed(value, at) for key, value in node.values.items()}, at.line, at.column)
