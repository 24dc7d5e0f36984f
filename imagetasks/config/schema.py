"""The kinds of value that the keys of ``devspace.yaml`` take, and the keys that are read.

The table :data:`CONFIG` is what is read of a file once it is checked by the table of its own version
(:mod:`imagetasks.config.versions.tables`) and upgraded. Defaults are the model's: a section that names a ``model`` is
read into it, and what the user left out takes the default there. A key without a value, or with an empty text, counts
as left out.
"""

import functools
import re
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, Final, NamedTuple, Protocol

from imagetasks.config.mistakes import Mistakes, nearest
from imagetasks.config.reader import MappingNode, Node, ScalarNode, SequenceNode, describe, is_null, maps_in, text_in
from imagetasks.config.variables import SystemCommand, VariableDefinition

TRUE = frozenset({"true", "True", "TRUE", "yes", "Yes", "YES", "on", "On", "ON"})
FALSE = frozenset({"false", "False", "FALSE", "no", "No", "NO", "off", "Off", "OFF"})

WRONG: Any = object()
"""What a kind reads a value as that it has added a mistake for; sections leave it out, lists and maps keep it."""

LARGEST = 10**18 - 1
"""The largest whole number, which is one that Go has."""

_WHOLE_NUMBER = re.compile(r"([-+]?[0-9]{1,18})(?:\.0*)?|[-+]?0(?:x[0-9a-fA-F]{1,14}|o[0-7]{1,18})")
_CAPITAL = re.compile(r"(?=[A-Z])")


class Kind(Protocol):
    """What a value may be.

    ``read`` gives the node's value as Python data, of which nothing else is known to the type checker; where it is no
    such value, it adds a mistake that names it by ``where``, its path of keys, and gives :data:`WRONG`.
    """

    def read(self, node: Node, where: str, mistakes: Mistakes) -> Any:
        """The node's value."""


class Text(NamedTuple):
    """A text; numbers and booleans stay as they are written, and nothing is the empty text."""

    may_be_empty: bool = False

    def read(self, node: Node, where: str, mistakes: Mistakes) -> Any:
        """The text."""
        if not isinstance(node, ScalarNode):
            mistakes.add(node, f"`{where}` must be a text, not {describe(node)}", where)
            return WRONG
        if "\0" in node.text:
            mistakes.add(node, f"`{where}` holds a NUL character, which no program can be given; leave it out", where)
            return WRONG
        return "" if node.is_null else node.text


class Flag:
    """``true`` or ``false``, or one of YAML 1.1's other words for them."""

    def read(self, node: Node, where: str, mistakes: Mistakes) -> Any:
        """Whether it is true."""
        word = node.text if isinstance(node, ScalarNode) and node.plain else ""
        if word not in TRUE and word not in FALSE:
            mistakes.add(node, f"`{where}` must be true or false, not {describe(node)}", where)
            return WRONG
        return word in TRUE


class WholeNumber:
    """A whole number, also as Go's YAML reads one: ``1.0``, ``0x1f``, ``0o17``."""

    def read(self, node: Node, where: str, mistakes: Mistakes) -> Any:
        """The number."""
        number = _WHOLE_NUMBER.fullmatch(node.text) if isinstance(node, ScalarNode) and node.plain else None
        if number is None:
            mistakes.add(node, f"`{where}` must be a whole number, not {describe(node)}", where)
            return WRONG
        return int(number[1]) if number[1] else int(number[0], 0)


class Choice(NamedTuple):
    """One of a few words."""

    words: tuple[str, ...]

    def read(self, node: Node, where: str, mistakes: Mistakes) -> Any:
        """The word."""
        if not (isinstance(node, ScalarNode) and node.text in self.words):
            mistakes.add(node, f"`{where}` must be {' or '.join(self.words)}, not {describe(node)}", where)
            return WRONG
        return node.text


class Anything:
    """A value that is not looked into."""

    def read(self, node: Node, where: str, mistakes: Mistakes) -> None:
        """Nothing."""


class Yaml:
    """A map that is handed on as it is."""

    def read(self, node: Node, where: str, mistakes: Mistakes) -> Any:
        """The node."""
        if not isinstance(node, MappingNode):
            mistakes.add(node, f"`{where}` must be a map, not {describe(node)}")
            return WRONG
        return node


