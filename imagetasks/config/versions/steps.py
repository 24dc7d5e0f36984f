"""The upgrade of a file, version by version: one small function a step, from nodes to nodes.

Each says what it changes; all else stays as it is. The sources are the ``schema.go`` and ``upgrade.go`` of each
version in DevSpace's repository (``pkg/devspace/config/versions/``) and the documentation of its releases. What only
concerns development mode stays in the words of the version that it is written in.
"""

from __future__ import annotations

from collections.abc import Iterator

from imagetasks.config.reader import MappingNode, Node, ScalarNode, SequenceNode, maps_in, text_in
from imagetasks.config.versions import NEWEST, VERSIONS
from imagetasks.config.versions.edits import (
    Edit,
    child,
    drop,
    edit,
    edit_each,
    listed,
    move,
    put,
    rename,
    replace,
    scalar,
)

OPTIONS = ("target", "network", "buildArgs")
ENGINES = ("docker", "buildKit", "kaniko", "custom")
COMPONENT_OPTIONS = ("replaceImageTags", "wait", "timeout", "rollback", "force")

_EVENTS = {
    "images": "build",
    "deployments": "deploy",
    "purgeDeployments": "purge",
    "dependencies": "deployDependencies",
    "pullSecrets": "createPullSecrets",
    "initialSync": "initialSync",
}
_NAMING = frozenset({"images", "deployments", "purgeDeployments", "initialSync"})
_TRUE = frozenset({"true", "yes", "on"})


def upgrade(root: MappingNode, version: str) -> MappingNode:
    """The root of a file of ``version``, with profiles applied and variables filled in, in the form that we read.

    The file must have passed the check of its own version: what has no place in it is of no interest here.
    """
    for step in STEPS[VERSIONS.index(version) :]:
        root = step(root)
    return _with_lists(root)


def list_variables(root: MappingNode) -> MappingNode:
    """The root with ``vars`` as a list of entries with names, as all versions but the newest have it.

    ``NAME: value`` and ``value: …`` stand for a value that nobody is asked for, ``NAME: $(command)`` for the output
    of the command (schema of v2beta1, ``Variable``).
    """
    root = listed(root, "vars", short="value") if text_in(root, "version") == NEWEST else root
    return edit_each(root, "vars", _with_command)


def from_v1beta3(root: MappingNode) -> MappingNode:
    """``deployments[*].component`` becomes a ``helm`` deployment of the component chart with the same values."""

    def change(deployment: MappingNode) -> MappingNode:
        component = child(deployment, "component")
        if not isinstance(component, MappingNode) or child(deployment, "helm") is not None:
            return deployment
        helm = MappingNode({}, {}, component.line, component.column)
        options = child(component, "options")
        if isinstance(options, MappingNode):
            for option in COMPONENT_OPTIONS:
                helm = move(helm, options, option)
        helm = put(helm, "componentChart", scalar("true", component))
        helm = put(helm, "values", drop(component, "options"))
        return put(drop(deployment, "component"), "helm", helm)

    return edit_each(root, "deployments", change)


def from_v1beta4(root: MappingNode) -> MappingNode:
    """``helm`` deployments were made with Helm 2 (``v2``), whose ``rollback`` is ``atomic`` from here on."""

    def change(helm: MappingNode) -> MappingNode:
        return rename(put(helm, "v2", scalar("true", helm)), "rollback", "atomic")

    return edit_each(root, "deployments", lambda deployment: edit(deployment, change, "helm"))


def from_v1beta5(root: MappingNode) -> MappingNode:
    """``build.custom.flags`` become ``args``."""
    return _edit_images(root, lambda custom: rename(custom, "flags", "args"), "build", "custom")


def from_v1beta6(root: MappingNode) -> MappingNode:
    """An image's ``tag`` becomes a list of one, ``tags``, and ``build.options`` move into the engine.

    A component or ``flags`` of a custom build, which older versions have, become what they are in this one: the
    reference has files up to here that still carry them.
    """

    def change(image: MappingNode) -> MappingNode:
        tag = child(image, "tag")
        if tag is not None:
            image = replace(image, "tag", "tags", SequenceNode((tag,), tag.line, tag.column))
        return edit(image, _with_options_in_engine, "build")

    return edit_each(from_v1beta3(from_v1beta5(root)), "images", change)


