from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from imagetasks.config.load import load_config
from imagetasks.config.model import BuildOptions, Config, CustomBuild, Deployment, DockerBuild, KanikoBuild
from imagetasks.config.reader import MappingNode, Node, SequenceNode, parse_nodes
from imagetasks.config.versions import VERSIONS, steps
from imagetasks.errors import ConfigError, Position
from tests.config_files import without_positions

Load = Callable[[str, str], Config]


def nodes(text: str) -> MappingNode:
    root = parse_nodes(text.encode(), "devspace.yaml")
    assert isinstance(root, MappingNode)
    return root


def plain_data(node: Node) -> Any:
    """The node as YAML would have it, for comparison."""
    if isinstance(node, MappingNode):
        assert list(node.keys) == list(node.values)
        return {key: plain_data(value) for key, value in node.values.items()}
    if isinstance(node, SequenceNode):
        return [plain_data(item) for item in node.items]
    return yaml.safe_load(node.text) if node.plain else node.text


@pytest.fixture
def load(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Load:
    """Loads a file of a version with these lines after the version's own."""
    monkeypatch.chdir(tmp_path)

    def load(version: str, text: str) -> Config:
        Path("devspace.yaml").write_text(f"version: {version}\n{text}", encoding="utf-8")
        return load_config(Path("devspace.yaml"), variables={}, environ={})

    return load


def refusal(load: Load, version: str, text: str) -> str:
    with pytest.raises(ConfigError) as raised:
        load(version, text)
    return str(raised.value)


STEPS = [
    (
        steps.from_v1beta3,
        "deployments: [{name: a, component: {containers: [{image: x}], options: {wait: true, replicas: 1}}}]",
        "deployments: [{name: a, helm: {wait: true, componentChart: true, values: {containers: [{image: x}]}}}]",
    ),
    (
        steps.from_v1beta4,
        "deployments: [{name: a, helm: {rollback: true}}, {name: b, kubectl: {}}]",
        "deployments: [{name: a, helm: {v2: true, atomic: true}}, {name: b, kubectl: {}}]",
    ),
    (
        steps.from_v1beta5,
        "images: {api: {build: {custom: {command: ./build, flags: [-x]}}}, web: {image: x}}",
        "images: {api: {build: {custom: {command: ./build, args: [-x]}}}, web: {image: x}}",
    ),
    (
        steps.from_v1beta6,
        "images: {api: {tag: 'v1', build: {options: {target: x}}}, web: {tag: , build: {kaniko: , options: {}}}}",
        "images: {api: {tags: ['v1'], build: {docker: {options: {target: x}}}},"
        " web: {tag: , build: {kaniko: {options: {}}}}}",
    ),
    (
        steps.from_v1beta7,
        "images: {api: {build: {kaniko: {flags: [-x]}}}}\ndeployments: [{name: a, kubectl: {flags: [-y]}}]",
        "images: {api: {build: {kaniko: {args: [-x]}}}}\ndeployments: [{name: a, kubectl: {applyArgs: [-y]}}]",
    ),
    (
        steps.from_v1beta8,
        "images: {api: {image: x}, web: {image: y, createPullSecret: true}}",
        "images: {api: {image: x, createPullSecret: false}, web: {image: y, createPullSecret: true}}",
    ),
    (
        steps.from_v1beta9,
        "images: {api: {tags: ['1', '2'], tagsAppendRandom: true, preferSyncOverRebuild: true},"
        " web: {preferSyncOverRebuild: true}}\ndev: {sync: [{imageName: api}]}",
        "images: {api: {tags: ['1-#####', '2-#####'], rebuildStrategy: ignoreContextChanges}, web: {}}\n"
        "dev: {sync: [{imageName: api}]}",
    ),
    (
        steps.from_v1beta10,
        "hooks: [{command: x, where: {container: {pod: p}}, when: {before: {images: all},"
        " after: {deployments: 'a, b', dependencies: all}, onError: {images: all}}}]",
        "hooks: [{command: x, container: {pod: p}, events: ['before:build', 'after:deploy:a', 'after:deploy:b',"
        " 'after:deployDependencies', 'error:build:*']}]",
    ),
    (
        steps.from_v1beta11,
        "images: {api: {build: {disabled: true, docker: {skipPush: true, args: [-x], options: {target: t}}}},"
        " own: {build: {custom: {command: x}}}, plain: {image: y, build: {kaniko: }}}\n"
        "dependencies: [{name: a, source: {path: ../a, configName: b.yaml}, vars: [{name: A, value: '1'}],"
        " profiles: [p], profileParents: [q]}]",
        "images: {api: {disabled: true, target: t, skipPush: true, docker: {args: [-x]}},"
        " own: {custom: {command: x, skipImageArg: false}}, plain: {image: y}}\n"
        "dependencies: [{name: a, source: {path: ../a}, vars: {A: '1'}, config: b.yaml, profiles: [p, q]}]",
    ),
]


@pytest.mark.parametrize(("step", "before", "after"), STEPS, ids=[step.__name__ for step, _, _ in STEPS])
def test_a_step_changes_what_its_version_changes(step: Callable[..., MappingNode], before: str, after: str) -> None:
    assert plain_data(step(nodes(before))) == yaml.safe_load(after)


@pytest.mark.parametrize("step", steps.STEPS, ids=lambda step: step.__name__)
@pytest.mark.parametrize("text", ["name: a", "images: [1]", "images: {a: 1}\ndeployments: {a: b}\nhooks: x\ndev: []"])
def test_a_step_leaves_all_else_alone(step: Callable[..., MappingNode], text: str) -> None:
    assert step(nodes(text)) == nodes(text)


def test_there_is_a_step_from_each_version_to_the_next() -> None:
    assert [step.__name__ for step in steps.STEPS] == [f"from_{version}" for version in VERSIONS[:-1]]


def test_values_keep_their_places_through_all_steps(load: Load) -> None:
    image = load("v1beta3", "images:\n  api:\n    image: x\n    tag: v1\n    build: {options: {target: t}}").images[0]
    assert image.position("tags") == Position("devspace.yaml", 5, 5)
    assert image.position("target") == Position("devspace.yaml", 6, 23)
    assert image.position("createPullSecret") == Position("devspace.yaml", 4, 5)


SAME_IMAGE = {
    "v1beta6": "images: {api: {image: x, tag: v1, createPullSecret: true, build: {docker: {skipPush: true,"
    " options: {target: t, network: host, buildArgs: {A: 1}}}}}}",
    "v1beta7": "images: {api: {image: x, tags: [v1], createPullSecret: true, build: {docker: {skipPush: true,"
    " options: {target: t, network: host, buildArgs: {A: 1}}}}}}",
    "v1beta11": "images: {api: {image: x, tags: [v1], build: {docker: {skipPush: true,"
    " options: {target: t, network: host, buildArgs: {A: 1}}}}}}",
    "v2beta1": "images: {api: {image: x, tags: [v1], skipPush: true, target: t, network: host, buildArgs: {A: 1}}}",
}


@pytest.mark.parametrize("version", SAME_IMAGE)
def test_one_image_is_the_same_in_the_words_of_each_version(load: Load, version: str) -> None:
    (image,) = load(version, SAME_IMAGE[version]).images
    assert image.tags == ("v1",)
    assert image.create_pull_secret
    assert image.build == DockerBuild(skip_push=True, options=BuildOptions("t", "host", {"A": "1"}))


@pytest.mark.parametrize(("version", "secret"), [("v1beta8", False), ("v1beta9", True), ("v2beta1", True)])
def test_pull_secrets_are_the_default_of_later_versions(load: Load, version: str, secret: bool) -> None:
    assert load(version, "images: {api: {image: x}}").images[0].create_pull_secret == secret


def test_what_later_versions_add_to_images_is_read(load: Load) -> None:
    config = load(
        "v2beta1",
        """
images:
  api:
    image: shop/api
    tags: [latest, "v1-#####", "${devspace.random}"]
    appendDockerfileInstructions: [USER root, "RUN a \\\\\\n b"]
    rebuildStrategy: always
    entrypoint: [sleep]
    buildKit: {args: [--pull]}
  cli: {image: shop/cli, docker: {useCli: true}}
  pod: {image: shop/pod, target: t, kaniko: {args: [--verbosity=debug], initImage: alpine}}
  own: {image: shop/own, custom: {commands: [{command: other, os: plan9}, {command: mine}], appendArgs: [x]}}
""",
    )
    api, cli, pod, own = config.images
    assert api.tags == ("latest", "v1-#####", "${devspace.random}")
    assert api.append_instructions == ("USER root", "RUN a \\\n b")
    assert (api.rebuild_strategy, api.entrypoint) == ("always", ("sleep",))
    assert api.build == DockerBuild(use_buildkit=True, args=("--pull",))
    assert cli.build == DockerBuild(use_cli=True)
    assert pod.build == KanikoBuild(args=("--verbosity=debug",), init_image="alpine", options=BuildOptions("t"))
    assert own.build == CustomBuild("mine", append_args=("x",), skip_image_arg=True)
    assert config.warnings == ()


def test_custom_commands_are_given_the_image_unless_a_later_version_says_otherwise(load: Load) -> None:
    text = "images: {api: {image: x, build: {custom: {command: ./build}}}}"
    assert load("v1beta11", text).images[0].build == CustomBuild("./build", skip_image_arg=False)


def test_deployments_may_be_a_map_and_keep_its_order(load: Load) -> None:
    config = load(
        "v2beta1", "deployments:\n  b: {kubectl: {manifests: [x]}}\n  a: {helm: {values: {x: 1}}}\n  c: {tanka: {}}"
    )
    assert without_positions(config).deployments == (
        Deployment("b", "kubectl"),
        Deployment("a", "helm"),
        Deployment("c", "tanka"),
    )
    assert config.deployments[1].position() == Position("devspace.yaml", 4, 3)


def test_disabled_deployments_are_left_out(load: Load) -> None:
    text = "deployments: [{name: a, helm: {}, disabled: true}, {name: b, helm: {}, disabled: false}]"
    assert [deployment.name for deployment in load("v1beta11", text).deployments] == ["b"]


@pytest.mark.parametrize(
    "variables", ["{REPO: shop/api}", "{REPO: {value: shop/api}}", "[{name: REPO, value: shop/api}]"]
)
def test_variables_may_be_a_map_or_a_list(load: Load, variables: str) -> None:
    text = f"vars: {variables}\nimages: {{api: {{image: '${{REPO}}'}}}}"
    assert load("v2beta1", text).images[0].image == "shop/api"


def test_variables_of_a_deployment_stay_in_it(load: Load) -> None:
    text = (
        "images: {api: {image: shop/api}}\n"
        "deployments: {a: {helm: {values: {image: '${runtime.images.api.image}:${runtime.images.api.tag}'}}}}"
    )
    assert without_positions(load("v2beta1", text)).deployments == (Deployment("a", "helm"),)


def test_what_has_no_meaning_here_is_named_in_a_line_each(load: Load) -> None:
    config = load(
        "v2beta1",
        "pipelines: {build: echo}\nfunctions: {f: x}\nimports: [{path: x}]\nrequire: {devspace: 6}\n"
        "localRegistry: {enabled: true}\npullSecrets: {a: {registry: x}}\ndev: {a: {}}\n"
        "images:\n  a: {image: x, injectRestartHelper: true}\n  b: {image: y, injectRestartHelper: false}",
    )
    assert [warning.partition(" has no meaning here: ")[0] for warning in config.warnings] == [
        "devspace.yaml:2:1: `pipelines`",
        "devspace.yaml:3:1: `functions`",
        "devspace.yaml:4:1: `imports`",
        "devspace.yaml:5:1: `require`",
        "devspace.yaml:6:1: `localRegistry`",
        "devspace.yaml:7:1: `pullSecrets`",
        "devspace.yaml:8:1: `dev`",
        "devspace.yaml:10:17: `images.a.injectRestartHelper`",
    ]


@pytest.mark.parametrize(
    ("version", "text", "expected"),
    [
        ("v1beta6", "pullSecrets: []", "unknown key `pullSecrets`; known are version, name, images"),
        ("v1beta6", "images: {a: {image: x, tags: [y]}}", "unknown key `tags` in images.a; did you mean `tag`?"),
        (
            "v1beta6",
            "images: {a: {image: x, docker: {}}}",
            "unknown key `docker` in images.a; did you mean `dockerfile`?",
        ),
        (
            "v1beta7",
            "images: {a: {image: x, tag: y}}",
            "unknown key `tag` in images.a; write `tags` with a list of tags",
        ),
        (
            "v2beta1",
            "images: {a: {image: x, build: {}}}",
            "unknown key `build` in images.a; in v2beta1, write `docker`,",
        ),
        (
            "v2beta1",
            "deployments: {a: {helm: {componentChart: true}}}",
            "unknown key `componentChart` in deployments.a.helm; in v2beta1, leave it out",
        ),
        ("v2beta1", "images: {a: {image: x, kaniko: {}, custom: {command: y}}}", "images.a names kaniko and custom"),
        ("v2beta1", "images: {a: {image: x, custom: {}}}", "`command` is missing in images.a.custom"),
        ("v2beta1", "images: {a: {image: x, tags: [ok, a b]}}", "devspace.yaml:2:35: 'a b' is no tag"),
        (
            "v2beta1",
            "images: {a: {image: x, rebuildStrategy: never}}",
            "must be default or always or ignoreContextChanges",
        ),
        ("v1beta10", "hooks: [{command: x, events: [y]}]", "unknown key `events` in hooks[0]; write `when`"),
        ("v1beta11", "deployments: {a: {helm: {}}}", "`deployments` must be a list, not a map"),
        ("v1beta11", "deployments: [{helm: {}}]", "`name` is missing in deployments[0]"),
    ],
)
def test_keys_are_judged_by_the_version_of_their_file(load: Load, version: str, text: str, expected: str) -> None:
    assert expected in refusal(load, version, text)


def test_options_of_a_custom_command_are_warned_of(load: Load) -> None:
    config = load("v2beta1", "images: {a: {image: x, target: t, custom: {command: y}}}")
    assert config.warnings == (
        "devspace.yaml:2:24: `images.a.target` has no meaning here: a custom command takes none",
    )


@pytest.mark.parametrize("version", ["v1alpha1", "v2beta2", "1", "[v2beta1]"])
def test_a_version_that_is_not_known_names_those_that_are(load: Load, version: str) -> None:
    assert f"`version` must be one of {', '.join(VERSIONS)}, not " in refusal(load, version, "")
