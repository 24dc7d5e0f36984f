from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from imagetasks.config.load import load_config
from imagetasks.config.model import (
    BuildOptions,
    Config,
    CustomBuild,
    Deployment,
    DockerBuild,
    Image,
    KanikoBuild,
)
from imagetasks.config.versions import VERSIONS
from imagetasks.errors import ConfigError, Position
from tests.config_files import without_positions

CORPUS = Path(__file__).parents[3] / "shared" / "corpus" / "v4.5.4"

Loader = Callable[..., Config]


@pytest.fixture
def load(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Loader:
    """Loads a file with these lines after its version."""
    monkeypatch.chdir(tmp_path)

    def load(
        text: str,
        *,
        version: str = "version: v1beta6",
        variables: Mapping[str, str] | None = None,
        profiles: Sequence[str] = (),
        environ: Mapping[str, str] | None = None,
    ) -> Config:
        (tmp_path / "devspace.yaml").write_text(f"{version}\n{text}", encoding="utf-8")
        return load_config(Path("devspace.yaml"), variables=variables or {}, profiles=profiles, environ=environ or {})

    return load


def image(config: Config, name: str = "api") -> Image:
    return next(image for image in config.images if image.name == name)


def refusal(load: Loader, text: str, **options: object) -> str:
    with pytest.raises(ConfigError) as raised:
        load(text, **options)
    return str(raised.value)


def test_an_image_has_the_defaults_of_the_reference(load: Loader) -> None:
    assert without_positions(load("images: {api: {image: shop/api}}")).images == (
        Image(
            name="api",
            image="shop/api",
            tags=(),
            dockerfile="./Dockerfile",
            context="./",
            entrypoint=None,
            cmd=None,
            create_pull_secret=False,
            build=DockerBuild(
                prefer_minikube=True, skip_push=False, disable_fallback=False, use_buildkit=False, args=()
            ),
            disabled=False,
        ),
    )


def test_every_key_of_an_image_is_read(load: Loader) -> None:
    config = load("""
images:
  api:
    image: registry.example.com:5000/shop/api
    tag: 1.10
    dockerfile: api/Dockerfile
    context: api
    entrypoint: [npm, run, 8080, true]
    cmd: []
    createPullSecret: yes
    build:
      disabled: true
      docker:
        preferMinikube: false
        skipPush: true
        disableFallback: true
        useBuildKit: true
        args: [--pull, --memory=1g]
        options:
          target: production
          network: host
          buildArgs: {VERSION: 1.10, DEBUG: true, EMPTY: , TEXT: "a b"}
""")
    assert without_positions(config).images == (
        Image(
            name="api",
            image="registry.example.com:5000/shop/api",
            tags=("1.10",),
            dockerfile="api/Dockerfile",
            context="api",
            entrypoint=("npm", "run", "8080", "true"),
            cmd=(),
            create_pull_secret=True,
            build=DockerBuild(
                prefer_minikube=False,
                skip_push=True,
                disable_fallback=True,
                use_buildkit=True,
                args=("--pull", "--memory=1g"),
                options=BuildOptions(
                    "production", "host", {"VERSION": "1.10", "DEBUG": "true", "EMPTY": "", "TEXT": "a b"}
                ),
            ),
            disabled=True,
        ),
    )


def test_every_key_of_kaniko_is_read(load: Loader) -> None:
    config = load("""
images:
  api:
    image: shop/api
    build:
      kaniko:
        cache: false
        snapshotMode: time
        flags: [--verbosity=debug]
        namespace: builds
        insecure: true
        pullSecret: mine
        options: {target: production}
""")
    expected = KanikoBuild(
        False, "time", ("--verbosity=debug",), "builds", True, "mine", options=BuildOptions("production")
    )
    assert image(config).build == expected


@pytest.mark.parametrize("args", ["args", "flags"])
def test_every_key_of_a_custom_build_is_read_in_either_spelling(load: Loader, args: str) -> None:
    custom = f"{{command: ./build, {args}: [a], imageFlag: --image, onChange: [src/**]}}"
    config = load(f"images: {{api: {{image: shop/api, build: {{custom: {custom}}}}}}}")
    assert image(config).build == CustomBuild("./build", ("a",), image_flag="--image", on_change=("src/**",))


@pytest.mark.parametrize(
    ("engine", "expected"),
    [
        ("", DockerBuild(options=BuildOptions("x"))),
        ("docker: {skipPush: true}, ", DockerBuild(skip_push=True, options=BuildOptions("x"))),
        ("kaniko: {}, ", KanikoBuild(options=BuildOptions("x"))),
    ],
)
def test_options_beside_the_engine_are_taken(load: Loader, engine: str, expected: object) -> None:
    config = load(f"images: {{api: {{image: shop/api, build: {{{engine}options: {{target: x}}}}}}}}")
    assert image(config).build == expected


def test_positions_are_those_of_the_keys_and_of_the_entry(load: Loader) -> None:
    found = image(load("images:\n  api:\n    image: shop/api\n    tag: v1\n"))
    assert found.position("tags") == Position("devspace.yaml", 5, 5)
    assert found.position("dockerfile") == Position("devspace.yaml", 3, 3)


def test_the_file_is_absolute_and_its_folder_is_the_project(load: Loader, tmp_path: Path) -> None:
    config = load("images:\n")
    assert config.file == tmp_path / "devspace.yaml"
    assert config.folder == tmp_path


@pytest.mark.parametrize("section", ["images", "deployments", "dev", "vars", "profiles", "hooks", "commands"])
def test_a_section_with_nothing_in_it_is_left_out(load: Loader, section: str) -> None:
    config = load(f"{section}:\n")
    assert (config.images, config.deployments) == ((), ())


def test_keys_with_nothing_or_an_empty_text_have_their_defaults(load: Loader) -> None:
    found = image(load("images: {api: {image: x, tag: '', dockerfile: , context: '', build: , cmd: }}"))
    assert (found.tags, found.dockerfile, found.context, found.cmd) == ((), "./Dockerfile", "./", None)


@pytest.mark.parametrize("version", VERSIONS)
def test_all_versions_of_the_original_are_read(load: Loader, version: str) -> None:
    assert load("images: {api: {image: x}}", version=f"version: {version}").images


@pytest.mark.parametrize(
    ("version", "expected"),
    [
        ("name: x", "devspace.yaml:1:1: `version` is missing"),
        ("version:", "`version` is missing"),
        ("version: v3", "devspace.yaml:1:10: `version` must be one of v1beta3, v1beta4, v1beta5, v1beta6, v1beta7, "),
        ("version: [v1beta6]", "not a list"),
    ],
)
def test_a_version_that_is_not_understood_names_those_that_are(load: Loader, version: str, expected: str) -> None:
    assert expected in refusal(load, "", version=version)


@pytest.mark.parametrize(
    ("text", "expected"), [("", "is empty; it needs at least `version: v2beta1`"), ("- a", "map")]
)
def test_a_file_that_is_no_map_is_refused(tmp_path: Path, text: str, expected: str) -> None:
    file = tmp_path / "devspace.yaml"
    file.write_text(text, encoding="utf-8")
    with pytest.raises(ConfigError, match=expected):
        load_config(file, variables={}, environ={})


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            "images:\n  api:\n    dockerfil: x\n    image: y",
            "devspace.yaml:4:5: unknown key `dockerfil` in images.api; did you mean `dockerfile`?",
        ),
        ("imags: {}", "devspace.yaml:2:1: unknown key `imags`; did you mean `images`?"),
        ("hooks: [{command: x, when: {zzz: {}}}]", "unknown key `zzz` in hooks[0].when; known are before, after"),
        ("images: []", "devspace.yaml:2:9: `images` must be a map such as `name: {image: "),
        ("images: {api: }", "`image` is missing in images.api"),
        ("images: {api: {image: ''}}", "`image` is missing in images.api"),
        ("images: {api: {image: [x]}}", "`images.api.image` must be a text, not a list"),
        ("images: {api: {image: x, cmd: npm start}}", "must be a list such as [npm, start], not `npm start`"),
        ("images: {api: {image: x, cmd: [a, ]}, b: {image: y, cmd: [~]}}", "`images.b.cmd[0]` is empty; write"),
        ("hooks: [~]", "`hooks[0]` is empty; leave it out"),
        ("images: {api: {image: x, createPullSecret: 'true'}}", 'must be true or false, not the text "true"'),
        ("images: {api: {image: x, build: {kaniko: {snapshotMode: some}}}}", "must be full or time, not `some`"),
        (
            "images: {api: {image: x, build: {custom: {args: [a]}}}}",
            "`command` is missing in images.api.build.custom",
        ),
        (
            "images: {api: {image: x, build: {custom: {command: '', args: [a]}}}}",
            "`command` is missing in images.api.build.custom",
        ),
        ("images: {api: {image: x, build: {custom: {command: a, args: [], flags: []}}}}", "older spelling of `args`"),
        (
            "images: {api: {image: x, build: {docker: {}, kaniko: {}}}}",
            "images.api.build names docker and kaniko; an image has one engine",
        ),
        (
            "images: {api: {image: x, build: {custom: {command: a}, options: {}}}}",
            "images.api.build.custom takes none",
        ),
        (
            "images: {api: {image: x, build: {options: {target: a}, docker: {options: {target: b}}}}}",
            "exclude each other",
        ),
        ("images: {api: {image: 'shop/api:1'}}", "devspace.yaml:2:23: image 'shop/api:1' has a tag"),
        ("images: {api: {image: Shop}}", "capital letters"),
        ("images: {api: {image: x, tag: a b}}", "'a b' is no tag"),
        ("images: {api: {image: x, tag: '${DEVSPACE_RANDOM}!'}}", "with its variables filled in, '"),
        (
            "images:\n  a: {image: nginx}\n  b: {image: docker.io/library/nginx}",
            "devspace.yaml:4:14: images.b has the same `image` as images.a (devspace.yaml:3:7)",
        ),
        ("deployments: {}", "`deployments` must be a list, not a map"),
        ("deployments: [{helm: {}}]", "`name` is missing in deployments[0]"),
        ("deployments: [{name: a}]", "deployment `a` needs one of helm and kubectl, and has neither"),
        ("deployments: [{name: a, helm: {}, kubectl: {}}]", "and has helm and kubectl"),
        (
            "deployments:\n- {name: a, helm: {}}\n- {name: a, helm: {}}",
            "devspace.yaml:4:10: the name `a` is taken by the entry of deployments in line 3",
        ),
        ("deployments: [{name: a, helm: {timeout: soon}}]", "must be a whole number, not `soon`"),
        ("vars: [{name: A, source: ask}]", "must be all or env or input or none, not `ask`"),
        ("vars: [{name: A, validationPattern: '['}]", "is no regular expression"),
        ("vars: [{name: A}, {name: A}]", "the name `A` is taken by the entry of vars"),
        ("vars: [{name: 1A}]", "`1A` is no name for a variable"),
        ("profiles: [{name: p, patches: [{op: move, path: a}]}]", "must be add or remove or replace, not `move`"),
    ],
)
def test_a_mistake_is_told_in_a_sentence_with_its_place(load: Loader, text: str, expected: str) -> None:
    sentence = refusal(load, text)
    assert expected in sentence
    assert sentence.startswith("devspace.yaml:")
    assert "\n" not in sentence


