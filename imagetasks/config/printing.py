"""Nodes as YAML text, which reads back as the same nodes; and a file as it is after profiles and variables."""

from __future__ import annotations

import re
import sys

import yaml

from imagetasks.config.load import NOT_FILLED, FilledFile
from imagetasks.config.reader import Node, ScalarNode, SequenceNode
from imagetasks.config.variables import MASK, USE, Variables

# Numbers and booleans to YAML 1.2, or to the Go library of kubectl and helm, though not to PyYAML's YAML 1.1.
_NUMBER = re.compile(
    r"[-+]?(([0-9]+(\.[0-9]*)?|\.[0-9]+)([eE][-+]?[0-9]+)?|0[xX][0-9a-fA-F]+|0[oO][0-7]+|0[bB][01]+)"
)
_BOOLEANS = frozenset("yYnN")
# Line breaks that a block or a single-quoted text would change.
_RARE_BREAK = re.compile("[\r\x85\u2028\u2029]")
# The name and the password in a web address; a name alone may be a token.
_LOGIN = re.compile(r"(https?://)[^/?#@\s]+@")
_TAGGING = ("tag", "tags")
_USED_UP = ("vars", "profiles")
_TEXT_TAG = "tag:yaml.org,2002:str"
_TAGS = yaml.resolver.Resolver()


def print_filled(filled: FilledFile) -> str:
    """The file as YAML that loads again and means the same: without ``vars`` and ``profiles``, which are used up.

    Passwords are masked, which is all that is lost. What only a run knows stays a variable.
    """
    root = filled.root
    values = {
        key: value if key in NOT_FILLED else _printable(value, filled.variables, key)
        for key, value in root.values.items()
        if key not in _USED_UP
    }
    return print_nodes(root._replace(values=values))


def _printable(node: Node, variables: Variables, key: str) -> Node:
    """The node with passwords masked, and with what looks like a variable and is none as ``$${NAME}``."""

    def escaped(use: re.Match[str]) -> str:
        stays = key in _TAGGING and variables.is_volatile(use[2])
        return use[0] if stays else f"${use[0]}"

    if isinstance(node, SequenceNode):
        return node._replace(items=tuple(_printable(item, variables, key) for item in node.items))
    if isinstance(node, ScalarNode):
        text = _masked(node, variables, key)
        return node._replace(text=text) if node.pending else node._replace(text=USE.sub(escaped, text))
    return node._replace(values={name: _printable(value, variables, name) for name, value in node.values.items()})


def _masked(node: ScalarNode, variables: Variables, key: str) -> str:
    """The text with its passwords masked: a value of the key ``password``, a login in a web address, and variables.

    Of a text with the value of such a variable, the rest stays if it can be told from that.
    """
    if key == "password" and node.text:
        return MASK
    masked = _LOGIN.sub(rf"\1{MASK}@", variables.mask(node.text) if node.secret else node.text)
    return MASK if node.secret and masked == node.text else masked


def print_nodes(node: Node) -> str:
    """The node as a YAML document in block style.

    Texts have quotes only where they would be read as something else without; comments, anchors and the user's own
    choice of quotes are gone.
    """
    text: str = yaml.serialize(_yaml_node(node), Dumper=yaml.SafeDumper, width=sys.maxsize, allow_unicode=True)
    return text


def _yaml_node(node: Node) -> yaml.Node:
    if isinstance(node, ScalarNode):
        return _plain(node.text) if node.plain else _text(node.text)
    if isinstance(node, SequenceNode):
        items = [_yaml_node(item) for item in node.items]
        return yaml.SequenceNode("tag:yaml.org,2002:seq", items, flow_style=not items)
    pairs = [(_yaml_node(node.keys[key]), _yaml_node(value)) for key, value in node.values.items()]
    return yaml.MappingNode("tag:yaml.org,2002:map", pairs, flow_style=not pairs)


def _plain(text: str) -> yaml.ScalarNode:
    return yaml.ScalarNode(_TAGS.resolve(yaml.ScalarNode, text, (True, False)), text)  # type: ignore[no-untyped-call]


def _text(text: str) -> yaml.ScalarNode:
    return yaml.ScalarNode(_TEXT_TAG, text, style=_style(text))


def _style(text: str) -> str | None:
    """The style to prefer; the library takes a safer one where the text needs it, and chooses itself for none."""
    if _RARE_BREAK.search(text):
        return '"'
    if "\n" in text:
        return "|"
    return "'" if text in _BOOLEANS or _NUMBER.fullmatch(text.replace("_", "")) else None
