"""The ``hooks`` section: its entries, once their keys are checked, as the model's hooks.

They are in the form of the later versions, with ``events`` such as ``before:build`` or ``after:deploy:api``
(``HookConfig`` in upstream's ``v1beta11/schema.go``); ``when`` of the earlier ones has been turned into it.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from imagetasks.config.mistakes import Mistakes, nearest
from imagetasks.config.model import ALL, EACH, Hook
from imagetasks.config.reader import MappingNode, Node, ScalarNode, SequenceNode, describe, maps_in, position_of
from imagetasks.config.variables import RUNTIME

_STAGE_OF_EVENT = {"build": "images", "deploy": "deployments"}
_SYSTEMS = {"win32": "windows"}
OTHER_ACTIONS = ("container", "upload", "download", "logs", "wait")


class _Time(NamedTuple):
    when: str
    stage: str
    target: str
    node: ScalarNode


def read_hooks(
    node: Node | None, values: Sequence[Mapping[str, Any]], names: Mapping[str, Sequence[str]], mistakes: Mistakes
) -> tuple[Hook, ...]:
    """The hooks of the section ``node``, whose values the schema has read as ``values``, in its order.

    An entry that names several times is several hooks; one that is disabled or for another system is none. Warned is
    of what never happens here: other events than builds and deployments, those of images and deployments that
    ``names`` does not hold (a profile may have removed them), what would run in a container, and ``${runtime...}``
    that is not known when the hook runs.
    """
    hooks: list[Hook] = []
    for entry, value in zip(maps_in(node), values, strict=True):
        if not value.get("disabled") and _is_for_this_system(value.get("os", "")):
            hooks.extend(_hooks(entry, value, names, mistakes))
    return tuple(hooks)


def _is_for_this_system(systems: str) -> bool:
    here = _SYSTEMS.get(sys.platform, sys.platform)
    return not systems or here in [system.strip() for system in systems.split(",")]


def _hooks(
    entry: MappingNode, value: Mapping[str, Any], names: Mapping[str, Sequence[str]], mistakes: Mistakes
) -> Iterator[Hook]:
    from imagetasks.runtime import fill_runtime, images_named

    others = [key for key in OTHER_ACTIONS if key in value]
    if others:
        mistakes.warn(entry.keys[others[0]], f"`{others[0]}` of a hook has no meaning here; the hook is left out")
        return
    if "command" not in value:
        if not mistakes.has_wrong_key(entry):
            mistakes.add(entry, "`command` is missing in hooks")
        return
    told = " ".join([value["command"], *(value.get("args") or ())])
    if f"${{{RUNTIME}" in fill_runtime(told, dict.fromkeys(names["images"], "")):
        mistakes.warn(entry, "a hook is told `${runtime...}` of this file's images alone; it is left out")
        return
    if value.get("background"):
        mistakes.warn(entry.keys["background"], "`background` of a hook has no meaning here; its end is waited for")
    if not value.get("events"):
        mistakes.warn(entry, "a hook without a time never runs")
    images = images_named(told)
    for time in _events(entry, mistakes):
        if images and (time.when, time.stage) == ("before", "images"):
            mistakes.warn(time.node, "a hook before a build is not told `${runtime...}`; it is left out")
        elif _is_there(time, names[time.stage], mistakes):
            yield Hook(
                command=value["command"],
                args=value.get("args"),
                when=time.when,
                stage=time.stage,
                target=time.target,
                shown=_shown(entry),
                silent=value.get("silent", False),
                images=images,
                position=position_of(entry, mistakes.file),
            )


def _events(entry: MappingNode, mistakes: Mistakes) -> Iterator[_Time]:
    events = entry.values.get("events")
    for node in events.items if isinstance(events, SequenceNode) else ():
        if not isinstance(node, ScalarNode):
            continue
        when, _, rest = node.text.partition(":")
        event, _, target = rest.partition(":")
        if when in ("before", "after") and event in _STAGE_OF_EVENT:
            yield _Time(when, _STAGE_OF_EVENT[event], target or ALL, node)
        else:
            mistakes.warn(node, f"the event {_quoted(node.text, node)} of a hook never happens here")


def _is_there(time: _Time, names: Sequence[str], mistakes: Mistakes) -> bool:
    if time.target in (ALL, EACH, *names):
        return True
    guess = nearest(time.target, names)
    hint = f"did you mean `{guess}`?" if guess else f"known are {', '.join((ALL, *names))}"
    target = _quoted(time.target, time.node)
    mistakes.warn(time.node, f"a hook is for {target}, which is none of the {time.stage}; {hint}")
    return False


def _quoted(text: str, node: ScalarNode) -> str:
    """A text out of a node, for a message."""
    return describe(node) if node.secret else f"`{text}`"


def _shown(entry: MappingNode) -> str:
    args = entry.values.get("args")
    words = [entry.values["command"], *(args.items if isinstance(args, SequenceNode) else ())]
    texts = ("***" if word.secret else word.text for word in words if isinstance(word, ScalarNode))
    return " ".join(" ".join(texts).split())
