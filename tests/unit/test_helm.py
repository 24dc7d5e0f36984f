from __future__ import annotations

from pathlib import Path

import pytest

from imagetasks.config.model import Chart, Deployment, Helm
from imagetasks.deploy.helm import HelmDeployer
from imagetasks.deploy.values import parse_values
from imagetasks.errors import DeployError, Position
from imagetasks.kubeconfig import Target
from tests.helm import make_chart

LOCAL = Helm(chart=Chart("web"), values_files=("values.yaml",), values=parse_values(b"a: 1", "devspace.yaml"))


def deployer(project: Path, method: Helm) -> HelmDeployer:
    return HelmDeployer(
        Deployment("it", "helm", positions={"": Position("devspace.yaml", 3, 3)}),
        method,
        project,
        Target("none", "it"),
    )


def digest(project: Path, method: Helm, template: str = "kind: ConfigMap", values: str = "b: 2") -> str:
    make_chart(project / "web", {"it.yaml": template})
    (project / "values.yaml").write_text(values)
    return deployer(project, method).digest()


def test_the_digest_is_of_content_and_settings_alone(tmp_path: Path) -> None:
    first = digest(tmp_path / "a", LOCAL)
    assert digest(tmp_path / "b", LOCAL._replace(cmd_path="/elsewhere/helm")) == first
    others = [
        digest(tmp_path / "c", LOCAL, template="kind: Secret"),
        digest(tmp_path / "d", LOCAL, values="b: 3"),
        digest(tmp_path / "e", LOCAL._replace(values=parse_values(b"a: 2", "devspace.yaml"))),
        digest(tmp_path / "f", LOCAL._replace(atomic=True)),
    ]
    assert len({first, *others}) == 5


def test_the_digest_of_a_chart_elsewhere_is_of_its_address_and_version_and_not_of_its_password(
    tmp_path: Path,
) -> None:
    chart = Chart("web", version="1.0.0", repo="https://127.0.0.1:1", username="ann", password="secret")
    first = deployer(tmp_path, Helm(chart=chart)).digest()
    assert deployer(tmp_path, Helm(chart=chart._replace(password="other"))).digest() == first
    assert deployer(tmp_path, Helm(chart=chart._replace(version="1.0.1"))).digest() != first


def test_helm_that_is_not_there_is_told_in_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(DeployError) as caught:
        deployer(tmp_path, Helm(cmd_path="bin/helm")).render([])
    expected = "there is no program `bin/helm`: install Helm 3 or 4, or name where it is in `path`"
    assert str(caught.value) == f"devspace.yaml:3:3: {expected}"


def test_a_file_of_values_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(DeployError, match=r"values\.yaml cannot be read: No such file or directory$"):
        deployer(tmp_path, Helm(values_files=("values.yaml",))).digest()
