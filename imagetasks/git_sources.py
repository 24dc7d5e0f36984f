"""Projects that come from git repositories: checked out with the git command line into the user's cache folder.

Each address and revision has a folder of its own, ``<last part of the address>-<hash>``. It is filled once and left
alone until an update is asked for, so that runs need no network. Addresses that hold a password are cleared of it
before they get to a command line, a message or the disk: git is told it through its environment.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote, urlsplit, urlunsplit

from imagetasks.config.model import GitSource
from imagetasks.errors import ConfigError, Position, StateError
from imagetasks.lock import locked_folder
from imagetasks.processes import run

_REMOTE = "source"
_SSH_OR_URL = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://|[^/\\]+:")
_HEX_DIGITS = 12
_NOT_THERE = re.compile("couldn't find remote ref|invalid reference|reference is not a tree")
_UNFINISHED = "unfinished-"
_WHOLE_HISTORY = ("+refs/heads/*:refs/remotes/source/*", "+refs/tags/*:refs/tags/*")

# What a git that runs us, in one of its own hooks say, tells the programs that it starts about its repository.
_OF_OTHER_REPOSITORY = frozenset(
    {"GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_OBJECT_DIRECTORY", "GIT_COMMON_DIR", "GIT_PREFIX"}
)

# For git, a credential helper that begins with ! is a shell command; it is given the address's host only.
_HELPER = (
    """!f() { test "$1" = get && printf 'username=%s\\npassword=%s\\n' "$SOURCE_USER" "$SOURCE_PASSWORD"; }; f"""
)


@dataclass(frozen=True)
class Update:
    """What an update has done: the commits before and after it."""

    old: str
    new: str


def cache_folder(environ: Mapping[str, str]) -> Path:
    """Where dependencies from git are kept: in ``$XDG_CACHE_HOME`` or the platform's folder for caches."""
    base = environ.get("XDG_CACHE_HOME", "")
    if os.path.isabs(base):  # noqa: PTH117
        return Path(base) / "imagetasks" / "dependencies"
    home = Path(environ.get("HOME") or Path.home())
    caches = home / "Library" / "Caches" if sys.platform == "darwin" else home / ".cache"
    return caches / "imagetasks" / "dependencies"


