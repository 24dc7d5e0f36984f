"""Why the tasks of a project would run if all of it were run: the reasons in full, for commands that tell them.

``imagetasks why`` and ``imagetasks graph`` both ask here, so that they cannot disagree.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Protocol

from imagetasks import deployment_reasons, reasons
from imagetasks.context.manifest import read_manifest, take_manifest
from imagetasks.kubeconfig import Target
from imagetasks.plan import DeploymentPlan, ImagePlan, SecretPlan
from imagetasks.registry.tags import resolve_tag
from imagetasks.report.log import TaskLog


class Facts(reasons.Facts, deployment_reasons.Facts, Protocol):
    """What reasons are found from, as :class:`imagetasks.records.Records` has it."""

    def has_pull_secret(self, target: Target, registry: str) -> bool:
        """Whether a cluster has a pull secret as it would be created. Raises UserError if that cannot be told."""


class Explanation:
    """The reasons for each task, a sentence each; there is none for a task that is up to date.

    All raise UserError, perhaps after some reasons, where something cannot be found out: no daemon or no cluster
    answers, or a file cannot be read.

    :param images: the plans of all images of the run
    """

    def __init__(self, images: Iterable[ImagePlan], facts: Facts) -> None:
        self._images = {plan.name: plan for plan in images}
        self._facts = facts
        self._builds: dict[str, bool] = {}

    def build_reasons(self, plan: ImagePlan) -> Iterator[str]:
        """Why an image is to be built: which of its files and settings have changed, and what comes before it."""
        for reason in reasons.build_reasons(plan, self._facts):
            if reason == reasons.INPUTS_CHANGED:
                yield from self._input_changes(plan)
            elif reason == reasons.NOT_BUILT:
                yield reason + _last_try(plan, "build")
            else:
                yield reason
        for base in plan.base_names:
            if self._is_built(self._images[base]):
                yield f"its base image {base} is to be built before it"

    def tag_reasons(self, plan: ImagePlan) -> Iterator[str]:
        """Why an image is to be tagged, be it only since it is built before."""
        if self._is_built(plan):
            yield f"after {plan.task('build')}"
        else:
            yield from reasons.tag_reasons(plan, self._facts)

    def push_reasons(self, plan: ImagePlan) -> Iterator[str]:
        """Why an image is to be pushed, be it only since it is tagged before."""
        if plan.is_pushed and self._is_tagged(plan):
            yield f"after {plan.task('tag')}"
        else:
            yield from reasons.push_reasons(plan, self._facts)

    def deploy_reasons(self, plan: DeploymentPlan) -> Iterator[str]:
        """Why something is to be deployed; the cluster is asked only if nothing else is a reason."""
        for reason in deployment_reasons.deployment_reasons(plan, self._facts, self._renewals(plan)):
            yield reason + _last_try(plan, "deploy") if reason == deployment_reasons.NOT_DEPLOYED else reason

    def secret_reasons(self, plan: SecretPlan) -> Iterator[str]:
        """Why a pull secret is to be created or updated."""
        return deployment_reasons.secret_reasons(plan, self._facts.has_pull_secret)

    def _is_built(self, plan: ImagePlan) -> bool:
        """Whether an image is built, be it only since one before it is."""
        if plan.name not in self._builds:
            has_reason = next(reasons.build_reasons(plan, self._facts), None) is not None
            bases = (self._images[base] for base in plan.base_names)
            self._builds[plan.name] = has_reason or any(self._is_built(base) for base in bases)
        return self._builds[plan.name]

    def _is_tagged(self, plan: ImagePlan) -> bool:
        return next(self.tag_reasons(plan), None) is not None

    def _renewals(self, plan: DeploymentPlan) -> Iterator[str]:
        """The images of a deployment that get another tag before it; a fixed one stays as it is."""
        for image in plan.images:
            if not self._is_tagged(image):
                continue
            is_built = self._is_built(image)
            if self._facts.record(image.task("tag")).get("reference") != self._next_reference(image, is_built):
                yield f"its image {image.name} is to be {'built' if is_built else 'tagged'} before it"

    def _next_reference(self, plan: ImagePlan, is_built: bool) -> str:
        """What an image is tagged as next (:func:`imagetasks.actions.tag_image`)."""
        built = self._facts.record(plan.task("build"))
        if not is_built and built.get("schemas") == list(plan.schemas):
            return str(built["reference"])
        return f"{plan.image.image}:{resolve_tag(plan.schemas[0] if plan.schemas else None)}"

    def _input_changes(self, plan: ImagePlan) -> Iterator[str]:
        before = read_manifest(plan.manifest_file, self._facts.record(plan.task("build"))["digest"])
        now = take_manifest(plan.inputs, self._facts.digest(plan), before.salt) if before else None
        changes = list(reasons.input_changes(before, now)) if before and now else []
        yield from changes or [f"{reasons.INPUTS_CHANGED}; which files or settings is not known"]


def _last_try(plan: ImagePlan | DeploymentPlan, kind: str) -> str:
    """What to say of a task that left a log and no record: doit keeps none of one that failed or is forgotten."""
    log = TaskLog(plan.log_folder, plan.task(kind), live=False).path
    return f"; the last one failed, was forgotten or is not done, its log is {log}" if log.exists() else ""
