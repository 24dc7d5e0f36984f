from __future__ import annotations

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from imagetasks.cluster.client import Cluster
from imagetasks.cluster.rollout import explain_rollout
from imagetasks.config.model import Deployment, Kubectl
from imagetasks.config.reader import parse_nodes
from imagetasks.deploy.base import BuiltImage
from imagetasks.deploy.kubectl import KubectlDeployer
from imagetasks.errors import DeployError, Position
from tests.cluster import delete_namespace, unused_namespace, wait_for

pytestmark = [pytest.mark.cluster, pytest.mark.docker]

BUSYBOX = BuiltImage("app", "busybox", "1.36")
POSITION = Position("devspace.yaml", 3, 1)


class Log:
    def __init__(self) -> None:
        self.text = ""

    def write(self, text: str) -> None:
        self.text += text


def deployer(cluster: Cluster, project: Path, method: Kubectl) -> KubectlDeployer:
    deployment = Deployment("it", "kubectl", method=method, positions={"": POSITION})
    return KubectlDeployer(deployment, method, project, cluster.target)


def deploy(cluster: Cluster, project: Path, method: Kubectl, tag: str = "1.36") -> tuple[str, ...]:
    return deployer(cluster, project, method).deploy([BUSYBOX._replace(tag=tag)], Log())


def inline(text: str) -> Kubectl:
    return Kubectl(inline_manifest=text)


def config_map(name: str, value: str = "value") -> str:
    return f"apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: {name}}}\ndata: {{key: {value}}}\n"


def pod_spec(script: str, indent: str, image: str = "busybox:old") -> str:
    lines = (
        "terminationGracePeriodSeconds: 0",
        "containers:",
        "- name: main",
        f"  image: {image}",
        "  imagePullPolicy: IfNotPresent",
        f"  command: [sh, -c, '{script}']",
    )
    return "".join(f"{indent}{line}\n" for line in lines)


def workload(name: str, script: str, image: str = "docker.io/library/busybox") -> str:
    head = f"apiVersion: apps/v1\nkind: Deployment\nmetadata: {{name: {name}}}\nspec:\n"
    selector = f"  selector: {{matchLabels: {{app: {name}}}}}\n"
    template = f"  template:\n    metadata: {{labels: {{app: {name}}}}}\n    spec:\n"
    return f"{head}{selector}{template}{pod_spec(script, '      ', image)}"


def job(name: str) -> str:
    head = f"apiVersion: batch/v1\nkind: Job\nmetadata: {{name: {name}}}\nspec:\n  template:\n    spec:\n"
    return f"{head}      restartPolicy: Never\n{pod_spec('true', '      ')}"


def content(cluster: Cluster, path: str) -> dict[str, Any]:
    found = cluster.read(path)
    assert found is not None
    return found


def image_of(cluster: Cluster, path: str) -> str:
    return str(content(cluster, path)["spec"]["template"]["spec"]["containers"][0]["image"])


def api_path(cluster: Cluster, rest: str, group: str = "/api/v1") -> str:
    return f"{group}/namespaces/{cluster.target.namespace}/{rest}"


def test_a_deployment_runs_with_the_tag_just_built_and_the_files_stay(
    cluster: Cluster, tmp_path: Path, busybox: str
) -> None:
    (tmp_path / "k8s").mkdir()
    (tmp_path / "k8s" / "app.yaml").write_text(workload("app", "sleep 1000"))
    (tmp_path / "k8s" / "config.json").write_text(
        '{"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "it"}}'
    )
    paths = deploy(cluster, tmp_path, Kubectl(manifests=("k8s/*",)))
    assert paths == (
        api_path(cluster, "deployments/app", "/apis/apps/v1"),
        api_path(cluster, "configmaps/it"),
    )
    assert image_of(cluster, paths[0]) == f"docker.io/library/{busybox}"
    wait_for(lambda: content(cluster, paths[0])["status"].get("readyReplicas"), "the pod")
    assert explain_rollout(cluster, paths) == ""
    assert (tmp_path / "k8s" / "app.yaml").read_text() == workload("app", "sleep 1000")
    deployer(cluster, tmp_path, Kubectl()).purge(paths, Log())
    assert cluster.missing(paths) == list(paths)


