from __future__ import annotations

import functools
import gzip
import json
import os
import re
import shutil
import subprocess
import threading
from base64 import b64decode, b64encode
from collections.abc import Iterator
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
import yaml

from imagetasks.cluster.client import Cluster
from imagetasks.config.model import Chart, Deployment, Helm
from imagetasks.config.reader import MappingNode
from imagetasks.deploy.base import BuiltImage
from imagetasks.deploy.helm import HelmDeployer
from imagetasks.deploy.values import parse_values
from imagetasks.errors import DeployError, Position
from imagetasks.kubeconfig import Target
from tests.cluster import unused_namespace, wait_for
from tests.helm import Log, find_helm, make_chart
from tests.projects import Project
from tests.registries import Registry

pytestmark = pytest.mark.helm

APP = BuiltImage("app", "registry.example.com/team/app", "abc")
NOWHERE = Target("", "shop")
CONFIG_MAP = """
apiVersion: v1
kind: ConfigMap
metadata: {name: {{ .Release.Name }}}
data:
  values: {{ omit .Values "global" | toJson | quote }}
"""
MIGRATION = """
apiVersion: batch/v1
kind: Job
metadata: {name: migration, annotations: {helm.sh/hook: "pre-install,pre-upgrade"}}
spec:
  backoffLimit: 0
  template:
    spec:
      restartPolicy: Never
      containers:
      - name: main
        image: {{ .Values.image }}
        imagePullPolicy: Never
        command: [sh, -c, "echo there is no such table; exit 3"]
"""
WEB = """
apiVersion: apps/v1
kind: Deployment
metadata: {name: {{ .Release.Name }}}
spec:
  progressDeadlineSeconds: 600
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      terminationGracePeriodSeconds: 0
      containers:
      - {name: main, image: {{ .Values.image }}, imagePullPolicy: Never, command: [sleep, "1000"]}
"""

SLOW = """
apiVersion: apps/v1
kind: Deployment
metadata: {name: {{ .Release.Name }}}
spec:
  replicas: 3
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      terminationGracePeriodSeconds: 0
      containers:
      - name: main
        image: {{ .Values.image }}
        imagePullPolicy: Never
        command: [sh, -c, "echo {{ .Values.word }}; sleep 3; touch /tmp/ready; sleep 1000"]
        readinessProbe: {exec: {command: [test, -e, /tmp/ready]}, periodSeconds: 1}
"""


def values(text: str) -> MappingNode:
    return parse_values(text.encode(), "devspace.yaml")


def deployer(project: Path, method: Helm, target: Target = NOWHERE) -> HelmDeployer:
    positions = {"": Position("devspace.yaml", 3, 3), "values": Position("devspace.yaml", 5, 5)}
    settings = method._replace(cmd_path=method.cmd_path or find_helm())
    return HelmDeployer(Deployment("it", "helm", positions=positions), settings, project, target)


def rendered_values(project: Path, method: Helm) -> Any:
    """The values that a chart's template sees."""
    document = yaml.safe_load(deployer(project, method).render([APP]))
    return yaml.safe_load(document["data"]["values"])


@pytest.fixture
def chart(tmp_path: Path) -> Path:
    return make_chart(tmp_path / "web", {"it.yaml": CONFIG_MAP}, "a: chart\nb: chart\nc: chart\nd: {x: 1, z: 2}\n")


LOCAL = Helm(chart=Chart("web"))


def test_values_stand_over_files_of_values_and_these_over_the_charts(tmp_path: Path, chart: Path) -> None:
    (tmp_path / "first.yaml").write_text("b: first\nc: first\n")
    (tmp_path / "second.yaml").write_text("c: second\n")
    method = LOCAL._replace(
        values_files=("first.yaml", "second.yaml"), values=values("d: {z: own}\nnew: 1.10\nlarge: 1000000")
    )
    expected = {"a": "chart", "b": "first", "c": "second", "d": {"x": 1, "z": "own"}, "new": 1.1, "large": 1000000}
    assert rendered_values(tmp_path, method) == expected


def test_nothing_in_the_values_takes_a_value_of_the_charts_away(tmp_path: Path, chart: Path) -> None:
    assert "a" not in rendered_values(tmp_path, LOCAL._replace(values=values("a: null")))


