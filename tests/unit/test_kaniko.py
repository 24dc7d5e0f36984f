from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imagetasks.builders import can_fall_back
from imagetasks.builders.base import BuildContext
from imagetasks.builders.kaniko import EXECUTOR_IMAGE, INIT_IMAGE, KanikoBuilder, build_pod, framed
from imagetasks.cluster.client import Cluster
from imagetasks.config.load import load_config
from imagetasks.config.model import BuildOptions, CustomBuild, DockerBuild, Engine, KanikoBuild
from imagetasks.errors import ClusterError
from imagetasks.kubeconfig import Target

TARGET = Target("remote", "shop")


def kaniko(file: Path, settings: str) -> KanikoBuild:
    """What kaniko's settings in a file become."""
    file.write_text(f"version: v1beta6\nimages: {{app: {{image: a/b, build: {{kaniko: {{{settings}}}}}}}}}\n")
    build = load_config(file, variables={}, environ={}).images[0].build
    assert isinstance(build, KanikoBuild)
    return build


def arguments(settings: KanikoBuild, **more: object) -> list[str]:
    builder = KanikoBuilder(settings, cast(BuildContext, None), Cluster(TARGET), Path(), **more)  # type: ignore[arg-type]
    return list(builder.arguments("shop/app:1", "Dockerfile"))


def test_a_pod_needs_no_settings() -> None:
    pod = build_pod(KanikoBuild(), ["--x"], "")

    assert pod["metadata"]["generateName"] == "devspace-build-"
    assert pod["metadata"]["labels"]["devspace-build"] == "true"
    assert pod["metadata"]["labels"]["devspace-build-id"]
    assert set(pod["spec"]) == {"restartPolicy", "initContainers", "containers", "volumes"}
    [init_container], [executor] = pod["spec"]["initContainers"], pod["spec"]["containers"]
    assert (init_container["image"], executor["image"]) == (INIT_IMAGE, EXECUTOR_IMAGE)
    assert executor["args"] == ["--x"]
    assert (
        executor["volumeMounts"] == init_container["volumeMounts"] == [{"name": "context", "mountPath": "/context"}]
    )


def test_settings_of_the_pod_reach_it(tmp_path: Path) -> None:
    settings = kaniko(
        tmp_path / "devspace.yaml",
        "image: own/executor, initImage: own/init, serviceAccount: builder, annotations: {a: '1'}, "
        "nodeSelector: {disk: ssd}, tolerations: [{key: build, operator: Exists}], "
        "resources: {limits: {cpu: 2, memory: 4Gi}}",
    )

    pod = build_pod(settings, [], "")

    spec = pod["spec"]
    assert (spec["initContainers"][0]["image"], spec["containers"][0]["image"]) == ("own/init", "own/executor")
    for container in (*spec["initContainers"], *spec["containers"]):  # a quota may ask them of each
        assert container["resources"] == {"limits": {"cpu": 2, "memory": "4Gi"}}
    assert spec["serviceAccountName"] == "builder"
    assert spec["nodeSelector"] == {"disk": "ssd"}
    assert spec["tolerations"] == [{"key": "build", "operator": "Exists"}]
    assert pod["metadata"]["annotations"] == {"a": "1"}


def test_a_pull_secret_is_where_kaniko_looks_for_credentials() -> None:
    spec = build_pod(KanikoBuild(), [], "mine")["spec"]

    [volume] = [volume for volume in spec["volumes"] if "secret" in volume]
    items = [{"key": ".dockerconfigjson", "path": "config.json"}]
    assert volume["secret"] == {"secretName": "mine", "items": items}
    assert {"name": volume["name"], "mountPath": "/kaniko/.docker"} in spec["containers"][0]["volumeMounts"]
    assert len(spec["initContainers"][0]["volumeMounts"]) == 1


def test_the_users_arguments_come_last_and_as_they_are() -> None:
    assert arguments(KanikoBuild(args=("--cache=false", "--label=$(X)")))[-2:] == ["--cache=false", "--label=$(X)"]


def test_kubernetes_finds_no_variable_of_its_own_in_a_build_argument() -> None:
    settings = KanikoBuild(options=BuildOptions(build_args={"A": "$(HOME) $$"}))

    assert "--build-arg=A=$$(HOME) $$$$" in arguments(settings)


def test_what_is_not_pushed_leaves_no_cache_in_the_registry() -> None:
    given_arguments = arguments(KanikoBuild(), pushes=False)

    assert "--no-push" in given_arguments
    assert not any(argument.startswith("--cache") for argument in given_arguments)


@given(st.lists(st.binary(max_size=600_000), max_size=4))
def test_a_framed_stream_is_told_from_its_end_and_its_checksum(parts: list[bytes]) -> None:
    rest = b"".join(framed(parts))
    content = b""
    while True:
        line, _, rest = rest.partition(b"\n")
        if not int(line):
            break
        content, rest = content + rest[: int(line)], rest[int(line) :]

    assert content == b"".join(parts)
    assert rest == hashlib.sha256(content).hexdigest().encode() + b"\n"


def no_target() -> Target:
    raise ClusterError("there is no current context")


@pytest.mark.parametrize(
    ("build", "find_target", "expected"),
    [
        (DockerBuild(), lambda: TARGET, True),
        (DockerBuild(use_buildkit=True), lambda: TARGET, True),
        (DockerBuild(disable_fallback=True), lambda: TARGET, False),
        (DockerBuild(), no_target, False),
        (KanikoBuild(), lambda: TARGET, False),
        (CustomBuild("make"), lambda: TARGET, False),
    ],
)
def test_kaniko_takes_the_daemons_place_where_there_is_a_cluster_and_nothing_forbids_it(
    build: Engine, find_target: Callable[[], Target], *, expected: bool
) -> None:
    assert can_fall_back(build, find_target) == expected