class YamlList:
    """A list that is handed on as it is."""

    def read(self, node: Node, where: str, mistakes: Mistakes) -> Any:
        """The node."""
        if not isinstance(node, SequenceNode):
            mistakes.add(node, f"`{where}` must be a list, not {describe(node)}")
            return WRONG
        return node


class ListOf(NamedTuple):
    """A list of values of one kind."""

    item: Kind

    def read(self, node: Node, where: str, mistakes: Mistakes) -> Any:
        """The values."""
        if not isinstance(node, SequenceNode):
            mistakes.add(node, f"`{where}` must be a list{self._suggestion(node)}, not {describe(node)}", where)
            return WRONG
        values = []
        for index, item in enumerate(node.items):
            if is_null(item):
                place = f"{where}[{index}]"
                hint = (
                    'write `""` for an empty text, or leave it out' if isinstance(self.item, Text) else "leave it out"
                )
                mistakes.add(item, f"`{place}` is empty; {hint}", place)
                values.append(WRONG)
            elif not _is_open(item, self.item):
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

    def read(self, node: Node, where: str, mistakes: Mistakes) -> Any:
        """The values by their names."""
        if not isinstance(node, MappingNode):
            example = f" such as `{self.example}`" if self.example else ""
            mistakes.add(node, f"`{where}` must be a map{example}, not {describe(node)}", where)
            return WRONG
        return {
            name: self.value.read(value, f"{where}.{name}", mistakes)
            for name, value in node.values.items()
            if not _is_open(value, self.value)
        }


class Section(NamedTuple):
    """A map with known keys, read into ``model``, or into a dict of the keys that are set.

    ``older`` names what other spellings of a key files of older versions have, and ``hints`` what is to be written
    instead of keys that other versions have. In an ``open`` one, other keys are passed over.
    """

    keys: Mapping[str, Kind]
    required: tuple[str, ...] = ()
    model: Callable[..., object] | None = None
    older: Mapping[str, str] = MappingProxyType({})
    hints: Mapping[str, str] = MappingProxyType({})
    open: bool = False

    def read(self, node: Node, where: str, mistakes: Mistakes) -> Any:
        """The section as the model, or as a dict."""
        if not isinstance(node, MappingNode):
            if not is_null(node):
                subject = f"`{where}`" if where else "the file"
                mistakes.add(node, f"{subject} must be a map, not {describe(node)}", where)
                return WRONG
            node = MappingNode({}, {}, node.line, node.column)
        values: dict[str, Any] = {}
        wrong: set[str] = set()
        for key, child in node.values.items():
            name = self._known(key, node, where, mistakes)
            if name is None or _is_left_out(child, kind := self.keys[name]):
                continue
            value = kind.read(child, _join(where, key), mistakes)
            if value is WRONG:
                wrong.add(name)
                continue
            values[name] = value
            if isinstance(kind, Meaningless) and value is not False:
                mistakes.warn(node.keys[key], f"`{_join(where, key)}` has no meaning here: {kind.instead}")
        missing = [name for name in self.required if name not in values and name not in wrong]
        self._tell_missing(missing, node, where, mistakes)
        if self.model is None:
            return values
        has_wrong_item = any(isinstance(value, tuple) and WRONG in value for value in values.values())
        return WRONG if missing or wrong or has_wrong_item else self.model(**attributes(values))

    def _tell_missing(self, missing: list[str], node: MappingNode, where: str, mistakes: Mistakes) -> None:
        for name in missing:
            if not self.open and name in self._meant(node):
                mistakes.add_follow_up(node)
            else:
                mistakes.add(node.values.get(name, node), f"`{name}` is missing in {where}", where)

    def _known(self, key: str, node: MappingNode, where: str, mistakes: Mistakes) -> str | None:
        name = self.older.get(key, key)
        if name not in self.keys:
            if not self.open:
                place = f" in {where}" if where else ""
                mistakes.add(node.keys[key], f"unknown key `{key}`{place}; {self._hint(key)}", where)
            return None
        if name != key and name in node.values:
            message = f"`{key}` is the older spelling of `{name}` in {where}; keep only one of them"
            mistakes.add(node.keys[key], message, where)
            return None
        return name

    def _meant(self, node: MappingNode) -> set[str | None]:
        """The keys that are there under names that are none."""
        return {nearest(key, self.keys) for key in node.values if self.older.get(key, key) not in self.keys}

    def _hint(self, key: str) -> str:
        if key in self.hints:
            return self.hints[key]
        guess = nearest(key, self.keys)
        return f"did you mean `{guess}`?" if guess else f"known are {', '.join(self.keys)}"


