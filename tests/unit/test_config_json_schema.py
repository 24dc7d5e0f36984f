from __future__ import annotations

import os
from pathlib import Path

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from imagetasks.config.help import HELP
from imagetasks.config.json_schema import json_schema, schema_text
from imagetasks.config.load import NOT_FILLED
from imagetasks.config.mistakes import Mistakes
from imagetasks.config.reader import parse_nodes
from imagetasks.config.versions.tables import config_of
from tests.config_files import Data, files, mutated, with_text

ROOT = Path(__file__).parents[2]
CORPUS = Path(os.environ.get("IMAGETASKS_CORPUS", ROOT.parent / "shared" / "corpus"))
VALIDATOR = Draft202012Validator(json_schema())
SETTINGS = settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.too_slow])


def schema_accepts(data: Data) -> bool:
    return bool(VALIDATOR.is_valid(data))


def loader_accepts(data: Data) -> bool:
    """Whether the loader finds no fault with the keys and the kinds of their values."""
    mistakes = Mistakes("devspace.yaml")
    node = parse_nodes(yaml.safe_dump(data, allow_unicode=True).encode(), "devspace.yaml")
    assert node is not None
    config_of(data["version"]).read(node, "", mistakes)
    return not mistakes


def variable_somewhere(data: Data) -> st.SearchStrategy[Data]:
    """The data with a variable for one single value where variables are filled in."""
    filled = {key: value for key, value in data.items() if key not in NOT_FILLED}
    return with_text(filled, st.just("${TEXT}")).map(lambda changed: {**data, **changed})


def test_the_published_schema_is_the_one_that_is_made() -> None:
    published = ROOT / "schema" / "devspace.schema.json"
    assert published.read_text(encoding="utf-8") == schema_text(), "run `make schema`"


def test_the_schema_is_one() -> None:
    Draft202012Validator.check_schema(json_schema())


@given(files())
@SETTINGS
def test_what_the_loader_accepts_validates(data: Data) -> None:
    assert loader_accepts(data)
    assert [error.message for error in VALIDATOR.iter_errors(data)] == []


@given(files().flatmap(lambda data: mutated(data).map(lambda changed: {**changed, "version": data["version"]})))
@SETTINGS
def test_what_breaks_one_breaks_the_other(data: Data) -> None:
    assert schema_accepts(data) == loader_accepts(data)


@given(files().flatmap(variable_somewhere))
@SETTINGS
def test_a_variable_may_stand_for_any_single_value(data: Data) -> None:
    assert schema_accepts(data)


@pytest.mark.parametrize("file", sorted(CORPUS.glob("v*/*.yaml")), ids=lambda file: f"{file.parent.name}/{file.stem}")
def test_files_of_the_corpus_validate(file: Path) -> None:
    errors = VALIDATOR.iter_errors(yaml.safe_load(file.read_text(encoding="utf-8")))
    assert [f"{error.json_path}: {error.message}" for error in errors] == []


@pytest.mark.parametrize(
    ("text", "accepted"),
    [
        ("version: v1beta6\nimages: {api: {image: x, dockerfil: y}}", False),
        ("version: v1beta6\nimages: {api: {dockerfile: y}}", False),
        ("version: v1beta6\nimages: {api: {image: ''}}", False),
        ("version: v1beta6\nimages: {api: {image: 5, entrypoint: , cmd: ''}}", True),
        ("version: v1beta6\nimages: {api: {image: x, cmd: echo}}", False),
        ("version: v1beta6\nimages: {api: {image: x, createPullSecret: '${A}'}}", True),
        ("version: v1beta6\nimages: {api: {image: x, createPullSecret: maybe}}", False),
        ("version: v1beta6\nvars: [{name: A, password: '${A}'}]", False),
        ("version: v1beta6\nimages: {api: {image: x, build: {custom: {command: x, args: [], flags: []}}}}", False),
        ("version: v1beta6\nimages: {api: {image: x, tags: [y]}}", False),
        ("version: v2beta1\nimages: {api: {image: x, tags: [y]}}", True),
        ("version: v2beta1\nvars: {A: text}\ndeployments: {api: {kubectl: {manifests: [x]}}}", True),
        ("images: {}", False),
        ("version: v9", False),
        ("[]", False),
    ],
)
def test_the_schema_tells_right_from_wrong(text: str, accepted: bool) -> None:
    assert schema_accepts(yaml.safe_load(text)) == accepted


def test_every_line_of_help_is_in_the_schema() -> None:
    assert [key for key, text in HELP.items() if text not in schema_text()] == []
