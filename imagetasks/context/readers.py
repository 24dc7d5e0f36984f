"""Processes that look at folders and read their small files for this one.

Threads would not do: what the interpreter has to do for a small file takes as long as what the system has to do, and
that they would do one after the other.
"""

from __future__ import annotations

import marshal
import os
import subprocess
import sys
import threading
from collections.abc import Iterable, Iterator
from contextlib import suppress
from itertools import chain, islice
from queue import SimpleQueue
from typing import NamedTuple

from imagetasks.context import entries
from imagetasks.context.entries import Entries, Listing, read_entries

__all__ = ["read_folders"]

_PROCESSES = min(8, len(os.sched_getaffinity(0)) if sys.platform == "linux" else os.cpu_count() or 1)
# How many entries are worth the way to another process, and how many times that is worth starting processes.
_BUNDLE = 1000
_MANY = 5


class _Job(NamedTuple):
    """Folders to look at together, and where the other process's answer goes; ``b""`` if there is none."""

    listings: list[Listing]
    answer: SimpleQueue[bytes]


def read_folders(listings: Iterable[Listing]) -> Iterator[Entries]:
    """Look at folders as :func:`imagetasks.context.entries.read_entries` does, in order; many by several processes.

    What another process does not do, for whatever reason, is done by this one.

    Raises OSError, with the path of what cannot be looked at.
    """
    bundles = _bundles(listings)
    first = list(islice(bundles, _MANY))
    if _PROCESSES == 1 or len(first) < _MANY:
        yield from map(read_entries, chain.from_iterable(chain(first, bundles)))
        return
    for job in _handed_out(chain(first, bundles)):
        answer = job.answer.get()
        found: Iterable[Entries] = (
            marshal.loads(answer)  # noqa: S302 - this comes from our own process
            if answer
            else map(read_entries, job.listings)
        )
        yield from found


def _bundles(listings: Iterable[Listing]) -> Iterator[list[Listing]]:
    bundle: list[Listing] = []
    size = 0
    for listing in listings:
        bundle.append(listing)
        size += len(listing[2])
        if size >= _BUNDLE:
            yield bundle
            bundle, size = [], 0
    if bundle:
        yield bundle


def _handed_out(bundles: Iterable[list[Listing]]) -> list[_Job]:
    jobs: list[_Job] = []
    todo: SimpleQueue[_Job | None] = SimpleQueue()
    for _ in range(_PROCESSES):
        threading.Thread(target=_hand_on, args=(todo,), name="reader", daemon=True).start()
    try:
        for bundle in bundles:
            jobs.append(_Job(bundle, SimpleQueue()))
            todo.put(jobs[-1])
    finally:
        for _ in range(_PROCESSES):
            todo.put(None)
    return jobs


def _hand_on(todo: SimpleQueue[_Job | None]) -> None:
    """Have jobs done by a process of our own, which ends with its input, that is with this process at the latest."""
    command = [sys.executable, "-I", "-S", "-X", f"utf8={sys.flags.utf8_mode}", entries.__file__]
    with (
        suppress(OSError),
        subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        ) as process,
    ):
        assert process.stdin and process.stdout
        while job := todo.get():
            answer = b""
            try:
                entries.send(process.stdin, marshal.dumps(job.listings))
                answer = entries.receive(process.stdout)
            finally:
                job.answer.put(answer)
        return
    while job := todo.get():
        job.answer.put(b"")
