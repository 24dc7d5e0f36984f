from __future__ import annotations

import getpass
import os
import re
import subprocess
from pathlib import Path

import pytest

from imagetasks.config.predefined import predefined_variables
from imagetasks.errors import ConfigError


def value(name: str, folder: Path, **environ: str) -> str:
    return predefined_variables(folder, environ)[name]()


def git(folder: Path, *args: str) -> str:
    identity = ["-c", "user.name=Test", "-c", "user.email=test@example.com"]
    return subprocess.run(["git", *identity, *args], cwd=folder, check=True, capture_output=True, text=True).stdout


def kubeconfig(file: Path, text: str) -> str:
    file.write_text(text, encoding="utf-8")
    return str(file)


def test_random_is_six_letters_and_digits_and_one_value_in_a_run(tmp_path: Path) -> None:
    random = value("DEVSPACE_RANDOM", tmp_path)
    assert re.fullmatch("[a-z0-9]{6}", random)
    assert value("DEVSPACE_RANDOM", tmp_path) == random


def test_the_timestamp_is_in_unix_seconds(tmp_path: Path) -> None:
    assert int(value("DEVSPACE_TIMESTAMP", tmp_path)) > 1_500_000_000


def test_the_git_commit_is_the_short_hash_of_head(tmp_path: Path) -> None:
    git(tmp_path, "init", "--quiet")
    git(tmp_path, "commit", "--quiet", "--allow-empty", "--message", "first")
    (tmp_path / "sub").mkdir()
    assert value("DEVSPACE_GIT_COMMIT", tmp_path / "sub") == git(tmp_path, "rev-parse", "--short", "HEAD").strip()


def test_the_git_commit_needs_a_repository_with_a_commit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    with pytest.raises(ConfigError, match="needs a git repository with a commit"):
        value("DEVSPACE_GIT_COMMIT", tmp_path)
    git(tmp_path, "init", "--quiet")
    with pytest.raises(ConfigError, match="needs a git repository with a commit"):
        value("DEVSPACE_GIT_COMMIT", tmp_path)


def test_the_git_commit_needs_git(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(ConfigError, match="needs git, which cannot be started"):
        value("DEVSPACE_GIT_COMMIT", tmp_path)


def test_the_git_branch_is_the_name_of_heads_branch(tmp_path: Path) -> None:
    git(tmp_path, "init", "--quiet", "--initial-branch", "feature/x")
    git(tmp_path, "commit", "--quiet", "--allow-empty", "--message", "first")
    assert value("DEVSPACE_GIT_BRANCH", tmp_path) == "feature/x"


@pytest.mark.parametrize(
    ("older", "later"),
    [
        ("DEVSPACE_RANDOM", "devspace.random"),
        ("DEVSPACE_TIMESTAMP", "devspace.timestamp"),
        ("DEVSPACE_USER_HOME", "devspace.userHome"),
        ("DEVSPACE_NAMESPACE", "devspace.namespace"),
    ],
)
def test_later_versions_spell_some_otherwise(tmp_path: Path, older: str, later: str) -> None:
    assert value(older, tmp_path) == value(later, tmp_path) != ""


def test_the_profile_is_the_last_one() -> None:
    variables = predefined_variables(Path(), {}, name="shop", profiles=["one", "two"])
    names = ("DEVSPACE_NAME", "DEVSPACE_PROFILE", "DEVSPACE_PROFILES")
    assert [variables[name]() for name in names] == ["shop", "two", "one two"]
    assert predefined_variables(Path(), {})["DEVSPACE_PROFILE"]() == ""


def test_the_user_name_is_the_login_name(tmp_path: Path) -> None:
    assert value("DEVSPACE_USERNAME", tmp_path) == getpass.getuser()


CONTEXTS = """
contexts:
- name: one
  context: {cluster: c, namespace: shop}
- name: two
  context: {cluster: c}
"""


@pytest.mark.parametrize("name", ["DEVSPACE_SPACE", "DEVSPACE_SPACE_NAMESPACE", "DEVSPACE_NAMESPACE"])
def test_the_space_is_the_namespace_of_the_current_context(tmp_path: Path, name: str) -> None:
    config = kubeconfig(tmp_path / "config", f"current-context: one\n{CONTEXTS}")
    assert value(name, tmp_path, KUBECONFIG=config) == "shop"


@pytest.mark.parametrize(
    "text", ["", "current-context: two" + CONTEXTS, "current-context: three" + CONTEXTS, CONTEXTS]
)
def test_the_space_is_default_where_the_context_names_none(tmp_path: Path, text: str) -> None:
    assert value("DEVSPACE_SPACE", tmp_path, KUBECONFIG=kubeconfig(tmp_path / "config", text)) == "default"
    assert value("DEVSPACE_SPACE", tmp_path, KUBECONFIG=str(tmp_path / "none")) == "default"


def test_the_context_is_the_current_one(tmp_path: Path) -> None:
    config = kubeconfig(tmp_path / "config", f"current-context: two\n{CONTEXTS}")
    assert value("DEVSPACE_CONTEXT", tmp_path, KUBECONFIG=config) == "two"


def test_several_kubeconfig_files_are_one(tmp_path: Path) -> None:
    files = [
        kubeconfig(tmp_path / "first", "current-context: one"),
        kubeconfig(tmp_path / "second", f"current-context: two\n{CONTEXTS}"),
    ]
    assert value("DEVSPACE_SPACE", tmp_path, KUBECONFIG=os.pathsep.join(files)) == "shop"


def test_a_kubeconfig_that_is_not_yaml_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"the kubeconfig .*/broken cannot be read"):
        value("DEVSPACE_SPACE", tmp_path, KUBECONFIG=kubeconfig(tmp_path / "broken", "a: b: c"))
