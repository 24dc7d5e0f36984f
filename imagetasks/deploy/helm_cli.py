"""The helm command line: found, run in one namespace of one context, and its versions told apart."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from imagetasks.cluster.mistakes import context_words
from imagetasks.deploy.messages import Messages, shown_messages
from imagetasks.errors import DeployError, Position
from imagetasks.kubeconfig import Target
from imagetasks.output import Output
from imagetasks.processes import run

_FIRST_WITH_FORCE_REPLACE = 4
_UNFINISHED = "another operation (install/upgrade/rollback) is in progress"
_HOW_TO_FINISH = (
    "; if a run that was killed has left it so, `helm rollback` takes the release back to its last revision, "
    "and `doit purge` removes it"
)
_NO_UPDATE = re.compile(r"Unable to get an update from (.*) chart repository.*:\n\s*(.+)")
_MAX_SHOWN = 500


@dataclass(frozen=True)
class HelmCli:
    """Runs helm.

    :ivar program: a name on ``PATH``, or a path from ``folder``
    :ivar folder: what relative paths in arguments start from
    :ivar position: where the user names the program, for messages
    """

    program: str
    folder: Path
    target: Target
    environ: Mapping[str, str]
    position: Position | None = None

    def run(self, arguments: Sequence[str], output: Output) -> None:
        """Run a command, and hand on what it prints.

        :raises DeployError: it cannot be started, or fails; with what it says of that
        """
        messages = Messages(output)
        try:
            code = run(self._command(arguments), folder=self.folder, environ=self.environ, write=messages.write)
        except OSError as error:
            raise self._cannot_start(error) from None
        messages.end()
        if code != 0:
            raise self._failed(arguments, messages.text)

    def read(self, arguments: Sequence[str], text: str = "") -> str:
        """What a command prints on its standard output when it reads ``text``.

        :raises DeployError: it cannot be started, or fails; with what it says of that
        """
        try:
            result = subprocess.run(
                self._command(arguments),
                cwd=self.folder,
                env=self.environ,
                input=text,
                capture_output=True,
                encoding="utf-8",
                errors="replace",
                check=False,
            )
        except OSError as error:
            raise self._cannot_start(error) from None
        if result.returncode != 0:
            raise self._failed(arguments, _unreachable(result.stdout) or shown_messages(result.stderr))
        return result.stdout

    @property
    def force_flags(self) -> Sequence[str]:
        """What replaces objects, which Helm 4 does only where it, not the server, applies them."""
        try:
            has_new_flag = _major_version(self._path) >= _FIRST_WITH_FORCE_REPLACE
        except OSError as error:
            raise self._cannot_start(error) from None
        return ["--force-replace", "--server-side=false"] if has_new_flag else ["--force"]

    @property
    def _path(self) -> str:
        return str(self.folder / self.program) if os.sep in self.program else self.program

    def _command(self, arguments: Sequence[str]) -> list[str]:
        context = ["--kube-context", self.target.context] if self.target.context else []
        return [self._path, *arguments, "--namespace", self.target.namespace, *context]

    def _failed(self, arguments: Sequence[str], said: str) -> DeployError:
        paragraph = said.rpartition("Error: ")[2].partition("\n\n")[0]
        reason = " ".join(paragraph.split())[:_MAX_SHOWN]
        place = f"namespace {self.target.namespace} of {context_words(self.target)}"
        advice = _HOW_TO_FINISH if _UNFINISHED in reason else ""
        return DeployError(f"`helm {arguments[0]}` failed in {place}: {reason or 'it does not say why'}{advice}")

    def _cannot_start(self, error: OSError) -> DeployError:
        if isinstance(error, FileNotFoundError):
            return DeployError(
                f"there is no program `{self.program}`: install Helm 3 or 4, or name where it is in `path`",
                self.position,
            )
        return DeployError(f"`{self.program}` cannot be started: {error.strerror}", self.position)


@cache
def _major_version(program: str) -> int:
    """The first number of what ``helm version --short`` prints, such as ``v3.17.0+g301108e``."""
    printed = subprocess.run([program, "version", "--short"], capture_output=True, text=True, check=False).stdout
    number = re.search(r"v(\d+)\.", printed)
    return int(number[1]) if number else 0


def _unreachable(printed: str) -> str:
    """Why ``helm dependency update`` gets nothing from a repository, which its error blames on its cache alone."""
    found = _NO_UPDATE.search(printed)
    return f"the repository {found[1]} cannot be reached: {found[2]}" if found else ""
