"""What an image was last built from, part by part, so that it can be told what has changed since.

A manifest is one file for each image, written after a build and read by ``imagetasks why`` alone: the JSON of
:class:`Manifest` as an object, compressed with zlib. It holds no value, since build arguments may be secrets.
"""

from __future__ import annotations

import hashlib
import json
import os
import stat
import zlib
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from imagetasks.context.inputs import Inputs
from imagetasks.private_file import replace_file

__all__ = ["Manifest", "read_manifest", "take_manifest", "write_manifest"]

_FINGERPRINT_BYTES = 8
_SALT_BYTES = 16


class Manifest(NamedTuple):
    """The parts of one digest.

    :ivar digest: the digest of all that the image is built from
    :ivar salt: what keeps the fingerprints of one build's settings from being looked up in another's
    :ivar settings: the fingerprint of each setting by its name for people; the Dockerfile is one of them
    :ivar files: for each entry of the context, or of what a custom command watches, its mode and its fingerprint; the
        path of a folder ends with ``/``
    """

    digest: str
    salt: str
    settings: Mapping[str, str]
    files: Mapping[str, str]


def take_manifest(inputs: Inputs, digest: str, salt: str = "") -> Manifest:
    """The manifest of what is there now; to compare it with another one, take it with the other's salt.

    :raises UserError: something cannot be read
    """
    salt = salt or os.urandom(_SALT_BYTES).hex()
    settings = {
        name: _fingerprint(hashlib.sha256(f"{salt} {value}".encode("utf-8", "surrogateescape")).digest())
        for name, value in inputs.named_settings().items()
    }
    files = {
        f"{path}/" if stat.S_ISDIR(mode) else path: f"{mode:o} {_fingerprint(content)}"
        for path, mode, content in inputs.entries()
    }
    return Manifest(digest, salt, settings, files)


def read_manifest(file: Path, digest: str) -> Manifest | None:
    """The manifest that was written for a digest; None where there is none, or not a whole one."""
    try:
        manifest = Manifest(**json.loads(zlib.decompress(file.read_bytes())))
    except (OSError, ValueError, TypeError, zlib.error):
        return None
    is_whole = isinstance(manifest.settings, dict) and isinstance(manifest.files, dict)
    return manifest if is_whole and manifest.digest == digest else None


def write_manifest(file: Path, manifest: Manifest) -> None:
    """Write a manifest in place of the image's last one; one that cannot be written is not kept, without an error."""
    with suppress(OSError):
        file.parent.mkdir(parents=True, exist_ok=True)
        replace_file(file, zlib.compress(json.dumps(manifest._asdict()).encode()))


def _fingerprint(digest: bytes) -> str:
    return digest[:_FINGERPRINT_BYTES].hex()
