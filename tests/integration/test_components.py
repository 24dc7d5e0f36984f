from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from imagetasks.cluster.client import Cluster
from imagetasks.config.model import Deployment, Helm
from imagetasks.deploy.base import BuiltImage
from imagetasks.deploy.helm import HelmDeployer
from imagetasks.deploy.values import parse_values
from imagetasks.errors import DeployError
from imagetasks.kubeconfig import Target
from tests.cluster import wait_for
from tests.helm import Log, find_helm

pytestmark = pytest.mark.helm

APP = BuiltImage("app", "registry.example.com/team/app", "abc")
NOWHERE = Target("", "shop")


def component(values: str, target: Target = NOWHERE, *template_args: str, timeout: str = "60") -> HelmDeployer:
    node = parse_values(values.encode(), "devspace.yaml")
    method = Helm(values=node, cmd_path=find_helm(), template_args=template_args, wait=True, timeout=timeout)
    return HelmDeployer(Deployment("api", "helm"), method, Path(), target)


def rendered(values: str, *template_args: str) -> dict[tuple[str, str], dict[str, Any]]:
    """The objects by kind and name."""
    text = component(values, NOWHERE, *template_args).render([APP])
    objects = filter(None, yaml.safe_load_all(text))
    return {(each["kind"], each["metadata"]["name"]): each for each in objects}


def test_containers_have_all_that_is_said_of_them() -> None:
    values = """
containers:
- image: registry.example.com/team/app
  command: [serve]
  args: [--limit, 1000000]
  env: [{name: PORT, value: 8080}]
  envFrom: [{configMapRef: {name: settings}}]
  readinessProbe: {tcpSocket: {port: 8080}}
  startupProbe: {tcpSocket: {port: 8080}}
  securityContext: {runAsUser: 1000}
  resources: {limits: {cpu: 1, ephemeralStorage: 1Gi}, requests: {memory: 64Mi}}
- name: proxy
  image: nginx
initContainers:
- image: registry.example.com/team/app:old
pullSecrets: [mine]
nodeSelector: {disk: ssd}
"""
    pod = rendered(values)["Deployment", "api"]["spec"]["template"]["spec"]
    assert pod["containers"] == [
        {
            "name": "container-0",
            "image": "registry.example.com/team/app:abc",
            "command": ["serve"],
            "args": ["--limit", "1000000"],
            "env": [{"name": "PORT", "value": "8080"}],
            "envFrom": [{"configMapRef": {"name": "settings"}}],
            "readinessProbe": {"tcpSocket": {"port": 8080}},
            "startupProbe": {"tcpSocket": {"port": 8080}},
            "securityContext": {"runAsUser": 1000},
            "resources": {
                "limits": {"cpu": "1", "ephemeral-storage": "1Gi"},
                "requests": {"cpu": "0", "ephemeral-storage": "0", "memory": "64Mi"},
            },
        },
        {"name": "proxy", "image": "nginx"},
    ]
    assert pod["initContainers"] == [{"name": "init-container-0", "image": "registry.example.com/team/app:abc"}]
    assert pod["imagePullSecrets"] == [{"name": "mine"}]
    assert pod["nodeSelector"] == {"disk": "ssd"}


STATEFUL = """
containers:
- image: busybox
  volumeMounts:
  - {containerPath: /data, volume: {name: data, subPath: /deep}}
  - {containerPath: /shared, volume: {name: shared, readOnly: true}}
  - {containerPath: /settings, volume: {name: settings}}
  - {containerPath: /keys, volume: {name: keys}}
  - {containerPath: /scratch, volume: {name: scratch}}
volumes:
- {name: data, size: 2Gi, storageClassName: fast}
- {name: shared, size: 1Gi, accessModes: [ReadWriteMany]}
- {name: settings, configMap: {name: settings}}
- {name: keys, secret: {secretName: keys}}
- {name: scratch, emptyDir: {}}
- {name: unused, size: 1Gi}
podManagementPolicy: Parallel
rollingUpdate: {enabled: true, partition: 1}
"""


