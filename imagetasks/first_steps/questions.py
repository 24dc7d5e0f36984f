"""What ``imagetasks init`` asks the user at the terminal."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from imagetasks.errors import ReferenceSyntaxError
from imagetasks.first_steps.findings import FoundDockerfile
from imagetasks.registry.reference import parse_repository


def ask_for_dockerfiles(dockerfiles: Sequence[FoundDockerfile]) -> tuple[FoundDockerfile, ...]:
    """Those of several Dockerfiles that the user wants; raises KeyboardInterrupt where the user breaks off."""
    import questionary
    from prompt_toolkit.output import create_output

    choices = [questionary.Choice(str(found.path), value=found, checked=True) for found in dockerfiles]
    question = questionary.checkbox(
        "Which of these shall be images?",
        choices=choices,
        validate=lambda chosen: True if chosen else "choose one at least",
        output=create_output(stdout=sys.stderr),
    )
    return tuple(question.unsafe_ask())


def ask_for_registry(default: str) -> str:
    """Where the user wants images to be pushed. Raises KeyboardInterrupt where the user breaks off."""
    import questionary
    from prompt_toolkit.output import create_output

    question = questionary.text(
        "Where are images pushed to (REGISTRY/TEAM)?",
        default=default,
        validate=lambda text: registry_fault(text) or True,
        output=create_output(stdout=sys.stderr),
    )
    return str(question.unsafe_ask())


def registry_fault(text: str) -> str:
    """Why no repository can begin with a text and a slash, empty if one can."""
    try:
        parse_repository(f"{text.rstrip('/')}/app")
    except ReferenceSyntaxError as error:
        return error.message
    return ""
