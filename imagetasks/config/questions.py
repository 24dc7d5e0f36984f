"""Questions to the user: what a variable's value shall be."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from questionary import Question

    from imagetasks.config.variables import VariableDefinition


class Asker(Protocol):
    """Somebody who knows the user, or knows that there is none."""

    def ask(self, definition: VariableDefinition, default: str | None) -> str | None:
        """The user's answer, one that the definition allows; None if nobody can be asked."""


class NoQuestions:
    """Nobody is there to be asked."""

    def ask(self, definition: VariableDefinition, default: str | None) -> str | None:
        """None."""
        return None


class TerminalQuestions:
    """The user at the terminal, who reads on standard error. Raises KeyboardInterrupt where the user breaks off."""

    def ask(self, definition: VariableDefinition, default: str | None) -> str | None:
        """What the user types or picks."""
        try:
            answer: str = _question(definition, default).unsafe_ask()
        except EOFError:
            raise KeyboardInterrupt from None
        return answer


NO_QUESTIONS = NoQuestions()


def asker_here() -> Asker:
    """The user, if standard input and standard error are a terminal."""
    if sys.stdin and sys.stderr and sys.stdin.isatty() and sys.stderr.isatty():
        return TerminalQuestions()
    return NO_QUESTIONS


def _question(definition: VariableDefinition, default: str | None) -> Question:
    import questionary
    from prompt_toolkit.output import create_output

    message = definition.question or f"Which value shall {definition.name} have?"
    terminal: dict[str, Any] = {"output": create_output(stdout=sys.stderr)}
    if definition.options:
        chosen = default if default in definition.options else None
        return questionary.select(message, choices=list(definition.options), default=chosen, **terminal)
    make = questionary.password if definition.password else questionary.text
    return make(message, default=default or "", validate=lambda text: definition.fault(text) or True, **terminal)
