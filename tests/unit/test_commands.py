"""The commands that are no tasks, called as the program calls them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from imagetasks.cli import main
from imagetasks.config.load import load_config
from tests.config_files import without_positions

Write = Callable[[str], Path]

MISTAKES = """\
version: v1beta6
vars:
- name: A
  sorce: env
- name: B
  default: [x]
- name: C
  default: text
- name: D
  validationPattern: "("
images:
  api:
    image: shop/${A}/${B}/${D}
    dockerfil: x
    build: {docker: {useBuildKit: maybe}}
  web:
    image: Shop/Web
    context: ${UNKNOWN}
  db:
    imag: shop/db
  worker:
    image: [shop/worker]
    dockerfile: nowhere/Dockerfile
  cache:
    image: shop/cache
    dockerfile: nowhere/Dockerfile
deployments:
- name: one
  kubctl: {manifests: [x]}
- name: two
  kubectl: [x]
- name: two
  helm: {wait: "${C}"}
- helm: {wait: true}
hooks:
- command: x
  when: {before: {deployments: two}, after: {deployments: tow}}
dependencies:
- source: [x]
- source: {git: x, path: y}
"""

FOUND = [
    "4:3: unknown key `sorce` in vars[0]; did you mean `source`?",
    "6:12: `vars[1].default` must be a text, not a list",
    "10:22: `validationPattern`: `(` is no regular expression: ",
    "14:5: unknown key `dockerfil` in images.api; did you mean `dockerfile`?",
    "15:35: `images.api.build.docker.useBuildKit` must be true or false, not `maybe`",
    "17:12: 'Shop/Web' has capital letters, ",
    "18:14: variable `UNKNOWN` is not defined; ",
    "20:5: unknown key `imag` in images.db; did you mean `image`?",
    "22:12: `images.worker.image` must be a text, not a list",
    "23:5: the Dockerfile nowhere/Dockerfile of image worker is not there; ",
    "26:5: the Dockerfile nowhere/Dockerfile of image cache is not there; ",
    "29:3: unknown key `kubctl` in deployments[0]; did you mean `kubectl`?",
    "31:12: `deployments[1].kubectl` must be a map, not a list",
    "32:9: the name `two` is taken by the entry of deployments in line 30",
    '33:16: `deployments[2].helm.wait` must be true or false, not the text "text"',
    "34:3: `name` is missing in deployments[3]",
    "39:11: `dependencies[0].source` must be a map, not a list",
    "40:11: `source` of a dependency needs one of `path` and `git`",
]


@pytest.fixture
def write(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Write:
    """Writes a ``devspace.yaml`` into the current folder, a new one."""
    monkeypatch.chdir(tmp_path)

    def write(text: str) -> Path:
        file = tmp_path / "devspace.yaml"
        file.write_text(text, encoding="utf-8")
        return file

    return write


def test_validate_prints_every_mistake_at_once_and_none_that_follows_from_another(
    write: Write, capsys: pytest.CaptureFixture[str]
) -> None:
    write(MISTAKES)
    Path("Dockerfile").touch()

    assert main(["validate"]) == 3

    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == len(FOUND), lines
    for line, found in zip(lines, FOUND, strict=True):
        assert line.startswith(f"devspace.yaml:{found}")


def test_validate_counts_what_a_valid_file_holds(write: Write, capsys: pytest.CaptureFixture[str]) -> None:
    write("version: v1beta6\nimages: {api: {image: shop/api}}\ndeployments: []\n")
    Path("Dockerfile").write_text("FROM scratch\n", encoding="utf-8")

    assert main(["validate"]) == 0
    assert capsys.readouterr().out == "devspace.yaml is valid: 1 image, 0 deployments\n"


def test_validate_takes_the_file_profiles_and_variables(write: Write, capsys: pytest.CaptureFixture[str]) -> None:
    file = write(
        "version: v1beta6\nimages: {api: {image: '${A}', build: {custom: {command: x}}}}\n"
        "profiles: [{name: p, patches: [{op: remove, path: images}]}]\n"
    ).rename("other.yaml")

    assert main(["validate", "other.yaml"]) == 3
    assert main(["validate", "other.yaml", "--var", "A=shop/api"]) == 0
    assert main(["validate", "-p", "p", "--config", str(file)]) == 0
    assert main(["validate", "other.yaml", "-p", "q"]) == 3
    assert capsys.readouterr().out.splitlines()[1:3] == [
        "other.yaml is valid: 1 image, 0 deployments",
        "other.yaml is valid: 0 images, 0 deployments",
    ]


@pytest.mark.parametrize(
    "words",
    [
        ["-p", "production", "--var", "TARGET=web", "print"],
        ["--profile=production", "print", "--var=TARGET=web"],
        ["print", "-p", "production", "--var", "TARGET=web"],
    ],
)
def test_options_stand_before_a_command_or_after_it(
    words: list[str], write: Write, capsys: pytest.CaptureFixture[str]
) -> None:
    write(
        "version: v1beta6\nimages: {api: {image: shop/api}}\n"
        "profiles: [{name: production, patches: [{op: replace, path: images.api.image, value: 'shop/${TARGET}'}]}]\n"
    )
    assert main(words) == 0
    assert "shop/web" in capsys.readouterr().out


def test_an_option_that_a_command_does_not_have_is_told_of_before_it_too(
    write: Write, capsys: pytest.CaptureFixture[str]
) -> None:
    write("version: v1beta6\n")
    assert main(["-b", "print"]) == 3
    assert capsys.readouterr().err == "ERROR: imagetasks print: unrecognized arguments: -b\n"


def test_validate_shows_warnings(write: Write, capsys: pytest.CaptureFixture[str]) -> None:
    write("version: v2beta1\npipelines: {deploy: build_images --all}\n")

    assert main(["validate"]) == 0
    captured = capsys.readouterr()
    assert captured.err.startswith("WARNING: devspace.yaml:2:1: `pipelines` has no meaning here")
    assert "valid" in captured.out


def test_validate_asks_and_runs_nothing(write: Write, capsys: pytest.CaptureFixture[str]) -> None:
    write(
        "version: v2beta1\nvars: {A: {source: input}, B: $(touch ran)}\n"
        "images: {api: {image: 'shop/${A}/${B}', custom: {command: x}, skipPush: '$(touch ran)'}}\n"
    )

    assert main(["validate"]) == 0, capsys.readouterr().out
    assert not Path("ran").exists()


@pytest.mark.parametrize("command", ["validate", "print", "profiles"])
def test_a_wrong_option_is_a_sentence(command: str, write: Write, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([command, "--bogus"]) == 3
    assert capsys.readouterr().err == f"ERROR: imagetasks {command}: unrecognized arguments: --bogus\n"


PRINTED = """\
version: v1beta6
images:
  api:
    image: shop/api
    tag: v-${DEVSPACE_RANDOM}
    cmd:
    - '1.10'
    - $${KEPT}
    - user:********@host
    createPullSecret: true