class Named(NamedTuple):
    """Entries with names: a map of entries by name, or a list of entries that have a ``name``.

    With ``short``, an entry of the map may also be a single value, and with ``nameless`` one of the list may go
    without a name.
    """

    entry: Section
    short: bool = False
    nameless: bool = False

    def read(self, node: Node, where: str, mistakes: Mistakes) -> Any:
        """The entries, in their order."""
        if isinstance(node, SequenceNode):
            return self.as_list.read(node, where, mistakes)
        return self.as_map.read(node, where, mistakes)

    @property
    def as_list(self) -> ListOf:
        """What the list is."""
        names = () if self.nameless else ("name",)
        return ListOf(self.entry._replace(required=(*names, *self.entry.required)))

    @property
    def as_map(self) -> MapOf:
        """What the map is."""
        return MapOf(OrText(self.entry) if self.short else self.entry)


class OrText(NamedTuple):
    """A map with known keys, or a text that stands for one."""

    section: Section

    def read(self, node: Node, where: str, mistakes: Mistakes) -> Any:
        """The section, or the text."""
        kind: Kind = Text() if isinstance(node, ScalarNode) else self.section
        return kind.read(node, where, mistakes)


class Meaningless(NamedTuple):
    """A value that has a meaning for DevSpace and none here; ``instead`` says what happens.

    A section that holds one warns of it, unless it is a flag that is not set.
    """

    kind: Kind
    instead: str

    def read(self, node: Node, where: str, mistakes: Mistakes) -> Any:
        """What the kind gives."""
        return self.kind.read(node, where, mistakes)


def attributes(values: Mapping[str, Any]) -> dict[str, Any]:
    """The values under the model's names: ``preferMinikube`` is ``prefer_minikube`` there."""
    return {_attribute(key): value for key, value in values.items()}


@functools.cache
def _attribute(key: str) -> str:
    # BuildKit is one word, though it is written with two capitals.
    return _CAPITAL.sub("_", key.replace("BuildKit", "Buildkit")).lower()


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


def _is_open(node: Node, kind: Kind) -> bool:
    """Whether a placeholder stands where only the value itself could be read."""
    return isinstance(node, ScalarNode) and node.pending and not isinstance(kind, Text)


def _is_left_out(node: Node, kind: Kind) -> bool:
    if not isinstance(node, ScalarNode):
        return False
    if _is_open(node, kind):
        return True
    return node.is_null or (not node.text and not (isinstance(kind, Text) and kind.may_be_empty))


TEXT = Text()
FLAG = Flag()
TEXTS = ListOf(TEXT)
LIST = ListOf(Anything())
MAP = MapOf(Anything())
YAML = Yaml()
YAML_LIST = YamlList()

SYSTEM_COMMAND = Section({"command": TEXT, "args": TEXTS, "os": TEXT}, required=("command",), model=SystemCommand)

ENGINES: dict[str, Kind] = {
    "docker": Section(
        {"preferMinikube": FLAG, "disableFallback": FLAG, "useBuildKit": FLAG, "useCli": FLAG, "args": TEXTS},
        open=True,
    ),
    "buildKit": Section({"preferMinikube": FLAG, "args": TEXTS}, open=True),
    "kaniko": Section(
        {
            "cache": FLAG,
            "snapshotMode": TEXT,
            "args": TEXTS,
            "namespace": TEXT,
            "insecure": FLAG,
            "pullSecret": TEXT,
            "image": TEXT,
            "initImage": TEXT,
            "serviceAccount": TEXT,
            "annotations": MapOf(TEXT),
            "nodeSelector": MapOf(TEXT),
            "resources": YAML,
            "tolerations": YAML_LIST,
        },
        open=True,
    ),
    "custom": Section(
        {
            "command": TEXT,
            "commands": ListOf(SYSTEM_COMMAND._replace(open=True)),
            "args": TEXTS,
            "appendArgs": TEXTS,
            "imageFlag": TEXT,
            "imageTagOnly": FLAG,
            "skipImageArg": FLAG,
            "onChange": TEXTS,
        },
        open=True,
    ),
}

