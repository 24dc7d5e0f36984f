"""One at a time in a folder: the lock that a run holds on its project's state, and the one on a shared cache."""

from __future__ import annotations

import atexit
import contextlib
import os
import sqlite3
import sys
from collections.abc import Iterator
from pathlib import Path

from imagetasks.errors import StateError

_HOLDER_VARIABLE = "IMAGETASKS_RUN"
_FILE = "lock.db"


def lock_project(state_folder: Path) -> None:
    """Take the lock, which is held until the process ends, however it ends; while another run holds it, wait.

    SQLite's lock on a file of its own serves, since it works on every platform that the database itself works on.
    A program started by a run (a custom build command, say) may run doit in the same project: it finds the run in its
    environment and shares its lock.

    :raises StateError: the state folder cannot be written
    """
    if _is_held_by_ancestor(state_folder):
        return
    connection = _take(state_folder, f"another run is at work in {state_folder.parent}")
    atexit.register(connection.close)  # which takes SQLite's journal away
    os.environ[_HOLDER_VARIABLE] = f"{os.getpid()} {state_folder.resolve()}"


@contextlib.contextmanager
def locked_folder(folder: Path) -> Iterator[None]:
    """Hold the lock of a folder that several projects share, which is made if need be.

    :raises StateError: the folder cannot be written
    """
    connection = _take(folder, f"another run changes {folder}")
    try:
        yield
    finally:
        connection.close()


def _take(folder: Path, waiting: str) -> sqlite3.Connection:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        connection = _open(folder / _FILE)
        if not _try(connection):
            sys.stderr.write(f"{waiting}; waiting for it to end\n")
            sys.stderr.flush()
            _wait(connection)
    except (sqlite3.Error, OSError) as error:
        reason = getattr(error, "strerror", None) or error
        raise StateError(f"the folder {folder} cannot be written: {reason}") from error
    return connection


def _is_held_by_ancestor(state_folder: Path) -> bool:
    pid, _, folder = os.environ.get(_HOLDER_VARIABLE, "").partition(" ")
    if not pid.isdecimal() or folder != str(state_folder.resolve()):
        return False
    try:
        os.kill(int(pid), 0)
    except OSError:
        return False
    return True


def _open(file: Path) -> sqlite3.Connection:
    """The lock's file, made anew if something else has been written into it."""
    connection = sqlite3.connect(file, timeout=0, isolation_level=None)
    try:
        connection.execute("pragma schema_version")
    except sqlite3.DatabaseError as error:
        if error.sqlite_errorcode == sqlite3.SQLITE_NOTADB:
            file.unlink()
            return sqlite3.connect(file, timeout=0, isolation_level=None)
        if error.sqlite_errorcode != sqlite3.SQLITE_BUSY:
            raise
    return connection


def _try(connection: sqlite3.Connection) -> bool:
    try:
        connection.execute("begin exclusive")
    except sqlite3.OperationalError as error:
        if error.sqlite_errorcode == sqlite3.SQLITE_BUSY:
            return False
        raise
    return True


def _wait(connection: sqlite3.Connection) -> None:
    # SQLite waits without looking at signals: short waits let Ctrl-C through.
    connection.execute("pragma busy_timeout = 200")
    while not _try(connection):
        pass
