"""One run at a time in a project: the lock on its state folder."""

from __future__ import annotations

import os
import sqlite3
import sys
from pathlib import Path

from imagetasks.errors import StateError

_HOLDER_VARIABLE = "IMAGETASKS_RUN"
_FILE = "lock.db"


class ProjectLock:
    """Held from :meth:`acquire` until the process ends, however it ends.

    SQLite's lock on a file of its own serves, since it works on every platform that the database itself works on.
    A program started by a run (a custom build command, say) may run doit in the same project: it finds the
    project named in its environment and shares the lock of the run that started it.
    """

    def __init__(self, state_folder: Path) -> None:
        self._file = state_folder / _FILE
        self._connection: sqlite3.Connection | None = None

    def acquire(self) -> None:
        """Take the lock; while another run holds it, say so once and wait.

        :raises StateError: the state folder cannot be written
        """
        project = str(self._file.parent.resolve())
        if os.environ.get(_HOLDER_VARIABLE) == project:
            return
        try:
            self._file.parent.mkdir(parents=True, exist_ok=True)
            self._connection = sqlite3.connect(self._file, timeout=0, isolation_level=None)
            if not self._try():
                sys.stderr.write(f"another run is at work in {self._file.parent.parent}; waiting for it to end\n")
                self._wait()
        except (sqlite3.Error, OSError) as error:
            raise StateError(f"the state folder {self._file.parent} cannot be written: {error}") from error
        os.environ[_HOLDER_VARIABLE] = project

    def release(self) -> None:
        """Let the next run in."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None
            os.environ.pop(_HOLDER_VARIABLE, None)

    def _try(self) -> bool:
        assert self._connection is not None
        try:
            self._connection.execute("begin exclusive")
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode == sqlite3.SQLITE_BUSY:
                return False
            raise
        return True

    def _wait(self) -> None:
        assert self._connection is not None
        # SQLite waits without looking at signals: short waits let Ctrl-C through.
        self._connection.execute("pragma busy_timeout = 200")
        while not self._try():
            pass
