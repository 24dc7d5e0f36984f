"""Hooks as tasks: when their commands run, and what a failure stops."""

from __future__ import annotations

from pathlib import Path

import pytest

from imagetasks.cluster.client import Cluster
from tests.projects import Project

CONFIG = """\
version: v1beta6
vars:
- {name: TOKEN, default: s3cret, password: true}
images:
  api: {image: registry.example/shop/api, build: {custom: {command: sh, args: [-c, "echo build api >> $ORDER"]}}}
  web:
    image: registry.example/shop/web
    build: {custom: {command: sh, args: [-c, "echo build web >> $ORDER"], onChange: [input]}}
deployments:
- {name: backend, kubectl: {manifests: [kube]}}
- {name: frontend, kubectl: {manifests: [kube]}}
"""

HOOKS = """\
hooks:
- {command: sh, args: [-c, "echo first >> $ORDER"], when: {before: {images: all}}}
- {command: "echo second >> $ORDER", when: {before: {images: all}}}
- {command: "echo after images >> $ORDER", when: {after: {images: all}}}
- {command: "echo before deployments >> $ORDER", when: {before: {deployments: all}}}
- {command: "echo around frontend >> $ORDER", when: {before: {deployments: frontend}, after: {deployments: frontend}}}
- {command: "echo after deployments >> $ORDER", when: {after: {deployments: all}}}
"""


@pytest.fixture
def shop(project: Project, monkeypatch: pytest.MonkeyPatch) -> Project:
    monkeypatch.setenv("DOCKER_HOST", "unix:///nowhere/docker.sock")
    monkeypatch.setenv("ORDER", str(project.folder / "order"))
    project.write("input", "")
    project.write("kube/settings.yaml", "{apiVersion: v1, kind: ConfigMap, metadata: {name: settings}}\n")
    return project


def order(project: Project) -> list[str]:
    file = project.folder / "order"
    lines = file.read_text().splitlines() if file.exists() else []
    file.unlink(missing_ok=True)
    return lines


def test_hooks_are_listed_with_when_they_run_and_their_command_without_secrets(shop: Project) -> None:
    hook = '- {command: curl, args: [-H, "${TOKEN}", "https://example.com"], when: {after: {deployments: backend}}}\n'
    shop.write("devspace.yaml", CONFIG + HOOKS + hook)

    result = shop.doit("list", "--all")

    assert result.returncode == 0, result.stderr
    docs = dict(line.split(maxsplit=1) for line in result.stdout.splitlines())
    assert [name for name in docs if name.startswith("hook:")] == [
        "hook:after-deployments-1",
        "hook:after-deployments-backend-1",
        "hook:after-deployments-frontend-1",
        "hook:after-images-1",
        "hook:before-deployments-1",
        "hook:before-deployments-frontend-1",
        "hook:before-images-1",
        "hook:before-images-2",
    ]
    assert "before all images" in docs["hook:before-images-2"]
    assert "echo second" in docs["hook:before-images-2"]
    assert "frontend" in docs["hook:before-deployments-frontend-1"]
    assert "example.com" in docs["hook:after-deployments-backend-1"]
    assert "s3cret" not in result.stdout
    assert not order(shop)


def test_a_build_runs_the_hooks_of_images_before_and_after_all_of_them(shop: Project) -> None:
    shop.write("devspace.yaml", CONFIG + HOOKS)

    result = shop.doit("build")

    assert result.returncode == 0, result.stderr
    *before, after = order(shop)
    assert before[:2] == ["first", "second"]
    assert sorted(before[2:]) == ["build api", "build web"]
    assert after == "after images"


def test_hooks_run_also_where_every_image_is_up_to_date(shop: Project) -> None:
    shop.write("devspace.yaml", CONFIG + HOOKS)
    shop.doit("build")
    order(shop)

    shop.doit("build:web")

    assert order(shop) == ["first", "second"]


def test_hashing_runs_no_hook(shop: Project) -> None:
    shop.write("devspace.yaml", CONFIG + HOOKS)

    assert shop.doit("hash").returncode == 0
    assert shop.doit("hash:api").returncode == 0
    assert not order(shop)


def test_a_hook_can_be_run_by_its_name(shop: Project) -> None:
    shop.write("devspace.yaml", CONFIG + HOOKS)

    assert shop.doit("hook:before-images-2").returncode == 0
    assert order(shop) == ["first", "second"]


@pytest.mark.cluster
def test_a_deployment_runs_the_hooks_around_it(shop: Project, cluster: Cluster) -> None:
    shop.write("devspace.yaml", CONFIG + HOOKS)

    result = shop.doit("deploy", "--namespace", cluster.target.namespace)

    assert result.returncode == 0, result.stderr
    assert order(shop)[4:] == [
        "after images",
        "before deployments",
        "around frontend",
        "around frontend",
        "after deployments",
    ]