class Repository:
    """The checkout of one git source.

    :param start: the folder that a relative path of a local repository starts from
    :param position: where the user's file names the source, for messages
    """

    def __init__(self, source: GitSource, start: Path, environ: Mapping[str, str], position: Position | None) -> None:
        self._source = source
        self._position = position
        self._environ = environ
        url = source.url if _SSH_OR_URL.match(source.url) else os.path.abspath(start / source.url)  # noqa: PTH100
        self._url, self._credentials = _without_password(url)
        self._cache = cache_folder(environ)
        self.folder = self._cache / self._folder_name()

    @property
    def shown(self) -> str:
        """The address and the revision, for people."""
        source = self._source
        revision = source.branch or source.tag or source.revision
        return f"{self._url} ({revision})" if revision else self._url

    @property
    def is_here(self) -> bool:
        """Whether it has been fetched."""
        return self.folder.is_dir()

    def fetch(self) -> None:
        """Check the source out, unless it has been.

        :raises ConfigError: git is missing, or cannot fetch it
        :raises StateError: the cache cannot be written
        """
        with locked_folder(self._cache):
            if self.is_here:
                return
            for unfinished in self._cache.glob(f"{_UNFINISHED}*"):
                shutil.rmtree(unfinished, ignore_errors=True)
            sys.stderr.write(f"fetching {self.shown}\n")
            made = Path(tempfile.mkdtemp(prefix=_UNFINISHED, dir=self._cache))
            try:
                self._git("init", "--quiet", folder=made)
                self._check_out(made)
                made.rename(self.folder)
            except OSError as error:
                raise StateError(f"{self.folder} cannot be written: {error.strerror}") from error
            finally:
                shutil.rmtree(made, ignore_errors=True)

    def update(self) -> Update:
        """Check out what the source's branch, tag or main branch is by now.

        :raises ConfigError: git is missing, or cannot fetch it
        """
        with locked_folder(self._cache):
            old = self.commit()
            self._check_out(self.folder)
            return Update(old, self.commit())

    def commit(self) -> str:
        """The commit that is checked out.

        :raises ConfigError: git is missing, or this is no repository any more
        """
        return self._git("rev-parse", "HEAD", folder=self.folder).strip()

    def _check_out(self, folder: Path) -> None:
        source = self._source
        wanted = "FETCH_HEAD"
        if source.branch or source.tag:
            self._fetch(folder, f"refs/heads/{source.branch}" if source.branch else f"refs/tags/{source.tag}")
        elif source.revision:
            wanted = self._fetch_revision(folder, source.revision)
        else:
            self._fetch(folder, "HEAD")
        self._git("checkout", "--quiet", "--force", "--detach", wanted, "--", folder=folder)

    def _fetch(self, folder: Path, reference: str) -> None:
        self._git("fetch", "--quiet", "--depth=1", "--no-tags", _REMOTE, reference, folder=folder)

    def _fetch_revision(self, folder: Path, revision: str) -> str:
        """Fetch a commit, alone where the server gives it out by its full hash, else with the whole history."""
        try:
            self._fetch(folder, revision)
        except ConfigError:
            unshallow = ["--unshallow"] if (folder / ".git" / "shallow").exists() else []
            self._git("fetch", "--quiet", *unshallow, _REMOTE, *_WHOLE_HISTORY, folder=folder)
            return revision
        return "FETCH_HEAD"

    def _git(self, *words: str, folder: Path) -> str:
        output: list[str] = []
        try:
            code = run(["git", *words], folder=folder, environ=self._git_environ(), write=output.append)
        except FileNotFoundError as error:
            if not folder.is_dir():
                raise StateError(f"the folder {folder} has gone while it was used") from error
            raise ConfigError(
                f"{self.shown} cannot be fetched: there is no program `git`; install it", self._position
            ) from None
        if code != 0:
            raise ConfigError(f"{self.shown} cannot be fetched: {self._reason(''.join(output))}", self._position)
        return "".join(output)

    def _reason(self, output: str) -> str:
        """Why git failed: that what is asked for is not there, or else its own first words."""
        if not _NOT_THERE.search(output):
            return _reason(output)
        named = [(kind, name) for kind, name in self._source._asdict().items() if kind != "url" and name]
        return "there is no " + (" ".join(*named) if named else "commit in it")

    def _git_environ(self) -> dict[str, str]:
        settings = {f"remote.{_REMOTE}.url": self._url, "advice.detachedHead": "false"}
        secrets = {}
        if self._credentials:
            host = urlsplit(self._url)
            settings[f"credential.{host.scheme}://{host.netloc}.helper"] = _HELPER
            secrets = dict(zip(("SOURCE_USER", "SOURCE_PASSWORD"), self._credentials, strict=True))
        numbered: dict[str, str] = {}
        for number, (key, value) in enumerate(settings.items()):
            numbered |= {f"GIT_CONFIG_KEY_{number}": key, f"GIT_CONFIG_VALUE_{number}": value}
        return {
            "GIT_SSH_COMMAND": "ssh -o BatchMode=yes",
            **{name: value for name, value in self._environ.items() if name not in _OF_OTHER_REPOSITORY},
            "GIT_TERMINAL_PROMPT": "0",
            "GIT_ALLOW_PROTOCOL": "file:git:http:https:ssh",
            "GIT_CONFIG_COUNT": str(len(settings)),
            "LC_ALL": "C",
            **numbered,
            **secrets,
        }

    def _folder_name(self) -> str:
        source = self._source
        parts = (self._url, source.branch, source.tag, source.revision)
        digest = hashlib.sha256("\0".join(parts).encode("utf-8", "surrogateescape")).hexdigest()[:_HEX_DIGITS]
        last = re.split(r"[/\\:]", self._url.rstrip("/"))[-1].removesuffix(".git")
        return f"{re.sub(r'[^A-Za-z0-9._-]+', '-', last)}-{digest}"


def _without_password(url: str) -> tuple[str, tuple[str, str] | None]:
    """The address without what is secret in it, and the name and password that stood there.

    In a web address the name alone may be a token; for ssh it is no secret, and a password is of no use.
    """
    parts = urlsplit(url)
    user, at, host = parts.netloc.rpartition("@")
    if not at:
        return url, None
    name, _, password = user.partition(":")
    if parts.scheme in ("http", "https"):
        return urlunsplit(parts._replace(netloc=host)), (unquote(name), unquote(password))
    return urlunsplit(parts._replace(netloc=f"{name}@{host}")), None


def _reason(output: str) -> str:
    """What git says is wrong, in one line."""
    lines = [line.strip() for line in output.splitlines() if line.strip()]
    fatal = [line for line in lines if line.startswith(("fatal:", "error:"))]
    words: Sequence[str] = (fatal or lines)[:1]
    reason = re.sub(r"^(fatal|error): ", "", words[0]) if words else "git does not say why"
    if "terminal prompts disabled" in reason or "Authentication failed" in reason:
        return f"{reason} (git needs credentials: store them with git's credential helper, or use ssh with a key)"
    return reason
