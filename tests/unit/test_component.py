from __future__ import annotations

import pytest

from imagetasks.config.printing import print_nodes
from imagetasks.config.reader import MappingNode, parse_nodes
from imagetasks.deploy.component import component_values
from imagetasks.errors import DeployError


def values(text: str) -> MappingNode:
    node = parse_nodes(text.encode(), "devspace.yaml")
    assert isinstance(node, MappingNode)
    return component_values(node, "devspace.yaml")


def test_texts_reach_the_chart_as_they_are_written() -> None:
    text = """
containers:
- image: api
  args: [1000000, 1.10, yes]
  env: [{name: PORT, value: 080}, {name: EMPTY, value: ''}]
labels: {release: 1e3}
"""
    printed = print_nodes(values(text))
    for value in ("'1000000'", "'1.10'", "'yes'", "value: '080'", "value: ''", "release: '1e3'"):
        assert value in printed


def test_numbers_flags_and_what_kubernetes_defines_are_not_quoted() -> None:
    text = """
containers:
- image: api
  tty: true
  livenessProbe: {periodSeconds: 5}
replicas: 2
service: {ports: [{port: 80, containerPort: 8080}]}
rollingUpdate: {enabled: true, maxSurge: 1}
"""
    printed = print_nodes(values(text))
    for line in ("tty: true", "periodSeconds: 5", "replicas: 2", "containerPort: 8080", "maxSurge: 1"):
        assert line in printed


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("continers: []", "1:1: unknown key `continers`; did you mean `containers`?"),
        ("containers: [{imge: api}]", "1:15: unknown key `imge` in containers[0]; did you mean `image`?"),
        ("containers: [{name: api}]", "1:14: `image` is missing in containers[0]"),
        ("volumes: [{size: 1Gi}]", "1:11: `name` is missing in volumes[0]"),
        ("replicas: many", "1:11: `replicas` must be a whole number, not `many`"),
        ("autoScaling: {horizontal: {averageCPU: 1}}", "1:27: `maxReplicas` is missing in autoScaling.horizontal"),
        (
            "containers: [{image: api, volumeMounts: [{containerPath: /x, volume: {nme: x}}]}]",
            "1:71: unknown key `nme` in containers[0].volumeMounts[0].volume; did you mean `name`?",
        ),
    ],
)
def test_a_mistake_is_told_in_one_sentence_with_its_place(text: str, message: str) -> None:
    with pytest.raises(DeployError) as caught:
        values(text)
    assert str(caught.value) == f"devspace.yaml:{message}"


def test_all_mistakes_are_told_at_once() -> None:
    with pytest.raises(DeployError, match=r"(?s)replica`.*conteiners`"):
        values("replica: 1\nconteiners: []")