def test_what_a_hook_before_images_changes_goes_into_the_same_build(shop: Project) -> None:
    hook = "hooks: [{command: 'cp source input', when: {before: {images: all}}}]\n"
    shop.write("devspace.yaml", CONFIG + hook)
    shop.write("source", "one")
    shop.doit("build:web")
    order(shop)

    shop.write("source", "two")
    shop.doit("build:web")
    assert order(shop) == ["build web"]

    shop.doit("build:web")
    assert not order(shop)


def test_a_hook_may_make_the_dockerfile(shop: Project) -> None:
    config = """\
version: v1beta6
images: {api: {image: registry.example/shop/api, context: api, dockerfile: api/Dockerfile}}
hooks: [{command: "mkdir api; echo 'FROM scratch' > api/Dockerfile", when: {before: {images: all}}}]
"""
    shop.write("devspace.yaml", config)

    result = shop.doit("build:api")

    assert "is not there" not in result.stderr
    assert "hash:api failed" not in result.stdout
    assert "build api" in result.stdout


def test_a_hook_that_fails_stops_what_comes_after_it_with_its_last_words(shop: Project) -> None:
    hook = """\
hooks:
- {command: "for n in $(seq 30); do echo line $n; done; exit 7", when: {before: {images: all}}}
- {command: "echo never >> $ORDER", when: {before: {images: all}}}
"""
    shop.write("devspace.yaml", CONFIG + hook)

    result = shop.doit("build")

    assert result.returncode == 1
    failure = result.stdout.partition("hook:before-images-1 failed: ")[2]
    assert "devspace.yaml:13:3" in failure
    assert "ended with exit code 7" in failure
    assert "    line 11\n" in failure
    assert "    line 10\n" not in failure
    log = shop.folder / ".devspace" / "logs" / "hook-before-images-1.log"
    assert str(log) in failure
    assert log.read_text().startswith("line 1\n")
    assert not order(shop)


@pytest.mark.cluster
def test_a_hook_after_an_image_that_fails_stops_the_deployments(shop: Project, cluster: Cluster) -> None:
    shop.write("devspace.yaml", CONFIG + "hooks: [{command: 'false', when: {after: {images: all}}}]\n")

    result = shop.doit("deploy", "--namespace", cluster.target.namespace)

    assert result.returncode == 1
    assert "deploy " not in result.stdout
    assert "deployed" not in result.stdout


def test_a_command_that_is_not_there_is_one_sentence(shop: Project) -> None:
    hook = "hooks: [{command: no-such-program, args: [-x], when: {before: {images: all}}}]\n"
    shop.write("devspace.yaml", CONFIG + hook)

    result = shop.doit("build")

    assert result.returncode == 1
    assert "`no-such-program -x` cannot be started" in result.stdout
    assert "Traceback" not in result.stdout + result.stderr


EVENTS = """\
version: v1beta11
images:
  api:
    image: registry.example/shop/api
    build: {custom: {command: sh, args: [-c, "echo build api >> $ORDER"], onChange: [input]}}
hooks:
- {command: "echo before $DEVSPACE_HOOK_IMAGE_NAME >> $ORDER", events: ["before:build:*"]}
- {command: "echo after $DEVSPACE_HOOK_IMAGE_CONFIG_NAME >> $ORDER", events: ["after:build:api"]}
- {command: "echo never >> $ORDER", events: ["before:build"], disabled: true}
- {command: "echo never >> $ORDER", events: ["before:build"], os: plan9}
- {command: "echo never >> $ORDER", events: ["error:build:*"]}
"""


def test_hooks_of_one_image_run_only_when_it_is_built(shop: Project) -> None:
    shop.write("devspace.yaml", EVENTS)

    result = shop.doit("build")

    assert result.returncode == 0, result.stderr
    assert order(shop) == ["before registry.example/shop/api", "build api", "after api"]
    assert "`error:build:*` of a hook never happens here" in result.stderr

    shop.doit("build")
    assert not order(shop)


def test_a_hook_of_one_image_that_failed_stops_its_build_and_runs_again(shop: Project) -> None:
    before = '- {command: "test -e allowed", events: ["before:build:api"]}\n'
    shop.write("devspace.yaml", EVENTS + before)

    failed = shop.doit("build")
    assert failed.returncode == 1
    assert "build api" not in order(shop)

    shop.write("allowed", "")
    assert shop.doit("build").returncode == 0
    assert "build api" in order(shop)


def test_a_hook_after_one_image_that_failed_runs_again_without_a_build(shop: Project) -> None:
    after = '- {command: "test -e allowed", events: ["after:build:api"]}\n'
    shop.write("devspace.yaml", EVENTS + after)

    assert shop.doit("build").returncode == 1
    order(shop)
    shop.write("allowed", "")

    result = shop.doit("build")
    assert result.returncode == 0
    assert ".  hook  after-images-api-2" in result.stdout
    assert not order(shop)


def test_an_unknown_target_is_told_with_the_nearest_one(shop: Project) -> None:
    shop.write("devspace.yaml", CONFIG + "hooks: [{command: ls, when: {before: {deployments: backen}}}]\n")

    result = shop.doit("hash:api")

    assert result.returncode == 0
    assert result.stderr.startswith("WARNING: devspace.yaml:12:")
    assert "which is none of the deployments; did you mean `backend`?" in result.stderr


