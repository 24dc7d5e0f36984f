"""Why an image is to be built, tagged or pushed: what the last success recorded against what is there now. No I/O.

doit's checks in :mod:`imagetasks.uptodate` and :mod:`imagetasks.explanation` both ask here, so that they cannot
disagree: a task is up to date if there is no reason. Reasons are found one after the other; who takes only the first
pays for no more.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Mapping, Set
from typing import TYPE_CHECKING, Any, Protocol

from imagetasks.config.model import CustomBuild
from imagetasks.errors import BuildError
from imagetasks.plan import ImagePlan, is_elsewhere

if TYPE_CHECKING:
    from imagetasks.context.manifest import Manifest

Values = dict[str, Any]
"""What a task's success leaves (see :mod:`imagetasks.actions`); empty without one."""

NOT_BUILT = "no build of it is on record"

INPUTS_CHANGED = "what it is built from has changed"
"""The reason of which :func:`input_changes` can tell more."""

_FILES_NAMED = 3
_BUILD_KEYS = frozenset(("digest", "engine", "bases", "id", "reference", "schemas"))
_TAG_KEYS = frozenset(("id", "reference", "others", "schemas"))


class Facts(Protocol):
    """What reasons are found from; each is asked for only when it is needed."""

    def record(self, task: str) -> Values:
        """The values of a task's last success."""

    def digest(self, plan: ImagePlan) -> str:
        """The digest of what the image is built from now."""

    def holds(self, plan: ImagePlan, name: str, image_id: str) -> bool:
        """Whether a name or id stands for an image in the daemon that builds it. Raises DaemonError if none does."""


def build_reasons(plan: ImagePlan, facts: Facts) -> Iterator[str]:
    """Why the image is to be built. Whether a built one is still there is asked only if nothing else is a reason.

    :raises BuildError: it is not to be built, whatever has changed, and never was
    """
    built = _built(plan, facts)
    if plan.skips_build:
        _check_built(plan, built)
        return
    is_current = True
    for reason in itertools.chain(_demands(plan), _changes(plan, built, facts)):
        is_current = False
        yield reason
    if is_current and not _is_there(plan, built, facts):
        yield f"its image {built['reference']} is gone"


def tag_reasons(plan: ImagePlan, facts: Facts) -> Iterator[str]:
    """Why the image that was built last is to be tagged."""
    tagged, built = _tagged(plan, facts), _built(plan, facts)
    if plan.skips_build and tagged:
        return
    if not (tagged and built):
        yield "it has no tag yet"
    elif tagged["id"] != built["id"]:
        yield f"{tagged['reference']} is the image of an earlier build"
    elif not has_its_name(plan, tagged):
        yield f"it is {tagged['reference']}, and is to have another repository or tag"
    elif has_its_name(plan, built) and tagged["reference"] != built["reference"]:
        yield f"it is {tagged['reference']}, and is to be {built['reference']} as it was built"
    elif not is_elsewhere(tagged["id"]) and not _is_pushed(plan, tagged["id"], facts):
        for name in (tagged["reference"], *tagged["others"]):
            if not facts.holds(plan, name, tagged["id"]):
                yield f"the daemon has it no more as {name}"


def push_reasons(plan: ImagePlan, facts: Facts) -> Iterator[str]:
    """Why the image that was tagged last is to be pushed."""
    if plan.is_pushed and not _is_push_of_tag(plan, facts):
        reference = _tagged(plan, facts).get("reference", "it")
        taker = f"the cluster {plan.cluster.context}" if plan.cluster else "the registry"
        yield f"{taker} has not taken {reference} yet"


def input_changes(before: Manifest, now: Manifest) -> Iterator[str]:
    """What has changed in an image's inputs: a sentence for each setting and for each kind of change of files."""
    for name, change in _differences(before.settings, now.settings):
        yield f"{name} was {change}"
    files = sorted((change, path) for path, change in _differences(before.files, now.files))
    for change, group in itertools.groupby(files, lambda each: each[0]):
        yield _counted([path for _, path in group], change)


def _built(plan: ImagePlan, facts: Facts) -> Values:
    return _whole(facts.record(plan.task("build")), _BUILD_KEYS)


def _tagged(plan: ImagePlan, facts: Facts) -> Values:
    return _whole(facts.record(plan.task("tag")), _TAG_KEYS)


def _whole(record: Values, keys: Set[str]) -> Values:
    """A record, unless an earlier version has left it, which recorded less: that says too little to skip anything."""
    return record if keys <= record.keys() else {}


def _demands(plan: ImagePlan) -> Iterator[str]:
    if plan.force:
        yield "--force-build demands it"
    if plan.always_builds and isinstance(plan.image.build, CustomBuild):
        yield "its command is run each time, as it has no `onChange`"
    elif plan.always_builds:
        yield "its `rebuildStrategy` is `always`"


def _check_built(plan: ImagePlan, built: Values) -> None:
    if not built:
        name = plan.name
        raise BuildError(f"{name} has never been built here; run `doit build:{name}`, or leave out --skip-build")


def _changes(plan: ImagePlan, built: Values, facts: Facts) -> Iterator[str]:
    if not built:
        yield NOT_BUILT
        return
    if facts.digest(plan) != built["digest"]:
        yield INPUTS_CHANGED
    if plan.engine != built["engine"]:
        yield f"its engine was {built['engine']}, and is {plan.engine} now"
    bases = {base: facts.record(f"tag:{base}").get("id") for base in plan.base_names}
    for base, _ in _differences(built["bases"], bases):
        yield f"its base image {base} is another one now"


def _is_there(plan: ImagePlan, built: Values, facts: Facts) -> bool:
    image_id = built["id"]
    if is_elsewhere(image_id):
        return has_its_name(plan, built) and (built.get("is_pushed", True) or not plan.may_push)
    return _is_pushed(plan, image_id, facts) or facts.holds(plan, image_id, image_id)


def _is_pushed(plan: ImagePlan, image_id: str, facts: Facts) -> bool:
    """Whether the registry has the image under the name that it is to have, so that the daemon need not."""
    pushed = facts.record(plan.task("push"))
    if plan.stays_local or not _is_push_of_tag(plan, facts):
        return False
    return bool(pushed["id"] == image_id and has_its_name(plan, pushed))


def _is_push_of_tag(plan: ImagePlan, facts: Facts) -> bool:
    """Whether the last push has brought what was tagged last to where it is to go now."""
    pushed = facts.record(plan.task("push"))
    return bool(pushed) and pushed == {**_tagged(plan, facts), "destination": plan.destination}


def has_its_name(plan: ImagePlan, values: Values) -> bool:
    """Whether a record holds the repository and the tagging schemas that are asked for now."""
    repository, _, _ = str(values["reference"]).rpartition(":")
    return repository == plan.image.image and values["schemas"] == list(plan.schemas)


def _differences(before: Mapping[str, Any], now: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Each name that the two maps differ in, and how: ``added``, ``removed`` or ``modified``."""
    for name in {**before, **now}:
        if name not in before:
            yield name, "added"
        elif name not in now:
            yield name, "removed"
        elif before[name] != now[name]:
            yield name, "modified"


def _counted(names: Iterable[str], change: str) -> str:
    ordered = list(names)
    more = len(ordered) - _FILES_NAMED
    shown = ", ".join(ordered[:_FILES_NAMED]) + (f" and {more} more" if more > 0 else "")
    return f"{len(ordered)} {'file' if len(ordered) == 1 else 'files'} {change}: {shown}"