def test_a_persistent_volume_that_is_written_to_makes_a_stateful_set() -> None:
    objects = rendered(STATEFUL)
    names = {("StatefulSet", "api"), ("Service", "api-headless"), ("PersistentVolumeClaim", "shared")}
    assert set(objects) == names
    spec = objects["StatefulSet", "api"]["spec"]
    [claim] = spec["volumeClaimTemplates"]
    assert claim["metadata"]["name"] == "data"
    assert claim["spec"] == {
        "accessModes": ["ReadWriteOnce"],
        "resources": {"requests": {"storage": "2Gi"}},
        "storageClassName": "fast",
    }
    assert objects["PersistentVolumeClaim", "shared"]["spec"]["accessModes"] == ["ReadWriteMany"]
    pod = spec["template"]["spec"]
    assert {volume["name"]: set(volume) - {"name"} for volume in pod["volumes"]} == {
        "shared": {"persistentVolumeClaim"},
        "settings": {"configMap"},
        "keys": {"secret"},
        "scratch": {"emptyDir"},
    }
    mount = {"name": "data", "mountPath": "/data", "subPath": "deep", "readOnly": False}
    assert pod["containers"][0]["volumeMounts"][0] == mount
    assert spec["podManagementPolicy"] == "Parallel"
    assert spec["updateStrategy"] == {"type": "RollingUpdate", "rollingUpdate": {"partition": 1}}
    assert spec["serviceName"] == "api-headless"


def test_volumes_that_pods_may_share_leave_it_a_deployment() -> None:
    values = STATEFUL.replace("subPath: /deep", "readOnly: true")
    objects = rendered(values)
    assert ("Deployment", "api") in objects
    assert ("PersistentVolumeClaim", "data") in objects


def test_a_service_selects_the_pods() -> None:
    values = """
containers: [{image: nginx}]
service:
  name: front
  type: NodePort
  externalIPs: [192.0.2.1]
  annotations: {a: b}
  ports: [{port: 80, containerPort: 8080, protocol: UDP}, {port: 81, containerPort: metrics}]
labels: {team: shop}
"""
    objects = rendered(values)
    service = objects["Service", "front"]
    assert service["metadata"]["annotations"] == {"a": "b"}
    assert service["spec"]["type"] == "NodePort"
    assert service["spec"]["externalIPs"] == ["192.0.2.1"]
    assert service["spec"]["ports"] == [
        {"name": "port-0", "port": 80, "targetPort": 8080, "protocol": "UDP"},
        {"name": "port-1", "port": 81, "targetPort": "metrics", "protocol": "TCP"},
    ]
    labels = objects["Deployment", "api"]["spec"]["template"]["metadata"]["labels"]
    assert service["spec"]["selector"].items() <= labels.items()
    assert labels["team"] == "shop"


INGRESS = """
containers: [{image: nginx}]
service: {ports: [{port: 80}]}
ingress:
  tls: true
  annotations: {acme.cert-manager.io/http01-ingress-class: traefik}
  rules: [{host: shop.example.com, path: /api}, {host: example.com, serviceName: other, servicePort: web}]
"""


def backend(name: str, port: dict[str, object]) -> dict[str, object]:
    return {"service": {"name": name, "port": port}}


def test_an_ingress_leads_to_the_service_with_tls() -> None:
    ingress = rendered(INGRESS)["Ingress", "api"]
    assert ingress["apiVersion"] == "networking.k8s.io/v1"
    assert ingress["metadata"]["annotations"] == {
        "acme.cert-manager.io/http01-ingress-class": "traefik",
        "cert-manager.io/cluster-issuer": "lets-encrypt-http-issuer",
    }
    assert ingress["spec"]["tls"] == [{"secretName": "tls-api", "hosts": ["shop.example.com", "example.com"]}]
    paths = [(rule["host"], rule["http"]["paths"][0]) for rule in ingress["spec"]["rules"]]
    kind = "ImplementationSpecific"
    assert paths == [
        ("shop.example.com", {"path": "/api", "pathType": kind, "backend": backend("api", {"number": 80})}),
        ("example.com", {"path": "/", "pathType": kind, "backend": backend("other", {"name": "web"})}),
    ]


def test_an_ingress_may_name_its_secret_or_be_disabled() -> None:
    named = rendered(INGRESS.replace("tls: true", "tls: mine"))["Ingress", "api"]
    assert named["spec"]["tls"][0]["secretName"] == "mine"
    plain = rendered(INGRESS.replace("tls: true", "tls: false"))["Ingress", "api"]
    assert "tls" not in plain["spec"]
    assert ("Ingress", "api") not in rendered(INGRESS.replace("tls: true", "disabled: true"))


