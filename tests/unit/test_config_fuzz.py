"""Whatever a file holds, reading it ends in a configuration or in a sentence, and soon.

``IMAGETASKS_FUZZ`` is how many files are tried (``make fuzz``: 10,000).
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from imagetasks.config.load import fill_file, load_config
from imagetasks.config.printing import print_filled
from imagetasks.config.questions import NO_QUESTIONS
from imagetasks.config.reader import MappingNode, parse_nodes
from imagetasks.errors import ConfigError
from tests.config_files import PLACEHOLDERS, Data, files, mutated, with_text

TRIES = int(os.environ.get("IMAGETASKS_FUZZ", "200"))
FUZZ = settings(max_examples=TRIES, deadline=None, suppress_health_check=list(HealthCheck))

SEEDS = (
    b"version: v1beta6\nvars: [{name: A, default: b}]\nimages: &i {api: {image: 'shop/${A}', cmd: [x]}}\n",
    b"version: v2beta1\nimages:\n  api: {image: x, tags: ['#####'], build: }\nhooks: [{events: [before:build]}]\n",
    b"version: v1beta11\nprofiles:\n- name: p\n  patches: [{op: add, path: images.x, value: {}}]\n",
)


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    folder = tmp_path_factory.mktemp("fuzz")
    with contextlib.chdir(folder):
        yield Path("devspace.yaml")


def damaged(seed: bytes) -> st.SearchStrategy[bytes]:
    """The seed with some bytes put in, and some taken out, somewhere."""
    cut = st.tuples(
        st.integers(0, len(seed)), st.integers(0, 8), st.binary(max_size=8) | st.sampled_from([b"*i", b"<<: "])
    )
    return cut.map(lambda place: seed[: place[0]] + place[2] + seed[place[0] + place[1] :])


def profile_names(data: Data) -> list[str]:
    profiles = data.get("profiles")
    entries = [entry for entry in profiles if isinstance(entry, dict)] if isinstance(profiles, list) else []
    return [entry["name"] for entry in entries if isinstance(entry.get("name"), str)][:2]


def read(file: Path, profiles: list[str]) -> None:
    """Read the file as `doit list` does, and as a run where nobody can be asked; print it if it can be."""
    for asker in (None, NO_QUESTIONS):
        with contextlib.suppress(ConfigError):
            load_config(file, variables={"TEXT": "text"}, profiles=profiles, environ={}, asker=asker)
    try:
        filled = fill_file(file, variables={"TEXT": "text"}, profiles=profiles, environ={})
        filled.mistakes.check()
    except ConfigError:
        return
    assert isinstance(parse_nodes(print_filled(filled).encode(), "printed"), MappingNode)


@given(
    files().flatmap(
        lambda data: mutated(data) | with_text(data, PLACEHOLDERS) | mutated(data).flatmap(mutated).flatmap(mutated)
    )
)
@FUZZ
def test_odd_files_are_read_or_refused(file: Path, data: Data) -> None:
    file.write_text(yaml.safe_dump(data, allow_unicode=True), encoding="utf-8")
    read(file, profile_names(data) if isinstance(data, dict) else [])


@given(st.binary(max_size=200) | st.sampled_from(SEEDS).flatmap(damaged))
@FUZZ
def test_odd_bytes_are_read_or_refused(file: Path, data: bytes) -> None:
    file.write_bytes(data)
    read(file, [])


@pytest.mark.parametrize(
    "text",
    [
        "version: v1beta6\nimages: " + "{a: " * 100_000,
        "version: v1beta6\nimages: {" + "".join(f"i{n}: &i{n} {{image: x{n}, " for n in range(90)),
        "version: v1beta6\na0: &a0 [x]\n"
        + "".join(f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]\n" for n in range(1, 11)),
        "version: v1beta6\na0: &a0 {k: x}\n"
        + "".join(f"a{n}: &a{n} {{{', '.join(f'k{m}: *a{n - 1}' for m in range(10))}}}\n" for n in range(1, 11)),
        "version: v2beta1\nimages: {a: {image: '${A11}'}}\nvars:\n  A0: xxxxxxxxxx\n"
        + "".join(f"  A{n}: '{f'${{A{n - 1}}}' * 10}'\n" for n in range(1, 12)),
        "version: v2beta1\nimages: {a: {image: '${A999}'}}\nvars:\n  A0: x\n"
        + "".join(f"  A{n}: '${{A{n - 1}}}'\n" for n in range(1, 1000)),
    ],
    ids=["nesting", "nested images", "lists of aliases", "maps of aliases", "variables", "a chain of variables"],
)
def test_a_file_made_to_exhaust_the_reader_is_refused(file: Path, text: str) -> None:
    file.write_text(text)
    with pytest.raises(ConfigError):
        load_config(file, variables={}, environ={})
