"""The engines: the daemon's API, the docker CLI with and without BuildKit, and custom commands."""

from __future__ import annotations

import os
import time
from pathlib import Path

import docker
import pytest

from imagetasks.builders.docker_cli import find_docker_cli
from tests.integration.images import files, only_image, settings
from tests.projects import Project

pytestmark = pytest.mark.docker

ENGINES = {
    "docker": "",
    "buildkit": "useBuildKit: true, ",
    "arguments": "args: [--label, made=here], ",
    "buildkit with arguments": "useBuildKit: true, args: [--label, made=here], ",
}


def write_config(project: Project, engine: str, more: str = "", options: str = "") -> None:
    project.write(
        "devspace.yaml",
        f"version: v1beta6\nimages:\n  app:\n    image: {project.repository('app')}\n{more}"
        f"    build: {{docker: {{{engine}skipPush: true, options: {{{options}}}}}}}\n",
    )


def build(project: Project) -> None:
    result = project.doit("build")
    assert result.returncode == 0, result.stdout + result.stderr


@pytest.mark.parametrize("engine", ENGINES.values(), ids=ENGINES)
def test_every_engine_honours_all_options(
    project: Project, daemon: docker.DockerClient, busybox: str, engine: str
) -> None:
    project.write(
        "Dockerfile",
        f"FROM {busybox} AS first\nARG GREETING\nRUN echo $GREETING > /greeting; "
        "ip addr show eth0 && exit 9 || true\n"
        "FROM first AS second\nRUN exit 1\n",
    )
    write_config(project, engine, options="target: first, network: none, buildArgs: {GREETING: good day}")

    build(project)

    image = only_image(daemon, project, "app")
    assert files(daemon, image)["greeting"] == b"good day\n"
    labels = settings(daemon, image)["Labels"]
    assert ("made" in (labels or {})) == ("--label" in engine)  # type: ignore[operator]


@pytest.mark.parametrize("engine", ENGINES.values(), ids=ENGINES)
@pytest.mark.parametrize("ignore_file", [None, "secret\n", "secret\n.dockerignore\n", "*.no\nsecret\n", "!x\n"])
def test_an_override_never_changes_what_is_copied(
    project: Project, daemon: docker.DockerClient, engine: str, ignore_file: str | None
) -> None:
    project.write("Dockerfile", 'FROM scratch\nCOPY . /\nENTRYPOINT ["/old"]\n')
    project.write("main.py", "print()\n")
    if ignore_file is not None:
        project.write(".dockerignore", ignore_file)
        project.write("secret", "x")
    write_config(project, engine)
    build(project)
    plain = files(daemon, only_image(daemon, project, "app"))
    daemon.images.remove(only_image(daemon, project, "app"), force=True)
    user_file = (project.folder / "Dockerfile").read_bytes()

    write_config(project, engine, more='    entrypoint: [/new, "a b"]\n    cmd: []\n')
    build(project)

    image = only_image(daemon, project, "app")
    overridden = files(daemon, image)
    changed = {"devspace.yaml"} if "devspace.yaml" in plain else set()
    if ignore_file == "!x\n":  # no pattern leaves anything out, so the name of our Dockerfile has to be added
        changed.add(".dockerignore")
    assert {name: text for name, text in overridden.items() if name not in changed} == {
        name: text for name, text in plain.items() if name not in changed
    }
    assert not any(name.startswith(".devspace") for name in overridden)
    assert settings(daemon, image)["Entrypoint"] == ["/new", "a b"]
    assert settings(daemon, image)["Cmd"] in (None, [])
    assert (project.folder / "Dockerfile").read_bytes() == user_file


@pytest.mark.parametrize("engine", ENGINES.values(), ids=ENGINES)
def test_a_dockerfile_outside_the_context_works(project: Project, daemon: docker.DockerClient, engine: str) -> None:
    project.write("docker/App.dockerfile", "FROM scratch\nCOPY . /\n")
    project.write("src/main.py", "print()\n")
    write_config(project, engine, more="    context: src\n    dockerfile: docker/App.dockerfile\n")

    build(project)

    assert set(files(daemon, only_image(daemon, project, "app"))) == {"main.py"}