def test_image_tags_are_left_alone_if_asked(cluster: Cluster, tmp_path: Path) -> None:
    method = inline(workload("app", "true", "busybox:old"))._replace(replace_image_tags=False)
    [path] = deploy(cluster, tmp_path, method)
    assert image_of(cluster, path) == "busybox:old"


def test_inline_manifests_know_the_image_and_patches_have_the_last_word(cluster: Cluster, tmp_path: Path) -> None:
    patches = parse_nodes(b"[{target: {name: it}, op: add, path: data.patched, value: 'yes'}]", "devspace.yaml")
    method = inline(config_map("it", "'${runtime.images.app.tag}'"))._replace(patches=patches)
    [path] = deploy(cluster, tmp_path, method)
    assert content(cluster, path)["data"] == {"key": "1.36", "patched": "yes"}


def test_a_job_is_made_anew_for_a_new_tag(cluster: Cluster, tmp_path: Path) -> None:
    [path] = deploy(cluster, tmp_path, inline(job("it")))
    first = content(cluster, path)["metadata"]["uid"]
    deploy(cluster, tmp_path, inline(job("it")))
    assert content(cluster, path)["metadata"]["uid"] == first
    deploy(cluster, tmp_path, inline(job("it")), tag="2")
    assert content(cluster, path)["metadata"]["uid"] != first
    assert image_of(cluster, path) == "busybox:2"


def test_objects_may_name_another_namespace_and_the_deployments_own_is_made(cluster: Cluster, tmp_path: Path) -> None:
    target = cluster.target._replace(namespace=unused_namespace())
    elsewhere = config_map(f"there, namespace: {cluster.target.namespace}")
    try:
        paths = deploy(Cluster(target), tmp_path, inline(f"{config_map('here')}---\n{elsewhere}"))
        assert paths == (
            f"/api/v1/namespaces/{target.namespace}/configmaps/here",
            f"/api/v1/namespaces/{cluster.target.namespace}/configmaps/there",
        )
        assert cluster.missing(paths) == []
    finally:
        delete_namespace(cluster, target.namespace)


def test_a_custom_resource_comes_with_its_definition(cluster: Cluster, tmp_path: Path) -> None:
    group = f"{cluster.target.namespace}.example.com"
    names = "{kind: Thing, plural: things, singular: thing}"
    schema = "{openAPIV3Schema: {type: object, x-kubernetes-preserve-unknown-fields: true}}"
    definition = (
        "apiVersion: apiextensions.k8s.io/v1\nkind: CustomResourceDefinition\n"
        f"metadata: {{name: things.{group}}}\n"
        f"spec: {{group: {group}, scope: Namespaced, names: {names}, "
        f"versions: [{{name: v1, served: true, storage: true, schema: {schema}}}]}}\n"
    )
    thing = f"apiVersion: {group}/v1\nkind: Thing\nmetadata: {{name: it}}\nspec: {{image: 'busybox:old'}}\n"
    method = inline(f"{definition}---\n{thing}")
    paths = deploy(cluster, tmp_path, method)
    try:
        assert content(cluster, paths[1])["spec"]["image"] == "busybox:1.36"
    finally:
        deployer(cluster, tmp_path, method).purge((), Log())
    assert cluster.missing(paths) == list(paths)


def test_a_kustomization_is_built_and_tagged(cluster: Cluster, tmp_path: Path) -> None:
    (tmp_path / "kustomization.yaml").write_text("resources: [app.yaml]\nnamePrefix: my-\n")
    (tmp_path / "app.yaml").write_text(workload("app", "true"))
    method = Kubectl(manifests=("kustomization.yaml",), kustomize=True)
    before = deployer(cluster, tmp_path, method).digest()
    [path] = deploy(cluster, tmp_path, method)
    assert path.endswith("/deployments/my-app")
    assert image_of(cluster, path) == "docker.io/library/busybox:1.36"
    (tmp_path / "app.yaml").write_text(workload("app", "false"))
    assert deployer(cluster, tmp_path, method).digest() != before


