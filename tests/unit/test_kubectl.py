from __future__ import annotations

import os
from pathlib import Path

import pytest

from imagetasks.config.model import Deployment, Kubectl
from imagetasks.deploy.base import BuiltImage
from imagetasks.deploy.kubectl import KubectlDeployer
from imagetasks.errors import DeployError, Position
from imagetasks.kubeconfig import Target

POD = "apiVersion: v1\nkind: Pod\nspec: {image: nginx}\n"
WEB = BuiltImage("web", "nginx", "abc")


def deployer(project: Path, method: Kubectl) -> KubectlDeployer:
    positions = {"manifests": Position("devspace.yaml", 4, 7), "": Position("devspace.yaml", 3, 3)}
    return KubectlDeployer(Deployment("it", "kubectl", positions=positions), method, project, Target("none", "it"))


def digest(project: Path, text: str, method: Kubectl) -> str:
    project.mkdir(exist_ok=True)
    (project / "it.yaml").write_text(text)
    os.utime(project / "it.yaml", (len(project.name), 0))
    return deployer(project, method).digest()


def test_the_digest_is_of_content_and_settings_alone(tmp_path: Path) -> None:
    method = Kubectl(manifests=("it.yaml",))
    first = digest(tmp_path / "a", POD, method)
    assert digest(tmp_path / "bc", POD, method._replace(kubectl_path="/elsewhere/kubectl")) == first
    assert digest(tmp_path / "a", f"{POD}# more", method) != first
    assert digest(tmp_path / "a", POD, method._replace(apply_args=("--prune",))) != first
    assert digest(tmp_path / "a", POD, method._replace(replace_image_tags=False)) != first


def test_the_digest_of_an_address_fetches_nothing(tmp_path: Path) -> None:
    addresses = ("http://127.0.0.1:1/a", "http://127.0.0.1:1/b")
    a, b = (deployer(tmp_path, Kubectl(manifests=(address,))).digest() for address in addresses)
    assert a != b


def test_manifests_are_rendered_in_their_order_with_tags(tmp_path: Path) -> None:
    (tmp_path / "it.yaml").write_text(POD)
    inline = POD.replace("nginx", "redis")
    text = deployer(tmp_path, Kubectl(manifests=("it.yaml",), inline_manifest=inline)).render([WEB])
    head = "apiVersion: v1\nkind: Pod\nspec:\n"
    assert text == f"{head}  image: nginx:abc\n---\n{head}  image: redis\n"


@pytest.mark.parametrize(
    ("method", "message"),
    [
        (
            Kubectl(manifests=("none",)),
            "^devspace.yaml:4:7: deployment it names the manifests none, and there are none$",
        ),
        (Kubectl(), "^devspace.yaml:3:3: deployment it has no manifests$"),
        (Kubectl(inline_manifest="a"), "^inlineManifest of deployment it:1:1: a manifest is a map"),
        (Kubectl(inline_manifest="${runtime.images.app}"), "^devspace.yaml:3:3: .*names no image; there are web$"),
    ],
)
def test_a_mistake_is_told_with_its_place(tmp_path: Path, method: Kubectl, message: str) -> None:
    with pytest.raises(DeployError, match=message):
        deployer(tmp_path, method).render([WEB])


def test_an_address_that_does_not_answer_is_told_without_its_secrets(tmp_path: Path) -> None:
    method = Kubectl(manifests=("http://ann:s3cr3t@127.0.0.1:1/it.yaml?token=s3cr3t",))
    with pytest.raises(DeployError, match=r"^http://127.0.0.1:1/it.yaml cannot be fetched \(ConnectionError\)$"):
        deployer(tmp_path, method).render([])