def test_a_dockerfile_s_own_ignore_file_wins(project: Project, daemon: docker.DockerClient) -> None:
    project.write("Dockerfile", "FROM scratch\nCOPY . /\n")
    project.write("Dockerfile.dockerignore", "*\n!kept\n")
    project.write(".dockerignore", "kept\n")
    project.write("kept", "")
    write_config(project, "")

    build(project)

    assert set(files(daemon, only_image(daemon, project, "app"))) == {"kept"}


def test_values_of_build_arguments_stay_off_command_lines_and_out_of_the_state_folder(
    project: Project, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    shim = tmp_path_factory.mktemp("bin")
    real = find_docker_cli(buildkit=True)
    (shim / "docker").write_text(f'#!/bin/sh\necho "$@" >> {shim}/words\nexec {real} "$@"\n')
    (shim / "docker").chmod(0o755)
    monkeypatch.setenv("PATH", str(shim), prepend=":")
    project.write("Dockerfile", "FROM scratch\nARG TOKEN\nCOPY Dockerfile /\n")
    write_config(project, ENGINES["buildkit"], options="buildArgs: {TOKEN: '${TOKEN}'}")
    monkeypatch.setenv("TOKEN", "s3cr3t-value")

    build(project)

    assert "--build-arg TOKEN" in (shim / "words").read_text()
    assert "s3cr3t-value" not in (shim / "words").read_text()
    state = [file for file in (project.folder / ".devspace").rglob("*") if file.is_file()]
    assert state
    assert not any(b"s3cr3t-value" in file.read_bytes() for file in state)


def test_a_docker_client_without_buildkit_is_passed_over(
    project: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, daemon: docker.DockerClient
) -> None:
    shim = tmp_path / "bin"
    shim.mkdir()
    (shim / "docker").write_text(
        '#!/bin/sh\n[ "$1" = --version ] && echo "Docker version 28.0.0, build x" || exit 1\n'
    )
    (shim / "docker").chmod(0o755)
    monkeypatch.setenv("PATH", str(shim), prepend=":")
    project.write("Dockerfile", "FROM scratch\nCOPY Dockerfile /\n")
    write_config(project, ENGINES["buildkit"])

    build(project)
    nowhere = project.doit("build", "-b", env={"PATH": str(shim)})

    assert nowhere.returncode == 1
    assert f"{shim}/docker has no BuildKit: install Docker's buildx plugin" in nowhere.stdout


def custom(project: Project, settings_text: str, script: str) -> None:
    project.write("make.sh", "#!/bin/sh\n" + script, mode=0o755)
    project.write(
        "devspace.yaml",
        f"version: v1beta6\nimages:\n  app:\n    image: {project.repository('app')}\n    tag: '1'\n"
        f"    build: {{custom: {{command: ./make.sh, {settings_text}}}}}\n",
    )


@pytest.mark.parametrize(
    ("words", "expected"),
    [("args: [a, b c]", "a,b c,IMAGE:1,"), ("args: [a], imageFlag: --image", "a,--image,IMAGE:1,")],
)
def test_a_custom_command_gets_the_image_last(project: Project, words: str, expected: str) -> None:
    custom(project, words, 'printf "%s," "$@" > words\n')

    below = Project(project.folder / "below")
    assert below.imagetasks("build", "--skip-push").returncode == 0

    assert (project.folder / "words").read_text() == expected.replace("IMAGE", project.repository("app"))


def test_a_custom_command_without_on_change_runs_each_time(project: Project) -> None:
    custom(project, "args: []", "echo x >> runs\n")

    for _ in range(2):
        assert project.doit("build", "--skip-push").returncode == 0

    assert (project.folder / "runs").read_text() == "x\nx\n"


@pytest.mark.parametrize("pattern", ["src", "src/*", "src/**/*.go", "./**/*.go", "link", "link.go"])
def test_a_custom_command_runs_again_when_what_it_watches_changes(project: Project, pattern: str) -> None:
    custom(project, f"onChange: ['{pattern}']", "echo x >> runs\n")
    project.write("src/main.go", "package main")
    (project.folder / "link").symlink_to("src")
    (project.folder / "link.go").symlink_to("src/main.go")
    project.write("other/notes.txt", "")

    def runs() -> int:
        result = project.doit("build", "--skip-push")
        assert result.returncode == 0, result.stdout + result.stderr
        return (project.folder / "runs").read_text().count("x")

    assert [runs(), runs()] == [1, 1]
    project.write("other/notes.txt", "changed")
    assert runs() == 1
    project.write("src/main.go", "package other")
    assert runs() == 2


def test_a_custom_command_that_fails_or_is_missing_is_a_sentence(project: Project) -> None:
    custom(project, "args: []", "echo some words; exit 3\n")
    failed = project.doit("build", "--skip-push")
    (project.folder / "make.sh").unlink()
    missing = project.doit("build", "--skip-push")

    assert failed.returncode == missing.returncode == 1
    assert "the command `./make.sh` ended with exit code 3" in failed.stdout
    assert "some words" in failed.stdout
    assert "`./make.sh` cannot be started" in missing.stdout


def test_kaniko_without_a_cluster_is_refused_in_a_sentence(
    project: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KUBECONFIG", str(tmp_path / "none"))
    project.write("Dockerfile", "FROM scratch\n")
    project.write(
        "devspace.yaml", "version: v1beta6\nimages: {app: {image: a.example/app, build: {kaniko: {cache: false}}}}\n"
    )

    result = project.doit("build")

    assert result.returncode == 1
    assert "there is no current Kubernetes context" in result.stdout
    assert "Traceback" not in result.stdout


@pytest.mark.parametrize("name", ["DOCKER_HOST", "PATH", "BUILDX_BUILDER"])
def test_a_build_argument_that_the_docker_command_line_reads_itself_is_refused(project: Project, name: str) -> None:
    project.write("Dockerfile", "FROM scratch\nCOPY Dockerfile /\n")
    write_config(project, ENGINES["buildkit"], options=f"buildArgs: {{{name}: x}}")

    result = project.doit("build")

    assert result.returncode == 1
    assert f"the build argument {name} cannot be handed to the docker command line" in result.stdout


def test_a_context_that_changes_while_buildkit_reads_it_is_no_success(project: Project, busybox: str) -> None:
    project.write("Dockerfile", f"FROM {busybox}\nCOPY . /\nRUN sleep 3 # {project.namespace}\n")
    project.write("main.py", "print()\n")
    write_config(project, ENGINES["buildkit"])
    run = project.start("doit", "build")
    log = project.folder / ".devspace" / "logs" / "build-app.log"
    deadline = time.monotonic() + 60
    while not (log.exists() and "sleep 3" in log.read_text()):
        assert time.monotonic() < deadline

    project.write("main.py", "print(1)\n")
    out, _ = run.communicate(timeout=60)

    assert run.returncode == 1
    assert "changed while it was built" in out


def test_a_custom_build_without_a_command_for_this_system_fails(project: Project) -> None:
    project.write(
        "devspace.yaml",
        f"version: v2beta1\nimages:\n  app:\n    image: {project.repository('app')}\n"
        "    custom: {commands: [{command: make.exe, os: windows}]}\n",
    )

    result = project.doit("build:app")

    assert result.returncode == 1
    assert "none of `commands` is for this operating system" in result.stdout


def elsewhere(project: Project) -> None:
    """A base that a command builds elsewhere than in the daemon, and an image that names it."""
    project.write("make.sh", "#!/bin/sh\necho $1 >> made\n", mode=0o755)
    project.write("base.txt", "")
    project.write("app/Dockerfile", f"FROM scratch AS x\nFROM {project.repository('base', 'localhost:1')}\n")
    project.write(
        "devspace.yaml",
        f"version: v1beta6\nimages:\n  base:\n    image: {project.repository('base', 'localhost:1')}\n"
        "    build: {custom: {command: ./make.sh, onChange: [base.txt]}}\n"
        f"  app: {{image: {project.repository('app')}, context: app, dockerfile: app/Dockerfile}}\n",
    )


def test_what_a_command_built_elsewhere_gets_a_new_tag_with_each_build(project: Project) -> None:
    elsewhere(project)

    first = project.doit("push:base")
    again = project.doit("-v", "2", "push:base")
    project.write("base.txt", "changed")
    changed = project.doit("push:base")

    assert [result.returncode for result in (first, again, changed)] == [0, 0, 0]
    made = (project.folder / "made").read_text().split()
    assert len(made) == len(set(made)) == 2
    assert f"{made[1]} is not in the daemon: pushing it was left to what built it" in changed.stdout
    assert f"-- base is up to date: {made[0]}" in again.stdout


def test_what_is_built_from_something_elsewhere_is_built_again_with_it(project: Project) -> None:
    elsewhere(project)

    def base_of_the_app() -> str:
        result = project.doit("build:app")
        return next(line.split()[-1] for line in result.stdout.splitlines() if "Step 2/2 : FROM" in line)

    first = base_of_the_app()
    project.write("base.txt", "changed")

    assert base_of_the_app() != first


def test_a_command_that_watches_everything_does_not_watch_the_state_folder(project: Project) -> None:
    custom(project, "onChange: ['*', '**/*']", "true\n")
    for _ in range(2):
        assert project.doit("build", "--skip-push").returncode == 0

    assert project.doit("build", "--skip-push").stdout == "   images: 1 up to date\n"


def test_a_pattern_that_names_nothing_is_warned_of(project: Project) -> None:
    custom(project, "onChange: ['scr/*']", "true\n")

    assert "nothing matches 'scr/*'" in project.doit("build", "--skip-push").stderr


def test_output_without_line_ends_is_taken_as_it_comes(project: Project) -> None:
    custom(project, "args: []", "head -c 50000000 /dev/zero | tr '\\0' x; exit 1\n")

    result = project.doit("-v", "1", "build", "--skip-push")

    assert result.returncode == 1
    assert len(result.stdout) < 10_000
    assert (project.folder / ".devspace" / "logs" / "build-app.log").stat().st_size == 50_000_000


@pytest.mark.parametrize("folder", ["in[x]", "!in", "#in", "a*b"])
def test_the_state_folder_is_in_no_image_whatever_the_project_s_folder_is_called(
    project: Project, daemon: docker.DockerClient, folder: str
) -> None:
    inner = Project(project.folder / folder)
    inner.namespace = project.namespace
    inner.write("Dockerfile", "FROM scratch\nCOPY . /\n")
    write_config(inner, ENGINES["buildkit"], more="    context: ../\n    dockerfile: Dockerfile\n")

    build(inner)
    build(inner)

    names = files(daemon, only_image(daemon, project, "app"))
    assert f"{folder}/Dockerfile" in names
    assert not any(".devspace" in name for name in names)


def test_a_change_that_size_and_time_do_not_tell_is_never_built_stale(
    project: Project, daemon: docker.DockerClient
) -> None:
    project.write("Dockerfile", "FROM scratch\nCOPY f /\n")
    file = project.write("f", "one")
    os.utime(file, (1_577_836_800, 1_577_836_800))
    write_config(project, ENGINES["buildkit"])
    build(project)
    file.write_text("two")
    os.utime(file, (1_577_836_800, 1_577_836_800))

    for words in (["build"], ["hash"], ["build"]):
        refused = project.doit(*words)
    file.touch()
    daemon.images.remove(only_image(daemon, project, "app"), force=True)
    build(project)

    assert refused.returncode == 1
    assert "'f' in the build context has changed, but not in size or time" in refused.stdout
    assert files(daemon, only_image(daemon, project, "app"))["f"] == b"two"


@pytest.mark.parametrize("place", ["build.docker.args", "buildArgs", "custom"])
def test_a_nul_character_is_refused_with_its_place(project: Project, place: str) -> None:
    engine = {
        "build.docker.args": '{docker: {args: ["a\\0"]}}',
        "buildArgs": '{docker: {useBuildKit: true, options: {buildArgs: {A: "a\\0"}}}}',
        "custom": '{custom: {command: make, args: ["a\\0"]}}',
    }[place]
    project.write("Dockerfile", "FROM scratch\n")
    project.write(
        "devspace.yaml", f"version: v1beta6\nimages:\n  app:\n    image: a.example/app\n    build: {engine}\n"
    )

    result = project.doit("build")

    assert result.returncode == 3
    assert "devspace.yaml:5:" in result.stderr
    assert "NUL" in result.stderr


def test_a_dockerfile_that_is_a_link_works(project: Project, daemon: docker.DockerClient) -> None:
    project.write("Real", "FROM scratch\nCOPY kept /\n")
    project.write("kept", "x")
    (project.folder / "Dockerfile").symlink_to("Real")
    project.write(".dockerignore", "Real\n")
    write_config(project, "")

    build(project)

    assert set(files(daemon, only_image(daemon, project, "app"))) == {"kept"}
