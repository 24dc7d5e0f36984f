from __future__ import annotations

import re
import time

import pytest

from imagetasks.errors import ReferenceSyntaxError
from imagetasks.registry.tags import resolve_tag, volatile_values


def test_without_a_schema_a_tag_is_five_random_letters_and_digits() -> None:
    tags = {resolve_tag(None) for _ in range(50)}

    assert all(re.fullmatch(r"[a-z0-9]{5}", tag) for tag in tags)
    assert len(tags) > 1


def test_the_random_variable_is_six_letters_and_digits_the_same_wherever_a_schema_has_it() -> None:
    tag = resolve_tag("${DEVSPACE_RANDOM}-${DEVSPACE_RANDOM}")

    assert re.fullmatch(r"([a-z0-9]{6})-\1", tag)
    assert tag.startswith(volatile_values()["DEVSPACE_RANDOM"])


def test_the_timestamp_is_in_unix_seconds() -> None:
    seconds = int(resolve_tag("dev-${DEVSPACE_TIMESTAMP}").removeprefix("dev-"))

    assert 1_700_000_000 < seconds <= time.time()


def test_a_schema_without_variables_is_the_tag() -> None:
    assert resolve_tag("1.0") == "1.0"


@pytest.mark.parametrize("schema", ["", "a b", "${OTHER}", "x" * 123 + "${DEVSPACE_RANDOM}"])
def test_a_schema_that_makes_no_tag_is_refused(schema: str) -> None:
    with pytest.raises(ReferenceSyntaxError):
        resolve_tag(schema)


def test_later_versions_spellings_mean_the_same() -> None:
    older, later = (
        resolve_tag("${DEVSPACE_RANDOM}-${DEVSPACE_TIMESTAMP}"),
        resolve_tag("${devspace.random}-${devspace.timestamp}"),
    )
    assert older == later


def test_each_number_sign_is_a_random_letter_or_digit() -> None:
    tags = {resolve_tag("v1-#####") for _ in range(50)}

    assert all(re.fullmatch(r"v1-[a-z0-9]{5}", tag) for tag in tags)
    assert len(tags) > 1
