"""The keys of ``devspace.yaml``, and the kinds of value they take: the one table that checking and reading go by.

Keys are those of the reference (section "Configuration file") and, where older files have other spellings, of
versions v1beta3 to v1beta5. Defaults are the model's: a section that names a ``model`` is read into it, and what the
user left out takes the default there. A key without a value, or with an empty text, counts as left out.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, NamedTuple, Protocol

from imagetasks.config.mistakes import Mistakes, nearest
from imagetasks.config.model import BuildOptions, CustomBuild, DockerBuild, KanikoBuild
from imagetasks.config.reader import MappingNode, Node, ScalarNode, SequenceNode, describe, is_null, maps_in, text_in
from imagetasks.config.variables import VariableDefinition

TRUE = frozenset({"true", "yes", "on"})
FALSE = frozenset({"false", "no", "off"})

_WHOLE_NUMBER = re.compile(r"[-+]?[0-9]{1,18}")
_CAPITAL = re.compile(r"(?=[A-Z])")


class Kind(Protocol):
    """What a value may be.

    ``read`` gives the node's value as Python data; where it is no such value, it adds a mistake that names it by
    ``where``, its path of keys, and what it gives is of no use.
    """

    def read(self, node: Node, where: str, mistakes: Mistakes) -> Any:
        """The node's value."""


class Text(NamedTuple):
    """A text; numbers and booleans stay as they are written, and nothing is the empty text."""

    may_be_empty: bool = False

    def read(self, node: Node, where: str, mistakes: Mistakes) -> str:
        """The text."""
        if not isinstance(node, ScalarNode):
            mistakes.add(node, f"`{where}` must be a text, not {describe(node)}")
            return ""
        return "" if node.is_null else node.text


class Flag:
    """``true`` or ``false``, or one of YAML 1.1's other words for them."""

    def read(self, node: Node, where: str, mistakes: Mistakes) -> bool:
        """Whether it is true."""
        word = node.text.lower() if isinstance(node, ScalarNode) and node.plain else ""
        if word not in TRUE and word not in FALSE:
            mistakes.add(node, f"`{where}` must be true or false, not {describe(node)}")
        return word in TRUE


class WholeNumber:
    """A whole number."""

    def read(self, node: Node, where: str, mistakes: Mistakes) -> int:
        """The number."""
        if not (isinstance(node, ScalarNode) and node.plain and _WHOLE_NUMBER.fullmatch(node.text)):
            mistakes.add(node, f"`{where}` must be a whole number, not {describe(node)}")
            return 0
        return int(node.text)


class Choice(NamedTuple):
    """One of a few words."""

    words: tuple[str, ...]

    def read(self, node: Node, where: str, mistakes: Mistakes) -> str:
        """The word."""
        if not (isinstance(node, ScalarNode) and node.text in self.words):
            mistakes.add(node, f"`{where}` must be {' or '.join(self.words)}, not {describe(node)}")
            return self.words[0]
        return node.text


class Anything:
    """A value that is not looked into."""

    def read(self, node: Node, where: str, mistakes: Mistakes) -> None:
        """Nothing."""


class ListOf(NamedTuple):
    """A list of values of one kind."""

    item: Kind

    def read(self, node: Node, where: str, mistakes: Mistakes) -> tuple[Any, ...]:
        """The values."""
        if not isinstance(node, SequenceNode):
            mistakes.add(node, f"`{where}` must be a list{self._suggestion(node)}, not {describe(node)}")
            return ()
        values = []
        for index, item in enumerate(node.items):
            if is_null(item):
                mistakes.add(item, f'`{where}[{index}]` is empty; write `""` for an empty text, or leave it out')
            else:
                values.append(self.item.read(item, f"{where}[{index}]", mistakes))
        return tuple(values)

    def _suggestion(self, node: Node) -> str:
        if isinstance(self.item, Text) and isinstance(node, ScalarNode) and not node.secret and not node.is_null:
            return f" such as [{', '.join(node.text.split())}]"
        return ""


class MapOf(NamedTuple):
    """A map from names that the user chooses to values of one kind; ``example`` shows one entry."""

    value: Kind
    example: str = ""

    def read(self, node: Node, where: str, mistakes: Mistakes) -> dict[str, Any]:
        """The values by their names."""
        if not isinstance(node, MappingNode):
            example = f" such as `{self.example}`" if self.example else ""
            mistakes.add(node, f"`{where}` must be a map{example}, not {describe(node)}")
            return {}
        return {name: self.value.read(value, f"{where}.{name}", mistakes) for name, value in node.values.items()}