@pytest.mark.parametrize(
    ("version", "ingress", "autoscaler"),
    [
        ("1.13.0", "extensions/v1beta1", "autoscaling/v2beta2"),
        ("1.18.0", "networking.k8s.io/v1beta1", "autoscaling/v2beta2"),
        ("1.20.4-eks-1", "networking.k8s.io/v1", "autoscaling/v2beta2"),
        ("1.34.0", "networking.k8s.io/v1", "autoscaling/v2"),
    ],
)
def test_objects_are_of_a_version_that_the_cluster_has(version: str, ingress: str, autoscaler: str) -> None:
    scaling = "autoScaling: {horizontal: {maxReplicas: 2, averageCPU: 1}}\n"
    objects = rendered(f"{INGRESS}{scaling}", "--kube-version", version)
    assert objects["Ingress", "api"]["apiVersion"] == ingress
    assert objects["HorizontalPodAutoscaler", "api"]["apiVersion"] == autoscaler


def test_autoscaling_follows_the_load_and_leaves_replicas_alone() -> None:
    values = """
containers: [{image: nginx}]
replicas: 2
autoScaling: {horizontal: {maxReplicas: 5, averageCPU: 500m, averageRelativeMemory: 80}}
"""
    objects = rendered(values)
    assert "replicas" not in objects["Deployment", "api"]["spec"]
    scaler = objects["HorizontalPodAutoscaler", "api"]["spec"]
    assert scaler["scaleTargetRef"] == {"apiVersion": "apps/v1", "kind": "Deployment", "name": "api"}
    assert (scaler["minReplicas"], scaler["maxReplicas"]) == (2, 5)
    targets = {metric["resource"]["name"]: metric["resource"]["target"] for metric in scaler["metrics"]}
    assert targets == {
        "cpu": {"type": "AverageValue", "averageValue": "500m"},
        "memory": {"type": "Utilization", "averageUtilization": 80},
    }
    unscaled = rendered(values.replace("maxReplicas: 5", "maxReplicas: 2"))
    assert set(unscaled) == {("Deployment", "api")}
    assert unscaled["Deployment", "api"]["spec"]["replicas"] == 2


def test_pods_are_replaced_at_once_unless_updates_roll() -> None:
    assert rendered("containers: [{image: nginx}]")["Deployment", "api"]["spec"]["strategy"] == {"type": "Recreate"}
    values = "containers: [{image: nginx}]\nrollingUpdate: {enabled: true, maxSurge: 1, maxUnavailable: 30%}"
    rolling = {"maxSurge": 1, "maxUnavailable": "30%"}
    strategy = rendered(values)["Deployment", "api"]["spec"]["strategy"]
    assert strategy == {"type": "RollingUpdate", "rollingUpdate": rolling}


@pytest.mark.cluster
@pytest.mark.docker
def test_a_component_runs_and_helm_knows_it(cluster: Cluster, busybox: str) -> None:
    values = """
containers:
- image: busybox:1.36
  command: [sh, -c, 'trap "exit 0" TERM; sleep 1000 & wait']
service: {ports: [{port: 80}]}
autoScaling: {horizontal: {maxReplicas: 2, averageRelativeCPU: 50}}
ingress: {rules: [{host: shop.example.com}]}
"""
    deployer = component(values, cluster.target)
    [release] = deployer.deploy([], Log())
    assert release.endswith("/secrets/sh.helm.release.v1.api.v1")
    namespace = f"/namespaces/{cluster.target.namespace}"
    deployment = cluster.read(f"/apis/apps/v1{namespace}/deployments/api")
    assert deployment is not None
    assert deployment["status"]["readyReplicas"] == 1
    deployer.purge([release], Log())
    assert cluster.missing([release, f"/apis/apps/v1{namespace}/deployments/api"])


@pytest.mark.cluster
def test_a_component_whose_volumes_nobody_provides_is_explained(cluster: Cluster) -> None:
    with pytest.raises(DeployError, match=r"(?s)helm upgrade.*pod api-0 has no node: .*PersistentVolumeClaim"):
        component(STATEFUL, cluster.target, timeout="8").deploy([], Log())
    namespace = f"/namespaces/{cluster.target.namespace}"
    claim = f"/api/v1{namespace}/persistentvolumeclaims/data-api-0"
    assert wait_for(lambda: cluster.read(claim), "the claim")["spec"]["storageClassName"] == "fast"
    assert not cluster.missing([f"/apis/apps/v1{namespace}/statefulsets/api"])
