from __future__ import annotations

import pytest

from imagetasks.report.phases import phase_of


@pytest.mark.parametrize(
    ("line", "step"),
    [
        ("Step 3/7 : RUN apk add git", "step 3/7 RUN apk add git"),
        ("#8 [2/5] COPY . /app", "step 2/5 COPY . /app"),
        ("#8 [build 2/5] RUN make", "step 2/5 RUN make"),
        ("#5 [internal] load build context", ""),
        ("#8 0.312 Step 1/2 : of another program", ""),
        ("\x1b[36mINFO\x1b[0m[0003] RUN make", "step RUN make"),
        ("INFO[0007] Pushing image to shop/api:1", "pushing image to shop/api:1"),
        ("INFO[0001] Retrieving image manifest busybox:1.36", "retrieving image manifest busybox:1.36"),
        ("INFO[0004] Taking snapshot of full filesystem...", ""),
        (" ---> Running in 0a1b2c", ""),
        ("", ""),
    ],
)
def test_which_lines_of_a_build_begin_a_step(line: str, step: str) -> None:
    assert phase_of(line) == step
