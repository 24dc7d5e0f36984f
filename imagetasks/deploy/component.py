"""Components: what a deployment without a chart describes, and the chart in this package that makes it.

The values are those of the original's component chart (https://www.devspace.sh/component-chart/docs/introduction).
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from imagetasks.config.mistakes import Mistakes
from imagetasks.config.reader import MappingNode, Node, ScalarNode, SequenceNode
from imagetasks.config.schema import (
    FLAG,
    TEXT,
    TEXTS,
    YAML,
    YAML_LIST,
    Anything,
    Kind,
    ListOf,
    MapOf,
    Section,
    Text,
    WholeNumber,
)
from imagetasks.errors import ConfigError, DeployError

COMPONENT_CHART = Path(__file__).parent / "chart"

_NUMBER = WholeNumber()
_NUMBER_OR_NAME = Anything()
_LABELS = MapOf(Text(may_be_empty=True), example="name: value")

_CONTAINER = Section(
    {
        "name": TEXT,
        "image": TEXT,
        "imagePullPolicy": TEXT,
        "command": TEXTS,
        "args": TEXTS,
        "workingDir": TEXT,
        "stdin": FLAG,
        "tty": FLAG,
        "env": ListOf(
            Section({"name": TEXT, "value": Text(may_be_empty=True), "valueFrom": YAML}, required=("name",))
        ),
        "envFrom": YAML_LIST,
        "resources": Section({"limits": MapOf(TEXT), "requests": MapOf(TEXT)}),
        "livenessProbe": YAML,
        "readinessProbe": YAML,
        "startupProbe": YAML,
        "lifecycle": YAML,
        "ports": YAML_LIST,
        "securityContext": YAML,
        "volumeMounts": ListOf(
            Section(
                {
                    "containerPath": TEXT,
                    "volume": Section(
                        {"name": TEXT, "subPath": TEXT, "path": TEXT, "readOnly": FLAG, "shared": FLAG},
                        required=("name",),
                    ),
                },
                required=("containerPath", "volume"),
            )
        ),
    },
    required=("image",),
)

_VOLUME = Section(
    {
        "name": TEXT,
        "size": TEXT,
        "configMap": YAML,
        "secret": YAML,
        "emptyDir": YAML,
        "labels": _LABELS,
        "annotations": _LABELS,
        "storageClassName": TEXT,
        "volumeMode": TEXT,
        "volumeName": TEXT,
        "accessModes": TEXTS,
        "dataSource": YAML,
    },
    required=("name",),
)

_SERVICE = Section(
    {
        "name": TEXT,
        "type": TEXT,
        "labels": _LABELS,
        "annotations": _LABELS,
        "ports": ListOf(
            Section(
                {
                    "name": TEXT,
                    "port": _NUMBER,
                    "containerPort": _NUMBER_OR_NAME,
                    "protocol": TEXT,
                    "nodePort": _NUMBER,
                },
                required=("port",),
            )
        ),
        "clusterIP": TEXT,
        "externalIPs": TEXTS,
        "externalName": TEXT,
        "externalTrafficPolicy": TEXT,
        "healthCheckNodePort": _NUMBER,
        "ipFamily": TEXT,
        "loadBalancerIP": TEXT,
        "loadBalancerSourceRanges": TEXTS,
        "publishNotReadyAddresses": FLAG,
        "sessionAffinity": TEXT,
        "sessionAffinityConfig": YAML,
        "topologyKeys": TEXTS,
    }
)

_INGRESS = Section(
    {
        "name": TEXT,
        "disabled": FLAG,
        "labels": _LABELS,
        "annotations": _LABELS,
        "rules": ListOf(
            Section(
                {
                    "host": TEXT,
                    "path": TEXT,
                    "pathType": TEXT,
                    "serviceName": TEXT,
                    "servicePort": _NUMBER_OR_NAME,
                }
            )
        ),
        "defaultBackend": YAML,
        "ingressClass": TEXT,
        "ingressClassName": TEXT,
        "tls": TEXT,
        "tlsClusterIssuer": TEXT,
        "tlsIssuer": TEXT,
        "tlsIssuerGroup": TEXT,
        "tlsIssuerKind": TEXT,
    }
)

_AUTO_SCALING = Section(
    {
        "horizontal": Section(
            {
                "maxReplicas": _NUMBER,
                "averageCPU": TEXT,
                "averageRelativeCPU": _NUMBER,
                "averageMemory": TEXT,
                "averageRelativeMemory": _NUMBER,
            },
            required=("maxReplicas",),
        )
    }
)

_COMPONENT = Section(
    {
        "containers": ListOf(_CONTAINER),
        "initContainers": ListOf(_CONTAINER),
        "labels": _LABELS,
        "annotations": _LABELS,
        "volumes": ListOf(_VOLUME),
        "service": _SERVICE,
        "serviceName": TEXT,
        "ingress": _INGRESS,
        "replicas": _NUMBER,
        "autoScaling": _AUTO_SCALING,
        "rollingUpdate": Section(
            {"enabled": FLAG, "maxSurge": Anything(), "maxUnavailable": Anything(), "partition": _NUMBER}
        ),
        "pullSecrets": TEXTS,
        "affinity": YAML,
        "nodeName": TEXT,
        "nodeSelector": MapOf(TEXT),
        "tolerations": YAML_LIST,
        "podManagementPolicy": TEXT,
    }
)


def component_values(values: MappingNode, file: str) -> MappingNode:
    """The values of a component for its chart: texts, such as arguments, stay as they are written.

    Without quotes, helm would make ``1e+06`` of the argument ``1000000``, and Kubernetes refuses numbers as texts.

    :param file: where the values stand, for messages
    :raises DeployError: a component has no such key, or the key no such value
    """
    mistakes = Mistakes(file)
    _COMPONENT.read(values, "", mistakes)
    try:
        mistakes.check()
    except ConfigError as error:
        raise DeployError(error.message, error.position) from None
    return values.with_values(_quoted_in(values, _COMPONENT.keys))


def _quoted_in(node: MappingNode, kinds: Mapping[str, Kind]) -> dict[str, Node]:
    return {key: _quoted(value, kinds[key]) for key, value in node.values.items()}


def _quoted(node: Node, kind: Kind) -> Node:
    """The node with quotes around every scalar that is a text by its kind."""
    match node, kind:
        case ScalarNode(), Text():
            return node if node.is_null else node._replace(plain=False)
        case SequenceNode(), ListOf():
            return node._replace(items=tuple(_quoted(item, kind.item) for item in node.items))
        case MappingNode(), MapOf():
            return node.with_values({key: _quoted(value, kind.value) for key, value in node.values.items()})
        case MappingNode(), Section():
            return node.with_values(_quoted_in(node, kind.keys))
    return node
