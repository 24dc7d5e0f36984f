"""The variables that ``FROM`` can use: each ``ARG`` before the first ``FROM``, with the build's own values.

Source: the Dockerfile reference, sections "Environment replacement" and "Understand how ARG and FROM interact"
(https://docs.docker.com/reference/dockerfile/).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from functools import cache

from imagetasks.context.dockerfile_parser import Instruction

Variables = Mapping[str, str | None]
"""Values by name; ``None`` is a value that only the builder knows."""

# "Automatic platform ARGs in the global scope": BuildKit sets these, from the platforms of the build.
_PLATFORM_VARIABLES = (
    "BUILDPLATFORM",
    "BUILDOS",
    "BUILDARCH",
    "BUILDVARIANT",
    "TARGETPLATFORM",
    "TARGETOS",
    "TARGETARCH",
    "TARGETVARIANT",
)


def global_variables(instructions: Iterable[Instruction], build_args: Mapping[str, str], escape: str) -> Variables:
    """The variables after ``instructions``, which are those before the first ``FROM``.

    A value in ``build_args`` takes the place of an ``ARG``'s default; without an ``ARG`` it has no effect.
    """
    variables: dict[str, str | None] = dict.fromkeys(_PLATFORM_VARIABLES)
    for instruction in instructions:
        if instruction.keyword != "ARG":
            continue
        for word in instruction.words(escape):
            name, has_default, default = word[0].partition("=")
            if name in build_args:
                variables[name] = build_args[name]
            elif has_default:
                variables[name] = expand(default, variables, escape)
    return variables


def expand(word: str, variables: Variables, escape: str) -> str | None:
    """``word`` without quotes and escapes and with its variables replaced; one that is not set counts as empty.

    ``None`` if the value cannot be known: it depends on a variable that only the builder knows, or on a form of
    substitution other than ``$X``, ``${X}`` and those with ``-``, ``+`` or ``?``.
    """
    values = []
    end = 0
    while end < len(word):
        piece = _piece_pattern(escape).match(word, end)
        value = _value(piece, variables, escape) if piece else None
        if piece is None or value is None:
            return None
        values.append(value)
        end = piece.end()
    return "".join(values)


def _value(piece: re.Match[str], variables: Variables, escape: str) -> str | None:
    if piece["double_quoted"] is not None:
        return expand(piece["double_quoted"], variables, escape)
    if piece["name"]:
        return _substitute(piece, variables, escape)
    if piece["bare_name"]:
        return variables.get(piece["bare_name"], "")
    return piece["single_quoted"] or piece["escaped"] or piece["plain"] or ""


def _substitute(piece: re.Match[str], variables: Variables, escape: str) -> str | None:
    name, operator = piece["name"], piece["operator"]
    value = variables.get(name, "")
    if not operator or (name in variables and value is None):
        return value
    is_set = bool(value) if piece["colon"] else name in variables
    if operator == "+":
        return expand(piece["alternative"], variables, escape) if is_set else ""
    if is_set:
        return value
    return expand(piece["alternative"], variables, escape) if operator == "-" else None


@cache
def _piece_pattern(escape: str) -> re.Pattern[str]:
    char = re.escape(escape)
    return re.compile(
        rf"""
          '(?P<single_quoted>[^']*)'
        | "(?P<double_quoted>(?:{char}.|[^"{char}])*)"
        | {char}(?P<escaped>.?)
        | \$(?P<bare_name>[A-Za-z_]\w*)
        | \$\{{(?P<name>[A-Za-z_]\w*)
               (?:(?P<colon>:?)(?P<operator>[-+?])(?P<alternative>(?:[^{{}}]|\$\{{[^{{}}]*\}})*))?\}}
        | (?P<plain>[^'"${char}]+)
        """,
        re.VERBOSE | re.DOTALL,
    )