commands:
- name: hello
  command: echo ${HOME}
"""


def test_print_shows_the_file_after_profiles_and_variables(write: Write, capsys: pytest.CaptureFixture[str]) -> None:
    write("""\
version: v1beta6
vars:
- name: PASSWORD
  password: true
- name: FLAG
  default: "true"
images:
  api:
    image: shop/${NAME}
    tag: v-${DEVSPACE_RANDOM}
    cmd: ["1.10", "$${KEPT}", "user:${PASSWORD}@host"]
commands: [{name: hello, command: "echo ${HOME}"}]
profiles:
- name: pull
  patches: [{op: add, path: images.api.createPullSecret, value: "${FLAG}"}]
""")
    assert main(["print", "-p", "pull", "--var", "PASSWORD=hunter2", "--var", "NAME=api"]) == 0

    printed = capsys.readouterr().out
    assert printed == PRINTED


def test_print_masks_passwords_that_are_written_in_the_file(write: Write, capsys: pytest.CaptureFixture[str]) -> None:
    write("""\
version: v1beta11
pullSecrets: [{registry: a.example, username: me, password: hunter1}]
deployments:
- {name: db, helm: {chart: {name: db, username: me, password: "${PW}"}, values: {password: hunter3}}}
dependencies:
- {name: one, source: {git: "https://me:hunter4@a.example/one.git"}}
- {name: two, source: {git: "https://hunter5@a.example/two.git"}}
- {name: three, source: {git: "ssh://git@a.example/three.git"}}
""")
    assert main(["print", "--var", "PW=hunter2"]) == 0

    printed = capsys.readouterr().out
    assert "hunter" not in printed
    assert printed.count("password: '********'\n") == 3
    assert "git: https://********@a.example/one.git\n" in printed
    assert "git: ssh://git@a.example/three.git\n" in printed


def test_what_is_printed_loads_again_and_means_the_same(write: Write, capsys: pytest.CaptureFixture[str]) -> None:
    file = write("""\
