from __future__ import annotations

import os
import re
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from imagetasks.config.help import HELP
from imagetasks.config.json_schema import json_schema, schema_text
from imagetasks.config.load import NOT_FILLED, load_config, read_profiles
from imagetasks.errors import ConfigError
from tests.config_files import Data, files, mutated, with_text

ROOT = Path(__file__).parents[2]
CORPUS = Path(os.environ.get("IMAGETASKS_CORPUS", ROOT.parent / "shared" / "corpus"))
VALIDATOR = Draft202012Validator(json_schema())
BEYOND_A_SCHEMA = re.compile(
    "is taken by|has the same `image`|is no regular expression|variable `|the patch `|there is no profile `"
)
SETTINGS = settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.too_slow])


def schema_accepts(data: Data) -> bool:
    return bool(VALIDATOR.is_valid(data))


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("schema") / "devspace.yaml"


def loader_accepts(data: Data, file: Path) -> bool:
    """Whether the loader finds no mistake but those that no schema could tell of.

    Profiles are not applied, though they may be active by themselves.
    """
    file.write_text(yaml.safe_dump({**data, "profiles": None}, allow_unicode=True), encoding="utf-8")
    sentences = mistakes(lambda: load_config(file, variables={}, environ={}, asker=None))
    file.write_text(yaml.safe_dump(data, allow_unicode=True), encoding="utf-8")
    sentences += mistakes(lambda: read_profiles(file, variables={}, environ={}))
    return all(BEYOND_A_SCHEMA.search(sentence) for sentence in sentences)


def mistakes(read: Callable[[], object]) -> list[str]:
    try:
        read()
    except ConfigError as error:
        return str(error).splitlines()
    return []


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
def test_what_the_loader_accepts_validates(file: Path, data: Data) -> None:
    assert loader_accepts(data, file)
    assert [error.message for error in VALIDATOR.iter_errors(data)] == []