def test_all_mistakes_are_told_at_once_in_the_order_of_the_file(load: Loader) -> None:
    lines = refusal(load, "images:\n  a: {imag: x}\n  b: {image: y, cmd: z}\ndevs: {}").splitlines()
    assert [line.split(": ")[0] for line in lines] == [
        "devspace.yaml:3:7",
        "devspace.yaml:4:22",
        "devspace.yaml:5:1",
    ]


@pytest.mark.parametrize("name", ["a b", "a=b", "a/b", "a:b", "a*", "-a", "_a", "''", "x" * 300])
def test_names_that_cannot_be_a_tasks_or_a_log_files_are_refused(load: Loader, name: str) -> None:
    assert "cannot be the name of an image" in refusal(load, f"images: {{? {name} : {{image: x}}}}")
    if name != "''":
        assert "cannot be the name of a deployment" in refusal(load, f"deployments: [{{name: {name}, helm: {{}}}}]")


def test_deployments_keep_their_order_and_kind(load: Loader) -> None:
    config = load(
        "deployments:\n- {name: b, kubectl: {manifests: [kube/*]}}\n- {name: a, component: {containers: []}}\n"
        "- {name: c, helm: {chart: {name: x}, values: {any: [thing]}}}"
    )
    assert without_positions(config).deployments == (
        Deployment("b", "kubectl"),
        Deployment("a", "helm"),
        Deployment("c", "helm"),
    )
    assert config.deployments[1].position() == Position("devspace.yaml", 4, 3)


