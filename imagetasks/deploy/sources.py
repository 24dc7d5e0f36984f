"""Where the manifests and values of a deployment come from: files of the project, and addresses on the web."""

from __future__ import annotations

import glob
import os
from collections.abc import Iterator
from pathlib import Path

from imagetasks.config.reader import shown_path
from imagetasks.errors import DeployError

DEPENDENCY_FILES = ("Chart.yaml", "requirements.yaml")
"""Where a chart names others: since Helm 3, and before."""
_SUFFIXES = (".json", ".yaml", ".yml")
"""What kubectl takes for manifests in a folder."""
_WILDCARDS = "*?["
_TIMEOUT = 30.0
_OK = 200


def is_remote(entry: str) -> bool:
    """Whether an entry of ``manifests`` is an address on the web."""
    return entry.startswith(("http://", "https://"))


def local_files(entry: str, project: Path) -> list[Path]:
    """The files that an entry of ``manifests`` stands for, in the order of their names; none if nothing is there.

    A folder stands for the manifests directly in it, as it does for ``kubectl apply --filename``, and so does the
    older ``folder/*``. A pattern (``k8s/**/*.yaml``) stands for the files and folders that match.
    """
    name = entry.removesuffix("*") or "." if entry == "*" or entry.endswith("/*") else entry
    path = project / name
    if path.is_file():
        return [path]
    if path.is_dir() or not any(sign in name for sign in _WILDCARDS):
        return _in_folder(path)
    found = [project / match for match in sorted(glob.glob(name, root_dir=project, recursive=True))]  # noqa: PTH207
    files = [file for match in found for file in (_in_folder(match) if match.is_dir() else [match])]
    return list(dict.fromkeys(file for file in files if file.suffix in _SUFFIXES))


def _in_folder(folder: Path) -> list[Path]:
    if not folder.is_dir():
        return []
    return sorted(file for file in folder.iterdir() if file.suffix in _SUFFIXES and file.is_file())


def files_below(folder: Path, *left_out: str) -> Iterator[Path]:
    """The files in a folder and all folders below it, where links lead to others too, in one order on every machine.

    :param left_out: names of folders that are not looked into
    """
    for name, folders, files in os.walk(folder, followlinks=True):
        folders[:] = sorted(set(folders) - set(left_out))
        yield from (Path(name, file) for file in sorted(files))


def read_file(file: Path) -> bytes:
    """What a manifest's file holds.

    :raises DeployError: it cannot be read
    """
    try:
        return file.read_bytes()
    except OSError as error:
        raise DeployError(f"{shown_path(file)} cannot be read: {os.strerror(error.errno or 0)}") from None


def fetch(address: str) -> bytes:
    """What a manifest's address holds.

    :raises DeployError: it cannot be fetched
    """
    import requests

    try:
        response = requests.get(address, timeout=_TIMEOUT)
    except requests.RequestException as error:
        raise DeployError(f"{shown_address(address)} cannot be fetched ({type(error).__name__})") from None
    if response.status_code != _OK:
        raise DeployError(
            f"{shown_address(address)} answers {response.status_code} {response.reason}, not a manifest"
        )
    return response.content


def shown_address(address: str) -> str:
    """The address without what may be secret in it: a user's name and password, and the query."""
    scheme, _, rest = address.partition("://")
    host, slash, path = rest.partition("/")
    return f"{scheme}://{host.rpartition('@')[2]}{slash}{path.partition('?')[0]}"
