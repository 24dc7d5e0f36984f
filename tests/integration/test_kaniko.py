"""The engine kaniko on a real cluster, with a stand-in for the executor, which says what it was given."""

from __future__ import annotations

import hashlib
import os
import re
import signal
import subprocess
import time
import uuid
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import docker
import pytest
import requests

from imagetasks.builders.kaniko import EXECUTOR_IMAGE
from imagetasks.cluster.client import Cluster
from imagetasks.registry.credentials import Credentials, store_credentials
from tests.cluster import wait_for
from tests.projects import Project
from tests.registries import Registry

pytestmark = [pytest.mark.cluster, pytest.mark.docker, pytest.mark.registry, pytest.mark.usefixtures("docker_config")]

STAND_IN = Path(__file__).parent.parent / "kaniko"
NO_DAEMON = {"DOCKER_HOST": "unix:///nonexistent/docker.sock"}
SLOW = "FROM scratch\nRUN echo it has begun; sleep 300\n"
MEBIBYTE = 1 << 20


@pytest.fixture(scope="module")
def executor(daemon: docker.DockerClient, busybox: str) -> Iterator[str]:
    """The stand-in's image."""
    image = f"imagetasks-test-executor:{uuid.uuid4().hex[:8]}"
    daemon.images.build(path=str(STAND_IN), tag=image, buildargs={"BASE": busybox})
    yield image
    daemon.images.remove(image, force=True)


@pytest.fixture(scope="module")
def bridge(daemon: docker.DockerClient) -> str:
    """The address at which pods find this machine."""
    return str(daemon.networks.get("bridge").attrs["IPAM"]["Config"][0]["Gateway"])


@pytest.fixture(scope="module")
def reachable_registry(bridge: str) -> Iterator[Registry]:
    """A registry that pods reach, and that anyone may push to."""
    with Registry(host=bridge) as running:
        yield running


class Kaniko:
    """A project whose images kaniko builds, in the namespace of a cluster."""

    def __init__(self, project: Project, cluster: Cluster, executor: str, registry: Registry) -> None:
        self.project = project
        self.cluster = cluster
        self.executor = executor
        self.registry = registry
        self.pods = f"/api/v1/namespaces/{cluster.target.namespace}/pods"
        project.write("Dockerfile", "FROM scratch\n")
        self.configure()

    def configure(self, settings: str = "", image: str = "", names: tuple[str, ...] = ("app",)) -> None:
        """Write the configuration, with more ``settings`` for kaniko, and more in each image's entry."""
        given = {"namespace": self.cluster.target.namespace, "image": self.executor, "initImage": "busybox:1.36"}
        kaniko = ", ".join([f"{key}: '{value}'" for key, value in given.items() if f"{key}:" not in settings])
        images = "".join(
            f"  {name}:\n    image: {self.registry.address}/{self.project.repository(name)}\n{image}"
            f"    kaniko: {{{kaniko}{settings}}}\n"
            for name in names
        )
        self.project.write("devspace.yaml", f"version: v2beta1\nname: test\nimages:\n{images}")

    def build(self, *args: str, first: tuple[str, ...] = ()) -> str:
        """Build, and return the log of the first image; ``first`` are doit's own arguments."""
        result = self.project.doit(*first, "build", *args)
        assert result.returncode == 0, result.stdout + result.stderr
        return self.log()

    def fail(self) -> str:
        """Build in vain, and return what the user is told."""
        result = self.project.doit("build")
        assert result.returncode == 1, result.stdout + result.stderr
        assert "Traceback" not in result.stdout + result.stderr
        assert self.left_pods() == []
        return result.stdout

    def log(self) -> str:
        file = self.project.folder / ".devspace" / "logs" / "build-app.log"
        return file.read_text() if file.exists() else ""

    def left_pods(self) -> list[dict[str, Any]]:
        return list((self.cluster.read(self.pods) or {})["items"])

    def pushed(self, log: str) -> list[str]:
        """The references that a log names."""
        return [line.removeprefix("Pushed ") for line in log.splitlines() if line.startswith("Pushed ")]

    def content(self, reference: str, auth: tuple[str, str] | None = None) -> list[str]:
        """What the stand-in says of its arguments and of the context, in the image that it pushed."""
        repository, _, tag = reference.partition("/")[2].rpartition(":")
        url = f"{self.registry.url}/v2/{repository}"
        accepted = {"Accept": "application/vnd.docker.distribution.manifest.v2+json"}
        manifest = requests.get(f"{url}/manifests/{tag}", headers=accepted, auth=auth, timeout=10)
        assert manifest.status_code == 200, manifest.text
        digest = manifest.json()["config"]["digest"]
        blob = requests.get(f"{url}/blobs/{digest}", auth=auth, timeout=10)
        return blob.content.decode().splitlines()


