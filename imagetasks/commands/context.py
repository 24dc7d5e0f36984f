"""``imagetasks context``: list what is sent to the builder of an image, or tell why a file is or is not."""

from __future__ import annotations

import os
import stat
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from imagetasks.commands.parser import Parser, config_file, image_plan, options_of
from imagetasks.config.questions import asker_here
from imagetasks.context.files import relative_path
from imagetasks.context.inputs import DockerInputs
from imagetasks.context.scan import stamped_size
from imagetasks.errors import OptionError
from imagetasks.project import open_project
from imagetasks.report.terminal import printable, show

_UNITS = ("kB", "MB", "GB", "TB")
_STEP = 1000


def main(words: Sequence[str]) -> int:
    """Print the files of an image's build context with their sizes, largest first, and their sum.

    With ``--explain PATH`` print what decides whether that file is one of them.

    :raises UserError: a mistake in the configuration, no such image, or a context that cannot be read
    """
    parser = Parser("context", "List what is sent to the builder of an image, the largest files first.")
    parser.add_configuration()
    parser.add_argument("image", metavar="IMAGE")
    parser.add_argument("--explain", metavar="PATH", help="tell why a file, named from the context, is sent or not")
    found = parser.parse_args(words)
    options = options_of(found)
    plan = image_plan(open_project(config_file(options), options, asker=asker_here()), found.image)
    if not isinstance(plan.inputs, DockerInputs):
        raise OptionError(f"{plan.name} is built by a command of its own, which is not sent a context")
    lines = _listing(plan.inputs) if found.explain is None else [_explanation(plan.inputs, found.explain)]
    show(sys.stdout, "".join(f"{printable(line)}\n" for line in lines))
    return 0


def _listing(inputs: DockerInputs) -> Iterator[str]:
    found = inputs.files.scan
    sizes = {
        path: stamped_size(stamp) if stat.S_ISREG(mode) else 0
        for path, mode, stamp in zip(found.paths, found.modes, found.stamps, strict=True)
        if not stat.S_ISDIR(mode)
    }
    for path, size in sorted(sizes.items(), key=lambda each: (-each[1], each[0])):
        yield f"{_shown_size(size):>8}  {path}"
    yield f"{_shown_size(sum(sizes.values())):>8}  in all, {len(sizes)} files of {inputs.folder}"


def _explanation(inputs: DockerInputs, path: str) -> str:
    name = _name_in_context(inputs.folder, path)
    if name is None:
        return f"{path} is not sent: there is no such file in {inputs.folder}"
    if any(name == folder or name.startswith(f"{folder}/") for folder in inputs.files.state_folders):
        return f"{name} is not sent: what imagetasks keeps for itself is never part of a context"
    ignore_file = inputs.files.ignore_file
    pattern = inputs.files.ignore_rules.deciding_pattern(name)
    decision = f"`{pattern.text}` in {ignore_file}:{pattern.line}" if pattern else ""
    if pattern and not pattern.negated:
        return f"{name} is not sent: {decision} excludes it{_as_dockerfile(inputs, name)}"
    if name not in inputs.files.scan.paths:
        return f"{name} is not sent: it is a socket, or is reached through a symbolic link"
    if pattern:
        return f"{name} is sent: {decision} makes an exception of it"
    reason = f"no pattern in {ignore_file} excludes it" if ignore_file else "there is no .dockerignore"
    return f"{name} is sent: {reason}"


def _name_in_context(folder: Path, path: str) -> str | None:
    """The name that a file has in a context; what is no file there may be one that was named from here."""
    for start in (folder, Path.cwd()):
        name = relative_path(start / path, folder)
        if os.path.lexists(folder / name) and name.split("/")[0] not in (".", ".."):
            return name
    return None


def _as_dockerfile(inputs: DockerInputs, name: str) -> str:
    """What to add on the Dockerfile, which the builder gets even if its ignore file excludes it."""
    if name != relative_path(inputs.dockerfile_path, inputs.folder):
        return ""
    return "; being the Dockerfile it reaches the builder all the same, but no COPY"


def _shown_size(size: int) -> str:
    shown, unit = float(size), "B"
    for larger in _UNITS:
        if shown < _STEP:
            break
        shown, unit = shown / _STEP, larger
    return f"{size} B" if unit == "B" else f"{shown:.1f} {unit}"
