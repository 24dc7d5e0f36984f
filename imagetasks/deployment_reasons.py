"""Why something is to be deployed: what the last success recorded against what is there now; pull secrets. No I/O.

doit's checks in :mod:`imagetasks.deployment_checks` and :mod:`imagetasks.explanation` both ask here, as with
:mod:`imagetasks.reasons` for images.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, Protocol

from imagetasks.kubeconfig import Target
from imagetasks.plan import DeploymentPlan, SecretPlan

Values = dict[str, Any]
"""What a deployment's success leaves (see :mod:`imagetasks.deployment_actions`); empty without one."""

NOT_DEPLOYED = "no deployment of it is on record"


class Facts(Protocol):
    """What reasons are found from; each is asked for only when it is needed."""

    def record(self, task: str) -> Values:
        """The values of a task's last success."""

    def deployment_digest(self, plan: DeploymentPlan, target: Target) -> str:
        """The digest of what it is made from now. Raises DeployError if that is not there."""

    def missing(self, target: Target, objects: Sequence[str]) -> Sequence[str]:
        """Those of some API paths where the cluster has nothing. Raises ClusterError if it does not tell."""


def deployment_reasons(plan: DeploymentPlan, facts: Facts, more: Iterable[str] = ()) -> Iterator[str]:
    """Why it is to be deployed. The cluster is asked for its objects only if nothing else is a reason.

    :param more: reasons to come, where what is to happen before it has not happened yet
    :raises UserError: that cannot be told
    """
    last = facts.record(plan.task("deploy"))
    is_current = True
    for reason in itertools.chain(_demands_and_changes(plan, last, facts), more):
        is_current = False
        yield reason
    if is_current:
        yield from _what_is_gone(plan.find_target(), last, facts)


def secret_reasons(plan: SecretPlan, has_pull_secret: Callable[[Target, str], bool]) -> Iterator[str]:
    """Why a pull secret is to be created or updated.

    :param has_pull_secret: whether a cluster has the one for a registry as it would be created
    :raises UserError: that cannot be told
    """
    for target in plan.find_targets():
        if not has_pull_secret(target, plan.registry):
            yield f"{place(target)} does not have it as it would be made now"


def place(target: Target) -> str:
    """Where something is deployed to, as sentences name it."""
    return f"namespace {target.namespace} of {f'context {target.context}' if target.context else 'this cluster'}"


def _demands_and_changes(plan: DeploymentPlan, last: Values, facts: Facts) -> Iterator[str]:
    if plan.force:
        yield "--force-deploy demands it"
    if not last:
        yield NOT_DEPLOYED
        return
    target, before = plan.find_target(), Target(*last["target"])
    if before != target:
        yield _move(before, target)
    references = {image.name: facts.record(image.task("tag")).get("reference") for image in plan.images}
    for name in sorted({*last["images"], *references}):
        old, new = last["images"].get(name), references.get(name)
        if old != new:
            yield f"its image {name} was {old or 'none of ours'}, and is {new or 'none of ours'} now"
    if last["digest"] != facts.deployment_digest(plan, target):
        made_from = "manifests" if plan.deployment.kind == "kubectl" else "chart, values"
        yield f"its {made_from} or settings have changed"


def _move(before: Target, now: Target) -> str:
    if place(before) == place(now):
        return f"context {now.context} was another cluster, {before.server}, and is {now.server} now"
    return f"it is in {place(before)}, and is to be in {place(now)}"


def _what_is_gone(target: Target, last: Values, facts: Facts) -> Iterator[str]:
    objects = last["objects"]
    if not objects:
        yield "it is not known what it has left in the cluster"
    for path in facts.missing(target, objects):
        yield f"{'/'.join(path.split('/')[-2:])} is gone from {place(target)}"
