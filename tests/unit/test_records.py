from __future__ import annotations

import socket
from pathlib import Path

import pytest

from imagetasks import records
from imagetasks.errors import ClusterError, UnreachableError
from imagetasks.kubeconfig import Target
from imagetasks.records import Records
from tests.api_server import Answer, ApiServer, refusal, write_kubeconfig

TARGET = Target("test", "shop")
PATHS = ["/api/v1/namespaces/shop/services/web"]


def use_cluster(folder: Path, server: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in write_kubeconfig(folder, server).items():
        monkeypatch.setenv(name, value)


def test_a_cluster_that_cannot_be_reached_is_asked_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with ApiServer(Answer(0)) as server:
        use_cluster(tmp_path, server.url, monkeypatch)
        facts = Records(tmp_path)
        with pytest.raises(UnreachableError):
            facts.missing(TARGET, PATHS)
        asked = len(server.requests)

        with pytest.raises(UnreachableError, match="cannot be reached"):
            facts.missing(TARGET._replace(namespace="other"), PATHS)

        assert len(server.requests) == asked


def test_a_cluster_that_refuses_one_thing_is_asked_for_the_next(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with ApiServer(Answer(403, refusal(403, "Forbidden", "no")), Answer(404)) as server:
        use_cluster(tmp_path, server.url, monkeypatch)
        facts = Records(tmp_path)
        with pytest.raises(ClusterError):
            facts.missing(TARGET, PATHS)

        assert facts.missing(TARGET, PATHS) == PATHS


def test_a_cluster_that_does_not_answer_is_not_waited_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(records, "_PATIENCE", 0.1)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        use_cluster(tmp_path, f"http://127.0.0.1:{silent.getsockname()[1]}", monkeypatch)

        with pytest.raises(UnreachableError, match="it does not answer in time"):
            Records(tmp_path).missing(TARGET, PATHS)
