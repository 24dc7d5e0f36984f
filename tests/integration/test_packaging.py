"""The distributions: what is in them, and that the wheel works in an environment of its own."""

from __future__ import annotations

import configparser
import os
import subprocess
import sys
import sysconfig
import tarfile
import tomllib
import venv
import zipfile
from email.parser import Parser
from pathlib import Path

import pytest

import imagetasks
from tests.conftest import ROOT

PACKAGE = ROOT / "imagetasks"
GROUPS = ("doit.LOADER", "doit.BACKEND", "doit.REPORTER")


@pytest.fixture(scope="session")
def distributions(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the source distribution, and the wheel that was built from it."""
    folder = tmp_path_factory.mktemp("dist")
    run(sys.executable, "-m", "build", "--no-isolation", "--outdir", folder, ROOT)
    return folder


@pytest.fixture(scope="session")
def wheel(distributions: Path) -> Path:
    [file] = distributions.glob("*.whl")
    return file


@pytest.fixture(scope="session")
def programs(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of programs of a new environment with the wheel; what it depends on is that of the tests."""
    environment = tmp_path_factory.mktemp("environment")
    venv.create(environment, symlinks=True)
    python = environment / "bin" / "python"
    run(sys.executable, "-m", "pip", "--python", python, "install", "--quiet", "--no-deps", "--no-index", wheel)
    site_packages = run(python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))").strip()
    Path(site_packages, "dependencies.pth").write_text(sysconfig.get_path("purelib"))
    return python.parent


def run(*command: str | Path, folder: Path | None = None) -> str:
    environ = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    done = subprocess.run(command, cwd=folder, env=environ, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_the_wheel_holds_every_file_of_the_package_and_nothing_else(wheel: Path) -> None:
    files = {str(file.relative_to(ROOT)) for file in PACKAGE.rglob("*") if file.is_file() and file.suffix != ".pyc"}

    with zipfile.ZipFile(wheel) as archive:
        packed = {name for name in archive.namelist() if ".dist-info/" not in name}

    assert packed == files
    assert "imagetasks/py.typed" in packed


def test_the_source_distribution_holds_what_the_tests_need(distributions: Path) -> None:
    [file] = distributions.glob("*.tar.gz")
    with tarfile.open(file) as archive:
        packed = {name.partition("/")[2] for name in archive.getnames()}

    assert {"pyproject.toml", "LICENSE", "README.md", "CHANGELOG.md", "tests/conftest.py", "scripts/venv"} <= packed
    assert not any(name.startswith((".venv", ".devspace", ".git/")) for name in packed)


def test_the_metadata_are_complete(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        [name] = [name for name in archive.namelist() if name.endswith(".dist-info/METADATA")]
        metadata = Parser().parsestr(archive.read(name).decode())

    versions = [f"Programming Language :: Python :: 3.{minor}" for minor in range(11, 15)]
    assert {*versions, "Typing :: Typed"} <= set(metadata.get_all("Classifier", []))
    assert metadata["Version"] == imagetasks.__version__
    assert metadata["Requires-Python"] == ">=3.11"
    assert metadata["License-Expression"] == "MIT"
    assert metadata["Summary"]


def test_a_new_environment_runs_the_program(programs: Path, tmp_path: Path) -> None:
    assert run(programs / "imagetasks", "--version", folder=tmp_path) == f"imagetasks {imagetasks.__version__}\n"
    assert run(programs / "python", "-m", "imagetasks", "--help", folder=tmp_path).startswith("imagetasks: ")
    for shell in ("bash", "zsh", "fish"):
        assert run(programs / "imagetasks", "completion", shell, folder=tmp_path)


def test_doit_finds_the_plugins_of_the_wheel(programs: Path, wheel: Path, tmp_path: Path) -> None:
    (tmp_path / "Dockerfile").write_text("FROM scratch\n")
    (tmp_path / "devspace.yaml").write_text("version: v1beta6\nimages: {api: {image: shop/api}}\n")
    (tmp_path / "doit.cfg").write_text("[GLOBAL]\nloader = imagetasks\n")

    listed = run(programs / "python", "-m", "doit", "list", "--all", folder=tmp_path)

    assert "build:api " in listed
    declared = configparser.ConfigParser()
    with zipfile.ZipFile(wheel) as archive:
        [name] = [name for name in archive.namelist() if name.endswith(".dist-info/entry_points.txt")]
        declared.read_string(archive.read(name).decode())
    for group in GROUPS:
        load = f"from importlib.metadata import entry_points as e; print(e(group={group!r})['imagetasks'].load())"
        assert declared[group]["imagetasks"].rpartition(":")[2] in run(programs / "python", "-c", load)


def test_the_page_is_drawn_from_the_files_of_the_wheel(programs: Path, tmp_path: Path) -> None:
    (tmp_path / "Dockerfile").write_text("FROM scratch\n")
    (tmp_path / "devspace.yaml").write_text("version: v1beta6\nimages: {api: {image: shop/api}}\n")

    run(programs / "imagetasks", "graph", "-o", "graph.html", folder=tmp_path)

    assert "build:api" in (tmp_path / "graph.html").read_text()


def test_every_dependency_is_justified() -> None:
    declared = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["dependencies"]
    names = {requirement.partition(">=")[0] for requirement in declared}
    _, _, section = (ROOT / "CONTRIBUTING.md").read_text().partition("\n## Dependencies\n")
    lines = section.partition("\n## ")[0].splitlines()

    assert {line.split("`")[1] for line in lines if line.startswith("- `")} == names