def test_tags_are_put_into_all_values_that_name_an_image(tmp_path: Path) -> None:
    own = f"web: {APP.repository}:latest\nworker: {{repository: '', tag: latest}}\nother: nginx:1\n"
    make_chart(tmp_path / "web", {"it.yaml": CONFIG_MAP}, own)
    (tmp_path / "values.yaml").write_text(f"list: [{APP.repository}]\n")
    method = LOCAL._replace(
        values_files=("values.yaml",),
        values=values(f"worker: {{repository: {APP.repository}}}\ntag: '${{runtime.images.app.tag}}'"),
    )
    assert rendered_values(tmp_path, method) == {
        "web": f"{APP.repository}:abc",
        "worker": {"repository": APP.repository, "tag": "abc"},
        "other": "nginx:1",
        "list": [f"{APP.repository}:abc"],
        "tag": "abc",
    }
    assert (tmp_path / "web" / "values.yaml").read_text() == own
    untagged = rendered_values(tmp_path, method._replace(replace_image_tags=False))
    assert untagged["web"] == f"{APP.repository}:latest"


def test_tags_are_put_into_the_values_of_charts_in_a_chart(tmp_path: Path) -> None:
    """The repository may be said by one, and the tag by the other."""
    chart = make_chart(tmp_path / "web", {}, f"worker: {{repository: {APP.repository}}}\n")
    own = f"image: {APP.repository}\nrepository: worker\ntag: latest\n"
    make_chart(chart / "charts" / "worker", {"it.yaml": CONFIG_MAP}, own)
    expected = {"image": f"{APP.repository}:abc", "repository": APP.repository, "tag": "abc"}
    assert rendered_values(tmp_path, LOCAL) == expected


def test_a_chart_gets_the_folders_that_it_depends_on_and_stays_as_it_is(tmp_path: Path) -> None:
    make_chart(tmp_path / "common", {"it.yaml": CONFIG_MAP}, "a: 1\n")
    dependency = {"name": "common", "version": "1.0.0", "repository": "file://../common"}
    chart = make_chart(tmp_path / "web", {}, "common: {a: 2}\n", dependency)
    assert rendered_values(tmp_path, LOCAL) == {"a": 2}
    assert sorted(path.name for path in chart.iterdir()) == ["Chart.yaml", "templates", "values.yaml"]


