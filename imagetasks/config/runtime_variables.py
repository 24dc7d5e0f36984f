"""The variables that only a run knows, such as ``${runtime.images.api.tag}``: whether those that are used exist.

Which there are is told by DevSpace's documentation
(https://www.devspace.sh/docs/configuration/variables#runtime-variables).
"""

from __future__ import annotations

from collections.abc import Collection

from imagetasks.config.mistakes import Mistakes, nearest
from imagetasks.config.reader import MappingNode, Node, ScalarNode, SequenceNode, is_null
from imagetasks.config.variables import RUNTIME, USE

_SUBJECTS = ("images", "dependencies", "hooks")
_PARTS = (".image", ".tag")


def check_runtime_variables(root: MappingNode, mistakes: Mistakes) -> None:
    """Add a mistake for each one in a deployment that is none, or that is of an image which is not in the file.

    Profiles must have been applied to the root, and variables not filled in. Of a file with ``imports``, or with an
    expression for all of its images, these are not known.
    """
    section = root.values.get("images")
    images: Collection[str] | None = section.keys if isinstance(section, MappingNode) else ()
    if "imports" in root.values or (isinstance(section, ScalarNode) and not is_null(section)):
        images = None
    if "deployments" in root.values:
        _check(root.values["deployments"], images, mistakes)


def _check(node: Node, images: Collection[str] | None, mistakes: Mistakes) -> None:
    if isinstance(node, ScalarNode):
        for use in USE.finditer(node.text) if RUNTIME in node.text else ():
            fault = None if use[0].startswith("$$") else _fault(use[2], images)
            if fault:
                mistakes.add(node, fault)
        return
    for inner in node.items if isinstance(node, SequenceNode) else node.values.values():
        _check(inner, images, mistakes)


def _fault(name: str, images: Collection[str] | None) -> str | None:
    """Why a deployment cannot be told the variable; None if it can, or if it is no runtime variable."""
    if not name.startswith(RUNTIME):
        return None
    subject, _, rest = name.removeprefix(RUNTIME).partition(".")
    if subject not in _SUBJECTS or not rest:
        guess = nearest(subject, _SUBJECTS)
        known = ", ".join(f"`{RUNTIME}{each}.NAME`" for each in _SUBJECTS)
        hint = f"did you mean `{RUNTIME}{guess}.{rest or 'NAME'}`?" if guess else f"known are {known}"
        return f"variable `{name}` is not defined; {hint}"
    part = next((part for part in _PARTS if rest.endswith(part)), "")
    image = rest.removesuffix(part)
    if subject != "images" or images is None or image in images or rest in images:
        return None
    guess = nearest(image, images)
    known = f"the images are {', '.join(images)}" if images else "the file has no images"
    hint = f"did you mean `{RUNTIME}images.{guess}{part}`?" if guess else known
    return f"variable `{name}` is not defined; {hint}"