@given(files().flatmap(lambda data: mutated(data).map(lambda changed: {**changed, "version": data["version"]})))
@SETTINGS
def test_what_breaks_one_breaks_the_other(file: Path, data: Data) -> None:
    assert schema_accepts(data) == loader_accepts(data, file)


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
        ("version: v1beta6\nimages: {a=b: {image: x}}", False),
        ("version: v1beta6\nimages: {-x: {image: x}}", False),
        (f"version: v1beta6\nimages: {{{'x' * 201}: {{image: x}}}}", False),
        ("version: v1beta6\nimages: {ü: {image: x}}", True),
        ("version: v1beta6\nimages: {api: {image: 'Shop/api:x'}}", False),
        ("version: v1beta6\nimages: {api: {image: shop/api:v1}}", False),
        ("version: v1beta6\nimages: {api: {image: shop/Api}}", False),
        ("version: v1beta6\nimages: {api: {image: a_b.c/d}}", False),
        ("version: v1beta6\nimages: {api: {image: Host/api}}", True),
        ("version: v1beta6\nimages: {api: {image: 'localhost:5000/a/b'}}", True),
        (f"version: v1beta6\nimages: {{api: {{image: {'a' * 64}}}}}", False),
        (f"version: v1beta6\nimages: {{api: {{image: {'a' * 65}}}}}", True),
        ("version: v1beta6\nimages: {api: {image: sha256}}", False),
        ("version: v1beta6\nimages: {api: {image: x, tag: a b}}", False),
        ("version: v1beta6\nimages: {api: {image: x, tag: 'v-${DEVSPACE_RANDOM}'}}", True),
        ("version: v1beta6\nimages: {api: {image: x, tag: ''}}", True),
        ("version: v1beta9\nimages: {api: {image: x, tags: ['']}}", False),
        ("version: v1beta9\nimages: {api: {image: x, tags: ['v-###', 1.5]}}", True),
        ("version: v1beta9\nimages: {api: {image: x, tags: [-1]}}", False),
        ("version: v1beta6\nimages: {api: {image: x, build: {docker: {}, kaniko: {}}}}", False),
        ("version: v1beta6\nimages: {api: {image: x, build: {docker: {}, kaniko: }}}", True),
        ("version: v2beta1\nimages: {api: {image: x, docker: {}, custom: {command: x}}}", False),
        ("version: v2beta1\nimages: {api: {image: x, custom: {args: [x]}}}", False),
        ("version: v2beta1\nimages: {api: {image: x, custom: {command: ''}}}", False),
        ("version: v2beta1\nimages: {api: {image: x, custom: {commands: []}}}", False),
        ("version: v2beta1\nimages: {api: {image: x, custom: {command: '', commands: [{command: x}]}}}", True),
        ("version: v2beta1\nimages: {api: {image: x, custom: {commands: [{command: x}]}}}", True),
        ("version: v1beta6\nimages: {api: {image: x, build: {custom: {command: x}, options: {target: y}}}}", False),
        ("version: v1beta6\nimages: {api: {image: x, build: {docker: {options: {}}, options: {target: y}}}}", False),
        ("version: v1beta6\ndeployments: [{name: a}]", False),
        ("version: v1beta6\ndeployments: [{name: a, helm: {}, kubectl: {}}]", False),
        ("version: v1beta6\ndeployments: [{name: a, helm: {}, kubectl: }]", True),
        ("version: v1beta6\ndeployments: [{name: a, component: {}}]", True),
        ("version: v1beta6\ndeployments: [{name: a, component: {}, kubectl: {}}]", False),
        ("version: v1beta6\ndeployments: [{name: a b, helm: {}}]", False),
        ("version: v1beta9\ndeployments: [{name: a b, disabled: true}]", True),
        ("version: v2beta1\ndeployments: {a: {}}", False),
        ("version: v2beta1\ndeployments: {a: }", False),
        ("version: v2beta1\ndeployments: {a b: {helm: {}}}", False),
        ("version: v2beta1\ndeployments: {a: {tanka: {}}}", True),
        ("version: v1beta6\ndependencies: [{source: {}}]", False),
        ("version: v1beta6\ndependencies: [{source: {path: x, git: ''}}]", True),
        ("version: v1beta6\ndependencies: [{source: {path: x, git: y}}]", False),
        ("version: v1beta6\ndependencies: [{source: {path: x, branch: y}}]", False),
        ("version: v1beta6\ndependencies: [{source: {git: x, branch: y, tag: z}}]", False),
        ("version: v1beta6\ndependencies: [{source: {git: 'ext::x'}}]", False),
        ("version: v1beta6\ndependencies: [{source: {git: x, branch: a..b^}}]", False),
        ("version: v1beta9\ndependencies: [{source: {git: x}, name: }]", True),
        ("version: v1beta9\ndependencies: [{source: {git: x}, name: a=b}]", False),
        ("version: v1beta9\ndependencies: [{source: {}, disabled: yes}]", True),
        ("version: v2beta1\ndependencies: {lib: {path: x}}", True),
        ("version: v2beta1\ndependencies: {lib: {}}", False),
        ("version: v2beta1\ndependencies: {a=b: {path: x}}", False),
        ("version: v2beta1\ndependencies: {a=b: {disabled: true}}", True),
        ("version: v1beta6\nvars: [{name: 1a}]", False),
        ("version: v1beta6\nvars: [{name: 5}]", False),
        ("version: v1beta6\nvars: {A: {}}", False),
        ("version: v2beta1\nvars: {a b: x}", False),
        ("version: v1beta9\nhooks: [{events: [before:build]}]", False),
        ("version: v1beta9\nhooks: [{where: {container: {}}}]", True),
        ("version: v1beta11\nhooks: [{upload: {}}, {disabled: true}]", True),
        ("version: v1beta6\ndeployments: [{name: a, helm: {timeout: 1.0}}, {name: b, helm: {timeout: 0x10}}]", True),
        ("version: v1beta6\ndeployments: [{name: a, helm: {timeout: 1.5}}]", False),
        ("version: v1beta6\ndeployments: [{name: a, helm: {timeout: 1000000000000000000000}}]", False),
        ("version: v1beta6\nprofiles: ''\nvars: ''\nimages: ''\n", True),
        ("images: {}", False),
        ("version: v9", False),
        ("[]", False),
    ],
)
def test_schema_and_loader_tell_right_from_wrong(file: Path, text: str, accepted: bool) -> None:
    file.write_text(text, encoding="utf-8")
    found = mistakes(lambda: load_config(file, variables={}, environ={"A": "true"}, asker=None))
    assert (found == []) == accepted, found
    assert schema_accepts(yaml.safe_load(text)) == accepted


def test_words_in_quotes_are_no_flags_which_only_the_loader_sees(file: Path) -> None:
    text = 'version: v1beta6\nimages: {api: {image: x, createPullSecret: "yes"}}'
    file.write_text(text, encoding="utf-8")
    assert mistakes(lambda: load_config(file, variables={}, environ={})) != []
    assert schema_accepts(yaml.safe_load(text))


def test_every_line_of_help_is_in_the_schema() -> None:
    assert [key for key, text in HELP.items() if text not in schema_text()] == []
