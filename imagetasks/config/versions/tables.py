"""The keys that a file of each version may hold, by which it is checked before it is upgraded.

Those of v1beta3 to v1beta6 are the reference's (section "Configuration file"); the later ones are those of the
``schema.go`` of each version in DevSpace's repository (``pkg/devspace/config/versions/``).
"""

from __future__ import annotations

import functools
from collections.abc import Mapping

from imagetasks.config.model import REBUILD_STRATEGIES
from imagetasks.config.schema import (
    FLAG,
    LIST,
    MAP,
    TEXT,
    TEXTS,
    VARIABLE,
    Anything,
    Choice,
    Kind,
    ListOf,
    MapOf,
    Meaningless,
    Named,
    OrText,
    Section,
    Text,
    WholeNumber,
)
from imagetasks.config.versions import VERSIONS

Keys = Mapping[str, Kind]

DEPLOYMENT_KINDS = ("helm", "kubectl", "component", "tanka")

BUILD_ARGS = MapOf(TEXT, example="NAME: value")
BUILD_OPTIONS = Section({"target": TEXT, "network": TEXT, "buildArgs": BUILD_ARGS})

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

GIT_KEYS: Keys = {"git": TEXT, "branch": TEXT, "tag": TEXT, "revision": TEXT, "subPath": TEXT}
CLONING: Keys = {"cloneArgs": TEXTS, "disableShallow": FLAG}

PATCH = Section(
    {"op": Choice(("add", "remove", "replace")), "path": TEXT, "value": Anything()}, required=("op", "path")
)

NO_CLUSTER_BUILDER = "the image is built on this machine"
NO_PIPELINES = "every image is built, and every deployment deployed"
NO_DEVELOPMENT = "there is no development mode yet"
NO_RESTART_HELPER = "nothing is added to the image"


@functools.cache
def config_of(version: str) -> Section:
    """What a file of a version, one of :data:`VERSIONS`, may hold."""
    return _Format(version).config()


