"""Removing from a Docker daemon the images that a project has built and no longer needs.

An image is ours if the project's history (:mod:`imagetasks.history`) says that a build of ours made it. It stays if
it has a name that we have not given it, if a container uses it, if a record of the last run needs it, or if it is one
of the newest of its kind.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence, Set
from datetime import datetime
from pathlib import Path
from typing import Any, NamedTuple, Protocol

from imagetasks.endpoint import daemon_endpoint
from imagetasks.errors import ReferenceSyntaxError
from imagetasks.history import Build, drop_builds, read_builds
from imagetasks.registry.reference import Repository, parse_reference


class HeldImage(NamedTuple):
    """An image in a daemon.

    :ivar parent: the id of the image that the classic builder made it from, or empty
    :ivar names: its ``repository:tag``
    :ivar digests: its ``repository@digest``, which a push or a pull leaves
    :ivar created: in seconds since the epoch
    :ivar size: in bytes, with what it shares with others
    """

    id: str
    parent: str
    names: tuple[str, ...]
    digests: tuple[str, ...]
    created: int
    size: int


class ImageStore(Protocol):
    """What clean-up asks of a daemon; each method raises DaemonError."""

    def images(self) -> Sequence[HeldImage]:
        """All images, also those that have no name."""

    def used_images(self) -> Set[str]:
        """The ids of the images that containers use, running or not."""

    def layers_size(self) -> int:
        """How many bytes all images take up together."""

    def remove_image(self, name: str, *, prune: bool) -> bool:
        """Take a name off an image, or remove one that has none, and tell whether the image is gone with it.

        :param name: a ``repository:tag``, or the id of an image without names
        :param prune: whether the images without names that it was made from go too, unless others are made from them
        """


class Candidate(NamedTuple):
    """An image that is no longer needed.

    :ivar build: the last build that made it
    :ivar obstacle: why it stays all the same, empty if nothing speaks against removing it
    :ivar prunes: whether all that the daemon would remove with it is ours too
    """

    build: Build
    held: HeldImage
    obstacle: str = ""
    prunes: bool = False


class Cleanup(NamedTuple):
    """What came of a clean-up.

    :ivar removed: with dry run, what would be removed
    :ivar freed: how many bytes the daemon's images take up less
    """

    removed: tuple[Candidate, ...] = ()
    kept: tuple[Candidate, ...] = ()
    freed: int = 0


def clean_up(
    store: ImageStore,
    builds: Sequence[Build],
    *,
    needed: Collection[str],
    images: Collection[str],
    keep: int,
    dryrun: bool,
) -> Cleanup:
    """Remove what :func:`find_candidates` finds, the newest first, so that what is built on others goes before them.

    :raises DaemonError: the daemon does not answer, or refuses
    """
    candidates = find_candidates(store.images(), store.used_images(), builds, needed=needed, images=images, keep=keep)
    removable = [candidate for candidate in candidates if not candidate.obstacle]
    kept = tuple(candidate for candidate in candidates if candidate.obstacle)
    if dryrun or not removable:
        return Cleanup(tuple(removable), kept)
    before = store.layers_size()
    gone = [candidate for candidate in removable if _remove(store, candidate)]
    others = (one._replace(obstacle="other images or containers need it") for one in removable if one not in gone)
    return Cleanup(tuple(gone), (*kept, *others), max(0, before - store.layers_size()))


def clean_daemon(
    history: Path,
    environ: Mapping[str, str],
    *,
    needed: Collection[str],
    images: Collection[str],
    keep: int,
    dryrun: bool,
) -> Cleanup:
    """Clean up the daemon that ``environ`` leads to, and drop from the history what it no longer holds.

    A daemon that the history does not know is not asked.

    :raises DaemonError: the daemon does not answer, or refuses
    :raises OSError: the history cannot be read or written
    """
    endpoint = daemon_endpoint(environ)
    builds = [build for build in read_builds(history) if build.daemon == endpoint]
    if not any(build.image in images for build in builds):
        return Cleanup()
    from imagetasks.daemon import Daemon

    daemon = Daemon(environ)
    cleanup = clean_up(daemon, builds, needed=needed, images=images, keep=keep, dryrun=dryrun)
    if not dryrun:
        there = {image.id for image in daemon.images()}
        drop_builds(history, lambda build: build.daemon == endpoint and build.id not in there)
    return cleanup


def needed_by(values: Mapping[str, Any]) -> Iterator[str]:
    """The ids and names of images that the values of a task that builds, tags or deploys need."""
    yield from filter(None, (values.get("id"), values.get("reference")))
    yield from values.get("others", ())
    yield from values.get("images", {}).values()


def told(cleanup: Cleanup, *, dryrun: bool) -> Iterator[str]:
    """The lines that tell a user of a clean-up."""
    from rich.filesize import decimal

    for candidate in cleanup.removed:
        yield f"{'would remove' if dryrun else 'removed'} {_described(candidate)}, {decimal(candidate.held.size)}"
    for candidate in cleanup.kept:
        yield f"kept {_described(candidate)}: {candidate.obstacle}"
    count = f"{len(cleanup.removed)} image{'' if len(cleanup.removed) == 1 else 's'}"
    if not cleanup.removed:
        yield "nothing to remove"
    elif dryrun:
        yield f"{count} would be removed"
    else:
        yield f"{count} removed, {decimal(cleanup.freed)} freed"


def _described(candidate: Candidate) -> str:
    name = ", ".join(candidate.held.names) or candidate.held.id.removeprefix("sha256:")[:12]
    return f"{candidate.build.image}: {name}, built {datetime.fromtimestamp(candidate.build.ended):%Y-%m-%d %H:%M}"


def find_candidates(
    held: Sequence[HeldImage],
    used: Set[str],
    builds: Sequence[Build],
    *,
    needed: Collection[str],
    images: Collection[str],
    keep: int,
) -> list[Candidate]:
    """The images that are no longer needed, newest build first.

    :param held: what the daemon holds
    :param used: the ids of the images that containers use
    :param builds: the history of this daemon, oldest first
    :param needed: ids and names that the records of the last run need
    :param images: the names in the graph of the images to look at
    :param keep: how many of the newest of each stay
    """
    by_id = {image.id: image for image in held}
    there = [build for build in builds if build.id in by_id]
    wanted = {_canonical(name) for name in needed}
    names = _names_by_id(builds)
    ours = _Ours(by_id, builds)
    candidates = []
    for build in _superseded(there, images, keep):
        image = by_id[build.id]
        if image.id in needed or wanted.intersection(map(_canonical, image.names)):
            continue
        obstacle = _foreign_name(image, names[image.id]) or ("a container uses it" if image.id in used else "")
        candidates.append(Candidate(build, image, obstacle, ours.are_parents_of(image)))
    return candidates


def _superseded(builds: Sequence[Build], images: Collection[str], keep: int) -> Iterator[Build]:
    """The last build of each id that is not among the newest of any image; other images than ``images`` keep all."""
    newest: defaultdict[str, set[str]] = defaultdict(set)
    last: dict[str, Build] = {}
    for build in reversed(builds):
        last.setdefault(build.id, build)
        if build.image not in images or len(newest[build.image]) < keep:
            newest[build.image].add(build.id)
    kept = set().union(*newest.values())
    return (build for build in last.values() if build.id not in kept)


def _names_by_id(builds: Sequence[Build]) -> Mapping[str, set[str]]:
    names: defaultdict[str, set[str]] = defaultdict(set)
    for build in builds:
        names[build.id].update(map(_canonical, build.names))
    return names


def _foreign_name(image: HeldImage, ours: Set[str]) -> str:
    """What to say of a name or a digest that we have not given to an image; empty if there is none."""
    repositories = {_repository(name) for name in ours}
    names = [name for name in image.names if _canonical(name) not in ours]
    digests = [digest for digest in image.digests if _repository(digest) not in repositories]
    return "".join(f"it is {name} too" for name in (names + digests)[:1])


class _Ours:
    """Tells which images without names builds of ours have made: those of the history, and what came to be meanwhile.

    The classic builder makes an image of each instruction, and takes those of anybody's builds before from its cache.
    """

    def __init__(self, by_id: Mapping[str, HeldImage], builds: Sequence[Build]) -> None:
        self._by_id = by_id
        self._ids = {build.id for build in builds}
        self._times = [(build.began, build.ended) for build in builds]

    def are_parents_of(self, image: HeldImage) -> bool:
        """Whether all images without a name that one was made from are ours."""
        parent = self._by_id.get(image.parent)
        while parent and (parent.id in self._ids or not parent.names):
            if parent.id not in self._ids and not self._is_of_a_build(parent.created):
                return False
            parent = self._by_id.get(parent.parent)
        return True

    def _is_of_a_build(self, created: int) -> bool:
        return any(began <= created <= ended for began, ended in self._times)


def _remove(store: ImageStore, candidate: Candidate) -> bool:
    outcomes = [
        store.remove_image(name, prune=candidate.prunes) for name in candidate.held.names or (candidate.held.id,)
    ]
    return any(outcomes)


def _canonical(name: str) -> str:
    """The form that leaves nothing out of a name; of what is no name, the text itself."""
    try:
        return parse_reference(name).canonical
    except ReferenceSyntaxError:
        return name


def _repository(name: str) -> Repository | str:
    try:
        return parse_reference(name).repository
    except ReferenceSyntaxError:
        return name
