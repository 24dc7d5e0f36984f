"""Which images a clean-up removes, told from a history and from what a daemon holds."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from imagetasks.cleanup import Candidate, HeldImage, clean_up, find_candidates, told
from imagetasks.history import Build


def built(number: int, image: str = "api", names: Sequence[str] | None = None) -> Build:
    """The build that took the seconds from ``10 * number`` on."""
    return Build(
        image,
        f"{image}{number}",
        (f"shop/{image}:{number}",) if names is None else tuple(names),
        "default",
        10 * number,
        10 * number + 5,
    )


def held(build: Build, parent: str = "") -> HeldImage:
    return HeldImage(build.id, parent, build.names, (), build.ended, 1000)


def candidates(
    images: Sequence[HeldImage],
    builds: Sequence[Build],
    *,
    used: Sequence[str] = (),
    needed: Sequence[str] = (),
    chosen: Sequence[str] = ("api", "web"),
    keep: int = 1,
) -> list[Candidate]:
    return find_candidates(images, set(used), builds, needed=needed, images=chosen, keep=keep)


def ids(found: Sequence[Candidate]) -> list[str]:
    return [candidate.held.id for candidate in found if not candidate.obstacle]


FOUR = [built(1), built(2), built(3), built(4)]
HELD = [held(build) for build in FOUR]


@pytest.mark.parametrize(
    ("keep", "gone"), [(0, ["api4", "api3", "api2", "api1"]), (1, ["api3", "api2", "api1"]), (3, ["api1"]), (9, [])]
)
def test_the_newest_stay(keep: int, gone: list[str]) -> None:
    assert ids(candidates(HELD, FOUR, keep=keep)) == gone


def test_the_newest_are_those_that_are_still_there() -> None:
    assert ids(candidates(HELD[:2], FOUR)) == ["api1"]


def test_each_image_keeps_its_own_newest() -> None:
    builds = [built(1), built(2), built(1, "web"), built(2, "web")]

    assert ids(candidates([held(build) for build in builds], builds)) == ["web1", "api1"]


def test_only_the_chosen_images_are_cleaned_up() -> None:
    builds = [built(1), built(2), built(1, "web"), built(2, "web")]

    assert ids(candidates([held(build) for build in builds], builds, chosen=["web"])) == ["web1"]


def test_an_image_that_another_one_is_too_stays_while_that_keeps_it() -> None:
    same = built(1, "web")._replace(id="api1")
    builds = [built(1), same, built(2)]
    image = held(built(1))._replace(names=(*built(1).names, *same.names))

    assert ids(candidates([image, held(built(2))], builds)) == []
    assert ids(candidates([image, held(built(2))], builds, keep=0)) == ["api2", "api1"]


def test_what_was_built_again_counts_as_new() -> None:
    assert ids(candidates(HELD[:2], [*FOUR[:2], built(1)._replace(names=("shop/api:again",))])) == ["api2"]


@pytest.mark.parametrize("needed", ["api1", "shop/api:1", "docker.io/shop/api:1"])
def test_what_a_record_needs_stays(needed: str) -> None:
    assert ids(candidates(HELD[:3], FOUR, needed=[needed])) == ["api2"]


def test_an_image_that_no_build_made_stays() -> None:
    stranger = HeldImage("stranger", "", ("shop/api:old",), (), 11, 1000)

    assert ids(candidates([stranger, *HELD], FOUR, keep=0)) == ["api4", "api3", "api2", "api1"]


def test_our_name_on_an_image_of_somebody_else_does_not_make_it_ours() -> None:
    taken = HeldImage("stranger", "", built(1).names, (), 11, 1000)

    assert ids(candidates([taken], FOUR, keep=0)) == []


@pytest.mark.parametrize(
    ("names", "digests", "other"),
    [
        (("shop/api:1", "mine:latest"), (), "mine:latest"),
        (("shop/api:1", "shop/api:release"), (), "shop/api:release"),
        (("shop/api:1",), ("mine@sha256:" + "0" * 64,), "mine@sha256:" + "0" * 64),
    ],
)
def test_an_image_with_a_name_of_somebody_elses_stays(
    names: tuple[str, ...], digests: tuple[str, ...], other: str
) -> None:
    image = held(built(1))._replace(names=names, digests=digests)

    (candidate,) = candidates([image], FOUR, keep=0)

    assert candidate.obstacle == f"it is {other} too"


def test_our_names_and_digests_do_not_keep_an_image() -> None:
    digest = "registry.test/shop/api@sha256:" + "0" * 64
    builds = [
        built(1, names=["docker.io/shop/api:1", "registry.test/shop/api:1"]),
        built(1, names=["shop/api:also"]),
    ]
    image = HeldImage("api1", "", ("shop/api:1", "registry.test/shop/api:1", "shop/api:also"), (digest,), 11, 1000)

    assert ids(candidates([image], builds, keep=0)) == ["api1"]


def test_an_image_that_a_container_uses_stays() -> None:
    (candidate,) = candidates(HELD[:1], FOUR, used=["api1"], keep=0)

    assert candidate.obstacle == "a container uses it"


@pytest.mark.parametrize(
    ("parents", "prunes"),
    [
        ([], True),
        ([HeldImage("step", "", (), (), 12, 0)], True),
        ([HeldImage("step", "earlier", (), (), 42, 0), HeldImage("earlier", "", (), (), 13, 0)], True),
        ([HeldImage("step", "base", (), (), 42, 0), HeldImage("base", "", ("busybox:1.36",), (), 1, 0)], True),
        ([HeldImage("step", "stranger", (), (), 42, 0), HeldImage("stranger", "", (), (), 38, 0)], False),
        ([HeldImage("step", "api1", (), (), 42, 0), HELD[0]._replace(parent="stranger")], False),
    ],
)
def test_images_without_names_go_along_only_if_they_are_ours(parents: list[HeldImage], prunes: bool) -> None:
    image = held(built(4), parent=parents[0].id if parents else "")
    stranger = HeldImage("stranger", "", (), (), 38, 0)

    found = candidates([image, *parents, stranger], FOUR, keep=0)

    assert found[0].prunes is prunes


class Shelf:
    """A daemon that answers from a list, and has images that others are built on."""

    def __init__(self, images: Sequence[HeldImage], parents: Sequence[str] = ()) -> None:
        self.held = list(images)
        self.parents = parents
        self.calls: list[str] = []

    def images(self) -> list[HeldImage]:
        return list(self.held)

    def used_images(self) -> set[str]:
        return set()

    def layers_size(self) -> int:
        return sum(image.size for image in self.held)

    def remove_image(self, name: str, *, prune: bool) -> bool:
        self.calls.append(name)
        (image,) = [image for image in self.held if name in (*image.names, image.id)]
        self.held.remove(image)
        names = tuple(other for other in image.names if other != name)
        if names or image.id in self.parents:
            self.held.append(image._replace(names=names))
            return False
        return True


def test_all_names_are_taken_off_and_images_without_one_are_removed_by_their_id() -> None:
    image = held(built(1))._replace(names=("shop/api:1", "shop/api:v1"))
    builds = [built(1, names=image.names), *FOUR[1:]]
    shelf = Shelf([image, HELD[1]._replace(names=()), HELD[2]])

    cleanup = clean_up(shelf, builds, needed=(), images=["api"], keep=1, dryrun=False)

    assert shelf.calls == ["api2", "shop/api:1", "shop/api:v1"]
    assert (cleanup.freed, shelf.held) == (2000, [HELD[2]])


def test_an_image_that_others_are_built_on_is_told_to_stay() -> None:
    cleanup = clean_up(Shelf(HELD, parents=["api1"]), FOUR, needed=(), images=["api"], keep=3, dryrun=False)

    assert cleanup.removed == ()
    assert [candidate.obstacle for candidate in cleanup.kept] == ["other images or containers need it"]


def test_a_dry_run_changes_nothing_and_tells_the_same_images() -> None:
    shelf = Shelf(HELD)
    dry = clean_up(shelf, FOUR, needed=(), images=["api"], keep=2, dryrun=True)
    assert shelf.calls == []

    assert clean_up(shelf, FOUR, needed=(), images=["api"], keep=2, dryrun=False).removed == dry.removed


def test_the_outcome_is_told_a_line_each_and_in_all() -> None:
    shelf = Shelf([held(built(1))._replace(names=()), *HELD[1:3], held(built(4))._replace(names=("other:1",))])
    dry = clean_up(shelf, FOUR, needed=(), images=["api"], keep=0, dryrun=True)
    done = clean_up(shelf, FOUR, needed=(), images=["api"], keep=0, dryrun=False)

    assert [line.partition(", built ")[0] for line in told(dry, dryrun=True)] == [
        "would remove api: shop/api:3",
        "would remove api: shop/api:2",
        "would remove api: api1",
        "kept api: other:1",
        "3 images would be removed",
    ]
    *_, kept, last = told(done, dryrun=False)
    assert kept.endswith(": it is other:1 too")
    assert last == "3 images removed, 3.0 kB freed"