class Section(NamedTuple):
    """A map with known keys, read into ``model``, or into a dict of the keys that are set.

    ``older`` names what other spellings of a key files of older versions have.
    """

    keys: Mapping[str, Kind]
    required: tuple[str, ...] = ()
    model: Callable[..., object] | None = None
    older: Mapping[str, str] = MappingProxyType({})

    def read(self, node: Node, where: str, mistakes: Mistakes) -> Any:
        """The section as the model, or as a dict."""
        if is_null(node):
            node = MappingNode({}, {}, node.line, node.column)
        if not isinstance(node, MappingNode):
            mistakes.add(node, f"{f'`{where}`' if where else 'the file'} must be a map, not {describe(node)}")
            return None
        values: dict[str, Any] = {}
        for key, value in node.values.items():
            name = self._known(key, node, where, mistakes)
            if name is not None and not _is_left_out(value, self.keys[name]):
                values[name] = self.keys[name].read(value, _join(where, key), mistakes)
        missing = [name for name in self.required if name not in values]
        for name in missing:
            mistakes.add(node.values.get(name, node), f"`{name}` is missing in {where}")
        if self.model is None:
            return values
        return None if missing else self.model(**attributes(values))

    def _known(self, key: str, node: MappingNode, where: str, mistakes: Mistakes) -> str | None:
        name = self.older.get(key, key)
        if name not in self.keys:
            place = f" in {where}" if where else ""
            guess = nearest(key, self.keys)
            hint = f"did you mean `{guess}`?" if guess else f"known are {', '.join(self.keys)}"
            mistakes.add(node.keys[key], f"unknown key `{key}`{place}; {hint}")
            return None
        if name != key and name in node.values:
            mistakes.add(
                node.keys[key], f"`{key}` is the older spelling of `{name}` in {where}; keep only one of them"
            )
            return None
        return name


def attributes(values: Mapping[str, Any]) -> dict[str, Any]:
    """The values under the model's names: ``preferMinikube`` is ``prefer_minikube`` there."""
    # BuildKit is one word, though it is written with two capitals.
    return {_CAPITAL.sub("_", key.replace("BuildKit", "Buildkit")).lower(): value for key, value in values.items()}


def check_names_differ(section: Node, where: str, mistakes: Mistakes) -> None:
    """Add a mistake for each entry of a list whose ``name`` an earlier entry has."""
    first: dict[str, MappingNode] = {}
    for entry in maps_in(section):
        name = text_in(entry, "name")
        other = first.setdefault(name, entry)
        if name and other is not entry:
            node = entry.values["name"]
            mistakes.add(node, f"the name {describe(node)} is taken by the entry of {where} in line {other.line}")


def _join(where: str, key: str) -> str:
    return f"{where}.{key}" if where else key


def _is_left_out(node: Node, kind: Kind) -> bool:
    if not isinstance(node, ScalarNode):
        return False
    return node.is_null or (not node.text and not (isinstance(kind, Text) and kind.may_be_empty))


TEXT = Text()
FLAG = Flag()
TEXTS = ListOf(TEXT)
LIST = ListOf(Anything())
MAP = MapOf(Anything())

BUILD_OPTIONS = Section(
    {"target": TEXT, "network": TEXT, "buildArgs": MapOf(TEXT, example="NAME: value")},
    model=BuildOptions,
)

BUILD = Section(
    {
        "docker": Section(
            {
                "preferMinikube": FLAG,
                "skipPush": FLAG,
                "disableFallback": FLAG,
                "useBuildKit": FLAG,
                "args": TEXTS,
                "options": BUILD_OPTIONS,
            },
            model=DockerBuild,
        ),
        "kaniko": Section(
            {
                "cache": FLAG,
                "snapshotMode": Choice(("full", "time")),
                "flags": TEXTS,
                "namespace": TEXT,
                "insecure": FLAG,
                "pullSecret": TEXT,
                "options": BUILD_OPTIONS,
            },
            model=KanikoBuild,
        ),
        "custom": Section(
            {"command": TEXT, "args": TEXTS, "imageFlag": TEXT, "onChange": TEXTS},
            required=("command",),
            model=CustomBuild,
            older={"flags": "args"},
        ),
        "disabled": FLAG,
        "options": BUILD_OPTIONS,
    }
)

