"""What the tasks of images and hooks do: a function for each kind, and the values it leaves for later tasks and runs.

====== ==========================================================================================================
hash   ``digest``
build  ``digest``, ``engine``, ``bases`` (id by name), ``id``, ``reference``, ``others`` (with further tags),
       ``schemas``, ``is_pushed`` (whether an engine that pushes what it builds was to do so), ``time`` (ISO 8601)
tag    ``id``, ``reference`` (``repository:tag``), ``others`` (of further tags), ``schemas``
push   as tag, and ``destination``, which is empty for the registry
hook   ``id`` of the build that it ran after, if it runs after the build of one image
====== ==========================================================================================================
"""

from __future__ import annotations

import functools
import math
import os
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, ParamSpec

from doit.exceptions import TaskFailed
from doit.task import Task

from imagetasks.builders import InCluster, builder_for
from imagetasks.config.model import CustomBuild
from imagetasks.context.inputs import CustomInputs, DockerInputs
from imagetasks.endpoint import daemon_endpoint
from imagetasks.errors import BuildError, ClusterError, ContextError, DaemonError, HookError, UserError
from imagetasks.local_clusters import load_image
from imagetasks.plan import ELSEWHERE, HookPlan, ImagePlan, is_elsewhere
from imagetasks.processes import run
from imagetasks.reasons import has_its_name
from imagetasks.registry.tags import resolve_tag
from imagetasks.report import phases
from imagetasks.report.log import LIVE_VERBOSITY, TaskLog
from imagetasks.report.terminal import printable, show

if TYPE_CHECKING:
    from imagetasks.builders.base import BuildContext

Values = dict[str, Any]
P = ParamSpec("P")


def tell_mistakes(action: Callable[P, Values | None]) -> Callable[P, Values | TaskFailed | None]:
    """Turn a user's mistake into doit's failure of the task: a sentence, no traceback, exit code 1."""

    @functools.wraps(action)
    def wrapped(*args: P.args, **kwargs: P.kwargs) -> Values | TaskFailed | None:
        try:
            return action(*args, **kwargs)
        except UserError as error:
            return TaskFailed(str(error))
        except OSError as error:
            return TaskFailed(f"{error.filename or 'the system'}: {error.strerror or error}")

    return wrapped


@tell_mistakes
def hash_image(plan: ImagePlan) -> Values:
    """Compute the digest of all that goes into an image (design, "Contract: the digest")."""
    if isinstance(plan.inputs, CustomInputs):
        for pattern in plan.inputs.unmatched():
            sys.stderr.write(f"WARNING: {plan.name}: nothing matches {pattern!r} of its `onChange`\n")
    return {"digest": plan.inputs.digest()}


@tell_mistakes
def build_image(plan: ImagePlan, task: Task, hashed: Values, **tagged_bases: Values) -> Values:
    """Build an image with its engine, on what its bases have become; ``tagged_bases`` are their tag values."""
    from imagetasks.context.manifest import take_manifest, write_manifest

    if isinstance(plan.inputs, DockerInputs) and plan.inputs.digest() != hashed["digest"]:
        raise ContextError(f"what {plan.name} is built from changed after it was hashed; run the build again")
    reference = _reference(plan, plan.schemas[0] if plan.schemas else None)
    _warn_of_same_tag(plan, task, reference)
    began = time.time()
    manifest = take_manifest(plan.inputs, hashed["digest"])
    open_context = functools.partial(_open_context, plan, task, tagged_bases)
    others = [_reference(plan, schema) for schema in plan.schemas[1:]]
    in_cluster = InCluster(plan.find_target, tuple(name.rpartition(":")[2] for name in others), plan.may_push)
    builder = builder_for(plan.image, plan.project, open_context, plan.environ, in_cluster)
    with _log(plan, task) as log:
        if isinstance(plan.inputs, DockerInputs):
            phases.enter(task.name, "sending the context")
        try:
            image_id = builder.build(reference, log)
        except BuildError as error:
            raise BuildError(f"{log.mask(error.message)}\n{log.tail()}\n    the whole log is {log.path}") from error
        except ClusterError as error:
            raise ClusterError(log.mask(error.message)) from error
    write_manifest(plan.manifest_file, manifest)
    _remember(plan, image_id, [reference, *others], began)
    return {
        "digest": hashed["digest"],
        "engine": plan.engine,
        "bases": {base: tagged_bases[argument_for(base)]["id"] for base in plan.base_names},
        "id": image_id or f"{ELSEWHERE}{os.urandom(16).hex()}",
        "reference": reference,
        "others": others,
        "schemas": list(plan.schemas),
        "is_pushed": plan.may_push or isinstance(plan.image.build, CustomBuild),
        "time": datetime.now(UTC).isoformat(timespec="seconds"),
    }


