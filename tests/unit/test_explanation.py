from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from imagetasks.config.model import Deployment, DockerBuild, Image, Kubectl
from imagetasks.context.inputs import Contexts, DockerInputs
from imagetasks.explanation import Explanation
from imagetasks.kubeconfig import Target
from imagetasks.plan import DeploymentPlan, ImagePlan, SecretPlan, Selection
from imagetasks.reasons import Values

TARGET = Target("kind-shop", "shop")
PLACE = "namespace shop of context kind-shop"
SERVICE = "/api/v1/namespaces/shop/services/web"


class Facts:
    """All is as it was recorded, but for the digests of images that have changed."""

    def __init__(self, *changed: str, secrets: Sequence[str] = ()) -> None:
        self._changed = changed
        self._secrets = secrets

    def record(self, task: str) -> Values:
        kind, _, image = task.partition(":")
        names: Values = {"id": f"sha256:{image}", "reference": f"shop/{image}:abc", "schemas": ["abc"]}
        bases = {"base": "sha256:base"} if image == "api" else {}
        deployed: Values = {"target": list(TARGET), "images": {"api": "shop/api:abc"}, "objects": [SERVICE]}
        records: dict[str, Values] = {
            "build": {"digest": "same", "engine": "docker", "bases": bases, **names},
            "tag": {**names, "others": []},
            "push": {**names, "others": [], "destination": ""},
            "deploy": {"digest": "same", **deployed},
        }
        return records[kind]

    def digest(self, plan: ImagePlan) -> str:
        return "other" if plan.name in self._changed else "same"

    def holds(self, plan: ImagePlan, name: str, image_id: str) -> bool:
        return True

    def deployment_digest(self, plan: DeploymentPlan, target: Target) -> str:
        return "same"

    def missing(self, target: Target, objects: Sequence[str]) -> Sequence[str]:
        return ()

    def has_pull_secret(self, target: Target, registry: str) -> bool:
        return registry in self._secrets


def image(folder: Path, name: str, tag: str, bases: dict[str, str] | None = None) -> ImagePlan:
    entry = Image(name, f"shop/{name}", build=DockerBuild())
    inputs = DockerInputs(entry, folder, Contexts())
    return ImagePlan(entry, folder, inputs, "docker", Selection(), lambda: TARGET, (tag,) if tag else (), bases or {})


def deploy_reasons(folder: Path, facts: Facts, tag: str = "abc") -> list[str]:
    """Those of a deployment with ``api``, which is built FROM ``base``."""
    base, api = image(folder, "base", tag), image(folder, "api", tag, {"shop/base": "base"})
    deployment = Deployment("web", "kubectl", method=Kubectl())
    plan = DeploymentPlan(deployment, "web", folder, folder / "logs", (api,), lambda: TARGET)
    return list(Explanation((base, api), facts).deploy_reasons(plan))


def test_what_a_deployment_waits_for_is_a_reason_if_it_gets_another_tag(tmp_path: Path) -> None:
    random = "###"
    assert deploy_reasons(tmp_path, Facts()) == []
    assert deploy_reasons(tmp_path, Facts("base")) == []
    assert deploy_reasons(tmp_path, Facts("base"), random) == ["its image api is to be built before it"]
    assert deploy_reasons(tmp_path, Facts(), "v2") == ["its image api is to be tagged before it"]


def test_what_is_built_is_tagged_and_pushed_after_it_unless_it_is_not_to_be_pushed(tmp_path: Path) -> None:
    plan = image(tmp_path, "base", "abc")
    unchanged, changed = Explanation([plan], Facts()), Explanation([plan], Facts("base"))

    assert [*unchanged.tag_reasons(plan), *unchanged.push_reasons(plan)] == []
    assert [*changed.tag_reasons(plan), *changed.push_reasons(plan)] == ["after build:base", "after tag:base"]
    assert list(changed.push_reasons(plan._replace(pushes=False))) == []


def test_files_that_cannot_be_named_are_a_reason_all_the_same(tmp_path: Path) -> None:
    explanation = Explanation([plan := image(tmp_path, "base", "abc")], Facts("base"))

    assert list(explanation.build_reasons(plan)) == [
        "what it is built from has changed; which files or settings is not known"
    ]


def test_a_build_that_left_a_log_and_no_record_is_told_with_it(tmp_path: Path) -> None:
    class Nothing(Facts):
        def record(self, task: str) -> Values:
            return {}

    plan = image(tmp_path, "base", "abc")
    plan.log_folder.mkdir(parents=True)
    (log := plan.log_folder / "build-base.log").touch()

    [reason] = Explanation([plan], Nothing()).build_reasons(plan)

    assert reason.startswith("no build of it is on record; the last one failed")
    assert reason.endswith(str(log))


def test_a_pull_secret_is_explained_for_each_place_that_misses_it() -> None:
    plan = SecretPlan("registry.example.com", lambda: (TARGET,))

    assert list(Explanation((), Facts(secrets=[plan.registry])).secret_reasons(plan)) == []
    assert list(Explanation((), Facts()).secret_reasons(plan)) == [
        f"{PLACE} does not have it as it would be made now"
    ]
