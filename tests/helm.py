"""The helm that the tests run: ``HELM``, or that on ``PATH``, or what ``scripts/helm`` has fetched."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import yaml

_FETCHED = Path(__file__).parent.parent / "build" / "helm" / "helm"


def find_helm() -> str:
    """Its path, empty if there is none."""
    return os.environ.get("HELM") or shutil.which("helm") or (str(_FETCHED) if _FETCHED.is_file() else "")


def make_chart(folder: Path, templates: dict[str, str], values: str = "", *dependencies: object) -> Path:
    """A chart in a folder, and what it depends on."""
    (folder / "templates").mkdir(parents=True)
    chart = {"apiVersion": "v2", "name": folder.name, "version": "1.0.0", "dependencies": list(dependencies)}
    (folder / "Chart.yaml").write_text(yaml.safe_dump(chart))
    (folder / "values.yaml").write_text(values)
    for name, text in templates.items():
        (folder / "templates" / name).write_text(text)
    return folder


class Log:
    """Keeps what a deployment prints."""

    def __init__(self) -> None:
        self.text = ""

    def write(self, text: str) -> None:
        self.text += text