@pytest.fixture
def repository(tmp_path: Path, chart: Path) -> Iterator[str]:
    """The address of a repository with the chart, for the user ``ann`` with the password ``correct horse``."""
    folder = tmp_path / "repository"
    folder.mkdir()
    run_helm("package", str(chart), "--destination", str(folder))
    run_helm("repo", "index", str(folder))
    server = ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(ForAnn, directory=str(folder)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


class ForAnn(SimpleHTTPRequestHandler):
    def do_GET(self) -> None:
        if self.headers.get("Authorization") == "Basic YW5uOmNvcnJlY3QgaG9yc2U=":
            super().do_GET()
        else:
            self.send_error(401)

    def log_message(self, format: str, *args: object) -> None:
        pass


def run_helm(*arguments: str) -> None:
    subprocess.run([find_helm(), *arguments], check=True, capture_output=True)


@pytest.fixture
def spy(tmp_path: Path) -> Path:
    """A helm that writes its arguments, and the modes of the files among them, to ``arguments``."""
    script = f"""#!/bin/sh
for argument; do
  echo "$argument" >>"{tmp_path}/arguments"
  case $argument in /*) [ -f "$argument" ] && stat -c '%a' "$argument" >>"{tmp_path}/modes" ;; esac
done
exec "{find_helm()}" "$@"
"""
    file = tmp_path / "helm"
    file.write_text(script)
    file.chmod(0o755)
    return file


def test_a_private_repository_gets_the_password_and_the_command_line_does_not(
    tmp_path: Path, repository: str, spy: Path
) -> None:
    shutil.rmtree(tmp_path / "web")
    private = Chart("web", version="1.0.0", repo=repository, username="ann", password="correct horse")
    secret = Helm(chart=private, cmd_path=str(spy), values=values("a: hunter2"))
    assert rendered_values(tmp_path, secret)["a"] == "hunter2"
    arguments = (tmp_path / "arguments").read_text()
    assert repository in arguments
    assert "correct horse" not in arguments
    assert "hunter2" not in arguments
    assert "600" in (tmp_path / "modes").read_text()
    with_login = Chart("web", version="1.0.0", repo=repository.replace("//", "//ann:correct%20horse@"))
    assert rendered_values(tmp_path, secret._replace(chart=with_login))["a"] == "hunter2"
    assert "horse" not in (tmp_path / "arguments").read_text()
    with pytest.raises(DeployError, match=r"`helm repo` failed .*401"):
        deployer(tmp_path, secret._replace(chart=private._replace(password="wrong"))).render([])


@pytest.mark.registry
def test_a_private_registry_has_charts(tmp_path: Path, chart: Path, private_registry: Registry, spy: Path) -> None:
    run_helm("package", str(chart), "--destination", str(tmp_path))
    address = f"oci://{private_registry.address}/charts"
    login = ["--username", "ann", "--password", "correct horse", "--plain-http"]
    run_helm("push", str(tmp_path / "web-1.0.0.tgz"), address, *login)
    private = Chart("web", version="1.0.0", repo=address, username="ann", password="correct horse")
    shutil.rmtree(chart)
    method = Helm(chart=private, cmd_path=str(spy), fetch_args=("--plain-http",))
    assert rendered_values(tmp_path, method)["a"] == "chart"
    assert "correct horse" not in (tmp_path / "arguments").read_text()


def test_what_helm_says_of_a_failure_is_told(tmp_path: Path) -> None:
    make_chart(tmp_path / "web", {"it.yaml": '{{ required "name a color" .Values.color }}'})
    with pytest.raises(DeployError, match=r"^`helm template` failed in namespace shop of .*: name a color$"):
        deployer(tmp_path, LOCAL).render([])


def test_a_repository_that_does_not_answer_is_told(tmp_path: Path) -> None:
    redis = {"name": "redis", "version": "1.0.0", "repository": "http://127.0.0.1:1/charts"}
    make_chart(tmp_path / "web", {}, "", redis)
    with pytest.raises(DeployError, match=r'"http://127\.0\.0\.1:1/charts" cannot be reached: .*connection refused$'):
        deployer(tmp_path, LOCAL).render([])


def test_an_image_that_is_not_there_is_told_with_its_place(tmp_path: Path, chart: Path) -> None:
    method = LOCAL._replace(values=values("a: '${runtime.images.nope}'"))
    with pytest.raises(DeployError, match=r"^devspace\.yaml:5:5: .*runtime\.images\.nope"):
        deployer(tmp_path, method).render([APP])


def config_map(cluster: Cluster) -> str:
    return f"/api/v1/namespaces/{cluster.target.namespace}/configmaps/it"


@pytest.mark.cluster
def test_a_release_is_installed_upgraded_and_purged(cluster: Cluster, tmp_path: Path, chart: Path) -> None:
    target = cluster.target
    for revision, text in enumerate(("a: first", "a: second"), start=1):
        method = LOCAL._replace(values=values(text))
        [release] = deployer(tmp_path, method, target).deploy([APP], Log())
        assert release == f"/api/v1/namespaces/{target.namespace}/secrets/sh.helm.release.v1.it.v{revision}"
        assert text.partition(" ")[2] in (cluster.read(config_map(cluster)) or {})["data"]["values"]
    log = Log()
    deployer(tmp_path, LOCAL, target).purge([release], log)
    assert cluster.missing([release, config_map(cluster)]) == [release, config_map(cluster)]
    deployer(tmp_path, LOCAL, target).purge([release], log)
    assert log.text.count("uninstalled") == 1


@pytest.mark.cluster
def test_values_that_are_no_longer_given_are_the_charts_again(cluster: Cluster, tmp_path: Path, chart: Path) -> None:
    method = LOCAL._replace(values=values("a: first"))
    for arguments, expected in ((), "chart"), (("--reuse-values",), "first"):
        deployer(tmp_path, method, cluster.target).deploy([], Log())
        deployer(tmp_path, LOCAL._replace(upgrade_args=arguments), cluster.target).deploy([], Log())
        found = yaml.safe_load((cluster.read(config_map(cluster)) or {})["data"]["values"])
        assert found["a"] == expected


@pytest.mark.cluster
def test_a_release_whose_history_is_kept_is_purged_once(cluster: Cluster, tmp_path: Path, chart: Path) -> None:
    log = Log()
    method = LOCAL._replace(delete_args=("--keep-history",))
    deployer(tmp_path, method, cluster.target).deploy([], log)
    for _ in range(2):
        deployer(tmp_path, method, cluster.target).purge([], log)
    assert log.text.count("uninstalled") == 1


@pytest.mark.cluster
def test_a_namespace_that_is_not_there_is_made(cluster: Cluster, tmp_path: Path, chart: Path) -> None:
    target = cluster.target._replace(namespace=unused_namespace())
    try:
        assert deployer(tmp_path, LOCAL._replace(release_name="other"), target).deploy([], Log())
    finally:
        cluster.delete(f"/api/v1/namespaces/{target.namespace}")


@pytest.mark.cluster
@pytest.mark.parametrize("settings", [Helm(force=True), Helm(cleanup_on_fail=True, disable_hooks=True)])
def test_helm_takes_the_settings(cluster: Cluster, tmp_path: Path, chart: Path, settings: Helm) -> None:
    method = settings._replace(chart=LOCAL.chart, timeout="1m", wait=True)
    for text in ("a: first", "a: second"):
        deployer(tmp_path, method._replace(values=values(text)), cluster.target).deploy([], Log())
    assert "second" in (cluster.read(config_map(cluster)) or {})["data"]["values"]


@pytest.mark.cluster
@pytest.mark.docker
def test_waiting_in_vain_tells_why_and_atomic_undoes_it(cluster: Cluster, tmp_path: Path, busybox: str) -> None:
    make_chart(tmp_path / "web", {"it.yaml": WEB}, f"image: {busybox}\n")
    broken = LOCAL._replace(atomic=True, timeout="5", values=values("image: nowhere/to:be"))
    path = f"/apis/apps/v1/namespaces/{cluster.target.namespace}/deployments/it"

    def fail() -> str:
        with pytest.raises(DeployError) as caught:
            deployer(tmp_path, broken, cluster.target).deploy([], Log())
        return str(caught.value)

    first = fail()
    assert "ErrImageNeverPull" in first
    assert first.endswith("the release has been removed again")
    wait_for(lambda: cluster.missing([path]), "the end of the deployment")
    deployer(tmp_path, LOCAL._replace(wait=True), cluster.target).deploy([], Log())
    assert fail().endswith("the release has been rolled back to revision 1")
    deployment = cluster.read(path)
    assert deployment is not None
    assert deployment["spec"]["template"]["spec"]["containers"][0]["image"] == busybox


@pytest.mark.cluster
@pytest.mark.docker
def test_what_helm_waits_for_is_counted(cluster: Cluster, tmp_path: Path, busybox: str) -> None:
    make_chart(tmp_path / "web", {"it.yaml": SLOW}, f"image: {busybox}\n")
    announced: list[str] = []
    deployer(tmp_path, LOCAL, cluster.target).deploy([], Log(), announced.append)
    assert announced == []
    waiting = LOCAL._replace(wait=True, values=values("word: other"))
    deployer(tmp_path, waiting, cluster.target).deploy([], Log(), announced.append)
    assert announced[0] == "waiting for 0/3 replicas"
    assert all(re.fullmatch("waiting for [0-3]/3 replicas", words) for words in announced)
    assert announced == sorted(set(announced))


@pytest.mark.cluster
@pytest.mark.docker
def test_what_helm_waits_for_is_a_phase_of_the_task(project: Project, cluster: Cluster, busybox: str) -> None:
    make_chart(project.folder / "web", {"it.yaml": SLOW}, f"image: {busybox}\n")
    project.write(
        "devspace.yaml",
        "version: v2beta1\ndeployments:\n  it: {helm: {chart: {name: ./web}, upgradeArgs: [--wait]}}\n",
    )
    environ = {"PATH": f"{Path(find_helm()).parent}{os.pathsep}{os.environ['PATH']}"}
    result = project.doit("deploy", "--timings", "--namespace", cluster.target.namespace, env=environ)
    assert result.returncode == 0, result.stdout + result.stderr
    assert "replicas" not in result.stdout + result.stderr
    assert "waiting for 0/3 replicas" in (project.folder / ".devspace" / "timings.json").read_text()


@pytest.mark.cluster
@pytest.mark.docker
def test_what_a_failed_hook_said_is_told(cluster: Cluster, tmp_path: Path, busybox: str) -> None:
    make_chart(tmp_path / "web", {"it.yaml": MIGRATION}, f"image: {busybox}\n")
    with pytest.raises(DeployError, match=r"container main ended with exit code 3 .*\n    there is no such table$"):
        deployer(tmp_path, LOCAL, cluster.target).deploy([], Log())


@pytest.mark.cluster
def test_a_release_that_a_killed_run_left_is_told(cluster: Cluster, tmp_path: Path, chart: Path) -> None:
    [release] = deployer(tmp_path, LOCAL, cluster.target).deploy([], Log())
    secret = cluster.read(release)
    assert secret is not None
    pending = json.loads(gzip.decompress(b64decode(b64decode(secret["data"]["release"]))))
    pending["info"]["status"] = "pending-upgrade"
    encoded = b64encode(b64encode(gzip.compress(json.dumps(pending).encode()))).decode()
    cluster.patch(release, {"data": {"release": encoded}, "metadata": {"labels": {"status": "pending-upgrade"}}})
    with pytest.raises(DeployError, match=r"in progress; if a run that was killed .* `doit purge` removes it$"):
        deployer(tmp_path, LOCAL, cluster.target).deploy([], Log())
    deployer(tmp_path, LOCAL, cluster.target).purge([release], Log())
    assert cluster.missing([release]) == [release]


@pytest.mark.cluster
def test_a_mistake_in_a_template_undoes_nothing(cluster: Cluster, tmp_path: Path, chart: Path) -> None:
    method = LOCAL._replace(atomic=True)
    deployer(tmp_path, method, cluster.target).deploy([], Log())
    (chart / "templates" / "it.yaml").write_text("{{ fail `no` }}")
    with pytest.raises(DeployError, match=r"no$"):
        deployer(tmp_path, method, cluster.target).deploy([], Log())
    assert not cluster.missing([config_map(cluster)])
