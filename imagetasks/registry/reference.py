"""Image references: the names that registries and daemons know images by.

The grammar is that of distribution/reference (https://pkg.go.dev/github.com/distribution/reference), with the short
forms that Docker lets users write: ``nginx`` stands for ``docker.io/library/nginx``.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from imagetasks.errors import ReferenceSyntaxError

DOCKER_HUB = "docker.io"
MAX_NAME_LENGTH = 255

_OFFICIAL = "library/"

_LABEL = r"[a-zA-Z0-9](?:[a-zA-Z0-9-]*[a-zA-Z0-9])?"
_REGISTRY = re.compile(rf"(?:{_LABEL}(?:\.{_LABEL})*|\[[a-fA-F0-9:]+\])(?::[0-9]+)?")
_COMPONENT = r"[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*"
_PATH = re.compile(rf"{_COMPONENT}(?:/{_COMPONENT})*")
_TAG = re.compile(r"\w[\w.-]{0,127}", re.ASCII)
_DIGEST = re.compile(r"sha256:[0-9a-f]{64}|sha384:[0-9a-f]{96}|sha512:[0-9a-f]{128}")
_IMAGE_ID = re.compile(r"[0-9a-f]{64}")


class Repository(NamedTuple):
    """Where the images of one name are kept: ``registry`` is a host with or without a port, ``path`` the name there.

    Two spellings of one repository (``nginx`` and ``docker.io/library/nginx``) are equal. As text it is the short
    form that Docker shows.
    """

    registry: str
    path: str

    @property
    def canonical(self) -> str:
        """The form that leaves nothing out, such as ``docker.io/library/nginx``."""
        return f"{self.registry}/{self.path}"

    def __str__(self) -> str:
        official = self.path.removeprefix(_OFFICIAL)
        short = self.path if "/" in official else official
        means_this = _split_registry(short) == (self.registry, self.path) and not _IMAGE_ID.fullmatch(short)
        return short if means_this else self.canonical


class Reference(NamedTuple):
    """A repository, and which of its images is meant; ``digest`` is written ``sha256:…``."""

    repository: Repository
    tag: str | None = None
    digest: str | None = None

    @property
    def canonical(self) -> str:
        """The form that leaves no part of the name out, such as ``docker.io/library/nginx:1.25``."""
        return self.repository.canonical + self._suffix

    def __str__(self) -> str:
        return str(self.repository) + self._suffix

    @property
    def _suffix(self) -> str:
        return (f":{self.tag}" if self.tag else "") + (f"@{self.digest}" if self.digest else "")


_DIGEST_ALGORITHM = Repository(DOCKER_HUB, f"{_OFFICIAL}sha256")


def parse_repository(text: str) -> Repository:
    """Read a repository as ``image`` in the configuration names it: ``[registry/]path``, without a tag or a digest.

    :raises ReferenceSyntaxError: the text is no repository
    """
    reference = parse_reference(text)
    if reference.digest:
        raise ReferenceSyntaxError(f"image {text!r} has a digest, and an image that is yet to be built takes none")
    if reference.tag:
        name = text.removesuffix(f":{reference.tag}")
        raise ReferenceSyntaxError(
            f"image {text!r} has a tag, and image takes none: write image: {name} and tag: {reference.tag} "
            f"(tags: [{reference.tag}] in later versions)"
        )
    if reference.repository == _DIGEST_ALGORITHM:
        raise ReferenceSyntaxError("'sha256' names a digest algorithm, and Docker lets no image have that name")
    return reference.repository


def parse_reference(text: str) -> Reference:
    """Read ``[registry/]path[:tag][@digest]``, as ``docker tag`` and a Dockerfile's ``FROM`` take it.

    :raises ReferenceSyntaxError: the text is no reference
    """
    if _IMAGE_ID.fullmatch(text):
        raise ReferenceSyntaxError(f"{text!r} is an image's ID, and cannot be an image's name")
    name, at, digest = text.partition("@")
    if at and not _DIGEST.fullmatch(digest):
        raise ReferenceSyntaxError(f"{digest!r} in {text!r} is no digest, which is sha256: and 64 hexadecimal digits")
    name, tag = _split_tag(name)
    if tag is not None:
        check_tag(tag)
    return Reference(_repository(name), tag, digest or None)


def parse_registry(text: str) -> str:
    """Read a registry as ``docker login`` takes it: a host with or without a port, or a URL of it.

    :return: the host as :attr:`Repository.registry` has it
    :raises ReferenceSyntaxError: the text is neither
    """
    host = text.removeprefix("https://").removeprefix("http://").partition("/")[0]
    if not _REGISTRY.fullmatch(host):
        raise ReferenceSyntaxError(f"{text!r} is no registry, which is a host such as registry.example.com:5000")
    return _registry(host)


def check_tag(text: str) -> None:
    """Make sure that the text can be a tag.

    :raises ReferenceSyntaxError: it cannot
    """
    if not _TAG.fullmatch(text):
        raise ReferenceSyntaxError(
            f"{text!r} is no tag: that is up to 128 letters, digits, '_', '.' and '-', and starts with no '.' or '-'"
        )


def _split_tag(name: str) -> tuple[str, str | None]:
    """Part the tag from the name; a colon with a slash after it belongs to the registry's port."""
    head, colon, tail = name.rpartition(":")
    return (head, tail) if colon and "/" not in tail else (name, None)


def _split_registry(name: str) -> tuple[str, str]:
    """Part the registry from the path, and put in what Docker lets users leave out.

    The first component is a registry if it could be no component of a path on Docker Hub: it has a dot, a colon or
    a capital letter, or is ``localhost``.
    """
    first, slash, rest = name.partition("/")
    has_registry = slash and (first == "localhost" or "." in first or ":" in first or first != first.lower())
    registry, path = (_registry(first), rest) if has_registry else (DOCKER_HUB, name)
    if registry == DOCKER_HUB and "/" not in path:
        path = _OFFICIAL + path
    return registry, path


def _registry(host: str) -> str:
    return DOCKER_HUB if host == f"index.{DOCKER_HUB}" else host


def _repository(name: str) -> Repository:
    if not name:
        raise ReferenceSyntaxError("an image needs a name, such as registry.example.com/team/app")
    registry, path = _split_registry(name)
    if not _REGISTRY.fullmatch(registry):
        raise ReferenceSyntaxError(
            f"{registry!r} in {name!r} is no registry, which is a host such as example.com:5000"
        )
    if path != path.lower():
        raise ReferenceSyntaxError(f"{name!r} has capital letters, and a repository is written in lower case")
    if not _PATH.fullmatch(path):
        raise ReferenceSyntaxError(
            f"{name!r} is no repository, which is lower-case letters and digits, "
            "with '.', '_', '__' or '-' inside its parts and '/' between them"
        )
    repository = Repository(registry, path)
    if len(repository.canonical) > MAX_NAME_LENGTH:
        raise ReferenceSyntaxError(
            f"{name[:40]}… is too long: with its registry, a repository has at most {MAX_NAME_LENGTH} characters"
        )
    return repository