def from_v1beta7(root: MappingNode) -> MappingNode:
    """``build.kaniko.flags`` become ``args``, and ``kubectl.flags`` become ``applyArgs``."""
    root = _edit_images(root, lambda kaniko: rename(kaniko, "flags", "args"), "build", "kaniko")
    return edit_each(
        root,
        "deployments",
        lambda entry: edit(entry, lambda kubectl: rename(kubectl, "flags", "applyArgs"), "kubectl"),
    )


def from_v1beta8(root: MappingNode) -> MappingNode:
    """``createPullSecret``, which was ``false`` unless set, is ``true`` unless set from here on.

    DevSpace also lets a file sync keep images from being built again (``preferSyncOverRebuild``); the specification,
    section "4. Skip Image", which is of this version's time, knows no such thing.
    """

    def change(image: MappingNode) -> MappingNode:
        if child(image, "createPullSecret") is not None:
            return image
        return put(image, "createPullSecret", scalar("false", image))

    return edit_each(root, "images", change)


def from_v1beta9(root: MappingNode) -> MappingNode:
    """``tagsAppendRandom`` becomes ``-#####`` behind each tag.

    ``preferSyncOverRebuild`` of an image that a file sync names becomes the rebuild strategy
    ``ignoreContextChanges``. A dependency without a name is named by its number.
    """
    synced = {text_in(sync, "imageName") for sync in maps_in(child(root, "dev", "sync"))}
    images = root.values.get("images")

    def change(name: str, image: MappingNode) -> MappingNode:
        if _is_true(image, "tagsAppendRandom") and isinstance(tags := child(image, "tags"), SequenceNode):
            image = put(image, "tags", tags._replace(items=tuple(_suffixed(tag, "-#####") for tag in tags.items)))
        if _is_true(image, "preferSyncOverRebuild") and name in synced:
            strategy = scalar("ignoreContextChanges", image.values["preferSyncOverRebuild"])
            image = put(image, "rebuildStrategy", strategy)
        return drop(image, "tagsAppendRandom", "preferSyncOverRebuild")

    if not isinstance(images, MappingNode):
        return root
    changed = {
        name: change(name, image) if isinstance(image, MappingNode) else image
        for name, image in images.values.items()
    }
    return put(root, "images", images.with_values(changed))


def from_v1beta10(root: MappingNode) -> MappingNode:
    """A hook's ``when`` becomes a list of ``events`` such as ``after:deploy:api``; ``where.container`` moves up."""

    def hook(entry: MappingNode) -> MappingNode:
        when = child(entry, "when")
        where = child(entry, "where")
        if isinstance(where, MappingNode):
            entry = move(entry, where, "container")
        if isinstance(when, MappingNode):
            events = tuple(_events(when))
            entry = put(entry, "events", SequenceNode(events, when.line, when.column))
        return drop(entry, "when", "where")

    return edit_each(root, "hooks", hook)


def from_v1beta11(root: MappingNode) -> MappingNode:
    """The engines stand in the image itself instead of its ``build``, and their options and ``skipPush`` beside them.

    ``custom`` commands are no longer given the image as an argument unless they ask for it
    (``skipImageArg: false``). A dependency's ``source.configName`` becomes its ``config``, its ``vars`` a map, and
    its ``profileParents`` join its ``profiles``.
    """

    def dependency(entry: MappingNode) -> MappingNode:
        source, variables, parents = (child(entry, key) for key in ("source", "vars", "profileParents"))
        if isinstance(source, MappingNode):
            entry = put(
                rename(move(entry, source, "configName"), "configName", "config"),
                "source",
                drop(source, "configName"),
            )
        if isinstance(variables, SequenceNode):
            named = MappingNode({}, {}, variables.line, variables.column)
            for variable in maps_in(variables):
                named = put(named, text_in(variable, "name"), variable.values.get("value", scalar("", variable)))
            entry = put(entry, "vars", named)
        if isinstance(parents, SequenceNode):
            profiles = child(entry, "profiles")
            others = profiles.items if isinstance(profiles, SequenceNode) else ()
            entry = put(entry, "profiles", parents._replace(items=(*others, *parents.items)))
        return drop(entry, "profileParents")

    return edit_each(edit_each(root, "images", _flattened), "dependencies", dependency)


