"""Configurations that are only listed, and of which not all is known."""

from __future__ import annotations

from pathlib import Path

import pytest

from imagetasks.config.load import load_config
from imagetasks.config.model import Config
from imagetasks.errors import ConfigError

HEAD = "version: v1beta6\nvars: [{name: A}]\n"


def listed(folder: Path, text: str) -> Config:
    file = folder / "devspace.yaml"
    file.write_text(HEAD + text, encoding="utf-8")
    return load_config(file, variables={}, environ={}, asker=None)


def test_a_repository_with_a_placeholder_is_not_judged(tmp_path: Path) -> None:
    config = listed(tmp_path, "images:\n  one: {image: '${A}', tag: '${A}'}\n  two: {image: '${A}'}\n")
    assert [image.image for image in config.images] == ["${A}", "${A}"]


@pytest.mark.parametrize("build", ["'${A}'", "{disabled: '${A}'}", "{docker: {skipPush: '${A}', args: '${A}'}}"])
def test_what_must_be_known_to_be_read_counts_as_left_out(tmp_path: Path, build: str) -> None:
    [image] = listed(tmp_path, f"images:\n  one: {{image: shop/one, build: {build}}}\n").images
    assert not image.disabled


def test_an_entry_that_is_not_known_is_not_there(tmp_path: Path) -> None:
    config = listed(tmp_path, "images: {one: '${A}'}\ndeployments: ['${A}', {name: '${A}', kubectl: {}}]\n")
    assert config.images == ()
    assert [deployment.name for deployment in config.deployments] == ["${A}"]


def test_a_variable_that_is_not_defined_is_a_mistake_all_the_same(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="variable `B` is not defined"):
        listed(tmp_path, "images: {one: {image: '${B}'}}\n")
