from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from imagetasks.config.model import Deployment, DockerBuild, Helm, Image, Kubectl
from imagetasks.context.inputs import Contexts, DockerInputs
from imagetasks.deployment_reasons import NOT_DEPLOYED, Values, deployment_reasons
from imagetasks.errors import ClusterError
from imagetasks.kubeconfig import Target
from imagetasks.plan import DeploymentPlan, ImagePlan, Selection

PROJECT = Path("/project")
TARGET = Target("kind-shop", "shop", "https://127.0.0.1:6443")
IMAGE = Image("api", "shop/api", build=DockerBuild())
SERVICE = "/api/v1/namespaces/shop/services/web"
LAST: Values = {"digest": "d1", "target": list(TARGET), "images": {"api": "shop/api:a1"}, "objects": [SERVICE]}


class Facts:
    """What is recorded, and what the cluster has lost."""

    def __init__(
        self, last: Values, tagged: str = "shop/api:a1", digest: str = "d1", lost: Sequence[str] = ()
    ) -> None:
        self._records = {"deploy:web": last, "tag:api": {"reference": tagged}}
        self._digest = digest
        self._lost = lost
        self.asked_cluster = False

    def record(self, task: str) -> Values:
        return self._records[task]

    def deployment_digest(self, plan: DeploymentPlan, target: Target) -> str:
        return self._digest

    def missing(self, target: Target, objects: Sequence[str]) -> Sequence[str]:
        self.asked_cluster = True
        return [path for path in objects if path in self._lost]


def plan_of(target: Target = TARGET, *, force: bool = False, helm: bool = False) -> DeploymentPlan:
    inputs = DockerInputs(IMAGE, PROJECT, Contexts())
    image = ImagePlan(IMAGE, PROJECT, inputs, "docker", selection=Selection(), find_target=lambda: target)
    method = ("helm", Helm()) if helm else ("kubectl", Kubectl())
    deployment = Deployment("web", method[0], method=method[1])
    return DeploymentPlan(deployment, "web", PROJECT, PROJECT / "logs", (image,), lambda: target, force)


def test_what_is_as_it_was_has_no_reason() -> None:
    facts = Facts(LAST)

    assert list(deployment_reasons(plan_of(), facts)) == []
    assert facts.asked_cluster


def test_what_was_never_deployed_needs_no_cluster() -> None:
    def find_target() -> Target:
        raise ClusterError("there is none")

    assert list(deployment_reasons(plan_of()._replace(find_target=find_target), Facts({}))) == [NOT_DEPLOYED]


@pytest.mark.parametrize(
    ("plan", "facts", "reason"),
    [
        (plan_of(force=True), Facts(LAST), "--force-deploy demands it"),
        (plan_of(), Facts(LAST, tagged="shop/api:b2"), "its image api was shop/api:a1, and is shop/api:b2 now"),
        (
            plan_of(),
            Facts({**LAST, "images": {"api": "shop/api:a1", "old": "shop/old:1"}}),
            "its image old was shop/old:1, and is none of ours now",
        ),
        (plan_of(), Facts(LAST, digest="d2"), "its manifests or settings have changed"),
        (plan_of(helm=True), Facts(LAST, digest="d2"), "its chart, values or settings have changed"),
        (
            plan_of(TARGET._replace(namespace="test")),
            Facts(LAST),
            "it is in namespace shop of context kind-shop, and is to be in namespace test of context kind-shop",
        ),
        (
            plan_of(TARGET._replace(server="https://127.0.0.1:7443")),
            Facts(LAST),
            "context kind-shop was another cluster, https://127.0.0.1:6443, and is https://127.0.0.1:7443 now",
        ),
        (plan_of(), Facts(LAST, lost=[SERVICE]), "services/web is gone from namespace shop of context kind-shop"),
        (plan_of(), Facts({**LAST, "objects": []}), "it is not known what it has left in the cluster"),
    ],
)
def test_each_thing_that_matters_is_a_reason(plan: DeploymentPlan, facts: Facts, reason: str) -> None:
    assert list(deployment_reasons(plan, facts)) == [reason]


def test_the_cluster_is_not_asked_where_there_is_a_reason_already() -> None:
    facts = Facts(LAST, digest="d2", lost=[SERVICE])

    assert len(list(deployment_reasons(plan_of(), facts))) == 1
    assert not facts.asked_cluster

    facts = Facts(LAST, lost=[SERVICE])

    assert list(deployment_reasons(plan_of(), facts, ["its image api is to be built before it"])) == [
        "its image api is to be built before it"
    ]
    assert not facts.asked_cluster