def test_variables_are_filled_in_before_types_are_checked(load: Loader) -> None:
    text = "images: {api: {image: '${REGISTRY}/api', build: {disabled: '${OFF}'}}}"
    found = image(load(text, variables={"OFF": "true"}, environ={"REGISTRY": "registry.example.com"}))
    assert (found.image, found.disabled) == ("registry.example.com/api", True)
    assert "must be true or false" in refusal(load, text, variables={"OFF": "maybe", "REGISTRY": "x"})


def test_a_tag_keeps_what_differs_from_load_to_load(load: Loader) -> None:
    text = "images: {api: {image: x, tag: '${A}-${DEVSPACE_RANDOM}-${DEVSPACE_TIMESTAMP}'}}"
    assert image(load(text, variables={"A": "1"})).tags == ("1-${DEVSPACE_RANDOM}-${DEVSPACE_TIMESTAMP}",)
    random = image(load(text, variables={"A": "1", "DEVSPACE_RANDOM": "abc"}))
    assert random.tags == ("1-abc-${DEVSPACE_TIMESTAMP}",)


def test_outside_a_tag_such_a_variable_has_one_value(load: Loader) -> None:
    args = "{A: '${DEVSPACE_RANDOM}', B: '${DEVSPACE_RANDOM}'}"
    build = image(load(f"images: {{api: {{image: x, build: {{options: {{buildArgs: {args}}}}}}}}}")).build
    assert isinstance(build, DockerBuild)
    assert build.options.build_args["A"] == build.options.build_args["B"]
    assert "$" not in build.options.build_args["A"]


