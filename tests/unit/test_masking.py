from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imagetasks.config.variables import MASK
from imagetasks.report.masking import Masking

LETTERS = st.text("abc", max_size=12)
SECRETS = st.sets(st.text("abc", min_size=1, max_size=4), max_size=3)


@given(LETTERS, SECRETS, st.lists(st.integers(0, 12)))
def test_a_text_is_masked_alike_in_one_piece_and_in_many(text: str, secrets: set[str], cuts: list[int]) -> None:
    masking = Masking(secrets)
    places = [0, *sorted(cuts), len(text)]
    pieces = [text[start:end] for start, end in itertools.pairwise(places)]

    shown = "".join(map(masking.feed, pieces)) + masking.rest()

    assert shown == Masking(secrets).mask(text)
    assert not masking.held


@pytest.mark.parametrize("pieces", [["the s3cret word"], ["the s3", "cret word"], ["the ", *"s3cret", " word"]])
def test_a_secret_is_masked_wherever_it_is_cut(pieces: list[str]) -> None:
    masking = Masking({"s3cret", "s3"})

    assert "".join(map(masking.feed, pieces)) == f"the {MASK} word"


def test_what_cannot_become_a_secret_is_not_held_back() -> None:
    masking = Masking({"s3cret"})

    assert masking.feed("Step 1") == "Step 1"
    assert masking.feed("/2: s") == "/2: "
    assert masking.held == "s"