BUILD_OPTIONS: dict[str, Kind] = {"target": TEXT, "network": TEXT, "buildArgs": MapOf(TEXT)}

IMAGE = Section(
    {
        "image": TEXT,
        "tags": TEXTS,
        "dockerfile": TEXT,
        "context": TEXT,
        "entrypoint": TEXTS,
        "cmd": TEXTS,
        "appendDockerfileInstructions": TEXTS,
        "rebuildStrategy": TEXT,
        "createPullSecret": FLAG,
        "skipPush": FLAG,
        "disabled": FLAG,
        **BUILD_OPTIONS,
        **ENGINES,
    },
    required=("image",),
    open=True,
)

DEPLOYMENT_KINDS: Final = ("helm", "kubectl", "tanka")

HELM = Section(
    {
        "chart": Section(
            {"name": TEXT, "path": TEXT, "version": TEXT, "repo": TEXT, "username": TEXT, "password": TEXT}, open=True
        ),
        "componentChart": FLAG,
        "releaseName": TEXT,
        "values": YAML,
        "valuesFiles": TEXTS,
        "replaceImageTags": FLAG,
        "wait": FLAG,
        "timeout": TEXT,
        "force": FLAG,
        "atomic": FLAG,
        "cleanupOnFail": FLAG,
        "recreate": FLAG,
        "disableHooks": FLAG,
        "disableDependencyUpdate": FLAG,
        "upgradeArgs": TEXTS,
        "templateArgs": TEXTS,
        "deleteArgs": TEXTS,
        "fetchArgs": TEXTS,
        "path": TEXT,
    },
    open=True,
)

KUBECTL = Section(
    {
        "manifests": TEXTS,
        "inlineManifest": TEXT,
        "kustomize": FLAG,
        "kustomizeArgs": TEXTS,
        "patches": YAML_LIST,
        "replaceImageTags": FLAG,
        "createArgs": TEXTS,
        "applyArgs": TEXTS,
        "deleteArgs": TEXTS,
        "kubectlBinaryPath": TEXT,
        "kustomizeBinaryPath": TEXT,
    },
    older={"cmdPath": "kubectlBinaryPath"},
    open=True,
)

DEPLOYMENT = Section(
    {
        "name": TEXT,
        "namespace": TEXT,
        "disabled": FLAG,
        "updateImageTags": FLAG,
        "helm": HELM,
        "kubectl": KUBECTL,
        "tanka": MAP,
    },
    required=("name",),
    open=True,
)

DEPENDENCY = Section(
    {
        "name": TEXT,
        "source": Section(
            {"path": TEXT, "git": TEXT, "branch": TEXT, "tag": TEXT, "revision": TEXT, "subPath": TEXT}, open=True
        ),
        "profile": TEXT,
        "profiles": TEXTS,
        "vars": MapOf(Text(may_be_empty=True), example="NAME: value"),
        "overwriteVars": FLAG,
        "skipBuild": FLAG,
        "ignoreDependencies": FLAG,
        "disabled": FLAG,
        "namespace": TEXT,
        "config": TEXT,
    },
    open=True,
)

HOOK = Section(
    {
        "name": TEXT,
        "command": TEXT,
        "args": TEXTS,
        "events": TEXTS,
        "os": TEXT,
        "disabled": FLAG,
        "background": FLAG,
        "silent": FLAG,
        "container": MAP,
        "upload": MAP,
        "download": MAP,
        "logs": MAP,
        "wait": MAP,
    },
    open=True,
)

VARIABLE = Section(
    {
        "name": TEXT,
        "source": Choice(("all", "env", "input", "none", "command")),
        "value": Text(may_be_empty=True),
        "default": Text(may_be_empty=True),
        "question": TEXT,
        "options": TEXTS,
        "password": FLAG,
        "validationPattern": TEXT,
        "validationMessage": TEXT,
        "command": TEXT,
        "args": TEXTS,
        "commands": ListOf(SYSTEM_COMMAND),
        "alwaysResolve": FLAG,
        "noCache": FLAG,
    },
    required=("name",),
    model=VariableDefinition,
)

CONFIG = Section(
    {
        "images": MapOf(IMAGE),
        "deployments": ListOf(DEPLOYMENT),
        "dependencies": ListOf(DEPENDENCY),
        "hooks": ListOf(HOOK),
        "vars": ListOf(VARIABLE),
    },
    open=True,
)
