"""``imagetasks render``: the manifests that would be applied."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from imagetasks.commands.parser import Parser, check_name, config_file, options_of
from imagetasks.config.questions import asker_here
from imagetasks.deploy import deployer_for
from imagetasks.deployment_actions import built_images
from imagetasks.errors import ClusterError
from imagetasks.kubeconfig import DEFAULT_NAMESPACE, Target
from imagetasks.options import Options
from imagetasks.plan import DeploymentPlan
from imagetasks.project import open_project
from imagetasks.records import Records
from imagetasks.report.terminal import show


def main(words: Sequence[str]) -> int:
    """Print the manifests of deployments as YAML documents, each after a comment that names its deployment.

    Images have the tags of their last builds. Of one that was never built, that is said on standard error, and its
    name stays as it is. Neither a daemon is needed nor a cluster.

    :raises UserError: a mistake in the configuration, a deployment that it does not have, or manifests that cannot be
        made
    """
    parser = Parser("render", "Print the manifests that would be applied, with what is in them of Secrets.")
    parser.add_configuration()
    parser.add_target()
    parser.add_argument("--deployments", metavar="NAMES", default="", help="only these, separated by commas")
    parser.add_argument("names", nargs="*", metavar="DEPLOYMENT", help="what to print [default: all]")
    found = parser.parse_intermixed_args(words)
    options = options_of(found)
    project = open_project(config_file(options), options, asker=asker_here())
    plans = {plan.name: plan for plan in project.deployments}
    for name in found.names:
        check_name(name, plans, project, "deployment")
    records = Records(project.config.folder)
    for name in found.names or plans:
        manifests = _render(plans[name], options, records).removeprefix("---\n")
        show(sys.stdout, f"# deployment {name}\n---\n{manifests}")
    return 0


def _render(plan: DeploymentPlan, options: Options, records: Records) -> str:
    deployer = deployer_for(plan.deployment, plan.project, _target(plan, options))
    tagged = {image.name: records.record(image.task("tag")) for image in plan.images}
    for name, values in tagged.items():
        if not values:
            sys.stderr.write(f"WARNING: {name} was never built, so that deployment {plan.name} has no tag for it\n")
    references = {name: str(values["reference"]) for name, values in tagged.items() if values}
    return deployer.render(built_images(plan, references))


def _target(plan: DeploymentPlan, options: Options) -> Target:
    """Where it would be deployed to, or, where there is no cluster to choose from, its namespace alone."""
    try:
        return plan.find_target()
    except ClusterError:
        if options.kube_context:
            raise
        return Target("", plan.deployment.namespace or options.namespace or DEFAULT_NAMESPACE)
