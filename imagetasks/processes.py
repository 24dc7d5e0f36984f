"""Programs that run for a task: started in a group of their own, so that a stopped run leaves none behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path

_GRACE_SECONDS = 1.0
_running: set[subprocess.Popen[bytes]] = set()


def run(
    command: Sequence[str],
    *,
    folder: Path,
    environ: Mapping[str, str],
    write: Callable[[str], None],
    standard_input: Iterable[bytes] = (),
) -> int:
    """Run ``command`` in ``folder``, hand its output to ``write`` as it comes, and return its exit code.

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
    feeder = _Feeder(process, standard_input)
    feeder.start()
    try:
        assert process.stdout is not None
        for line in process.stdout:
            write(line.decode("utf-8", "replace"))
        code = process.wait()
    except BaseException:
        _stop([process])
        raise
    finally:
        _running.discard(process)
    feeder.join()
    if feeder.error:
        raise feeder.error
    return code


def stop_all() -> None:
    """End every program that is running, with all that it has started."""
    _stop(list(_running))


def _stop(processes: Sequence[subprocess.Popen[bytes]]) -> None:
    for process in processes:
        _signal(process, signal.SIGTERM)
    end = time.monotonic() + _GRACE_SECONDS
    for process in processes:
        try:
            process.wait(max(0.0, end - time.monotonic()))
        except subprocess.TimeoutExpired:
            _signal(process, signal.SIGKILL)


def _signal(process: subprocess.Popen[bytes], number: signal.Signals) -> None:
    try:
        if sys.platform == "win32":
            process.kill()
        else:
            os.killpg(process.pid, number)
    except ProcessLookupError:
        pass


class _Feeder(threading.Thread):
    """Writes a program's standard input while its output is read."""

    def __init__(self, process: subprocess.Popen[bytes], chunks: Iterable[bytes]) -> None:
        super().__init__(daemon=True)
        self._process = process
        self._chunks = chunks
        self.error: Exception | None = None

    def run(self) -> None:
        """Write all chunks; a program that stops reading is no error, its exit code tells."""
        pipe = self._process.stdin
        assert pipe is not None
        try:
            for chunk in self._chunks:
                pipe.write(chunk)
            pipe.close()
        except BrokenPipeError:
            pass
        except Exception as error:
            self.error = error  # raised by run(), in the thread that waits
            _stop([self._process])