def test_the_shells_variables_in_commands_are_not_ours(load: Loader) -> None:
    load("commands: [{name: x, command: 'echo ${UNKNOWN}'}]")


def test_a_mistake_in_the_same_words_is_told_at_each_place(load: Loader) -> None:
    lines = refusal(load, "images:\n  a: {image: 'x/${A}'}\n  b: {image: 'y/${A}'}").splitlines()
    assert [line.partition(" variable `A` is not defined")[0] for line in lines] == [
        "devspace.yaml:3:14:",
        "devspace.yaml:4:14:",
    ]


def test_a_mistake_behind_an_alias_is_told_once(load: Loader) -> None:
    text = "images:\n  a: {image: x, build: &build {dokcer: {}}}\n  b: {image: y, build: *build}"
    assert refusal(load, text).startswith("devspace.yaml:3:32: unknown key `dokcer` in images.a.build")
    assert "\n" not in refusal(load, text)


@pytest.mark.parametrize(
    ("text", "places"),
    [
        ("vars: 1\nimages: {a: {image: '${A}', cdm: [x]}}", ["2:7", "3:29"]),
        ("vars: [{nme: A}]\nimages: {a: {image: '${A}', cdm: [x]}}", ["2:9", "3:29"]),
        ("profiles: 1\nimages: {a: {image: x, cdm: [x]}}", ["2:11", "3:24"]),
        ("images: {a: {image: x}, a: {image: y}, b: {image: z, cdm: [x]}}", ["2:25", "2:54"]),
        ("images: {a: {image: !mine x, cdm: [x]}}\n? [b]\n: c", ["2:21", "2:30", "3:3"]),
    ],
    ids=["vars", "a variable's name", "profiles", "a key that stands twice", "a tag and a key that is a list"],
)
def test_no_mistake_hides_others_or_makes_some(load: Loader, text: str, places: list[str]) -> None:
    lines = refusal(load, text).splitlines()
    assert [line.split(": ")[0] for line in lines] == [f"devspace.yaml:{place}" for place in places]