@pytest.fixture
def kaniko(project: Project, cluster: Cluster, executor: str, reachable_registry: Registry) -> Kaniko:
    return Kaniko(project, cluster, executor, reachable_registry)


def finish(process: subprocess.Popen[str]) -> tuple[int, str, str]:
    out, err = process.communicate(timeout=60)
    return process.returncode, out, err


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def test_every_file_arrives_with_its_bytes_and_its_mode(kaniko: Kaniko) -> None:
    files = {"a b/ü $(x) 'q'": 0o640, "run": 0o4755, "deep/" * 30 + "end": 0o600, "big": 0o444}
    for name, mode in files.items():
        kaniko.project.write(name, f"{name}\n" * (MEBIBYTE if name == "big" else 1), mode)
    kaniko.project.write(".dockerignore", "*.no\n")
    kaniko.project.write("left-out.no", "")
    (kaniko.project.folder / "link").symlink_to("run")
    (kaniko.project.folder / "empty").mkdir(mode=0o700)

    [reference] = kaniko.pushed(kaniko.build())

    found = kaniko.content(reference)
    for name, mode in files.items():
        content = (kaniko.project.folder / name).read_bytes()
        assert f"./{name} {mode:o} {sha256(content)}" in found
    assert "./link link run" in found
    assert "./empty 700 directory" in found
    assert not any("left-out" in line for line in found)
    assert kaniko.left_pods() == []


def test_the_executor_gets_all_settings(kaniko: Kaniko) -> None:
    kaniko.configure(
        ", snapshotMode: time, insecure: true, args: ['--label=a=b c']",
        "    tags: [one, two]\n    target: first\n    buildArgs: {VERSION: \"1 $(HOME) $$ 'x'\", EMPTY: ''}\n",
    )
    kaniko.project.write("Dockerfile", "FROM scratch AS first\n")

    log = kaniko.build()

    repository = f"{kaniko.registry.address}/{kaniko.project.repository('app')}"
    assert kaniko.pushed(log) == [f"{repository}:one", f"{repository}:two"]
    arguments = [line.removeprefix("argument ") for line in kaniko.content(f"{repository}:two") if "argument" in line]
    assert arguments == [
        "--dockerfile=/context/Dockerfile",
        "--context=dir:///context",
        f"--destination={repository}:one",
        f"--destination={repository}:two",
        "--snapshotMode=time",
        "--build-arg=VERSION=1 $(HOME) $$ 'x'",
        "--build-arg=EMPTY=",
        "--target=first",
        "--insecure",
        "--skip-tls-verify",
        "--cache=true",
        f"--cache-repo={repository}",
        "--label=a=b c",
    ]
    assert "VERSION" not in log


def test_nothing_is_built_again_while_nothing_changes(kaniko: Kaniko) -> None:
    kaniko.build()

    again = kaniko.project.doit("build")

    assert "images: 1 up to date" in again.stdout


def test_what_was_not_pushed_is_built_again_when_it_is_to_be_pushed(kaniko: Kaniko) -> None:
    kaniko.configure(", cache: false")

    assert kaniko.pushed(kaniko.build("--skip-push")) == []
    assert len(kaniko.pushed(kaniko.build())) == 1


def test_the_users_credentials_reach_the_executor_and_nobody_else(
    project: Project, cluster: Cluster, executor: str, bridge: str
) -> None:
    with Registry(host=bridge, htpasswd={"ann": "correct horse"}) as registry:
        kaniko = Kaniko(project, cluster, executor, registry)
        assert "checking push permissions" in kaniko.fail()
        store_credentials(registry.address, Credentials("ann", "correct horse"))

        log = kaniko.build()

        [reference] = kaniko.pushed(log)
        assert kaniko.content(reference, ("ann", "correct horse"))
    state = b"".join(file.read_bytes() for file in (project.folder / ".devspace").rglob("*") if file.is_file())
    assert b"correct horse" not in state


