"""The user's answers to the questions for variables, kept in the project's state folder.

They are one JSON object of names and values. Passwords are among them, so nobody else may read the file.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path

from imagetasks.errors import StateError
from imagetasks.private_file import locked, replace_file
from imagetasks.state import STATE_FOLDER

ANSWERS_FILE = "vars.json"


class Answers:
    """The answers in one file, which is read when it is first asked for one, and those given in this run.

    A file that holds anything else is set aside with a warning.
    """

    def __init__(self, file: Path) -> None:
        self._file = file
        self._known: dict[str, str] | None = None
        self._given: dict[str, str] = {}

    @classmethod
    def of_project(cls, folder: Path) -> Answers:
        """Those of the project in ``folder``."""
        return cls(folder / STATE_FOLDER / ANSWERS_FILE)

    def find(self, name: str) -> str | None:
        """The answer for a variable. Raises StateError if the file cannot be read."""
        if name in self._given:
            return self._given[name]
        if self._known is None:
            self._known = self._read()
        return self._known.get(name)

    def add(self, name: str, answer: str) -> None:
        """Add an answer, which is not in the file before :meth:`save`."""
        self._given[name] = answer

    def save(self) -> None:
        """Put the answers that were given into the file, beside what it holds by now.

        :raises StateError: the file cannot be written
        """
        if self._given:
            self._update(self._given, ())

    def forget(self, names: Iterable[str] | None = None) -> list[str]:
        """Forget answers, all or those of some variables, and return the names of those that there were.

        :raises StateError: the file cannot be written
        """
        if not self._file.exists():
            return []
        known = self._read()
        forgotten = [name for name in known if names is None or name in set(names)]
        self._update({}, forgotten)
        return forgotten

    def _update(self, added: Mapping[str, str], removed: Iterable[str]) -> None:
        try:
            self._file.parent.mkdir(parents=True, exist_ok=True)
            with locked(self._file.parent):
                answers = {**self._read(), **added}
                for name in removed:
                    answers.pop(name, None)
                replace_file(self._file, json.dumps(answers, indent=2, sort_keys=True) + "\n")
        except OSError as error:
            raise StateError(f"{self._file} cannot be written: {error.strerror}") from None
        self._known = answers

    def _read(self) -> dict[str, str]:
        try:
            answers = json.loads(self._file.read_bytes())
        except FileNotFoundError:
            return {}
        except OSError as error:
            raise StateError(f"{self._file} cannot be read: {error.strerror}") from None
        except (ValueError, RecursionError):
            answers = None
        if isinstance(answers, dict) and all(isinstance(answer, str) for answer in answers.values()):
            return answers
        self._set_aside()
        return {}

    def _set_aside(self) -> None:
        damaged = self._file.with_suffix(".damaged")
        try:
            self._file.replace(damaged)
        except OSError as error:
            raise StateError(f"{self._file} is damaged and cannot be moved: {error.strerror}") from None
        sys.stderr.write(f"WARNING: {self._file} was damaged and is now {damaged.name}; questions are asked anew\n")