def test_a_key_that_stands_twice_keeps_no_profile_from_being_applied(load: Loader) -> None:
    text = "images: {a: {image: x, image: y}, b: {}}\nprofiles: [{name: p, merge: {images: {b: {image: z}}}}]"
    lines = refusal(load, text, version="version: v1beta9", profiles=["p"]).splitlines()
    assert [line.split(": ")[0] for line in lines] == ["devspace.yaml:2:24"]


def test_mistakes_in_a_file_of_no_version_are_told_with_that(load: Loader) -> None:
    lines = refusal(load, "images: {a: {image: x}, a: {image: y}}", version="version: v9").splitlines()
    assert [line.split(": ")[0] for line in lines] == ["devspace.yaml:1:10", "devspace.yaml:2:25"]


def test_a_default_beside_a_value_is_warned_of(load: Loader) -> None:
    text = "vars: [{name: A, value: x, default: y}]\nimages: {api: {image: '${A}'}}"
    config = load(text, version="version: v1beta10")
    assert image(config).image == "x"
    assert config.warnings == ("devspace.yaml:2:28: `default` of variable `A` has no meaning beside its `value`",)


def test_a_deployment_of_no_kind_is_named_plainly(load: Loader) -> None:
    assert "deployment `d` needs one of helm and kubectl, and has neither" in refusal(
        load, 'deployments: [{name: "d"}]'
    )


@pytest.mark.parametrize(
    "entry", ["{image: '${PW}:x'}", "{image: x, tag: '${PW}'}", "{image: x, createPullSecret: '${PW}'}"]
)
def test_a_password_is_in_no_message(load: Loader, entry: str) -> None:
    text = f"vars: [{{name: PW, password: true}}]\nimages: {{api: {entry}}}"
    assert "hunter" not in refusal(load, text, variables={"PW": "Hunter 2 hunter"}).lower()


def test_profiles_change_the_file_before_it_is_checked(load: Loader) -> None:
    text = "images: {api: {image: x}}\nprofiles:\n- {name: p, patches: [{op: add, path: images.api.tg, value: v1}]}"
    assert image(load(text)).tags == ()
    assert refusal(load, text, profiles=["p"]).startswith("devspace.yaml:4:61: unknown key `tg` in images.api")


def test_a_profile_can_change_the_default_of_a_variable(load: Loader) -> None:
    text = (
        "images: {api: {image: '${A}'}}\nvars: [{name: A, default: one}]\n"
        "profiles: [{name: p, patches: [{op: replace, path: 'vars[0].default', value: two}]}]"
    )
    assert [image(load(text, profiles=names)).image for names in ([], ["p"])] == ["one", "two"]


@pytest.mark.parametrize("file", sorted(CORPUS.glob("*.yaml")), ids=lambda file: file.stem)
def test_files_of_the_originals_examples_are_read(file: Path) -> None:
    config = load_config(file, variables={"SELECT": "deployment-1"}, environ={"DEVSPACE_USERNAME": "user"})
    assert config.deployments


