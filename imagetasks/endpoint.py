"""Which Docker daemon would be used: a name for it, found without asking it."""

from __future__ import annotations

import json
from collections.abc import Mapping

from imagetasks.docker_config import docker_config_file

_DEFAULTS = ("", "unix:///var/run/docker.sock", "context:default")


def daemon_endpoint(environ: Mapping[str, str]) -> str:
    """The same name, the same daemon: ``DOCKER_HOST``, else the current context, else ``default``.

    The order is the docker CLI's (its reference, section "Environment variables").
    """
    endpoint = environ.get("DOCKER_HOST", "")
    if not endpoint:
        context = environ.get("DOCKER_CONTEXT") or _current_context(environ)
        endpoint = f"context:{context}" if context else ""
    return "default" if endpoint in _DEFAULTS else endpoint


def _current_context(environ: Mapping[str, str]) -> str:
    try:
        settings = json.loads(docker_config_file(environ).read_bytes())
    except (OSError, ValueError):
        return ""
    return str(settings.get("currentContext") or "") if isinstance(settings, dict) else ""
