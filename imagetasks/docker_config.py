"""Where Docker's command line keeps its configuration."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path


def docker_config_file(environ: Mapping[str, str]) -> Path:
    """``config.json`` in ``$DOCKER_CONFIG``, else in ``~/.docker`` (docker CLI reference, "Configuration files")."""
    folder = environ.get("DOCKER_CONFIG")
    # Unlike Path.home, this also answers for a user who has no home.
    return Path(folder or os.path.expanduser("~/.docker")) / "config.json"  # noqa: PTH111