@tell_mistakes
def tag_image(plan: ImagePlan, built: Values) -> Values:
    """Give the image that was built its names: those of its build, unless repository or schemas are others by now."""
    from imagetasks.daemon import Daemon

    if has_its_name(plan, built):
        reference, others = built["reference"], built.get("others", [])
    else:
        first, *schemas = plan.schemas or (None,)
        reference, others = _reference(plan, first), [_reference(plan, schema) for schema in schemas]
        if not is_elsewhere(built["id"]):
            _remember(plan, built["id"], [reference, *others], time.time())
    if not is_elsewhere(built["id"]):
        for name in (reference, *others):
            Daemon(plan.environ).tag(built["id"], *name.rsplit(":", 1))
    return {"id": built["id"], "reference": reference, "others": others, "schemas": list(plan.schemas)}


@tell_mistakes
def push_image(plan: ImagePlan, task: Task, tagged: Values) -> Values | None:
    """Push an image, or load it into the nodes of a local cluster.

    What a custom command built elsewhere than in the daemon has been pushed by that command.
    """
    from imagetasks.registry.push import push

    if not plan.is_pushed:
        task.meta = {**(task.meta or {}), "left out": True}
        return last_record(task) or None
    if not is_elsewhere(tagged["id"]):
        with _log(plan, task) as log:
            for name in (tagged["reference"], *tagged["others"]):
                phases.enter(task.name, f"{'loading' if plan.cluster else 'pushing'} {name}")
                if plan.cluster:
                    load_image(name, plan.cluster, plan.environ, log)
                else:
                    push(name, log, functools.partial(phases.measure, task.name))
    return {**tagged, "destination": plan.destination}


@tell_mistakes
def run_hook(
    plan: HookPlan, changes: Sequence[ImagePlan], task: Task, built: Values | None = None, **tagged: Values
) -> Values | None:
    """Run a hook's command in its project's folder; without ``args`` it is one for a shell.

    As upstream does, hooks for all images or deployments run also where all of those are up to date. Those for one
    image run only when it is built.

    :param changes: the images whose inputs the command may change
    :param built: the values of the build that it runs after
    :param tagged: the tag values of the images that it is told of
    """
    hook = plan.hook
    command = _hook_command(plan, tagged)
    with TaskLog(plan.log_folder, task.name, live=not hook.silent, secrets=plan.secrets) as log:
        try:
            code = run(command, folder=plan.project, environ={**os.environ, **plan.environ}, write=log.write)
        except (OSError, ValueError) as error:
            reason = getattr(error, "strerror", None) or error
            raise HookError(f"`{hook.shown}` cannot be started in {plan.project}: {reason}", hook.position) from error
        if code != 0:
            tail = f"{log.tail()}\n" if log.tail() else ""
            raise HookError(
                f"`{hook.shown}` ended with exit code {code}\n{tail}    the whole log is {log.path}", hook.position
            )
    for image in changes:
        image.inputs.forget()
    return {"id": built["id"]} if built else None


