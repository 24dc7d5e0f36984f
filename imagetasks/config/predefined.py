"""The predefined variables: what they stand for is asked of git, the system and the kubeconfig.

``DEVSPACE_*`` are those of the reference, section "Variables", and of later versions, which also know some of them as
``devspace.*`` (https://www.devspace.sh/docs/configuration/variables#built-in-variables).
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path

import imagetasks
from imagetasks.errors import ClusterError, ConfigError
from imagetasks.kubeconfig import current_context, current_namespace
from imagetasks.registry.tags import VOLATILE_VARIABLES, volatile_values

_OTHER_SPELLINGS = {
    "devspace.name": "DEVSPACE_NAME",
    "devspace.version": "DEVSPACE_VERSION",
    "devspace.profile": "DEVSPACE_PROFILE",
    "devspace.userHome": "DEVSPACE_USER_HOME",
    "devspace.git.branch": "DEVSPACE_GIT_BRANCH",
    "devspace.git.commit": "DEVSPACE_GIT_COMMIT",
    "devspace.context": "DEVSPACE_CONTEXT",
    "devspace.namespace": "DEVSPACE_NAMESPACE",
}


def predefined_variables(
    folder: Path, environ: Mapping[str, str], *, name: str = "", profiles: Sequence[str] = ()
) -> Mapping[str, Callable[[], str]]:
    """The predefined variables of the project ``name`` in ``folder``, each to be called for its value.

    A call raises ConfigError where there is no value, as for ``DEVSPACE_GIT_COMMIT`` outside a repository.
    """
    namespace = partial(_of_kubeconfig, current_namespace, environ)
    variables: dict[str, Callable[[], str]] = {
        "DEVSPACE_NAME": lambda: name,
        "DEVSPACE_VERSION": lambda: imagetasks.__version__,
        "DEVSPACE_EXECUTABLE": lambda: str(Path(sys.argv[0]).absolute()),
        "DEVSPACE_TMPDIR": tempfile.gettempdir,
        "DEVSPACE_USER_HOME": lambda: str(Path.home()),
        "DEVSPACE_PROFILE": lambda: profiles[-1] if profiles else "",
        "DEVSPACE_PROFILES": lambda: " ".join(profiles),
        "DEVSPACE_GIT_COMMIT": partial(_git, folder, "DEVSPACE_GIT_COMMIT", "rev-parse", "--short", "HEAD"),
        "DEVSPACE_GIT_BRANCH": partial(_git, folder, "DEVSPACE_GIT_BRANCH", "rev-parse", "--abbrev-ref", "HEAD"),
        "DEVSPACE_USERNAME": _user_name,
        "DEVSPACE_SPACE": namespace,
        "DEVSPACE_SPACE_NAMESPACE": namespace,
        "DEVSPACE_NAMESPACE": namespace,
        "DEVSPACE_CONTEXT": partial(_of_kubeconfig, current_context, environ),
    }
    return {
        **variables,
        **{other: variables[spelling] for other, spelling in _OTHER_SPELLINGS.items()},
        **{variable: partial(_volatile, variable) for variable in VOLATILE_VARIABLES},
    }


def _volatile(name: str) -> str:
    return volatile_values()[name]


def _git(folder: Path, variable: str, *arguments: str) -> str:
    try:
        result = subprocess.run(["git", *arguments], cwd=folder, capture_output=True, text=True, check=False)
    except OSError:
        raise ConfigError(f"variable `{variable}` needs git, which cannot be started") from None
    if result.returncode:
        raise ConfigError(f"variable `{variable}` needs a git repository with a commit, which {folder} is not in")
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


def _of_kubeconfig(find: Callable[[Mapping[str, str]], str], environ: Mapping[str, str]) -> str:
    try:
        return find(environ)
    except ClusterError as error:
        raise ConfigError(error.message) from None