def test_a_failed_build_tells_its_exit_code_and_the_end_of_its_log(kaniko: Kaniko) -> None:
    kaniko.project.write("Dockerfile", "FROM scratch\nRUN echo before the end; false\n")

    said = kaniko.fail()

    assert "kaniko ended with exit code 1" in said
    assert "before the end" in said


@pytest.mark.parametrize(
    ("settings", "reason"),
    [
        (", image: '127.0.0.1:9/no/such:image'", "127.0.0.1:9/no/such:image"),
        (", initImage: '127.0.0.1:9/no/such:image'", "127.0.0.1:9/no/such:image"),
        (", nodeSelector: {no: such-node}", "has no node"),
        (", pullSecret: no-such-secret", 'secret "no-such-secret" not found'),
        (", resources: {requests: {memory: 1000Gi}}", "has no node"),
        (", serviceAccount: nobody", "nobody"),
    ],
)
def test_a_pod_that_cannot_start_is_told_in_a_sentence(kaniko: Kaniko, settings: str, reason: str) -> None:
    kaniko.configure(settings)

    assert reason in kaniko.fail()


def test_a_quota_is_told_in_a_sentence(kaniko: Kaniko) -> None:
    quota = {"metadata": {"name": "none"}, "spec": {"hard": {"pods": "0"}}}
    quotas = kaniko.pods.replace("/pods", "/resourcequotas")
    kaniko.cluster.create(quotas, {"apiVersion": "v1", "kind": "ResourceQuota", **quota})
    wait_for(lambda: (kaniko.cluster.read(f"{quotas}/none") or {}).get("status"), "the quota")

    assert "exceeded quota" in kaniko.fail()


def test_a_context_that_changes_while_it_is_sent_fails_the_build(kaniko: Kaniko) -> None:
    big = kaniko.project.write("big", "x" * (60 * MEBIBYTE))
    run = kaniko.project.start("doit", "build")
    wait_for(lambda: running(kaniko, "context"), "the pod")
    os.truncate(big, 10)

    code, out, _ = finish(run)

    assert code == 1
    assert "big" in out
    assert kaniko.left_pods() == []


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize(
    "words",
    [["build"], ["build", "--build-sequential"], ["-P", "process", "build"]],
    ids=["threads", "sequential", "processes"],
)
def test_a_signal_takes_the_pods_along(kaniko: Kaniko, number: signal.Signals, words: list[str]) -> None:
    kaniko.project.write("Dockerfile", SLOW)
    kaniko.configure(names=("app", "other"))
    run = kaniko.project.start("doit", *words)
    wait_for(lambda: "it has begun" in kaniko.log(), "the build")

    run.send_signal(number)
    code, out, err = finish(run)

    assert code == 128 + number
    assert "Traceback" not in out + err
    assert kaniko.left_pods() == []


def test_what_a_killed_run_leaves_is_deleted_by_the_next_one_and_nothing_else(kaniko: Kaniko) -> None:
    kaniko.project.write("Dockerfile", SLOW)
    killed = kaniko.project.start("doit", "build")
    wait_for(lambda: "it has begun" in kaniko.log(), "the build")
    killed.kill()
    finish(killed)
    [left] = kaniko.left_pods()
    labels = {**left["metadata"]["labels"], "imagetasks/owner": "a-colleague"}
    spec = {"containers": left["spec"]["containers"], "nodeSelector": {"no": "such-node"}}
    for container in spec["containers"]:
        container["volumeMounts"] = []
    metadata = {"name": "of-a-colleague", "labels": labels}
    kaniko.cluster.create(kaniko.pods, {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec})
    kaniko.project.write("Dockerfile", "FROM scratch\n")

    kaniko.build()

    assert [pod["metadata"]["name"] for pod in kaniko.left_pods()] == ["of-a-colleague"]


