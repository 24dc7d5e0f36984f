"""The project's own chores; doit runs them beside the sample project's images: ``doit lint types``, ``doit test``."""

import sys
from pathlib import Path
from typing import Any

FOLDERS = ("imagetasks", "tests", "bench", "scripts")
SOURCES = [
    "dodo.py",
    "pyproject.toml",
    *sorted(str(file) for folder in FOLDERS for file in Path(folder).rglob("*.py")),
]

Task = dict[str, Any]


def python(*args: str) -> list[str]:
    """A call of the Python that runs doit, and so has the tools."""
    return [sys.executable, *args]


def task_lint() -> Task:
    """Check style and formatting."""
    return {
        "actions": [python("-m", "ruff", "check"), python("-m", "ruff", "format", "--check")],
        "file_dep": SOURCES,
    }


def task_types() -> Task:
    """Check the types."""
    return {"actions": [python("-m", "mypy")], "file_dep": SOURCES}


def task_test() -> Task:
    """Run all tests."""
    return {"actions": [python("-m", "pytest")], "verbosity": 2}


def write_schema(targets: list[str]) -> None:
    """Write the JSON Schema of devspace.yaml."""
    from imagetasks.config.json_schema import schema_text

    Path(targets[0]).write_text(schema_text(), encoding="utf-8")


def task_schema() -> Task:
    """Make the JSON Schema of devspace.yaml anew."""
    return {
        "actions": [write_schema],
        "file_dep": [str(file) for file in sorted(Path("imagetasks/config").rglob("*.py"))],
        "targets": ["schema/devspace.schema.json"],
    }


def task_bench() -> Task:
    """Measure loading, no-op builds and the memory of a build."""
    return {"actions": [python("bench/load.py"), python("bench/run.py")], "verbosity": 2}
