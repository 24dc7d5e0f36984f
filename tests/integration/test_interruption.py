"""Runs that are killed, interrupted, or two at once."""

from __future__ import annotations

import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import docker
import pytest

from tests.projects import PROGRAMS, Project
from tests.registries import Registry

pytestmark = [pytest.mark.docker, pytest.mark.registry]

PATIENCE = 60


def wait_until(condition: Callable[[], object], what: str) -> None:
    end = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < end, f"waited in vain for {what}"
        time.sleep(0.05)


def config(project: Project, registry: Registry, names: tuple[str, ...], more: str = "") -> str:
    return "version: v1beta6\nimages:\n" + "".join(
        f"  {name}:\n    image: {project.repository(name, registry.address)}\n"
        f"    context: {name}\n    dockerfile: {name}/Dockerfile\n{more}"
        for name in names
    )


def slow_dockerfile(busybox: str, project: Project, name: str) -> str:
    """A Dockerfile whose RUN takes long, and shows itself in the list of containers."""
    return f"FROM {busybox}\nRUN echo {marker(project, name)} && sleep 300\n"


def marker(project: Project, name: str) -> str:
    return f"{project.namespace}-{name}"


def builds_running(daemon: docker.DockerClient, project: Project) -> list[str]:
    containers = daemon.api.containers()
    return [str(each["Id"]) for each in containers if project.namespace in str(each["Command"])]


def finish(process: subprocess.Popen[str]) -> tuple[int, str, str]:
    out, err = process.communicate(timeout=PATIENCE)
    return process.returncode, out, err


def test_what_succeeded_before_a_kill_stays_succeeded(
    project: Project, busybox: str, registry: Registry, daemon: docker.DockerClient
) -> None:
    names = ("one", "two", "three")
    for name in names:
        project.write(f"{name}/Dockerfile", "FROM scratch\nCOPY . /\n")
    project.write("two/Dockerfile", slow_dockerfile(busybox, project, "two"))
    project.write("devspace.yaml", config(project, registry, names))
    first = project.start("doit", "build", "--build-sequential")
    wait_until(lambda: builds_running(daemon, project), "the second build")
    first.kill()
    _, out, _ = finish(first)
    assert "built one" in out
    project.write("two/Dockerfile", "FROM scratch\nCOPY . /\n")

    again = project.doit("build")

    assert again.returncode == 0
    assert "images: 2 built, 3 pushed" in again.stdout
    assert ".  build one" not in again.stdout


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("more", ["", "    build: {docker: {useBuildKit: true}}\n"], ids=["classic", "buildkit"])
@pytest.mark.parametrize(
    "words",
    [["build"], ["build", "--build-sequential"], ["-P", "process", "build"]],
    ids=["threads", "sequential", "processes"],
)
def test_a_signal_ends_the_run_and_the_builds_in_the_daemon(
    project: Project,
    busybox: str,
    registry: Registry,
    daemon: docker.DockerClient,
    number: signal.Signals,
    more: str,
    words: list[str],
) -> None:
    project.write("slow/Dockerfile", slow_dockerfile(busybox, project, "slow"))
    project.write("slow2/Dockerfile", slow_dockerfile(busybox, project, "slow2"))
    project.write("devspace.yaml", config(project, registry, ("slow", "slow2"), more))
    run = project.start("doit", *words)
    log = project.folder / ".devspace" / "logs" / "build-slow.log"
    wait_until(lambda: log.exists() and marker(project, "slow") in log.read_text(), "the build")
    time.sleep(0.5)  # the RUN begins after its line is in the log

    sent = time.monotonic()
    run.send_signal(number)
    code, out, err = finish(run)

    assert time.monotonic() - sent < 2
    assert code == 128 + number
    assert "Traceback" not in out + err
    wait_until(lambda: not builds_running(daemon, project), "the end of the builds in the daemon")


def is_alive(pid_file: Path) -> bool:
    """Whether the process whose number a file holds still runs; one that only waits to be reaped does not."""
    state = subprocess.run(
        ["ps", "-o", "stat=", "-p", pid_file.read_text().strip()], capture_output=True, check=False
    )
    return state.stdout.strip() not in (b"", b"Z", b"Zs")