def test_several_images_are_built_at_once(kaniko: Kaniko) -> None:
    names = ("app", "two", "three", "four")
    kaniko.configure(names=names)

    kaniko.build(first=("-n", "4"))

    for name in names[1:]:
        log = (kaniko.project.folder / ".devspace" / "logs" / f"build-{name}.log").read_text()
        assert len(kaniko.pushed(log)) == 1


def test_a_large_context_is_sent_while_it_is_read(kaniko: Kaniko) -> None:
    with (kaniko.project.folder / "large").open("wb") as file:
        for _ in range(200):
            file.write(os.urandom(MEBIBYTE))
    run = kaniko.project.start("doit", "build")
    highest = 0
    while status := re.search(r"VmHWM:\s+(\d+) kB", Path(f"/proc/{run.pid}/status").read_text()):
        highest = int(status[1]) * 1024
        time.sleep(0.05)

    code, out, _ = finish(run)

    assert code == 0, out
    [reference] = kaniko.pushed(kaniko.log())
    assert any(line.startswith("./large 644 ") for line in kaniko.content(reference))
    assert highest < 100 * MEBIBYTE


class TestFallback:
    """An image of the engine docker, where no daemon answers."""

    @pytest.fixture
    def without_daemon(
        self, kaniko: Kaniko, daemon: docker.DockerClient, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
    ) -> Iterator[Kaniko]:
        """The stand-in takes the place of kaniko's own executor, and the namespace is the kubeconfig's."""
        if not daemon.images.list(EXECUTOR_IMAGE):
            daemon.images.get(kaniko.executor).tag(EXECUTOR_IMAGE)
        self.write(kaniko)
        for name, value in NO_DAEMON.items():
            monkeypatch.setenv(name, value)
        yield kaniko
        daemon.images.remove(EXECUTOR_IMAGE)

    def write(self, kaniko: Kaniko, docker: str = "") -> None:
        repository = f"{kaniko.registry.address}/{kaniko.project.repository('app')}"
        kaniko.project.write(
            "devspace.yaml", f"version: v2beta1\nname: t\nimages:\n  app:\n    image: {repository}\n{docker}"
        )

    def run(self, kaniko: Kaniko) -> subprocess.CompletedProcess[str]:
        return kaniko.project.doit("build", "--namespace", kaniko.cluster.target.namespace)

    def test_what_kaniko_has_built_is_deployed(self, without_daemon: Kaniko) -> None:
        repository = f"{without_daemon.registry.address}/{without_daemon.project.repository('app')}"
        data = f"{{apiVersion: v1, kind: ConfigMap, metadata: {{name: app}}, data: {{image: '{repository}'}}}}\n"
        without_daemon.project.write("app.yaml", data)
        self.write(without_daemon, "deployments: {app: {kubectl: {manifests: [app.yaml]}}}\n")
        namespace = without_daemon.cluster.target.namespace

        result = without_daemon.project.doit("deploy", "--namespace", namespace)

        assert result.returncode == 0, result.stdout + result.stderr
        made = without_daemon.cluster.read(f"/api/v1/namespaces/{namespace}/configmaps/app") or {}
        assert [made["data"]["image"]] == without_daemon.pushed(without_daemon.log())

    def test_kaniko_builds_and_a_line_says_so(self, without_daemon: Kaniko) -> None:
        first = self.run(without_daemon)
        again = self.run(without_daemon)

        assert first.returncode == again.returncode == 0, first.stdout + first.stderr
        assert "app is built by kaniko in namespace" in first.stdout + first.stderr
        assert len(without_daemon.pushed(without_daemon.log())) == 1
        assert "is built by kaniko" not in again.stdout + again.stderr

    def test_nothing_is_built_where_that_is_forbidden(self, without_daemon: Kaniko) -> None:
        self.write(without_daemon, "    docker: {disableFallback: true}\n")

        result = self.run(without_daemon)

        assert result.returncode == 1
        assert "Docker daemon" in result.stdout
        assert without_daemon.left_pods() == []


def running(kaniko: Kaniko, container: str) -> bool:
    """Whether a container of the one pod runs."""
    for pod in kaniko.left_pods():
        statuses: list[Mapping[str, Any]] = pod["status"].get("initContainerStatuses", [])
        if any(each["name"] == container and "running" in each["state"] for each in statuses):
            return True
    return False