@pytest.mark.skipif(not CORPUS.is_dir(), reason="the example files are not beside the repository")
def test_a_profile_of_the_originals_examples_is_applied() -> None:
    config = load_config(
        CORPUS / "profiles.yaml",
        variables={},
        profiles=["dev-service2-only"],
        environ={"DEVSPACE_USERNAME": "user"},
    )
    assert [image.name for image in config.images] == ["service-image-2"]
    assert [deployment.name for deployment in config.deployments] == ["service-2"]


WORDS = """
version v1beta6 images api image tag build docker kaniko custom options buildArgs cmd deployments name helm kubectl
vars profiles patches op add remove path value replace ${A} ${DEVSPACE_RANDOM} $${A} << true null 1.5 shop/api ~ ''
images.api deployments[0] source all password validationPattern dev hooks
"""
words = st.sampled_from(WORDS.split())
values = st.recursive(
    words, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(words, inner, max_size=4), max_leaves=25
)


def flow(value: object) -> str:
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key}: {flow(item)}" for key, item in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(flow(item) for item in value) + "]"
    return f'"{value}"' if value in ("${A}", "$${A}", "deployments[0]", "${DEVSPACE_RANDOM}") else str(value)


sections = st.dictionaries(st.sampled_from(["images", "deployments", "vars", "profiles", "dev"]), values, max_size=4)
yaml_like = sections.map(
    lambda mapping: "version: v1beta6\n" + "".join(f"{k}: {flow(mapping[k])}\n" for k in mapping)
)
syntax = st.text(alphabet="abc:-[]{}&*!|>'\"%@#, \n\t?<$\0\ufeff\r", max_size=60)


@settings(max_examples=300)
@given(st.binary(max_size=60) | syntax.map(str.encode) | yaml_like.map(str.encode))
def test_any_bytes_are_a_configuration_or_a_mistake_of_the_users(
    tmp_path_factory: pytest.TempPathFactory, data: bytes
) -> None:
    file = tmp_path_factory.getbasetemp() / "any.yaml"
    file.write_bytes(data)
    try:
        config = load_config(file, variables={}, profiles=[], environ={"A": "a"})
    except ConfigError as error:
        assert str(error)
    else:
        assert config.file == file


BROKEN = {
    "a patch of the version": (
        "v1beta6",
        "profiles: [{name: p, patches: [{op: remove, path: version}]}]",
        ["p"],
        "cannot be patched",
    ),
    "a wrong key in a list of commands": (
        "v1beta9",
        "images: {a: {image: x, build: {custom: {commands: [{comand: x}]}}}}",
        [],
        "did you mean `command`?",
    ),
    "a wrong key in the commands of a variable": (
        "v1beta9",
        "vars: [{name: A, commands: [{comand: x}]}]\nimages: {a: {image: '${A}'}}",
        [],
        "did you mean `command`?",
    ),
    "a deployment without a name": (
        "v2beta1",
        'deployments: {"": {kubectl: {manifests: [a]}}}',
        [],
        "cannot be the name",
    ),
}


@pytest.mark.parametrize(("version", "text", "profiles", "words"), BROKEN.values(), ids=BROKEN)
def test_what_is_broken_is_told_and_told_once(
    load: Loader, version: str, text: str, profiles: list[str], words: str
) -> None:
    sentences = refusal(load, text, version=f"version: {version}", profiles=profiles)

    assert words in sentences
    assert sentences.count(words) == 1


@pytest.mark.parametrize("event", ["after:build:${PW}", "${PW}:build"])
def test_a_password_is_in_no_warning_of_a_hook(load: Loader, event: str) -> None:
    config = load(
        f"hooks: [{{command: echo, events: ['{event}']}}]\nvars: [{{name: PW, password: true}}]",
        version="version: v1beta11",
        variables={"PW": "s3cr3t"},
    )

    assert len(config.warnings) == 1
    assert "s3cr3t" not in config.warnings[0]
    assert "a password" in config.warnings[0]


def test_a_hook_without_a_time_is_warned_of(load: Loader) -> None:
    config = load("hooks: [{command: echo}]\nimages: {api: {image: x}}")

    assert any("a hook without a time never runs" in warning for warning in config.warnings)
