"""Programs that run for a task: started in a group of their own, so that a stopped run leaves none behind."""

from __future__ import annotations

import atexit
import codecs
import contextlib
import io
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path

_CHUNK = 1 << 16
_GRACE_SECONDS = 1.0
_running: set[subprocess.Popen[bytes]] = set()
_stopped = threading.Event()


def run(
    command: Sequence[str],
    *,
    folder: Path,
    environ: Mapping[str, str],
    write: Callable[[str], None],
    standard_input: Iterable[bytes] = (),
) -> int:
    """Run ``command`` in ``folder``, hand its output to ``write`` as it comes, and return its exit code.

    Processes that it leaves running are left alone, and what they print after its end is not waited for.

    :param standard_input: what the program reads; an error raised while it is made stops the program, and is raised
    :raises OSError: the program cannot be started
    """
    process = subprocess.Popen(
        command,
        cwd=folder,
        env=environ,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        start_new_session=True,
    )
    _running.add(process)
    if _stopped.is_set():
        _stop([process])
    workers = [
        _Worker(process, lambda: _feed(process, standard_input)),
        _Worker(process, lambda: _read(process, write)),
    ]
    try:
        for worker in workers:
            worker.start()
        code = process.wait()
    except BaseException:
        _stop([process])
        raise
    finally:
        _running.discard(process)
    for worker in workers:
        worker.join(_GRACE_SECONDS)
        if worker.error:
            raise worker.error
    return code


def stop_all() -> None:
    """End every program that is running, with all that it has started, and every one that is started from now on."""
    _stopped.set()
    _stop(list(_running))


atexit.register(stop_all)


class _Worker(threading.Thread):
    """Does something beside a program that is waited for; an error stops the program."""

    def __init__(self, process: subprocess.Popen[bytes], work: Callable[[], None]) -> None:
        super().__init__(daemon=True)
        self._process = process
        self._work = work
        self.error: Exception | None = None

    def run(self) -> None:
        try:
            self._work()
        except Exception as error:
            self.error = error  # raised in the thread that waits for the program
            _stop([self._process])


def _feed(process: subprocess.Popen[bytes], chunks: Iterable[bytes]) -> None:
    assert process.stdin is not None
    try:
        for chunk in chunks:
            process.stdin.write(chunk)
        process.stdin.close()
    except BrokenPipeError:
        pass  # a program need not read all that it is given: its exit code tells


def _read(process: subprocess.Popen[bytes], write: Callable[[str], None]) -> None:
    assert isinstance(process.stdout, io.BufferedReader)
    decoder = codecs.getincrementaldecoder("utf-8")("replace")
    while chunk := process.stdout.read1(_CHUNK):
        write(decoder.decode(chunk))


def _stop(processes: Sequence[subprocess.Popen[bytes]]) -> None:
    for process in processes:
        _signal(process, signal.SIGTERM)
    end = time.monotonic() + _GRACE_SECONDS
    for process in processes:
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(max(0.0, end - time.monotonic()))
        _kill(process)


def _kill(process: subprocess.Popen[bytes]) -> None:
    """End what is left of a program's group, also where the program itself has ended."""
    if sys.platform == "win32":
        process.kill()
    else:
        _signal(process, signal.SIGKILL)


def _signal(process: subprocess.Popen[bytes], number: signal.Signals) -> None:
    try:
        if sys.platform == "win32":
            process.terminate()
        else:
            os.killpg(process.pid, number)
    except (ProcessLookupError, PermissionError):
        pass
