"""``imagetasks init``: write a first ``devspace.yaml``, and what makes doit know it."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from imagetasks.commands.parser import Parser
from imagetasks.config.questions import TerminalQuestions, asker_here
from imagetasks.dependencies import CONFIG_FILE
from imagetasks.errors import ConfigError, OptionError
from imagetasks.first_steps.doit_settings import DOIT_CFG, PYPROJECT, LoaderChoice, choose_loader, ended
from imagetasks.first_steps.draft import Draft, default_registry, make_draft
from imagetasks.first_steps.findings import Findings, search
from imagetasks.first_steps.questions import ask_for_dockerfiles, ask_for_registry, registry_fault
from imagetasks.report.terminal import show
from imagetasks.state import STATE_FOLDER

_IGNORE_FILE = ".gitignore"
_IGNORE_LINE = f"{STATE_FOLDER}/"


def main(words: Sequence[str]) -> int:
    """Write the files for the Dockerfiles in the current folder and those below, and tell what was written.

    No file is replaced; those of doit and git get a line where they lack it.

    :raises OptionError: there is a ``devspace.yaml``, or no Dockerfile, or the registry is none
    :raises ConfigError: a file cannot be read or written
    """
    parser = Parser("init", "Write a devspace.yaml with an image for each Dockerfile here, and doit's configuration.")
    parser.add_argument(
        "--registry",
        metavar="PREFIX",
        default="",
        help="what the names of images begin with, such as registry.example.com/team",
    )
    parser.add_argument("-y", "--yes", action="store_true", help="ask nothing")
    found = parser.parse_args(words)
    folder = Path.cwd()
    registry = found.registry.rstrip("/")
    if registry and (fault := registry_fault(registry)):
        raise OptionError(f"--registry: {fault}")
    findings = _search(folder)
    if not found.yes and isinstance(asker_here(), TerminalQuestions):
        findings, registry = _ask(findings, registry, default_registry(folder.name))
    draft = make_draft(folder.name, findings, registry)
    loader = choose_loader(_text(folder / PYPROJECT), _text(folder / DOIT_CFG))
    _write(folder / CONFIG_FILE, draft.as_yaml(), mode="xb")
    lines = [*_told(draft, findings), *_write_doit_settings(folder, loader), *_write_ignore_file(folder)]
    show(sys.stdout, "".join(f"{line}\n" for line in [*lines, "next: `doit list`, then `doit build`"]))
    return 0


def _search(folder: Path) -> Findings:
    if os.path.lexists(folder / CONFIG_FILE):
        raise OptionError(f"{folder / CONFIG_FILE} is there already, and init replaces nothing; move it away first")
    findings = search(folder)
    if findings.dockerfiles:
        return findings
    if findings.passed_over:
        raise OptionError(f"there is no Dockerfile that can be built: {findings.passed_over[0]}")
    raise OptionError(f"there is no Dockerfile in {folder} or a folder below it; init starts from those there are")


def _ask(findings: Findings, registry: str, default: str) -> tuple[Findings, str]:
    if len(findings.dockerfiles) > 1:
        findings = findings._replace(dockerfiles=ask_for_dockerfiles(findings.dockerfiles))
    if registry:
        return findings, registry
    answer = ask_for_registry(default).rstrip("/")
    # Who takes the default is not against the names that manifests have.
    return findings, "" if answer == default else answer


def _told(draft: Draft, findings: Findings) -> Iterator[str]:
    yield f"{CONFIG_FILE}: written"
    for image in draft.images:
        context = f"{image.dockerfile.context}/" if image.dockerfile.context.parts else "this folder"
        yield f"  image {image.name}: {image.repository} from {image.dockerfile.path}, context {context}"
    for name, settings in draft.deployments.items():
        yield f"  deployment {name}: {next(iter(settings))}"
    for reason in findings.passed_over:
        yield f"  no image: {reason}"


def _write_doit_settings(folder: Path, choice: LoaderChoice) -> Iterator[str]:
    if choice.text is not None:
        _write(folder / choice.file, choice.text)
        yield f"{choice.file}: chooses our loader"
    if choice.obstacle:
        yield f"{choice.file}: left as it is: {choice.obstacle}"


def _write_ignore_file(folder: Path) -> Iterator[str]:
    """Let git ignore the state folder, if the folder is in a repository that does not do so yet."""
    is_repository = any((above / ".git").exists() for above in (folder, *folder.parents))
    text = _text(folder / _IGNORE_FILE) or ""
    if is_repository and _IGNORE_LINE not in text.splitlines() and not _git_ignores(folder):
        _write(folder / _IGNORE_FILE, f"{ended(text)}{_IGNORE_LINE}\n")
        yield f"{_IGNORE_FILE}: ignores {_IGNORE_LINE}"


def _git_ignores(folder: Path) -> bool:
    try:
        done = subprocess.run(
            ["git", "check-ignore", "--quiet", _IGNORE_LINE], cwd=folder, capture_output=True, check=False
        )
    except OSError:
        return False
    return done.returncode == 0


def _text(file: Path) -> str | None:
    """What a file holds, line endings as they are; None if it is not there."""
    try:
        return file.read_bytes().decode()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise ConfigError(f"{file} cannot be read: {error.strerror}") from None
    except UnicodeDecodeError:
        raise ConfigError(f"{file} is not UTF-8 text; save it as UTF-8") from None


def _write(file: Path, text: str, mode: str = "wb") -> None:
    try:
        with file.open(mode) as stream:
            stream.write(text.encode())
    except OSError as error:
        raise ConfigError(f"{file} cannot be written: {error.strerror}") from None