def clean_image(plan: ImagePlan, dryrun: bool) -> None:
    """Remove all that builds of an image have left in the daemon, and let it be built again (doit's ``clean``).

    A user's mistake ends the program, since doit would go on and end with exit code 0.
    """
    from doit.globals import Globals

    from imagetasks.cleanup import clean_daemon, needed_by, told
    from imagetasks.history import read_builds
    from imagetasks.lock import lock_project

    builds = {plan.task("build"), plan.task("tag")}
    try:
        if not dryrun:
            lock_project(plan.history_file.parent)
        images = {build.image for build in read_builds(plan.history_file)}
        others = {f"{kind}:{image}" for image in images for kind in ("build", "tag")} - builds
        needed = [name for task in others for name in needed_by(Globals.dep_manager.get_values(task))]
        cleanup = clean_daemon(
            plan.history_file, plan.environ, needed=needed, images={plan.name}, keep=0, dryrun=dryrun
        )
    except (UserError, OSError) as error:
        raise SystemExit(f"ERROR: {error}") from None
    for line in told(cleanup, dryrun=dryrun):
        show(sys.stdout, f"{printable(line)}\n")
    if not dryrun:
        Globals.dep_manager.remove(plan.task("build"))


def argument_for(image: str) -> str:
    """The name of an action's argument for the tag values of an image, apart from all its own."""
    return f"image {image}"


def last_record(task: Task) -> Values:
    """The values of a task's last success, as its check in :mod:`imagetasks.uptodate` found them."""
    record: Values = (task.meta or {}).get("last") or {}
    return record


def _hook_command(plan: HookPlan, tagged: Mapping[str, Values]) -> Sequence[str]:
    from imagetasks.config.shell import shell_command
    from imagetasks.runtime import fill_runtime

    hook = plan.hook
    for image in hook.images:
        if image not in plan.images:
            raise HookError(f"`{hook.shown}` is to be told of the image {image}, which is not built", hook.position)
    references = {image: str(tagged[argument_for(image)]["reference"]) for image in plan.images}
    command, *args = (fill_runtime(word, references) for word in (hook.command, *(hook.args or ())))
    return shell_command(command) if hook.args is None else [command, *args]


def _remember(plan: ImagePlan, image_id: str, names: Sequence[str], began: float) -> None:
    """Note what the daemon was given, for clean-up."""
    from imagetasks.history import Build, append_build

    if image_id:
        daemon = daemon_endpoint(plan.environ)
        build = Build(plan.name, image_id, tuple(names), daemon, int(began), math.ceil(time.time()))
        append_build(plan.history_file, build)


def _reference(plan: ImagePlan, schema: str | None) -> str:
    return f"{plan.image.image}:{resolve_tag(schema)}"


def _log(plan: ImagePlan, task: Task) -> TaskLog:
    return TaskLog(plan.log_folder, task.name, live=task.verbosity == LIVE_VERBOSITY, secrets=plan.secrets)


def _open_context(plan: ImagePlan, task: Task, tagged_bases: Mapping[str, Values]) -> BuildContext:
    assert isinstance(plan.inputs, DockerInputs)
    for base in plan.base_names:
        _name_base(base, tagged_bases[argument_for(base)], plan.environ)
    return plan.inputs.build_context(
        {name: str(tagged_bases[argument_for(base)]["reference"]) for name, base in plan.bases.items()},
        functools.partial(phases.measure, task.name),
    )


def _name_base(base: str, tagged: Values, environ: Mapping[str, str]) -> None:
    """See to it that a base's name stands for the image that was built here, where the daemon has that name at all.

    :raises BuildError: it stands for another image, and the one that was built is gone
    """
    from imagetasks.daemon import Daemon

    reference, image_id = str(tagged["reference"]), str(tagged["id"])
    if is_elsewhere(image_id):
        return
    try:
        daemon = Daemon(environ)
    except DaemonError:
        return  # the engine needs none, or it would have told
    found = daemon.image_id(reference)
    if found in (None, image_id):
        return
    if daemon.image_id(image_id) is None:
        raise BuildError(
            f"{reference} is not the image that build:{base} made, which is gone; run `doit build:{base} -b`"
        )
    daemon.tag(image_id, *reference.rsplit(":", 1))


def _warn_of_same_tag(plan: ImagePlan, task: Task, reference: str) -> None:
    if last_record(task).get("reference") == reference:
        sys.stderr.write(
            f"WARNING: {plan.name} is built under the name of its last build, {reference}: "
            "a cluster that has pulled it may go on with the old image\n"
        )
