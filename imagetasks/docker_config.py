"""Where Docker's command line keeps its configuration."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path


def docker_config_file(environ: Mapping[str, str]) -> Path:
    """``config.json`` in ``$DOCKER_CONFIG``, else in ``~/.docker`` (docker CLI reference, "Configuration files")."""
    folder = environ.get("DOCKER_CONFIG")
    return (Path(folder) if folder else Path.home() / ".docker") / "config.json"