version: v2beta1
vars: {REPOSITORY: shop/api, NUMBER: 5}
images:
  api:
    image: ${REPOSITORY}
    tags: ["${NUMBER}", "v-#####"]
    entrypoint: [sh, -c, "echo $${HOME} 'yes'"]
    buildArgs: {A: "007", B: "line\\nline\\n"}
deployments: {api: {helm: {values: {image: "${runtime.images.api.tag}", port: "${NUMBER}"}}}}
""")
    before = load_config(file, variables={}, environ={})
    assert main(["print"]) == 0
    file.write_text(capsys.readouterr().out, encoding="utf-8")

    assert without_positions(load_config(file, variables={}, environ={})) == without_positions(before)


def test_print_does_not_ask_without_a_terminal(write: Write, capsys: pytest.CaptureFixture[str]) -> None:
    write("version: v1beta6\nvars: [{name: A}]\nimages: {api: {image: '${A}'}}\n")

    assert main(["print"]) == 3
    assert "variable `A` has no value; pass --var A=VALUE" in capsys.readouterr().err


def test_vars_lists_what_has_no_value_with_the_reason(write: Write, capsys: pytest.CaptureFixture[str]) -> None:
    write("""\
version: v1beta6
vars: [{name: NAME, default: api}, {name: HOST}]
images: {api: {image: "${HOST}/${TEAM}/${NAME}"}, web: {image: "shop/${NAME}"}}
""")
    assert main(["vars"]) == 3

    captured = capsys.readouterr()
    assert [line.split(maxsplit=2) for line in captured.out.splitlines()] == [
        ["NAME", "api", "default"],
        ["HOST", "-", "variable `HOST` has no value; pass --var HOST=VALUE or set the environment variable HOST"],
        ["TEAM", "-", "variable `TEAM` is not defined; pass --var TEAM=VALUE or set the environment variable TEAM"],
    ]
    assert captured.err.startswith("ERROR: devspace.yaml:3:23: variable `HOST` has no value; ")


def test_vars_looks_for_no_value_in_a_file_with_mistakes(write: Write, capsys: pytest.CaptureFixture[str]) -> None:
    write("version: v2beta1\nvars: {A: $(touch ran), B: {sorce: env}}\nimages: {api: {image: 'shop/${A}'}}\n")

    assert main(["vars"]) == 3

    captured = capsys.readouterr()
    assert captured.out.splitlines()[0].split(maxsplit=2) == ["A", "-", "not looked for, as the file has mistakes"]
    assert captured.err.startswith("ERROR: devspace.yaml:2:29: unknown key `sorce`")
    assert not Path("ran").exists()


def test_profiles_are_listed_with_what_they_are_for(write: Write, capsys: pytest.CaptureFixture[str]) -> None:
    write("""\
