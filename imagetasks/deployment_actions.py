"""What the tasks of deployments do: one function for each kind of task, and the values it leaves for later runs.

====== ==========================================================================================================
secret none
deploy ``digest``, ``target``, ``images`` (``repository:tag`` by name), ``objects`` (API paths)
purge  none
====== ==========================================================================================================
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from functools import cache, partial
from typing import TYPE_CHECKING, Any

from doit.task import Task

from imagetasks.actions import argument_for, last_record, tell_mistakes
from imagetasks.deploy import deployer_for
from imagetasks.errors import ClusterError, DeployError
from imagetasks.plan import DeploymentPlan, SecretPlan
from imagetasks.report import phases
from imagetasks.report.log import LIVE_VERBOSITY, TaskLog

if TYPE_CHECKING:
    from imagetasks.deploy.base import BuiltImage

Values = dict[str, Any]


@tell_mistakes
def create_pull_secret(plan: SecretPlan) -> None:
    """Create or update the pull secrets for a registry; without credentials for it, warn."""
    from imagetasks.cluster.client import Cluster
    from imagetasks.cluster.pull_secrets import ensure_pull_secret

    warn = cache(_warn)  # what is so in one namespace is so in all
    for target in plan.find_targets():
        ensure_pull_secret(Cluster(target), plan.registry, warn)


@tell_mistakes
def deploy(plan: DeploymentPlan, task: Task, **tagged: Values) -> Values:
    """Deploy with the tags of the images that the deployment names; ``tagged`` are their tag values."""
    references = {image.name: str(tagged[argument_for(image.name)]["reference"]) for image in plan.images}
    target = plan.find_target()
    deployer = deployer_for(plan.deployment, plan.project, target)
    digest = deployer.digest()
    with _log(plan, task) as log:
        try:
            announce = partial(phases.enter, task.name)
            objects = deployer.deploy(built_images(plan, references), log, announce)
        except (DeployError, ClusterError) as error:
            raise type(error)(_with_log(log.mask(error.message), log), error.position) from error
    return {"digest": digest, "target": list(target), "images": references, "objects": list(objects)}


@tell_mistakes
def purge(plan: DeploymentPlan, task: Task) -> None:
    """Remove from the cluster what the last deployment left there, or, if that is not known, what one would."""
    target = plan.find_target()
    last = last_record(task)
    objects = last.get("objects", []) if last.get("target") == list(target) else []
    with _log(plan, task) as log:
        try:
            deployer_for(plan.deployment, plan.project, target).purge(objects, log)
        except (DeployError, ClusterError) as error:
            raise type(error)(_with_log(log.mask(error.message), log), error.position) from error


def built_images(plan: DeploymentPlan, references: Mapping[str, str]) -> list[BuiltImage]:
    """The images that a deployment names.

    :param references: their ``repository:tag``, by their names in the graph
    """
    from imagetasks.deploy.base import BuiltImage

    return [
        BuiltImage(image.image.name, image.image.image, references[image.name].rpartition(":")[2])
        for image in plan.images
        if image.name in references
    ]


def _log(plan: DeploymentPlan, task: Task) -> TaskLog:
    return TaskLog(plan.log_folder, task.name, live=task.verbosity == LIVE_VERBOSITY, secrets=plan.secrets)


def _with_log(message: str, log: TaskLog) -> str:
    return f"{message}\n{log.tail()}\n    the whole log is {log.path}" if log.tail() else message


def _warn(sentence: str) -> None:
    sys.stderr.write(f"WARNING: {sentence}\n")
