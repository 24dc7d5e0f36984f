"""One way to deploy a module, all behind the interface in :mod:`imagetasks.deploy.base`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from imagetasks.config.model import Deployment, Helm, Kubectl
from imagetasks.errors import DeployError

if TYPE_CHECKING:
    from imagetasks.deploy.base import Deployer
    from imagetasks.kubeconfig import Target

__all__ = ["deployer_for"]


def deployer_for(deployment: Deployment, project: Path, target: Target) -> Deployer:
    """What carries out a deployment.

    :param project: the project's folder
    :param target: the cluster and the deployment's namespace in it
    :raises DeployError: it is of a kind that is not carried out here
    """
    match deployment.method:
        case Kubectl():
            from imagetasks.deploy.kubectl import KubectlDeployer

            return KubectlDeployer(deployment, deployment.method, project, target)
        case Helm():
            from imagetasks.deploy.helm import HelmDeployer

            return HelmDeployer(deployment, deployment.method, project, target)
        case _:
            raise DeployError(
                f"deployment {deployment.name} is of a kind that is not carried out here; use helm or kubectl",
                deployment.position(),
            )
