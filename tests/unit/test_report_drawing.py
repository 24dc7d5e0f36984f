from __future__ import annotations

import os

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from imagetasks.report.activities import Activities, Activity
from imagetasks.report.drawing import draw, elapsed
from imagetasks.report.terminal import plain_text


def drawn(activities: list[Activity], columns: int = 81, lines: int = 24, now: float = 10.0) -> list[str]:
    return [
        plain_text(row.text) for row in draw(activities, "1 of 3 images", now, os.terminal_size((columns, lines)))
    ]


def test_a_row_tells_the_phase_how_far_it_is_and_since_when_the_task_runs() -> None:
    rows = drawn(
        [
            Activity("api", "sending the context", 0.0, 5.0, 30_000_000, 40_000_000),
            Activity("web", "step 3/7 RUN make", 8.0, 9.0),
        ]
    )

    assert [" ".join(row.split()) for row in rows] == [
        "api sending the context ━━━━━━━━━━━━━━━╺━━━━ 30.0/40.0 MB, 6.0 MB/s 10 s",
        "web step 3/7 RUN make 2 s",
        "1 of 3 images",
    ]


def test_what_does_not_fit_is_counted() -> None:
    rows = drawn([Activity(f"image-{number}", "building", 0.0, 0.0) for number in range(200)])

    assert len(rows) == 16
    assert rows[0].startswith("image-0 ")
    assert rows[-2:] == ["… and 186 more", "1 of 3 images"]


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.tuples(st.text(), st.text(), st.sampled_from([0, 10**7])), max_size=30),
    st.integers(1, 200),
    st.integers(1, 60),
)
def test_rows_fit_whatever_the_names_and_the_terminal_are(
    told: list[tuple[str, str, int]], columns: int, lines: int
) -> None:
    activities = [Activity(name, phase, 0.0, 0.0, total // 2, total) for name, phase, total in told]

    rows = draw(activities, "0 of 3 images", 5.0, os.terminal_size((columns, lines)))

    assert len(rows) <= max(lines * 2 // 3, 2)
    assert all(row.columns < max(columns, 11) for row in rows)
    assert all(plain_text(row.text).isprintable() for row in rows)


@pytest.mark.parametrize(("seconds", "shown"), [(0.9, "0 s"), (59.9, "59 s"), (60, "1:00"), (3725, "62:05")])
def test_how_times_are_shown(seconds: float, shown: str) -> None:
    assert elapsed(seconds) == shown


def test_a_new_phase_has_moved_nothing_yet() -> None:
    now = iter((1.0, 2.0))
    activities = Activities(lambda: next(now))
    activities.begin("build:api", "api", "building")
    activities.measure("build:api", 5, 9)
    assert activities.current() == [Activity("api", "building", 1.0, 1.0, 5, 9)]

    activities.enter("build:api", "step 1/2 RUN make")

    assert activities.current() == [Activity("api", "step 1/2 RUN make", 1.0, 2.0)]


def test_what_is_told_of_a_task_that_has_ended_is_not_shown() -> None:
    activities = Activities()
    activities.begin("build:api", "api", "building")
    activities.end("build:api")
    activities.enter("build:api", "step 1/2 RUN make")
    activities.measure("build:api", 5, 9)

    assert activities.current() == []