STEPS = (
    from_v1beta3,
    from_v1beta4,
    from_v1beta5,
    from_v1beta6,
    from_v1beta7,
    from_v1beta8,
    from_v1beta9,
    from_v1beta10,
    from_v1beta11,
)
"""The steps from each version to the next, in the order of :data:`VERSIONS`."""


def _with_lists(root: MappingNode) -> MappingNode:
    """The root with the newest version's maps of entries as lists, and a dependency's source in ``source``."""
    root = listed(root, "deployments")
    return edit_each(listed(root, "dependencies"), "dependencies", _with_source)


def _with_source(dependency: MappingNode) -> MappingNode:
    if "source" in dependency.values:
        return dependency
    source = MappingNode({}, {}, dependency.line, dependency.column)
    for key in ("path", "git", "branch", "tag", "revision", "subPath", "cloneArgs", "disableShallow", "disablePull"):
        source = move(source, dependency, key)
    return put(drop(dependency, *source.keys), "source", source)


def _with_command(variable: MappingNode) -> MappingNode:
    value = variable.values.get("value")
    if isinstance(value, ScalarNode) and value.text.startswith("$(") and value.text.endswith(")"):
        return put(drop(variable, "value"), "command", value._replace(text=value.text[2:-1]))
    return variable


def _edit_images(root: MappingNode, change: Edit, *path: str) -> MappingNode:
    return edit_each(root, "images", lambda image: edit(image, change, *path))


def _with_options_in_engine(build: MappingNode) -> MappingNode:
    options = child(build, "options")
    if options is None:
        return drop(build, "options")
    engine = next((name for name in ENGINES if name in build.values), "docker")
    old = build.values.get(engine)
    empty = MappingNode({}, {}, options.line, options.column)
    return put(
        drop(build, "options"), engine, put(old if isinstance(old, MappingNode) else empty, "options", options)
    )


def _flattened(image: MappingNode) -> MappingNode:
    build = child(image, "build")
    image = drop(image, "build")
    if not isinstance(build, MappingNode):
        return image
    image = move(image, build, "disabled")
    for name in ENGINES:
        engine = child(build, name)
        if not isinstance(engine, MappingNode):
            continue
        options = child(engine, "options")
        if isinstance(options, MappingNode):
            for option in OPTIONS:
                image = move(image, options, option)
        image = move(image, engine, "skipPush")
        engine = drop(engine, "options", "skipPush")
        if name == "custom" and child(engine, "skipImageArg") is None:
            engine = put(engine, "skipImageArg", scalar("false", engine))
        image = put(image, name, engine)
    return image


def _events(when: MappingNode) -> Iterator[Node]:
    for time, moment in (("before", "before"), ("after", "after"), ("onError", "error")):
        for key, event in _EVENTS.items():
            place = child(when, time, key)
            if isinstance(place, ScalarNode):
                names = place.text.split(",") if key in _NAMING else ["all"]
                yield from (_event(f"{moment}:{event}", name.strip(), place) for name in names)


def _event(event: str, name: str, place: ScalarNode) -> ScalarNode:
    if name == "all":
        # An error is told of each image or deployment by itself.
        return place._replace(text=f"{event}:*" if event.startswith("error:") else event, plain=False)
    return place._replace(text=f"{event}:{name}", plain=False)


def _suffixed(tag: Node, suffix: str) -> Node:
    return tag._replace(text=tag.text + suffix) if isinstance(tag, ScalarNode) else tag


def _is_true(node: MappingNode, key: str) -> bool:
    value = node.values.get(key)
    return isinstance(value, ScalarNode) and value.text.lower() in _TRUE
