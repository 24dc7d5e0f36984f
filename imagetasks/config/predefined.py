"""The predefined variables, ``DEVSPACE_*``: what they stand for is asked of git, the system and the kubeconfig.

They are those of the reference, section "Variables".
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path

from imagetasks.config.reader import MappingNode, maps_in, read_nodes, text_in
from imagetasks.errors import ConfigError
from imagetasks.registry.tags import VOLATILE_VARIABLES, volatile_values


def predefined_variables(folder: Path, environ: Mapping[str, str]) -> Mapping[str, Callable[[], str]]:
    """The predefined variables of the project in ``folder``, each to be called for its value.

    A call raises ConfigError where there is no value, as for ``DEVSPACE_GIT_COMMIT`` outside a repository.
    """
    namespace = partial(_current_namespace, environ)
    return {
        **{name: partial(_volatile, name) for name in VOLATILE_VARIABLES},
        "DEVSPACE_GIT_COMMIT": partial(_git_commit, folder),
        "DEVSPACE_USERNAME": _user_name,
        "DEVSPACE_SPACE": namespace,
        "DEVSPACE_SPACE_NAMESPACE": namespace,
    }


def _volatile(name: str) -> str:
    return volatile_values()[name]


def _git_commit(folder: Path) -> str:
    command = ["git", "rev-parse", "--short", "HEAD"]
    try:
        result = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    except OSError:
        raise ConfigError("variable `DEVSPACE_GIT_COMMIT` needs git, which cannot be started") from None
    if result.returncode:
        raise ConfigError(
            f"variable `DEVSPACE_GIT_COMMIT` needs a git repository with a commit, which {folder} is not in"
        )
    return result.stdout.strip()


def _user_name() -> str:
    import getpass

    try:
        return getpass.getuser()
    except (KeyError, OSError):
        raise ConfigError(
            "variable `DEVSPACE_USERNAME` has no value, as this user has no name; "
            "pass --var DEVSPACE_USERNAME=VALUE or set the environment variable DEVSPACE_USERNAME"
        ) from None


def _current_namespace(environ: Mapping[str, str]) -> str:
    """The namespace of the kubeconfig's current context, found as kubectl does: of two files, the first one wins."""
    roots = [read_nodes(file) for file in _kubeconfig_files(environ) if file.is_file()]
    current = next(filter(None, (text_in(root, "current-context") for root in roots)), "")
    for root in roots:
        for context in maps_in(root.values.get("contexts")) if isinstance(root, MappingNode) else ():
            if text_in(context, "name") == current:
                return text_in(context.values.get("context"), "namespace") or "default"
    return "default"


def _kubeconfig_files(environ: Mapping[str, str]) -> list[Path]:
    listed = [name for name in environ.get("KUBECONFIG", "").split(os.pathsep) if name]
    return [Path(name) for name in listed] or [Path("~/.kube/config").expanduser()]
