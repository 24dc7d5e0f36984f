"""The three ways in: doit's loader, the public function in a ``dodo.py``, and the program ``imagetasks``."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.projects import Project

CONFIG = """\
version: v1beta6
vars:
- {name: REGISTRY, default: registry.example}
images:
  base: {image: "${REGISTRY}/shop/base", context: base, dockerfile: base/Dockerfile}
  api: {image: "${REGISTRY}/shop/api", context: api, dockerfile: api/Dockerfile}
deployments:
- name: backend
  kubectl: {manifests: [kube/*]}
profiles:
- name: production
  replace:
    images: {only: {image: registry.example/shop/only}}
"""

DODO = """\
from imagetasks import doit_defaults, tasks

DOIT_CONFIG = doit_defaults()


def task_images():
    yield from tasks()
"""

OWN_DODO = "def task_smoke():\n    return {'actions': ['echo smoke'], 'verbosity': 2}\n"

NO_DAEMON = {"DOCKER_HOST": "unix:///nowhere/docker.sock"}


@pytest.fixture
def shop(project: Project) -> Project:
    project.write("devspace.yaml", CONFIG)
    project.write("base/Dockerfile", "FROM scratch\n")
    project.write("api/Dockerfile", "FROM registry.example/shop/base\n")
    return project


def dependencies(project: Project, task: str, program: str = "doit") -> set[str]:
    run = project.doit if program == "doit" else project.imagetasks
    lines = run("info", "--no-status", task).stdout.splitlines()
    start = next((number for number, line in enumerate(lines) if line.startswith("task_dep")), len(lines))
    names = set()
    for line in lines[start + 1 :]:
        if not line.startswith(" - "):
            break
        names.add(line.removeprefix(" - "))
    return names


def listed(output: str) -> list[str]:
    return [line.split()[0] for line in output.splitlines()]


def test_every_task_is_listed_with_the_image_and_the_engine(shop: Project) -> None:
    result = shop.doit("list", "--all", env=NO_DAEMON)

    assert result.returncode == 0, result.stderr
    docs = dict(line.split(maxsplit=1) for line in result.stdout.splitlines())
    for kind in ("hash", "build", "tag", "push"):
        assert "registry.example/shop/api" in docs[f"{kind}:api"]
        assert "docker" in docs[f"{kind}:api"]
    assert "kubectl" in docs["deploy:backend"]


def test_the_three_ways_in_have_one_graph(shop: Project) -> None:
    by_loader = shop.doit("list", "--all").stdout
    by_program = shop.imagetasks("list", "--all").stdout
    edges = {task: dependencies(shop, task) for task in listed(by_loader)}
    assert {task: dependencies(shop, task, "imagetasks") for task in edges} == edges
    shop.write("dodo.py", DODO)
    shop.write("pyproject.toml", "")
    by_function = shop.doit("list", "--all").stdout

    assert by_loader == by_program == by_function
    assert {task: dependencies(shop, task) for task in edges} == edges


def test_the_graph_is_the_documented_one(shop: Project) -> None:
    assert dependencies(shop, "build:base") == {"hash:base"}
    assert dependencies(shop, "build:api") == {"hash:api", "tag:base"}
    assert dependencies(shop, "tag:api") == {"build:api"}
    assert dependencies(shop, "push:api") == {"tag:api"}
    assert dependencies(shop, "build") >= {"push:base", "push:api"}
    assert dependencies(shop, "deploy") == {"deploy:backend"}


def test_own_tasks_live_in_the_same_graph(shop: Project) -> None:
    shop.write(
        "dodo.py",
        "def task_smoke():\n"
        "    return {'actions': ['echo smoke'], 'task_dep': ['hash:api', 'hash:base'], 'verbosity': 2}\n",
    )

    assert dependencies(shop, "smoke") == {"hash:api", "hash:base"}
    result = shop.doit("smoke", env=NO_DAEMON)

    assert result.returncode == 0, result.stderr
    assert "smoke" in result.stdout


def test_own_task_with_one_of_our_names_is_refused(shop: Project) -> None:
    shop.write("dodo.py", "def task_build():\n    return {'actions': []}\n")

    result = shop.doit("list")

    assert result.returncode == 3
    assert "dodo.py has a task named build" in result.stderr


def test_own_settings_of_doit_win_over_our_defaults(shop: Project) -> None:
    shop.write("pyproject.toml", '[tool.doit]\nloader = "imagetasks"\nreporter = "json"\n')

    result = shop.doit("hash:api", env=NO_DAEMON)

    assert result.stdout.startswith("{")


@pytest.mark.parametrize(
    "words",
    [
        ["list", "--all", "-p", "production"],
        ["-p", "production", "list", "--all"],
        ["list", "--all", "--profile=production"],
    ],
)
def test_a_profile_applies_wherever_the_option_stands(shop: Project, words: list[str]) -> None:
    assert "build:only" in listed(shop.doit(*words, env=NO_DAEMON).stdout)


@pytest.mark.parametrize(
    "words",
    [
        ["--var", "REGISTRY=other.example", "list", "--all"],
        ["list", "--all", "--var", "REGISTRY=other.example"],
        ["list", "--all", "--var=REGISTRY=other.example"],
        ["--var=REGISTRY=other.example", "list", "--all"],
    ],
)
def test_a_variable_is_set_however_the_option_is_spelled(shop: Project, words: list[str]) -> None:
    assert "other.example/shop/base" in shop.doit(*words).stdout


def test_options_after_a_task_reach_the_graph(shop: Project) -> None:
    result = shop.doit("hash", "--var", "REGISTRY=UPPER CASE", "-b", env=NO_DAEMON)

    assert result.returncode == 3
    assert "devspace.yaml" in result.stderr


def test_unknown_option_after_a_task_names_the_nearest(shop: Project) -> None:
    result = shop.doit("build", "--force-biuld")

    assert result.returncode == 3
    assert "did you mean --force-build?" in result.stderr
    assert "Traceback" not in result.stderr


def test_the_configuration_is_found_from_a_folder_below(shop: Project) -> None:
    below = Project(shop.folder / "api")

    result = below.imagetasks("list", "--all")

    assert "build:api" in listed(result.stdout), result.stderr


def test_another_configuration_file_can_be_named(shop: Project) -> None:
    shop.write("other.yaml", "version: v1beta6\nimages: {other: {image: registry.example/other}}\n")

    assert "build:other" in listed(shop.doit("list", "--all", "--config", "other.yaml").stdout)


@pytest.mark.parametrize("program", ["doit", "imagetasks"])
def test_another_configuration_file_can_be_named_after_a_task(shop: Project, program: str) -> None:
    shop.write(
        "other.yaml",
        "version: v1beta6\nimages: {other: {image: a.example/other, build: {custom: {command: 'true'}}}}\n",
    )
    run = shop.doit if program == "doit" else shop.imagetasks

    found = run("hash:other", "--config", "other.yaml")
    missing = run("hash", "--config", "nope.yaml")

    assert found.returncode == 0, found.stderr
    assert missing.returncode == 3
    assert "nope.yaml" in missing.stderr


@pytest.mark.parametrize("words", [["clean"], ["forget", "build"], ["ignore", "push"], ["reset-dep"]])
def test_commands_of_doit_that_run_nothing_work_in_the_program(shop: Project, words: list[str]) -> None:
    result = shop.imagetasks(*words)

    assert result.returncode == 0, result.stderr


def test_bare_doit_builds(shop: Project) -> None:
    result = shop.doit(env=NO_DAEMON)

    assert result.returncode == 1
    assert "no Docker daemon answers at unix:///nowhere/docker.sock" in result.stdout


def test_no_cluster_to_deploy_to_is_one_sentence(shop: Project) -> None:
    for options in ((), ("--skip-build",)):
        result = shop.doit("-n", "8", "deploy", *options, env=NO_DAEMON)

        assert result.returncode == 3
        assert result.stderr == (
            "ERROR: there is no current Kubernetes context; choose one with --kube-context or KUBECONFIG\n"
        )


def test_the_program_tells_its_version_and_its_usage(tmp_path: Path) -> None:
    anywhere = Project(tmp_path)

    assert anywhere.imagetasks("--version").stdout.startswith("imagetasks ")
    assert "usage: imagetasks " in anywhere.imagetasks("--help").stdout


def test_no_configuration_is_a_sentence(tmp_path: Path) -> None:
    result = Project(tmp_path).imagetasks("build")

    assert result.returncode == 3
    assert "there is no devspace.yaml in" in result.stderr


def test_info_tells_why_a_build_would_run(shop: Project) -> None:
    result = shop.doit("info", "build:api", env=NO_DAEMON)

    assert result.returncode == 1
    assert "the image is built from what is there now" in result.stdout


@pytest.fixture
def own(shop: Project) -> Project:
    """The shop with a ``dodo.py`` that is in charge."""
    shop.write("dodo.py", DODO)
    shop.write("pyproject.toml", "")
    return shop


def test_options_reach_the_tasks_of_a_dodo_after_variables_too(own: Project) -> None:
    result = own.doit("push:base", "--var", "REGISTRY=other.example", "--skip-push", "-t", "no tag")

    assert result.returncode == 3
    assert "--tag" in result.stderr


def test_a_dodo_s_own_choice_of_options_is_checked(own: Project) -> None:
    own.write("dodo.py", DODO.replace("tasks()", "tasks(skip_posh=True)"))

    result = own.doit("list")

    assert result.returncode == 3
    assert "skip_posh is no option" in result.stderr


def test_a_dodo_chooses_options(own: Project) -> None:
    own.write("dodo.py", DODO.replace("tasks()", "tasks(profiles=('production',))"))

    assert "build:only" in listed(own.doit("list", "--all").stdout)


def test_a_run_of_a_dodo_is_prepared_and_a_listing_is_not(own: Project) -> None:
    (own.folder / "api" / "Dockerfile").unlink()

    assert own.doit("list", "--all").returncode == 0
    assert not (own.folder / ".devspace").exists()
    result = own.doit("-n", "2", "hash:api")
    assert result.returncode == 3
    assert "devspace.yaml:6:" in result.stderr
    assert own.doit("hash:base").returncode == 0
    assert (own.folder / ".devspace" / "lock.db").exists()


@pytest.mark.parametrize("words", [["hash:*", "-b"], ["hash:base", "--skip-push", "hash:api", "-b"]])
def test_options_stand_after_patterns_and_between_tasks(shop: Project, words: list[str]) -> None:
    result = shop.doit(*words, env=NO_DAEMON)

    assert result.returncode == 0, result.stderr


def test_a_dodo_elsewhere_brings_the_configuration_beside_it(shop: Project) -> None:
    shop.write("dodo.py", OWN_DODO)
    outside = Project(shop.folder / "outside")

    named = outside.doit("-f", "../dodo.py", "list", "--all")
    sought = outside.doit("-k", "list", "--all")

    for result in (named, sought):
        assert {"build:api", "smoke"} <= set(listed(result.stdout)), result.stderr


@pytest.mark.parametrize("dodo", ["", OWN_DODO])
def test_a_folder_to_work_in_can_be_named(shop: Project, dodo: str) -> None:
    if dodo:
        shop.write("outside/dodo.py", dodo)
    outside = Project(shop.folder / "outside")

    result = outside.doit("-d", "..", "list", "--all")

    assert "build:api" in listed(result.stdout), result.stderr
    assert ("smoke" in listed(result.stdout)) == bool(dodo)


def test_output_that_a_stream_cannot_take_does_not_break_a_run(shop: Project) -> None:
    shop.write("base/Dockerfile", "FROM scratch\n# é\n")
    shop.write(
        "devspace.yaml",
        "version: v1beta6\nimages: {app: {image: a.example/app, build: {custom: {command: ./make.sh}}}}\n",
    )
    shop.write("make.sh", "#!/bin/sh\necho é\n", mode=0o755)

    result = shop.doit("build:app", env={**NO_DAEMON, "PYTHONIOENCODING": "ascii"})

    assert result.returncode == 0, result.stdout + result.stderr
    assert "\\xe9" in result.stdout


def test_a_reader_that_goes_away_ends_the_output_and_not_the_run(shop: Project) -> None:
    run = shop.start("doit", "-v", "2", "build", env=NO_DAEMON)
    assert run.stdout is not None
    run.stdout.close()
    assert run.stderr is not None
    err = run.stderr.read()

    assert run.wait(60) == 1
    assert "Traceback" not in err
    assert "BrokenPipe" not in err
