"""Example files of the original's own repository, which lie beside ours where they can be had."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from imagetasks.graph import task_dicts
from imagetasks.options import Options
from imagetasks.project import open_project

CORPUS = Path(os.environ.get("IMAGETASKS_CORPUS") or Path(__file__).parents[3] / "shared" / "corpus")
FILES = sorted(CORPUS.glob("v*/*.yaml"))
ANSWERS = {"SELECT": "deployment-1", "DEVSPACE_CONTEXT": "minikube", "DEVSPACE_USERNAME": "user"}

pytestmark = pytest.mark.skipif(not FILES, reason="the example files are not beside the repository")


@pytest.mark.parametrize("file", FILES, ids=lambda file: f"{file.parent.name}/{file.stem}")
def test_each_image_is_a_build_task_and_each_deployment_a_deploy_task(file: Path, tmp_path: Path) -> None:
    for other in file.parent.glob("*.yaml"):
        _place(other, tmp_path).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(other, _place(other, tmp_path))
    project = open_project(_place(file, tmp_path), Options(variables=ANSWERS), {}, asker=None)
    tasks = {f"{task['basename']}:{task['name']}" for task in task_dicts(project.projects)}
    images = {f"build:{image.name}" for image in project.config.images if not image.disabled}
    deployments = {f"deploy:{deployment.name}" for deployment in project.config.deployments}
    assert images | deployments <= tasks
    assert images or deployments or project.config.dependencies


def _place(file: Path, folder: Path) -> Path:
    """Where a file was before it was named after its folder, which may lie in that of another one."""
    outer, _, inner = file.stem.partition("-")
    inside = inner and file.with_stem(outer).exists()
    return folder / (f"{outer}/{inner}" if inside else file.stem) / "devspace.yaml"
