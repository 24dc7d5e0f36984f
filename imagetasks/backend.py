"""doit's database of task results, written as each task ends.

doit's own backends write once, when the run ends, so that a killed run forgets what it has done. This one commits
a task's row to SQLite as soon as doit has saved all of it. Its interface is that of ``doit.dependency.SqliteDB``.
"""

from __future__ import annotations

import sqlite3
import sys
from pathlib import Path
from typing import Any

from doit.exceptions import InvalidDodoFile

from imagetasks.errors import StateError

_SCHEMA = "create table if not exists results (task text primary key, data text not null) without rowid"
_LAST_KEYS = ("deps:", "ignore:")
"""The keys that doit sets last when it saves a success, and when it marks a task as ignored."""


class TaskResults:
    """The backend ``imagetasks`` of doit: a dict of values for each task, kept in one row.

    A file that is no database is set aside with a warning: state may be lost, never believed. Where the file cannot
    be written, the run goes on and ends with one sentence and exit code 1.
    """

    desc = "SQLite, written as each task ends"

    def __init__(self, name: str, codec: Any, *, module_name: str | None = None) -> None:
        self.name = name
        self.codec = codec
        self._connection: sqlite3.Connection | None = None
        self._results: dict[str, dict[str, Any]] | None = None
        self._unsaved: set[str] = set()

    def get(self, task_id: str, dependency: str) -> Any:
        """The value stored for a task under a key, or None."""
        return self._load().get(task_id, {}).get(dependency)

    def in_(self, task_id: str) -> bool:
        """Whether anything is stored for a task."""
        return task_id in self._load()

    def tasks(self) -> tuple[str, ...]:
        """The names of all tasks that anything is stored for."""
        return tuple(self._load())

    def set(self, task_id: str, dependency: str, value: Any) -> None:
        """Store a value of a task, and write the task's row when it is complete."""
        values = self._load().setdefault(task_id, {})
        if isinstance(value, tuple):
            value = list(value)
        if values.get(dependency, self) != value:
            values[dependency] = value
            self._unsaved.add(task_id)
        if dependency in _LAST_KEYS:
            self._save_or_warn()

    def remove(self, task_id: str) -> None:
        """Forget a task."""
        if self._load().pop(task_id, None) is not None:
            self._unsaved.add(task_id)
            self._save_or_warn()

    def remove_all(self) -> None:
        """Forget all tasks."""
        self._unsaved.update(self._load())
        self._load().clear()
        self._save_or_warn()

    def dump(self) -> None:
        """Write what is not written yet, and close the file; ends the program if that cannot be done."""
        try:
            self._save()
        except StateError as error:
            sys.stderr.write(f"ERROR: {error}\n")
            raise SystemExit(1) from None
        finally:
            self._close()

    def _save_or_warn(self) -> None:
        try:
            self._save()
        except StateError as error:
            sys.stderr.write(f"WARNING: {error}\n")

    def _save(self) -> None:
        if not self._unsaved:
            return
        try:
            try:
                self._write()
            except sqlite3.OperationalError:
                # The file may have been taken away: write all that is known into a new one.
                self._close()
                self._unsaved.update(self._load())
                self._write()
        except (sqlite3.Error, OSError) as error:
            raise StateError(
                f"{self.name} cannot be written ({error}), so the next run will repeat what this one does; "
                "make room or give write access"
            ) from error
        self._unsaved.clear()

    def _write(self) -> None:
        rows = self._load()
        with self._open() as connection:
            for task_id in self._unsaved:
                if task_id in rows:
                    data = self.codec.encode(rows[task_id])
                    connection.execute("insert or replace into results values (?, ?)", (task_id, data))
                else:
                    connection.execute("delete from results where task = ?", (task_id,))

    def _load(self) -> dict[str, dict[str, Any]]:
        if self._results is None:
            self._results = self._read()
        return self._results

    def _read(self) -> dict[str, dict[str, Any]]:
        if not Path(self.name).exists():
            return {}
        try:
            rows = self._open().execute("select task, data from results")
            results = {task: self.codec.decode(data) for task, data in rows}
            if not all(isinstance(values, dict) for values in results.values()):
                raise ValueError("a row that is no task's")
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode != sqlite3.SQLITE_ERROR:
                raise InvalidDodoFile(f"{self.name} cannot be read: {error}") from error
        except (sqlite3.DatabaseError, TypeError, ValueError):
            pass
        else:
            return results
        self._set_aside()
        return {}

    def _close(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _set_aside(self) -> None:
        self._close()
        damaged = Path(self.name).with_suffix(".damaged")
        Path(self.name).replace(damaged)
        sys.stderr.write(f"WARNING: {self.name} was damaged and is now {damaged.name}; all is looked at anew\n")

    def _open(self) -> sqlite3.Connection:
        if self._connection is None:
            Path(self.name).parent.mkdir(parents=True, exist_ok=True)
            self._connection = sqlite3.connect(self.name, timeout=30)
            self._connection.execute(_SCHEMA)
        return self._connection