def test_arguments_reach_kubectl(cluster: Cluster, tmp_path: Path) -> None:
    method = inline(config_map("it"))._replace(apply_args=("--dry-run=server",))
    paths = deploy(cluster, tmp_path, method)
    assert cluster.missing(paths) == list(paths)
    (tmp_path / "it.yaml").write_text(config_map("it"))
    created = Kubectl(manifests=("it.yaml",), create_args=("--save-config",))
    assert "last-applied-configuration" in deployer(cluster, tmp_path, created).render(())


@pytest.fixture
def address() -> Iterator[str]:
    """Where ``/it.yaml`` is served."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200 if self.path == "/it.yaml" else 404)
            self.end_headers()
            self.wfile.write(config_map("fetched").encode())

        def log_message(self, format: str, *args: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def test_manifests_are_fetched_from_the_web(cluster: Cluster, tmp_path: Path, address: str) -> None:
    [path] = deploy(cluster, tmp_path, Kubectl(manifests=(f"{address}/it.yaml",)))
    assert path.endswith("/configmaps/fetched")
    with pytest.raises(DeployError, match=f"^{address}/none.yaml answers 404 Not Found, not a manifest$"):
        deploy(cluster, tmp_path, Kubectl(manifests=(f"{address}/none.yaml?token=secret",)))


def test_what_kubectl_refuses_is_told_in_a_sentence(cluster: Cluster, tmp_path: Path) -> None:
    log = Log()
    wrong = config_map("It")
    place = f"namespace {cluster.target.namespace} of context {cluster.target.context}"
    with pytest.raises(DeployError, match=f'^`kubectl apply` failed in {place}: .*"It" is invalid') as raised:
        deployer(cluster, tmp_path, inline(wrong)).deploy([BUSYBOX], log)
    assert "\n" not in str(raised.value)
    assert '"It" is invalid' in log.text


def test_an_error_is_told_without_the_advice_that_follows_it(cluster: Cluster, tmp_path: Path) -> None:
    """Kubectl 1.25 and later add a line to an unknown kind."""
    program = tmp_path / "bin" / "kubectl"
    program.parent.mkdir()
    program.write_text(
        "#!/bin/sh\necho 'error: no matches for kind \"Tree\"'\necho ensure CRDs are installed first\nexit 1\n"
    )
    program.chmod(0o755)
    with pytest.raises(DeployError, match=r': error: no matches for kind "Tree"$'):
        deploy(cluster, tmp_path, inline(config_map("it"))._replace(kubectl_path="bin/kubectl"))


def secret(data: str) -> str:
    return f"apiVersion: v1\nkind: Secret\nmetadata: {{name: it}}\n{data}\n"


def test_a_failed_patch_of_a_secret_is_not_shown(cluster: Cluster, tmp_path: Path) -> None:
    api = "rbac.authorization.k8s.io"
    rules = "rules: [{apiGroups: [''], resources: [secrets], verbs: [get]}]"
    user = f"system:serviceaccount:{cluster.target.namespace}:reader"
    role = f"apiVersion: {api}/v1\nkind: Role\nmetadata: {{name: reader}}\n{rules}\n"
    binding = (
        f"apiVersion: {api}/v1\nkind: RoleBinding\nmetadata: {{name: reader}}\n"
        f"roleRef: {{apiGroup: {api}, kind: Role, name: reader}}\n"
        "subjects: [{kind: ServiceAccount, name: reader}]\n"
    )
    deploy(cluster, tmp_path, inline(f"{role}---\n{binding}---\n{secret('stringData: {key: first}')}"))
    log = Log()
    method = inline(secret("stringData: {key: s3cr3t}"))._replace(apply_args=(f"--as={user}",))
    with pytest.raises(DeployError, match=f'User "{user}" cannot patch resource "secrets"') as raised:
        deployer(cluster, tmp_path, method).deploy([], log)
    assert "s3cr3t" not in log.text + str(raised.value)
    assert "(not shown)" in log.text


def test_a_secret_that_the_cluster_cannot_read_is_not_shown(cluster: Cluster, tmp_path: Path) -> None:
    log = Log()
    with pytest.raises(DeployError, match="cannot be handled as a Secret") as raised:
        deployer(cluster, tmp_path, inline(secret("data: {key: s3cr3t}"))).deploy([], log)
    assert "s3cr3t" not in log.text + str(raised.value)


def test_a_secret_that_the_cluster_cannot_change_is_not_shown(cluster: Cluster, tmp_path: Path) -> None:
    deploy(cluster, tmp_path, inline(secret("stringData: {key: first}")))
    log = Log()
    wrong = inline(secret("stringData: {key: s3cr3t, enabled: yes}"))._replace(apply_args=("--validate=false",))
    with pytest.raises(DeployError, match=r"The request is invalid: patch: Invalid value: \(not shown\)") as raised:
        deployer(cluster, tmp_path, wrong).deploy([], log)
    assert "s3cr3t" not in log.text + str(raised.value)


def test_a_missing_kubectl_is_told_in_a_sentence(cluster: Cluster, tmp_path: Path) -> None:
    method = inline(config_map("it"))._replace(kubectl_path="bin/kubectl")
    with pytest.raises(DeployError, match=r"^devspace.yaml:3:1: there is no program `/.*/bin/kubectl`: install it"):
        deploy(cluster, tmp_path, method)


def test_kubectl_may_be_a_program_of_the_project(cluster: Cluster, tmp_path: Path) -> None:
    program = tmp_path / "bin" / "kubectl"
    program.parent.mkdir()
    program.write_text('#!/bin/sh\necho "$@" >> "$(dirname "$0")/asked"\nexec kubectl "$@"\n')
    program.chmod(0o755)
    deploy(cluster, tmp_path, inline(config_map("it"))._replace(kubectl_path="bin/kubectl"))
    context, namespace, _ = cluster.target
    asked = f"--context {context} --namespace {namespace} apply --filename -\n"
    assert (tmp_path / "bin" / "asked").read_text() == asked


def test_purging_removes_what_is_left_of_the_last_deployment(cluster: Cluster, tmp_path: Path) -> None:
    paths = deploy(cluster, tmp_path, inline(f"{config_map('a')}---\n{config_map('b')}"))
    cluster.delete(paths[0])
    gone = inline(config_map("other"))
    deployer(cluster, tmp_path, gone).purge(paths, Log())
    assert cluster.missing(paths) == list(paths)
    deployer(cluster, tmp_path, gone).purge(paths, Log())


def test_what_cannot_be_there_keeps_nothing_from_being_purged(cluster: Cluster, tmp_path: Path) -> None:
    """An earlier purge may have taken the definition of a custom kind, or a deployment never have come to it."""
    paths = deploy(cluster, tmp_path, inline(config_map("it")))
    tree = "apiVersion: forest.example/v1\nkind: Tree\nmetadata: {name: oak}\n"
    deployer(cluster, tmp_path, inline(f"{tree}---\n{config_map('it')}")).purge([], Log())
    assert cluster.missing(paths) == list(paths)


@pytest.mark.parametrize(
    ("spec", "expected"),
    [
        (workload("app", "echo about to fail; exit 3"), "container main ended with exit code 3 (Error)"),
        (workload("app", "true", "127.0.0.1:1/none:1"), "container main waits: "),
        (workload("app", "sleep 1000") + "      nodeSelector: {none: such}\n", "has no node: "),
    ],
)
def test_what_is_wrong_with_a_rollout_is_told(cluster: Cluster, tmp_path: Path, spec: str, expected: str) -> None:
    paths = deploy(cluster, tmp_path, inline(spec))
    found = wait_for(lambda: (expected in (text := explain_rollout(cluster, paths)) and text) or None, expected)
    if "exit 3" in spec:
        assert "\n    about to fail" in found


def test_a_quota_is_told_where_it_leaves_no_pods(cluster: Cluster, tmp_path: Path) -> None:
    quota = "apiVersion: v1\nkind: ResourceQuota\nmetadata: {name: none}\nspec: {hard: {pods: '0'}}\n"
    deploy(cluster, tmp_path, inline(quota))
    paths = deploy(cluster, tmp_path, inline(workload("app", "sleep 1000")))
    found = wait_for(lambda: explain_rollout(cluster, paths) or None, "the event")
    assert "exceeded quota: none" in found