IMAGE = Section(
    {
        "image": TEXT,
        "tag": TEXT,
        "dockerfile": TEXT,
        "context": TEXT,
        "entrypoint": TEXTS,
        "cmd": TEXTS,
        "createPullSecret": FLAG,
        "build": BUILD,
    },
    required=("image",),
)

CHART = Section({"name": TEXT, "version": TEXT, "repo": TEXT, "username": TEXT, "password": TEXT})

HELM = Section(
    {
        "chart": CHART,
        "componentChart": FLAG,
        "values": MAP,
        "valuesFiles": TEXTS,
        "replaceImageTags": FLAG,
        "wait": FLAG,
        "timeout": WholeNumber(),
        "force": FLAG,
        "atomic": FLAG,
        "cleanupOnFail": FLAG,
        "recreate": FLAG,
        "rollback": FLAG,
        "disableHooks": FLAG,
        "driver": TEXT,
        "path": TEXT,
        "v2": FLAG,
        "tillerNamespace": TEXT,
    }
)

KUBECTL = Section(
    {"manifests": TEXTS, "kustomize": FLAG, "replaceImageTags": FLAG, "flags": TEXTS, "cmdPath": TEXT},
)

COMPONENT = Section(
    {
        "initContainers": LIST,
        "containers": LIST,
        "labels": MAP,
        "annotations": MAP,
        "volumes": LIST,
        "service": MAP,
        "serviceName": TEXT,
        "ingress": MAP,
        "replicas": WholeNumber(),
        "autoScaling": MAP,
        "rollingUpdate": MAP,
        "pullSecrets": TEXTS,
        "podManagementPolicy": TEXT,
        "options": MAP,
    }
)

DEPLOYMENT_KINDS = {"helm": HELM, "kubectl": KUBECTL, "component": COMPONENT}

DEPLOYMENT = Section({"name": TEXT, "namespace": TEXT, **DEPLOYMENT_KINDS}, required=("name",))

DEV = Section(
    {"interactive": MAP, "ports": LIST, "sync": LIST, "logs": MAP, "autoReload": MAP, "open": LIST},
)

DEPENDENCY = Section(
    {
        "name": TEXT,
        "source": Section(
            {"path": TEXT, "git": TEXT, "branch": TEXT, "tag": TEXT, "revision": TEXT, "subPath": TEXT},
        ),
        "profile": TEXT,
        "skipBuild": FLAG,
        "ignoreDependencies": FLAG,
        "namespace": TEXT,
        "config": TEXT,
    },
    required=("source",),
)

HOOK_TIME = Section({"images": TEXT, "deployments": TEXT})

HOOK = Section(
    {"command": TEXT, "args": TEXTS, "when": Section({"before": HOOK_TIME, "after": HOOK_TIME})},
    required=("command",),
)

COMMAND = Section({"name": TEXT, "command": TEXT}, required=("name", "command"))

VARIABLE = Section(
    {
        "name": TEXT,
        "source": Choice(("all", "env", "input", "none")),
        "default": Text(may_be_empty=True),
        "question": TEXT,
        "options": TEXTS,
        "password": FLAG,
        "validationPattern": TEXT,
        "validationMessage": TEXT,
    },
    required=("name",),
    model=VariableDefinition,
)

PATCH = Section(
    {"op": Choice(("add", "remove", "replace")), "path": TEXT, "value": Anything()}, required=("op", "path")
)

PROFILE = Section(
    {
        "name": TEXT,
        "replace": Section({"images": MAP, "deployments": LIST, "dev": MAP, "dependencies": LIST, "hooks": LIST}),
        "patches": ListOf(PATCH),
    },
    required=("name",),
)

CONFIG = Section(
    {
        "version": TEXT,
        "name": TEXT,
        "images": MapOf(IMAGE, example="name: {image: registry.example.com/team/name}"),
        "deployments": ListOf(DEPLOYMENT),
        "dev": DEV,
        "dependencies": ListOf(DEPENDENCY),
        "hooks": ListOf(HOOK),
        "commands": ListOf(COMMAND),
        "vars": ListOf(VARIABLE),
        "profiles": ListOf(PROFILE),
    }
)