version: v1beta11
profiles:
- {name: production, description: For the shop itself}
- name: local
- {name: ci, activation: [{env: {STAGE_OF_TEST: ci}}]}
""")
    assert main(["profiles", "-p", "local"]) == 0
    assert capsys.readouterr().out.splitlines() == [
        "production          For the shop itself",
        "local       active",
        "ci",
    ]


def test_a_file_without_profiles_says_so(write: Write, capsys: pytest.CaptureFixture[str]) -> None:
    write("version: v1beta6\n")
    assert main(["profiles"]) == 0
    assert capsys.readouterr().out == "the file defines no profiles\n"


def test_a_cycle_of_dependencies_is_not_valid(write: Write, capsys: pytest.CaptureFixture[str]) -> None:
    file = write("version: v1beta6\ndependencies: [{source: {path: other}}]\n")
    other = file.parent / "other" / "devspace.yaml"
    other.parent.mkdir()
    other.write_text("version: v1beta6\ndependencies: [{source: {path: ..}}]\n", encoding="utf-8")

    assert main(["validate"]) == 3
    assert "other" in capsys.readouterr().out


def test_validate_prints_the_mistakes_of_all_files_at_once(write: Write, capsys: pytest.CaptureFixture[str]) -> None:
    file = write("""\
version: v1beta6
images: {api: {image: Shop/API}}
dependencies:
- source: {path: one}
- source: {path: two}
- source: {path: nowhere}
""")
    for name, text in (
        (
            "one",
            "version: v1beta6\nimages: {db: {image: shop/db}}\nhoks: []\ndependencies: [{source: {path: ../two}}]\n",
        ),
        ("two", "- broken\n"),
    ):
        (file.parent / name).mkdir()
        (file.parent / name / "devspace.yaml").write_text(text, encoding="utf-8")
    Path("Dockerfile").touch()

    assert main(["validate"]) == 3

    lines = capsys.readouterr().out.splitlines()
    assert [line.partition(": ")[0] for line in lines] == [
        "devspace.yaml:2:23",
        "one/devspace.yaml:2:10",
        "one/devspace.yaml:3:1",
        "two/devspace.yaml:1:1",
        "devspace.yaml:6:3",
    ], lines


@pytest.mark.parametrize(
    ("dockerfile", "options", "message"),
    [
        ("FROM scratch AS base\n", "{target: app}", "devspace.yaml:3:53: the Dockerfile"),
        ("FROM shop/web\n", "{}", "devspace.yaml:3:3: images are built FROM each other: api -> web -> api"),
    ],
)
def test_what_a_run_would_refuse_is_not_valid(
    dockerfile: str, options: str, message: str, write: Write, capsys: pytest.CaptureFixture[str]
) -> None:
    write(f"""\
version: v1beta6
images:
  api: {{image: shop/api, build: {{docker: {{options: {options}}}}}}}
  web: {{image: shop/web, dockerfile: Web}}
""")
    Path("Dockerfile").write_text(dockerfile, encoding="utf-8")
    Path("Web").write_text("FROM shop/api\n", encoding="utf-8")

    assert main(["validate"]) == 3
    assert message in capsys.readouterr().out


def test_validate_leaves_the_images_of_a_dependency_alone_that_is_not_built(
    write: Write, capsys: pytest.CaptureFixture[str]
) -> None:
    file = write("version: v1beta6\ndependencies: [{source: {path: db}, skipBuild: true}]\n")
    other = file.parent / "db" / "devspace.yaml"
    other.parent.mkdir()
    other.write_text("version: v1beta6\nimages: {db: {image: shop/db}}\n", encoding="utf-8")

    assert main(["validate"]) == 0, capsys.readouterr().out


@pytest.mark.parametrize(
    ("profiles", "message"),
    [
        ("[{name: a, parent: b}, {name: b, parent: a}]", "profiles are each other's parents: a -> b -> a"),
        ("[{name: a, parent: c}]", "there is no profile `c` in devspace.yaml; it defines a"),
    ],
)
def test_validate_looks_at_profiles_that_are_not_used(
    profiles: str, message: str, write: Write, capsys: pytest.CaptureFixture[str]
) -> None:
    file = write(f"version: v1beta6\nimags: {{}}\nprofiles: {profiles}\n")

    assert main(["validate"]) == 3
    found = capsys.readouterr().out
    assert message in found
    assert "unknown key `imags`" in found

    file.write_text(f"version: v1beta6\nprofiles: {profiles}\n", encoding="utf-8")
    assert load_config(file, variables={}, environ={}).images == ()
