from __future__ import annotations

import os
from pathlib import Path

import pytest
import yaml

from imagetasks.errors import ClusterError
from imagetasks.kubeconfig import (
    Target,
    credential_plugin,
    current_context,
    current_namespace,
    environ_elsewhere,
    find_target,
    proxy_url,
)

CONFIG = """
current-context: work
contexts:
- {name: work, context: {cluster: east, user: ann, namespace: shop}}
- {name: home, context: {cluster: attic, user: bob}}
clusters:
- {name: east, cluster: {server: "https://east.example:6443"}}
- {name: attic, cluster: {server: "https://attic.example", proxy-url: "http://proxy.example"}}
users:
- {name: ann, user: {exec: {command: get-token, args: [login], apiVersion: v1}}}
- {name: bob, user: {token: secret}}
"""


@pytest.fixture
def environ(tmp_path: Path) -> dict[str, str]:
    return write(tmp_path / "config", CONFIG)


def write(*files_and_texts: Path | str) -> dict[str, str]:
    files = [file for file in files_and_texts if isinstance(file, Path)]
    texts = [text for text in files_and_texts if isinstance(text, str)]
    for file, text in zip(files, texts, strict=True):
        file.write_text(text)
    return {"KUBECONFIG": os.pathsep.join(map(str, files))}


def test_the_target_is_that_of_the_current_context(environ: dict[str, str]) -> None:
    assert find_target(environ) == Target("work", "shop", "https://east.example:6443")


def test_a_context_and_a_namespace_that_are_asked_for_go_first(environ: dict[str, str]) -> None:
    assert find_target(environ, context="home") == Target("home", "default", "https://attic.example")
    assert find_target(environ, namespace="test") == Target("work", "test", "https://east.example:6443")


def test_of_several_files_the_first_one_that_says_a_thing_wins(tmp_path: Path) -> None:
    first = "contexts: [{name: work, context: {cluster: attic, namespace: first}}]\ncurrent-context: home"
    environ = write(tmp_path / "a", tmp_path / "b", first, CONFIG)
    assert current_context(environ) == "home"
    assert find_target(environ, context="work") == Target("work", "first", "https://attic.example")


def test_files_that_are_not_there_or_empty_are_passed_over(tmp_path: Path) -> None:
    environ = write(tmp_path / "empty", tmp_path / "config", "", CONFIG)
    environ["KUBECONFIG"] = f"{tmp_path / 'none'}{os.pathsep}{environ['KUBECONFIG']}"
    assert find_target(environ).context == "work"


def test_the_kubeconfig_is_in_the_home_folder_unless_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / ".kube").mkdir()
    write(tmp_path / ".kube" / "config", CONFIG)
    assert find_target({}).context == "work"


def test_an_unknown_context_is_told_with_the_known_ones(environ: dict[str, str]) -> None:
    with pytest.raises(ClusterError, match="no context hme; it has work, home"):
        find_target(environ, context="hme")


def test_a_pod_without_a_kubeconfig_is_in_its_own_cluster(tmp_path: Path) -> None:
    environ = {"KUBECONFIG": str(tmp_path / "none"), "KUBERNETES_SERVICE_HOST": "10.96.0.1"}
    assert find_target(environ, namespace="shop") == Target("", "shop", "10.96.0.1")
    assert find_target(environ).namespace == "default"


def test_without_any_cluster_the_way_to_name_one_is_told(tmp_path: Path) -> None:
    with pytest.raises(ClusterError, match="choose one with --kube-context or KUBECONFIG"):
        find_target({"KUBECONFIG": str(tmp_path / "none")})


@pytest.mark.parametrize("text", ["a: b: c", "\x00", "&a [*a, *b]"])
def test_a_file_that_is_not_yaml_is_named(tmp_path: Path, text: str) -> None:
    with pytest.raises(ClusterError, match=r"the kubeconfig .*/broken cannot be read"):
        find_target(write(tmp_path / "broken", text))


@pytest.mark.parametrize("token", ["secret", '"secret\\q"', "*secret", "!secret x"])
def test_a_broken_file_is_not_quoted(tmp_path: Path, token: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("imagetasks.kubeconfig._Loader", yaml.SafeLoader)  # which quotes more than that of libyaml
    with pytest.raises(ClusterError, match=r"/broken cannot be read: line [12] is not YAML$"):
        find_target(write(tmp_path / "broken", f"users: [{{name: a, user: {{token: {token}\nb: c: d"))


@pytest.mark.parametrize(
    "text", ["[]", "contexts: 1\ncurrent-context: x", "contexts: [1, {name: x}]\ncurrent-context: x"]
)
def test_a_file_of_another_shape_holds_no_context(tmp_path: Path, text: str) -> None:
    environ = write(tmp_path / "odd", text)
    assert current_namespace(environ) == "default"
    with pytest.raises(ClusterError, match=r"no context x; it has none|no current Kubernetes context"):
        find_target(environ)


def test_the_namespace_is_that_of_the_current_context(environ: dict[str, str]) -> None:
    assert current_namespace(environ) == "shop"


def test_the_program_that_gets_credentials_is_that_of_the_contexts_user(environ: dict[str, str]) -> None:
    files = [Path(environ["KUBECONFIG"])]
    assert credential_plugin(files, "work") == "get-token"
    assert credential_plugin(files, "home") == ""
    assert credential_plugin(files, "nowhere") == ""


def test_the_proxy_is_that_of_the_contexts_cluster(environ: dict[str, str]) -> None:
    files = [Path(environ["KUBECONFIG"])]
    assert proxy_url(files, "home") == "http://proxy.example"
    assert proxy_url(files, "work") == proxy_url(files, "nowhere") == ""


def test_relative_paths_lead_to_the_same_files_from_another_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    relative = {"KUBECONFIG": os.pathsep.join(["config", "", "/etc/kubeconfig"]), "HOME": "/root"}
    absolute = os.pathsep.join([str(tmp_path / "config"), "", "/etc/kubeconfig"])
    assert environ_elsewhere(relative) == {"KUBECONFIG": absolute, "HOME": "/root"}
    assert environ_elsewhere({"HOME": "/root"}) == {"HOME": "/root"}


def test_a_target_tells_no_password_of_a_server(tmp_path: Path) -> None:
    environ = write(tmp_path / "config", CONFIG.replace("https://east", "https://ann:secret@east"))
    assert find_target(environ).server == "https://east.example:6443"