def test_logs_of_hooks_are_in_the_state_folder(shop: Project) -> None:
    shop.write("devspace.yaml", CONFIG + "hooks: [{command: 'echo hello', when: {before: {images: all}}}]\n")

    result = shop.doit("build:web")

    assert "hello" in result.stdout
    assert Path(shop.folder, ".devspace", "logs", "hook-before-images-1.log").read_text() == "hello\n"


def test_what_a_hook_says_of_a_password_is_masked_and_its_log_is_private(shop: Project) -> None:
    hook = "hooks: [{command: 'echo the ${TOKEN} word; exit 3', when: {before: {images: all}}}]\n"
    shop.write("devspace.yaml", CONFIG + hook)
    log = shop.write(".devspace/logs/hook-before-images-1.log", "for all to read")

    result = shop.doit("build:web")

    assert "the ******** word" in result.stdout
    assert "s3cret" not in result.stdout + result.stderr
    assert log.read_text() == "the ******** word\n"
    assert log.stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("custom", ["{command: sh, args: [-c, 'echo ${TOKEN}; exit 1']}", "{command: 'no/${TOKEN}'}"])
def test_what_a_custom_command_says_of_a_password_is_masked(shop: Project, custom: str) -> None:
    image = f"{{image: registry.example/x, build: {{custom: {custom}}}}}"
    shop.write("devspace.yaml", CONFIG.replace("images:\n", f"images:\n  x: {image}\n"))

    result = shop.doit("build:x")

    assert result.returncode == 1
    assert "********" in result.stdout
    assert "s3cret" not in result.stdout + result.stderr
    assert "s3cret" not in (shop.folder / ".devspace" / "logs" / "build-x.log").read_text()


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("registry.example/shop/api,", "'registry.example/${TOKEN}',"),
        ("registry.example/shop/api,", "registry.example/shop/api, tag: 'v-${TOKEN}',"),
        ("{name: backend,", "{name: 'backend-${TOKEN}',"),
    ],
)
def test_a_password_in_a_name_is_a_mistake(shop: Project, old: str, new: str) -> None:
    shop.write("devspace.yaml", CONFIG.replace(old, new))

    for command in ("list", "build"):
        result = shop.doit(command)

        assert result.returncode == 3
        assert "holds a variable with `password: true`, and is shown everywhere" in result.stderr
        assert "s3cret" not in result.stdout + result.stderr


RUNTIME = """\
version: v1beta11
images:
  api: {image: registry.example/api, tags: [v1], build: {custom: {command: "true", skipImageArg: true}}}
  web: {image: registry.example/web, tags: [v2], build: {custom: {command: "true", skipImageArg: true}}}
deployments: [{name: backend, kubectl: {manifests: [kube]}}]
hooks:
"""


@pytest.mark.cluster
def test_hooks_after_builds_are_told_the_names_that_images_have(shop: Project, cluster: Cluster) -> None:
    hooks = """\
- {command: "echo ${runtime.images.api} >> $ORDER", events: ["after:build:api"]}
- {command: sh, args: [-c, "echo $0 >> $ORDER", "${runtime.images.web.image}"], events: ["after:build"]}
- {command: "echo ${runtime.images.api.tag} ${runtime.images.web.tag} >> $ORDER", events: ["before:deploy:backend"]}
"""
    shop.write("devspace.yaml", RUNTIME + hooks)

    result = shop.doit("deploy", "--namespace", cluster.target.namespace)

    assert result.returncode == 0, result.stderr
    assert order(shop) == ["registry.example/api:v1", "registry.example/web", "v1 v2"]


def test_a_hook_that_can_be_told_nothing_of_an_image_is_left_out_with_a_warning(shop: Project) -> None:
    hooks = """\
- {command: "echo ${runtime.images.api.tag} >> $ORDER", events: ["before:build:api"]}
- {command: "echo ${runtime.images.nope.tag} >> $ORDER", events: ["after:build"]}
"""
    shop.write("devspace.yaml", RUNTIME + hooks)

    result = shop.doit("build")

    assert result.returncode == 0, result.stderr
    assert ":7:" in result.stderr
    assert "before a build is not told `${runtime...}`; it is left out" in result.stderr
    assert "of this file's images alone; it is left out" in result.stderr
    assert not order(shop)


def test_a_hook_that_is_told_of_a_disabled_image_fails_with_a_sentence(shop: Project) -> None:
    hook = '- {command: "echo ${runtime.images.web.tag}", events: ["after:build:api"]}\n'
    config = RUNTIME.replace("web, tags: [v2], build: {", "web, tags: [v2], build: {disabled: true, ")
    shop.write("devspace.yaml", config + hook)

    result = shop.doit("build")

    assert result.returncode == 1
    assert "is to be told of the image web, which is not built" in result.stdout