def custom(project: Project, registry: Registry, script: str) -> None:
    project.write("make.sh", f"#!/bin/sh\n{script}", mode=0o755)
    project.write(
        "devspace.yaml",
        f"version: v1beta6\nimages:\n  app:\n    image: {project.repository('app', registry.address)}\n"
        "    build: {custom: {command: ./make.sh}}\n",
    )


SCRIPTS = {
    "a child": "sleep 300 & echo $! > pid; wait\n",
    "a child that ignores TERM": "(trap '' TERM; exec sleep 300) & echo $! > pid; wait\n",
    "itself and ignores TERM": "trap '' TERM; echo $$ > pid; sleep 300; sleep 300\n",
}


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
@pytest.mark.parametrize("script", SCRIPTS.values(), ids=SCRIPTS)
def test_an_interrupted_custom_command_leaves_no_process_behind(
    project: Project, registry: Registry, number: signal.Signals, script: str
) -> None:
    custom(project, registry, script)
    run = project.start("doit", "build")
    pid_file = project.folder / "pid"
    wait_until(lambda: pid_file.exists() and pid_file.read_text(), "the command")
    time.sleep(0.1)

    run.send_signal(number)
    code, out, err = finish(run)

    assert code == 128 + number
    assert "Traceback" not in out + err
    wait_until(lambda: not is_alive(pid_file), "the end of the command's processes")


def test_a_process_that_a_command_leaves_running_is_not_waited_for(project: Project, registry: Registry) -> None:
    custom(project, registry, "sleep 300 & echo $! > pid\n")

    result = project.doit("build", "--skip-push")

    subprocess.run(["kill", (project.folder / "pid").read_text().strip()], check=True)
    assert result.returncode == 0


def test_hashing_can_be_interrupted(project: Project, registry: Registry) -> None:
    project.write("app/Dockerfile", "FROM scratch\nCOPY . /\n")
    project.write("devspace.yaml", config(project, registry, ("app",)))
    for number in range(20):
        with (project.folder / "app" / f"large{number}").open("wb") as file:
            file.truncate(4 << 30)
    run = project.start("doit", "build")
    wait_until((project.folder / ".devspace" / "lock.db").exists, "the run")
    time.sleep(0.5)

    sent = time.monotonic()
    run.send_signal(signal.SIGINT)
    code, _, _ = finish(run)

    assert code == 130
    assert time.monotonic() - sent < 2


def test_a_second_run_waits_for_the_first_and_then_has_nothing_to_do(
    project: Project, busybox: str, registry: Registry
) -> None:
    project.write("app/Dockerfile", f"FROM {busybox}\nRUN echo {project.namespace}; sleep 3\n")
    project.write("devspace.yaml", config(project, registry, ("app",)))
    first = project.start("doit", "build")
    log = project.folder / ".devspace" / "logs" / "build-app.log"
    wait_until(lambda: log.exists() and project.namespace in log.read_text(), "the first run's build")

    second = project.doit("build")
    code, out, _ = finish(first)

    assert code == 0
    assert "images: 1 built, 1 pushed" in out
    assert "another run is at work" in second.stderr
    assert second.returncode == 0
    assert second.stdout == "   images: 1 up to date\n"


def test_waiting_for_another_run_can_be_interrupted(project: Project, busybox: str, registry: Registry) -> None:
    project.write("app/Dockerfile", slow_dockerfile(busybox, project, "app"))
    project.write("devspace.yaml", config(project, registry, ("app",)))
    first = project.start("doit", "build")
    wait_until((project.folder / ".devspace" / "logs" / "build-app.log").exists, "the first run's build")
    second = project.start("doit", "build")
    assert second.stderr is not None
    assert "another run is at work" in second.stderr.readline()

    second.send_signal(signal.SIGINT)
    code, _, err = finish(second)
    first.send_signal(signal.SIGINT)
    finish(first)

    assert code == 130
    assert "Traceback" not in err


def test_a_command_may_run_doit_in_the_project_that_runs_it(project: Project, registry: Registry) -> None:
    project.write("other/Dockerfile", "FROM scratch\nCOPY . /\n")
    project.write("make.sh", f"#!/bin/sh\n{PROGRAMS}/doit hash:other\n", mode=0o755)
    project.write(
        "devspace.yaml",
        config(project, registry, ("other",))
        + f"  app:\n    image: {project.repository('app', registry.address)}\n"
        + "    build: {custom: {command: ./make.sh}}\n",
    )

    result = project.doit("build")

    assert result.returncode == 0, result.stdout + result.stderr
