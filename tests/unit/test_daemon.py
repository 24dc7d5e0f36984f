from __future__ import annotations

from typing import Any

import pytest

from imagetasks.daemon import Daemon, layer_progress
from imagetasks.errors import DaemonError


@pytest.mark.parametrize(
    ("message", "progress"),
    [
        ({"status": "Pushing", "id": "a1", "progressDetail": {"current": 512, "total": 2048}}, (512, 2048)),
        ({"status": "Pushing", "id": "a1", "progressDetail": {"current": 3072, "total": 2048}}, (2048, 2048)),
        ({"status": "Pushing", "id": "a1", "progressDetail": {"current": 512}}, None),
        ({"status": "Preparing", "id": "a1", "progressDetail": {}}, None),
        ({"status": "The push refers to repository [shop/api]"}, None),
    ],
)
def test_how_far_a_layer_is(message: dict[str, Any], progress: tuple[int, int] | None) -> None:
    assert layer_progress(message) == progress


def test_a_password_in_the_address_is_not_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOCKER_HOST", "tcp://ann:correct-horse@127.0.0.1:1")

    with pytest.raises(DaemonError, match=r"answers at tcp://127\.0\.0\.1:1;"):
        Daemon()
