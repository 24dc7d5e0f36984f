"""``doit deploy`` and ``doit purge`` of whole projects, on the real cluster."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
from pathlib import Path
from typing import Any

import docker
import pytest
import yaml

from imagetasks.cluster.client import Cluster
from imagetasks.registry.credentials import Credentials, store_credentials
from tests.cluster import delete_namespace, unused_namespace, wait_for
from tests.projects import Project
from tests.registries import Registry

pytestmark = [pytest.mark.cluster, pytest.mark.docker, pytest.mark.registry]

SAMPLE = Path(__file__).parents[2] / "sample-project"
UNREACHABLE = "127.0.0.1:1"


def without_times(text: str) -> str:
    return re.sub(r" in \d+\.\d s$", "", text, flags=re.MULTILINE)


class Deployed:
    """A project that is deployed into the namespace of a cluster."""

    def __init__(self, project: Project, cluster: Cluster) -> None:
        self.project = project
        self.cluster = cluster
        self.namespace = cluster.target.namespace

    def doit(self, *args: str, env: dict[str, str] | None = None) -> subprocess.CompletedProcess[str]:
        return self.project.doit(*args, "--namespace", self.namespace, env=env)

    def run(self, *args: str, env: dict[str, str] | None = None) -> str:
        """Run doit with success, and return what it prints, without how long it took."""
        result = self.doit(*args, env=env)
        assert result.returncode == 0, result.stdout + result.stderr
        return without_times(result.stdout)

    def objects(self, plural: str, namespace: str = "") -> dict[str, dict[str, Any]]:
        """The objects of a kind by their names."""
        path = plural.format(namespace=namespace or self.namespace)
        return {each["metadata"]["name"]: each for each in (self.cluster.read(path) or {})["items"]}

    def tag(self, name: str, namespace: str = "") -> str:
        """The tag with which a config map of :func:`write_configuration` names its image."""
        maps = self.objects("/api/v1/namespaces/{namespace}/configmaps", namespace)
        return str(maps[name]["data"]["image"]).rpartition(":")[2]

    def names(self, namespace: str = "") -> set[str]:
        """The names of the config maps that were deployed."""
        maps = self.objects("/api/v1/namespaces/{namespace}/configmaps", namespace)
        return {name for name, each in maps.items() if "image" in each["data"]}

    def generations(self) -> dict[str, int]:
        deployments = self.objects("/apis/apps/v1/namespaces/{namespace}/deployments")
        return {name: each["metadata"]["generation"] for name, each in deployments.items()}

    def ready_pods(self, app: str) -> list[dict[str, Any]]:
        """The state of the containers of an app, once its rollout has ended."""

        def look() -> list[dict[str, Any]] | None:
            deployment = self.objects("/apis/apps/v1/namespaces/{namespace}/deployments")[app]
            status, wanted = deployment["status"], deployment["spec"]["replicas"]
            counts = {status.get(key) for key in ("replicas", "updatedReplicas", "readyReplicas")}
            if counts != {wanted} or status["observedGeneration"] != deployment["metadata"]["generation"]:
                return None
            pods = self.objects(f"/api/v1/namespaces/{{namespace}}/pods?labelSelector=app={app}").values()
            return [
                pod["status"]["containerStatuses"][0] for pod in pods if "deletionTimestamp" not in pod["metadata"]
            ]

        return wait_for(look, f"the rollout of {app}")


def copy_sample(project: Project, registry: str) -> None:
    """The sample project, whose manifests name the images as they are called in ``registry``."""
    shutil.copytree(SAMPLE, project.folder, dirs_exist_ok=True, ignore=shutil.ignore_patterns(".devspace"))
    for manifest in (project.folder / "kube").iterdir():
        manifest.write_text(manifest.read_text().replace("localhost:5000", registry))


def config_map(name: str, image: str) -> str:
    return f"{{apiVersion: v1, kind: ConfigMap, metadata: {{name: {name}}}, data: {{image: '{image}'}}}}\n"


def write_configuration(project: Project, registry: str, names: tuple[str, ...] = ("api", "web")) -> None:
    """Images with a deployment for each: a config map that names it, which is deployed as quickly as can be."""
    images, deployments = "", ""
    for name in names:
        repository = project.repository(name, registry)
        images += f"  {name}: {{image: '{repository}', context: {name}, dockerfile: {name}/Dockerfile}}\n"
        deployments += f"- {{name: {name}, kubectl: {{manifests: [{name}.yaml]}}}}\n"
        project.write(f"{name}/Dockerfile", f"FROM scratch\nCOPY Dockerfile /{name}\n")
        project.write(f"{name}.yaml", config_map(name, repository))
    project.write("devspace.yaml", f"version: v1beta6\nimages:\n{images}deployments:\n{deployments}")


@pytest.fixture
def shop(project: Project, cluster: Cluster, registry: Registry) -> Deployed:
    """``api`` and ``web``, not yet deployed."""
    write_configuration(project, registry.address)
    return Deployed(project, cluster)


@pytest.fixture
def deployed(shop: Deployed) -> Deployed:
    """``api`` and ``web``, deployed."""
    assert "images: 2 built, 2 pushed\n   deployments: 2 deployed\n" in shop.run("deploy")
    return shop


def test_pods_run_what_was_built_and_a_change_replaces_its_deployment_alone(
    project: Project,
    cluster: Cluster,
    registry: Registry,
    busybox: str,
    daemon: docker.DockerClient,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    address = f"{registry.address}/{project.namespace}"
    monkeypatch.setenv("REGISTRY", address)
    copy_sample(project, address)
    sample = Deployed(project, cluster)

    def check_api() -> str:
        [(image, image_id)] = {(pod["image"], pod["imageID"]) for pod in sample.ready_pods("api")}
        assert image_id.removeprefix("docker-pullable://") in daemon.images.get(image).attrs["RepoDigests"]
        return str(image)

    assert "deployments: 3 deployed\n" in sample.run("-n", "8", "deploy")
    first = check_api()
    with (project.folder / "api" / "data" / "orders.csv").open("a") as orders:
        orders.write("1009,2026-01-02,cup,2\n")

    changed = sample.run("-n", "8", "deploy")

    assert "deployments: 1 deployed, 2 up to date\n" in changed
    assert check_api() != first
    assert sample.generations() == {"api": 2, "web": 1, "worker": 1}
    assert "images: 4 up to date\n   deployments: 3 up to date\n" in sample.run("-n", "8", "deploy")


def test_the_nodes_pull_from_a_registry_with_users_by_the_secret_that_was_made(
    project: Project, cluster: Cluster, private_registry: Registry, busybox: str, docker_config: Path
) -> None:
    store_credentials(private_registry.address, Credentials("ann", "correct horse"))
    repository = project.repository("app", private_registry.address)
    container = f"{{name: app, image: '{repository}', imagePullPolicy: Always, command: [sleep, '300']}}"
    template = f"{{metadata: {{labels: {{app: app}}}}, spec: {{containers: [{container}]}}}}"
    spec = f"{{replicas: 1, selector: {{matchLabels: {{app: app}}}}, template: {template}}}"
    project.write("app.yaml", f"{{apiVersion: apps/v1, kind: Deployment, metadata: {{name: app}}, spec: {spec}}}\n")
    project.write("Dockerfile", f"FROM {busybox}\nRUN echo mine > /mine\n")
    project.write(
        "devspace.yaml",
        f"version: v1beta6\nimages: {{app: {{image: '{repository}', createPullSecret: true}}}}\n"
        "deployments: [{name: app, kubectl: {manifests: [app.yaml]}}]\n",
    )
    private = Deployed(project, cluster)

    private.run("deploy")

    [pod] = private.ready_pods("app")
    assert pod["image"].startswith(f"{repository}:")
    command = ["kubectl", "get", "serviceaccount", "default", "--namespace", private.namespace, "--output", "yaml"]
    account = yaml.safe_load(subprocess.run(command, check=True, capture_output=True).stdout)
    secrets = private.objects("/api/v1/namespaces/{namespace}/secrets")
    [made] = [name for name, secret in secrets.items() if secret["type"] == "kubernetes.io/dockerconfigjson"]
    assert {"name": made} in account["imagePullSecrets"]
    state = (file for file in (project.folder / ".devspace").rglob("*") if file.is_file())
    assert all(b"correct horse" not in file.read_bytes() for file in state)


def test_in_docker_desktop_pods_run_what_was_not_pushed(
    project: Project, cluster: Cluster, busybox: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    kubeconfig = yaml.safe_load(Path(os.environ["KUBECONFIG"]).read_text())
    kubeconfig["contexts"].append({**kubeconfig["contexts"][0], "name": "docker-desktop"})
    kubeconfig["current-context"] = "docker-desktop"
    monkeypatch.setenv("KUBECONFIG", str(project.write("kubeconfig", yaml.safe_dump(kubeconfig))))
    monkeypatch.setenv("REGISTRY", f"{UNREACHABLE}/{project.namespace}")
    copy_sample(project, f"{UNREACHABLE}/{project.namespace}")
    desktop = Deployed(project, cluster)

    told = desktop.run("deploy")

    assert "pushed" not in told
    for app in ("api", "web", "worker"):
        assert desktop.ready_pods(app)
    assert "deployments: 3 up to date\n" in desktop.run("deploy")


def test_another_namespace_is_deployed_to_anew(deployed: Deployed) -> None:
    other = unused_namespace()
    try:
        told = deployed.project.doit("deploy", "--namespace", other)

        assert "images: 2 up to date\n   deployments: 2 deployed\n" in without_times(told.stdout), told.stderr
        assert deployed.names(other) == {"api", "web"}
    finally:
        delete_namespace(deployed.cluster, other)


def test_force_deploy_deploys_what_has_not_changed(deployed: Deployed) -> None:
    assert "deployments: 2 up to date\n" in deployed.run("deploy")
    assert "images: 2 up to date\n   deployments: 2 deployed\n" in deployed.run("deploy", "--force-deploy")


def test_only_the_chosen_deployments_and_their_images_are_run(shop: Deployed) -> None:
    assert "images: 1 built, 1 pushed\n   deployments: 1 deployed\n" in shop.run("deploy", "--deployments", "web")
    assert shop.names() == {"web"}

    unknown = shop.doit("deploy", "--deployments", "web,aip")

    assert unknown.returncode == 3
    assert unknown.stderr == "ERROR: --deployments: there is no deployment aip; did you mean api?\n"


def test_deployments_go_in_the_order_of_the_file_as_soon_as_their_images_are_pushed(
    project: Project, cluster: Cluster, registry: Registry, busybox: str
) -> None:
    write_configuration(project, registry.address, ("quick", "slow", "last"))
    project.write("slow/Dockerfile", f"FROM {busybox}\nRUN sleep 2\n")

    told = Deployed(project, cluster).run("deploy")

    lines = [" ".join(line.split()[:2]) for line in told.splitlines()]
    order = ["deployed quick", "built slow", "deployed slow", "deployed last"]
    assert [line for line in lines if line in order] == order


def test_skip_build_deploys_the_last_tags(deployed: Deployed) -> None:
    before = deployed.tag("api")
    deployed.project.write("api/Dockerfile", "FROM scratch\nCOPY . /other\n")

    told = deployed.run("deploy", "--skip-build", "--force-deploy")

    assert "deployments: 2 deployed\n" in told
    assert deployed.tag("api") == before


def test_skip_build_of_what_was_never_built_is_one_sentence(shop: Deployed) -> None:
    result = shop.doit("deploy", "--skip-build")

    assert result.returncode == 3
    assert result.stderr == (
        "ERROR: api has never been built here; run `doit build:api`, or leave out --skip-build\n"
    )
    assert shop.names() == set()


def test_skip_push_deploys_what_only_the_daemon_has(
    project: Project, cluster: Cluster, daemon: docker.DockerClient
) -> None:
    write_configuration(project, UNREACHABLE)
    unpushed = Deployed(project, cluster)

    assert "deployments: 2 deployed\n" in unpushed.run("deploy", "--skip-push")

    [image] = daemon.images.list(project.repository("api", UNREACHABLE))
    assert image.tags == [f"{project.repository('api', UNREACHABLE)}:{unpushed.tag('api')}"]


def test_why_tells_what_a_run_then_deploys(deployed: Deployed) -> None:
    def why() -> list[str]:
        told = deployed.project.imagetasks("why", "--namespace", deployed.namespace).stdout.splitlines()
        return told[next(number for number, line in enumerate(told) if line.startswith("deployment ")) :]

    place = f"namespace {deployed.namespace} of context {deployed.cluster.target.context}"
    assert why() == [f"deployment api is up to date in {place}", f"deployment web is up to date in {place}"]
    deployed.project.write("api/Dockerfile", "FROM scratch\nCOPY . /other\n")
    deployed.cluster.delete(f"/api/v1/namespaces/{deployed.namespace}/configmaps/web")

    assert why() == [
        "deployment api is to be deployed:",
        "  its image api is to be built before it",
        "deployment web is to be deployed:",
        f"  configmaps/web is gone from {place}",
    ]
    graph = deployed.project.imagetasks("graph", "--namespace", deployed.namespace, "deploy").stdout
    assert "● deploy:api  (its image api is to be built before it)\n" in graph
    assert f"● deploy:web  (configmaps/web is gone from {place})\n" in graph
    assert "● build:api  (the Dockerfile was modified)\n" in graph
    assert "deployments: 2 deployed\n" in deployed.run("deploy")


def test_what_somebody_has_deleted_is_deployed_again(deployed: Deployed) -> None:
    deployed.cluster.delete(f"/api/v1/namespaces/{deployed.namespace}/configmaps/web")

    assert "deployments: 1 deployed, 1 up to date\n" in deployed.run("deploy")
    assert deployed.names() == {"api", "web"}


def test_after_a_failed_deployment_none_is_started_and_it_is_not_up_to_date(shop: Deployed) -> None:
    repository = shop.project.repository("api")
    shop.project.write("api.yaml", config_map("No_Name", repository))

    for _ in range(2):
        failed = shop.doit("deploy")
        assert failed.returncode == 1
        assert f"`kubectl apply` failed in namespace {shop.namespace}" in failed.stdout
        assert "Traceback" not in failed.stdout + failed.stderr
        assert shop.names() == set()

    shop.project.write("api.yaml", config_map("api", repository))
    assert "deployments: 2 deployed\n" in shop.run("deploy")


def test_of_two_runs_at_once_the_second_finds_everything_done(shop: Deployed) -> None:
    runs = [shop.project.start("doit", "deploy", "--namespace", shop.namespace) for _ in range(2)]
    ends = [run.communicate(timeout=120) for run in runs]

    assert [run.returncode for run in runs] == [0, 0], ends
    assert sorted(without_times(out).splitlines()[-1] for out, _ in ends) == [
        "   deployments: 2 deployed",
        "   deployments: 2 up to date",
    ]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_deployment_is_taken_up_by_the_next_run(shop: Deployed, number: signal.Signals) -> None:
    project = shop.project
    project.write("slow/kubectl", "#!/bin/sh\ntouch asked\nexec sleep 300\n", 0o755)
    path = f"{project.folder}/slow:{os.environ['PATH']}"
    run = project.start("doit", "deploy", "--namespace", shop.namespace, env={"PATH": path})
    wait_for((project.folder / "asked").exists, "kubectl")

    run.send_signal(number)
    out, err = run.communicate(timeout=10)

    assert run.returncode == 128 + number
    assert "Traceback" not in out + err
    assert "images: 2 up to date\n   deployments: 2 deployed\n" in shop.run("deploy")


def test_purge_removes_all_in_reverse_order_and_may_be_run_again(deployed: Deployed) -> None:
    told = deployed.run("purge")

    assert told.index("removed web") < told.index("removed api")
    assert deployed.names() == set()
    deployed.run("purge")
    assert "images: 2 up to date\n   deployments: 2 deployed\n" in deployed.run("deploy")


def test_purge_of_some_leaves_the_others(deployed: Deployed) -> None:
    deployed.run("purge", "--deployments", "web")

    assert deployed.names() == {"api"}


def test_purge_needs_no_state(deployed: Deployed) -> None:
    shutil.rmtree(deployed.project.folder / ".devspace")

    deployed.run("purge")

    assert deployed.names() == set()


def test_listing_needs_no_cluster_no_daemon_and_no_kubernetes(shop: Deployed) -> None:
    nowhere = {
        "KUBECONFIG": str(shop.project.folder / "none"),
        "DOCKER_HOST": "unix:///nonexistent/docker.sock",
        "PYTHONPROFILEIMPORTTIME": "1",
    }

    listed = shop.project.doit("list", "--all", env=nowhere)

    assert listed.returncode == 0, listed.stderr
    assert {"deploy:api", "purge:web"} <= {line.split()[0] for line in listed.stdout.splitlines()}
    imported = {line.rpartition("|")[2].strip().partition(".")[0] for line in listed.stderr.splitlines()}
    assert "imagetasks" in imported
    assert imported.isdisjoint({"kubernetes", "urllib3", "requests", "docker"})
