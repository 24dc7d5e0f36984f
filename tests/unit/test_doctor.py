"""What ``imagetasks doctor`` looks for and tells; clusters and registries are played by small HTTP servers."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from imagetasks.cli import main
from imagetasks.doctor.checks import Check, run_checks
from imagetasks.doctor.needs import Needs, Right, needs_of
from imagetasks.errors import OptionError
from imagetasks.local_clusters import KIND, LocalCluster
from imagetasks.options import Options
from imagetasks.project import open_project
from tests.api_server import Answer, ApiServer, write_kubeconfig

CONFIG = """\
version: v1beta6
vars: [{{name: UNKNOWN_HERE}}]
images:
  api: {{image: {registry}/shop/api, createPullSecret: true, build: {{docker: {{useBuildKit: true}}}}}}
  web: {{image: shop/web, build: {{docker: {{skipPush: true}}}}}}
  job: {{image: shop/job, build: {{kaniko: {{}}}}}}
  own: {{image: "${{UNKNOWN_HERE}}/own", build: {{custom: {{command: ./build}}}}}}
deployments:
- {{name: backend, kubectl: {{manifests: [k8s]}}}}
- {{name: cache, helm: {{chart: {{name: redis}}}}}}
"""

Run = Callable[..., tuple[int, list[str]]]


@pytest.fixture
def doctor(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """Runs the command in a folder of its own, on a machine where nothing is installed or set."""
    programs = tmp_path / "bin"
    programs.mkdir()
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PATH", str(programs))
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path))
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/none.sock")
    monkeypatch.setenv("KUBECONFIG", str(tmp_path / "none"))
    monkeypatch.delenv("KUBERNETES_SERVICE_HOST", raising=False)

    def run(*words: str) -> tuple[int, list[str]]:
        code = main(["doctor", *words])
        return code, capsys.readouterr().out.splitlines()

    return run


def install(program: str, script: str) -> None:
    """Put a program into the only folder on ``PATH``."""
    file = Path("bin", program)
    file.write_text(f"#!/bin/sh\n{script}\n")
    file.chmod(0o755)


def line_of(lines: list[str], subject: str) -> str:
    return next(" ".join(line.split()) for line in lines if line[9:].startswith(subject))


def needs(config: str, local: LocalCluster | None = None) -> Needs:
    file = Path("devspace.yaml")
    file.write_text(config)
    return needs_of(open_project(file.absolute(), Options(), asker=None), local)


def test_needs_name_what_has_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)

    assert needs(CONFIG.format(registry="example.com")) == Needs(
        daemon="image api and 1 more",
        docker_cli="image api",
        buildkit="image api",
        kubectl="deployment backend",
        helm="deployment cache",
        cluster="deployment backend and 1 more",
        registries={"example.com": "image api", "docker.io": "image job"},
        rights={
            Right("deployments", "apps"): "deployment backend and 1 more",
            Right("secrets"): "image api",
            Right("pods"): "image job",
        },
    )


def test_what_goes_into_a_local_cluster_needs_its_program_and_no_registry(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)

    found = needs("version: v1beta6\nimages: {api: {image: example.com/api}}\n", LocalCluster("kind-a", KIND))

    assert (found.provider, found.registries) == ("image api", {})


@pytest.mark.parametrize(
    ("config", "expected"),
    [
        ("images: {api: {image: shop/api, tag: 'v-${DEVSPACE_GIT_COMMIT}'}}", "variable DEVSPACE_GIT_COMMIT"),
        ("dependencies: [{source: {git: https://example.com/db}}]", "dependency "),
        ("images: {api: {image: shop/api}}", ""),
    ],
)
def test_git_is_needed_for_dependencies_and_for_variables(
    config: str, expected: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    found = needs(f"version: v1beta6\n{config}\n").git

    assert found.startswith(expected)
    assert bool(found) == bool(expected)


def test_a_check_that_hangs_keeps_nobody_waiting() -> None:
    goes_on = threading.Event()

    def hang() -> str:
        goes_on.wait()
        return "late"

    def fail() -> str:
        raise OptionError("not there")

    findings = run_checks(
        [Check("a", "x", hang), Check("b", "", lambda: "1.0"), Check("c", "x", fail), Check("d", "", fail)],
        limit=0.05,
    )
    goes_on.set()

    assert [(finding.is_there, finding.is_missing, finding.detail) for finding in findings] == [
        (False, True, "no answer within 0.05 s"),
        (True, False, "1.0"),
        (False, True, "not there"),
        (False, False, "not there"),
    ]


def test_without_a_file_nothing_is_missing(doctor: Run) -> None:
    code, lines = doctor()

    assert code == 0
    assert lines[0].startswith("there is no devspace.yaml in ")
    assert line_of(lines, "imagetasks").startswith("ok imagetasks 0.")
    assert line_of(lines, "helm") == "- helm not on PATH"
    assert not any(line.startswith("missing") for line in lines)


def test_what_the_file_needs_and_is_not_there_is_missing(doctor: Run) -> None:
    Path("devspace.yaml").write_text(CONFIG.format(registry="127.0.0.1:1"))

    code, lines = doctor()

    assert code == 1
    assert line_of(lines, "Docker daemon").startswith("missing Docker daemon no Docker daemon answers at ")
    assert line_of(lines, "BuildKit").endswith("(needed by image api)")
    assert line_of(lines, "registry 127.0.0.1:1").startswith(
        "missing registry 127.0.0.1:1 registry 127.0.0.1:1 cannot "
    )
    assert line_of(lines, "helm") == "missing helm not on PATH (needed by deployment cache)"
    assert line_of(lines, "cluster").startswith("missing cluster there is no current Kubernetes context")
    assert line_of(lines, "git") == "- git not on PATH"


def test_versions_are_those_that_programs_tell(doctor: Run) -> None:
    install("git", "echo git version 2.45.1")
    install("helm", "echo v3.15.0+gc4e37b3")
    install("kubectl", """echo '{"clientVersion": {"gitVersion": "v1.30.1"}}'""")
    install("docker", "echo Docker version 20.10.24, build x")

    _, lines = doctor()

    assert line_of(lines, "git") == "ok git 2.45.1"
    assert line_of(lines, "helm") == "ok helm v3.15.0+gc4e37b3"
    assert line_of(lines, "kubectl") == "ok kubectl v1.30.1"
    assert line_of(lines, "docker CLI").startswith("ok docker CLI 20.10.24 (")


@pytest.mark.parametrize(
    ("script", "told"),
    [("exit 1", "ended with exit code 1"), ("echo '{}'", "told no version"), ("echo x", "told no")],
)
def test_a_program_that_tells_no_version_is_not_there(script: str, told: str, doctor: Run) -> None:
    install("kubectl", script)

    assert told in line_of(doctor()[1], "kubectl")


@pytest.mark.parametrize(("allowed", "word"), [(True, "ok"), (False, "missing")])
def test_the_cluster_is_asked_for_its_version_and_what_we_may(
    allowed: bool, word: str, doctor: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    Path("devspace.yaml").write_text("version: v1beta6\ndeployments: [{name: a, helm: {chart: {name: redis}}}]\n")
    with ApiServer(Answer(200, {"gitVersion": "v1.30.1", "status": {"allowed": allowed}})) as server:
        for name, value in write_kubeconfig(tmp_path, server.url).items():
            monkeypatch.setenv(name, value)
        _, lines = doctor()

    assert line_of(lines, "cluster") == "ok cluster v1.30.1 (context test, namespace shop)"
    assert line_of(lines, "right to create secrets").startswith(f"{word} ")
    assert line_of(lines, "right to create deployments").startswith(f"{word} ")


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        (Answer(200, {}), "ok registry {0} lets everybody in"),
        (Answer(401, {}), "missing registry {0} no credentials are stored; `imagetasks login {0}` does that"),
    ],
)
def test_a_registry_is_asked_whether_it_wants_a_login(answer: Answer, told: str, doctor: Run) -> None:
    with ApiServer(answer) as server:
        registry = server.url.removeprefix("http://")
        Path("devspace.yaml").write_text(f"version: v1beta6\nimages: {{api: {{image: {registry}/api}}}}\n")
        _, lines = doctor()

    assert line_of(lines, f"registry {registry}").startswith(told.format(registry))


def test_stored_credentials_are_tried_and_not_shown(doctor: Run) -> None:
    with ApiServer(Answer(401, {}, {"WWW-Authenticate": 'Basic realm="x"'})) as server:
        registry = server.url.removeprefix("http://")
        Path("config.json").write_text(f'{{"auths": {{"{registry}": {{"username": "ann", "password": "hunter2"}}}}}}')
        Path("devspace.yaml").write_text(f"version: v1beta6\nimages: {{api: {{image: {registry}/api}}}}\n")
        _, lines = doctor()

    assert "refuses user ann" in line_of(lines, f"registry {registry}")
    assert "hunter2" not in "".join(lines)


def test_a_mistake_in_the_file_is_told_after_what_is_there(
    tmp_path: Path, doctor: Run, capsys: pytest.CaptureFixture[str]
) -> None:
    Path("devspace.yaml").write_text("version: v1beta6\nimags: {}\n")

    assert main(["doctor"]) == 3

    captured = capsys.readouterr()
    assert "imagetasks" in captured.out
    assert captured.err.startswith("ERROR: devspace.yaml:2:1: unknown key `imags`")


def test_a_context_that_is_not_there_is_told(doctor: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in write_kubeconfig(tmp_path, "http://127.0.0.1:1").items():
        monkeypatch.setenv(name, value)

    assert "the kubeconfig has no context other" in line_of(doctor("--kube-context", "other")[1], "cluster")


def test_the_checks_begin_when_the_libraries_that_several_use_are_imported() -> None:
    program = (
        "import sys\n"
        "from imagetasks.doctor.checks import Check, run_checks\n"
        "look = lambda: str({'docker', 'requests', 'kubernetes.client'} <= sys.modules.keys())\n"
        "print(run_checks([Check('', '', look)])[0].detail)\n"
    )

    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)

    assert done.stdout == "True\n"