class _Format:
    """The tables of one version."""

    def __init__(self, version: str) -> None:
        self._age = VERSIONS.index(version)
        self._maps = version == "v2beta1"

    def _since(self, version: str, keys: Keys) -> Keys:
        return keys if self._age >= VERSIONS.index(version) else {}

    def _until(self, version: str, keys: Keys) -> Keys:
        return keys if self._age <= VERSIONS.index(version) else {}

    def _entries(self, entry: Section, *, short: bool = False, nameless: bool = False) -> Kind:
        """A section of entries with names: a list, of which the newest version makes a map."""
        kind = Named(entry, short, nameless)
        return kind if self._maps else kind.as_list

    def config(self) -> Section:
        return Section(
            {
                "version": TEXT,
                **self._sections(),
                "profiles": ListOf(self._profile()),
                **self._since("v1beta10", {"require": Meaningless(MAP, "no program's version is looked at")}),
                **self._since("v2beta1", self._newest_sections()),
            },
        )

    def _sections(self) -> dict[str, Kind]:
        """The sections that a profile may replace too."""
        secrets = Meaningless(
            self._entries(Section({"name": TEXT}, open=True)) if self._maps else LIST,
            "no pull secrets are created yet",
        )
        return {
            "name": TEXT,
            "images": MapOf(self._image(), example="name: {image: registry.example.com/team/name}"),
            "deployments": self._entries(self._deployment()),
            "dev": Meaningless(MAP, NO_DEVELOPMENT) if self._maps else self._dev(),
            "dependencies": self._entries(self._dependency(), nameless=True),
            "hooks": ListOf(self._hook()),
            "commands": self._entries(self._command(), short=True),
            "vars": self._entries(self._variable(), short=True),
            **self._since("v1beta9", {"pullSecrets": secrets}),
        }

    def _newest_sections(self) -> Keys:
        return {
            "imports": Meaningless(LIST, "nothing is imported"),
            "functions": Meaningless(MAP, NO_PIPELINES),
            "pipelines": Meaningless(MAP, NO_PIPELINES),
            "localRegistry": Meaningless(MAP, "images are pushed to the registries that they name"),
        }

    def _image(self) -> Section:
        engines = self._engines()
        return Section(
            {
                "image": TEXT,
                "dockerfile": TEXT,
                "context": TEXT,
                "entrypoint": TEXTS,
                "cmd": TEXTS,
                "createPullSecret": FLAG,
                **self._until("v1beta6", {"tag": TEXT}),
                **self._since("v1beta7", {"tags": TEXTS}),
                **self._since("v1beta8", self._until("v1beta9", {"tagsAppendRandom": FLAG})),
                **self._since("v1beta9", self._until("v1beta9", {"preferSyncOverRebuild": FLAG})),
                **self._since(
                    "v1beta9",
                    {
                        "appendDockerfileInstructions": TEXTS,
                        "rebuildStrategy": Choice(REBUILD_STRATEGIES),
                        "injectRestartHelper": Meaningless(FLAG, NO_RESTART_HELPER),
                        "restartHelperPath": Meaningless(TEXT, NO_RESTART_HELPER),
                    },
                ),
                **self._until("v1beta11", {"build": Section({**engines, "disabled": FLAG, **self._build_options()})}),
                **self._since("v2beta1", {**engines, **BUILD_OPTIONS.keys, "name": TEXT, "skipPush": FLAG}),
            },
            required=("image",),
            hints=self._image_hints(),
        )

    def _build_options(self) -> Keys:
        return self._until("v1beta6", {"options": BUILD_OPTIONS})

    def _image_hints(self) -> Mapping[str, str]:
        hints = {"tag": "write `tags` with a list of tags"}
        if self._maps:
            engines = "`docker`, `buildKit`, `kaniko` or `custom`"
            hints["build"] = f"in v2beta1, write {engines} in the image itself, and the `options` beside it"
        return hints

    def _engines(self) -> dict[str, Kind]:
        own: Keys = self._until("v1beta11", {"options": BUILD_OPTIONS})
        pushing: Keys = self._until("v1beta11", {"skipPush": FLAG})
        in_cluster = Meaningless(MAP, NO_CLUSTER_BUILDER)
        buildkit: Keys = {
            "inCluster": in_cluster,
            "preferMinikube": FLAG,
            "args": TEXTS,
            "command": Meaningless(TEXTS, "BuildKit is run as `docker build`"),
        }
        hints = (
            {} if own else {"options": "in v2beta1, write `target`, `network` and `buildArgs` in the image itself"}
        )
        if not pushing:
            hints["skipPush"] = "in v2beta1, write it in the image itself"
        return {
            "docker": Section(
                {
                    "preferMinikube": FLAG,
                    "disableFallback": FLAG,
                    "useBuildKit": FLAG,
                    **self._since("v1beta9", {"useCli": FLAG}),
                    "args": TEXTS,
                    **pushing,
                    **own,
                },
                hints=hints,
            ),
            **self._since("v1beta9", {"buildKit": Section({**buildkit, **pushing, **own}, hints=hints)}),
            "kaniko": Section({**self._kaniko(), **own}, hints=hints),
            "custom": self._custom(),
        }

    def _kaniko(self) -> Keys:
        return {
            "cache": FLAG,
            "snapshotMode": Choice(("full", "time", *self._since("v1beta9", {"redo": TEXT}))),
            "namespace": TEXT,
            "insecure": FLAG,
            "pullSecret": TEXT,
            "image": TEXT,
            "initImage": TEXT,
            "nodeSelector": MAP,
            "tolerations": LIST,
            "serviceAccount": TEXT,
            "annotations": MAP,
            "resources": MAP,
            **self._until("v1beta7", {"flags": TEXTS}),
            **self._since("v1beta8", {"args": TEXTS}),
            **self._since(
                "v1beta9",
                {
                    "command": TEXTS,
                    "skipPullSecretMount": FLAG,
                    "labels": MAP,
                    "initEnv": MAP,
                    "env": MAP,
                    "envFrom": MAP,
                    "additionalMounts": LIST,
                },
            ),
            **self._since("v2beta1", {"generateName": TEXT}),
        }

    def _custom(self) -> Section:
        has_commands = self._since("v1beta9", {"commands": ListOf(Section({"command": TEXT, "os": TEXT}))})
        return Section(
            {
                "command": TEXT,
                "args": TEXTS,
                "imageFlag": TEXT,
                "onChange": TEXTS,
                **self._since("v1beta7", {"appendArgs": TEXTS}),
                **self._since("v1beta9", {"imageTagOnly": FLAG, "skipImageArg": FLAG}),
                **has_commands,
            },
            required=() if has_commands else ("command",),
            older={"flags": "args"} if self._until("v1beta6", {"flags": TEXTS}) else {},
        )

    def _deployment(self) -> Section:
        in_turn = "deployments are made one after the other"
        return Section(
            {
                "name": TEXT,
                "namespace": TEXT,
                "helm": self._helm(),
                "kubectl": self._kubectl(),
                **self._until("v1beta6", {"component": COMPONENT}),
                **self._since("v1beta9", self._until("v1beta11", {"disabled": FLAG})),
                **self._since("v1beta9", self._until("v1beta11", {"concurrent": Meaningless(FLAG, in_turn)})),
                **self._since("v2beta1", {"tanka": MAP, "updateImageTags": FLAG}),
            },
        )

    def _helm(self) -> Section:
        git = Section({"url": TEXT, "branch": TEXT, "tag": TEXT, "revision": TEXT, "subPath": TEXT, **CLONING})
        chart = {
            "name": TEXT,
            "version": TEXT,
            "repo": TEXT,
            "username": TEXT,
            "password": TEXT,
            **self._since("v1beta10", self._until("v1beta11", {"git": git})),
            **self._since("v2beta1", {"path": TEXT, **GIT_KEYS, **CLONING, "disablePull": FLAG}),
        }
        return Section(
            {
                "chart": Section(chart),
                "values": MAP,
                "valuesFiles": TEXTS,
                **self._until("v1beta11", self._dropped_helm_keys()),
                **self._since("v1beta9", {"displayOutput": FLAG, "upgradeArgs": TEXTS, "templateArgs": TEXTS}),
                **self._since("v1beta9", self._until("v1beta11", {"deleteArgs": TEXTS, "fetchArgs": TEXTS})),
                **self._since("v2beta1", {"releaseName": TEXT, "disableDependencyUpdate": FLAG}),
            },
            hints={"componentChart": "in v2beta1, leave it out: without `chart`, it is the component chart"},
        )

    def _dropped_helm_keys(self) -> Keys:
        return {
            "componentChart": FLAG,
            "replaceImageTags": FLAG,
            "wait": FLAG,
            "timeout": TEXT if self._since("v1beta9", {"timeout": TEXT}) else WholeNumber(),
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

    def _kubectl(self) -> Section:
        return Section(
            {
                "manifests": TEXTS,
                "kustomize": FLAG,
                **self._until("v1beta7", {"flags": TEXTS}),
                **self._since("v1beta7", {"createArgs": TEXTS}),
                **self._since("v1beta8", {"applyArgs": TEXTS, "kustomizeArgs": TEXTS}),
                **self._since("v1beta7", self._until("v1beta11", {"deleteArgs": TEXTS})),
                **self._until("v1beta11", {"replaceImageTags": FLAG, "cmdPath": TEXT}),
                **self._since(
                    "v2beta1",
                    {
                        "inlineManifest": TEXT,
                        "kubectlBinaryPath": TEXT,
                        "kustomizeBinaryPath": TEXT,
                        "patches": LIST,
                    },
                ),
            },
            hints={"cmdPath": "in v2beta1, write `kubectlBinaryPath`", "flags": "write `applyArgs`"},
        )

    def _dev(self) -> Section:
        return Section(
            {
                "ports": LIST,
                "sync": LIST,
                "logs": MAP,
                "autoReload": MAP,
                "open": LIST,
                **self._until("v1beta9", {"interactive": MAP}),
                **self._since("v1beta10", {"terminal": MAP, "replacePods": LIST}),
            }
        )

    def _dependency(self) -> Section:
        source = {"path": TEXT, **GIT_KEYS, **self._since("v1beta8", CLONING)}
        variable = Section({"name": TEXT, "value": Text(may_be_empty=True)}, required=("name",))
        older: Keys = {
            "source": Section({**source, **self._since("v1beta9", {"configName": TEXT})}),
            "profile": TEXT,
            "skipBuild": FLAG,
            **self._until("v1beta8", {"config": TEXT}),
            **self._since("v1beta9", {"vars": ListOf(variable), "profileParents": TEXTS}),
            **self._since("v1beta9", {"dev": Meaningless(MAP, NO_DEVELOPMENT)}),
        }
        newer: Keys = {
            **source,
            "disablePull": FLAG,
            "pipeline": Meaningless(TEXT, NO_PIPELINES),
            "vars": MapOf(Text(may_be_empty=True), example="NAME: value"),
        }
        return Section(
            {
                "name": TEXT,
                **self._until("v1beta11", older),
                **self._since("v2beta1", newer),
                "ignoreDependencies": FLAG,
                "namespace": TEXT,
                **self._since(
                    "v1beta9",
                    {
                        "disabled": FLAG,
                        "profiles": TEXTS,
                        "disableProfileActivation": Meaningless(FLAG, "its profiles are activated as any file's"),
                        "overwriteVars": FLAG,
                    },
                ),
            },
            required=("source",) if self._age < VERSIONS.index("v2beta1") else (),
            hints={"source": "in v2beta1, write `path` or `git` in the dependency itself"},
        )

    def _hook(self) -> Section:
        return Section(
            {
                "command": TEXT,
                "args": TEXTS,
                **self._until("v1beta10", {"when": self._hook_times()}),
                **self._since("v1beta11", {"events": TEXTS, "container": MAP}),
                **self._since("v1beta9", self._until("v1beta10", {"where": Section({"container": MAP})})),
                **self._since(
                    "v1beta9",
                    {
                        "name": TEXT,
                        "disabled": FLAG,
                        "os": TEXT,
                        "background": FLAG,
                        "silent": FLAG,
                        "upload": MAP,
                        "download": MAP,
                        "logs": MAP,
                        "wait": MAP,
                    },
                ),
            },
            required=tuple(self._until("v1beta8", {"command": TEXT})),
            hints={"when": "write `events`, such as [before:build]", "events": "write `when`"},
        )

    def _hook_times(self) -> Section:
        later = {"purgeDeployments": TEXT, "dependencies": TEXT, "pullSecrets": TEXT, "initialSync": TEXT}
        time = Section({"images": TEXT, "deployments": TEXT, **self._since("v1beta9", later)})
        return Section({"before": time, "after": time, **self._since("v1beta9", {"onError": time})})

    def _command(self) -> Section:
        return Section(
            {
                "name": TEXT,
                "command": TEXT,
                **self._since("v1beta9", {"description": TEXT, "args": TEXTS, "appendArgs": FLAG}),
                **self._since("v2beta1", {"section": TEXT, "internal": FLAG, "after": TEXT}),
            },
            required=("command",),
        )

    def _variable(self) -> Section:
        running = ("noCache", "command", "args", "commands")
        fixed = ("value", "alwaysResolve")
        keys = VARIABLE.keys
        return Section(
            {
                **{key: kind for key, kind in keys.items() if key not in running + fixed},
                **self._until("v1beta8", {"source": Choice(("all", "env", "input", "none"))}),
                **self._since("v1beta9", {key: keys[key] for key in running if key in keys}),
                **self._since("v1beta10", {key: keys[key] for key in fixed if key in keys}),
            }
        )

    def _profile(self) -> Section:
        activation = Section({"env": MapOf(TEXT), "vars": MapOf(TEXT)})
        elsewhere = Meaningless(MAP, "profiles of other files are not applied")
        parent = Section({"profile": TEXT, "source": elsewhere}, required=("profile",))
        part = Section({name: _whole(kind) for name, kind in self._sections().items()})
        strategic = Meaningless(MAP, "nothing is merged by it; use `merge` or `patches`")
        return Section(
            {
                "name": TEXT,
                "parent": TEXT,
                "replace": part,
                "patches": ListOf(PATCH),
                **self._since(
                    "v1beta9",
                    {
                        "description": TEXT,
                        "parents": ListOf(parent),
                        "merge": part,
                        "strategicMerge": strategic,
                    },
                ),
                **self._since("v1beta10", {"activation": ListOf(activation)}),
            },
            required=("name",),
        )


def _whole(kind: Kind) -> Kind:
    """What a profile may put in the place of a section: it is looked into once it is there."""
    match kind:
        case Meaningless(kind=inner):
            return _whole(inner)
        case ListOf():
            return LIST
        case Text() | OrText():
            return kind
        case Named():
            return Anything()
        case _:
            return MAP
