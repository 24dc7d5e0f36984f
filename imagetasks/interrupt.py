"""What Ctrl-C, SIGTERM and a terminal that goes away do: stop what runs for us, and end without a traceback.

A build in the daemon ends with the connection that started it, so ending the process is enough for those.
"""

from __future__ import annotations

import atexit
import contextlib
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from types import FrameType

from imagetasks.processes import stop_all

_SHELL_BASE = 128
"""A program that a signal ended has, for a shell, this plus the signal's number as its exit code."""
INTERRUPTED = _SHELL_BASE + signal.SIGINT
_main_process = os.getpid()
_ENDINGS = tuple(getattr(signal, name) for name in ("SIGTERM", "SIGHUP") if hasattr(signal, name))
_WRITING_FROM_BACKGROUND = tuple(getattr(signal, name) for name in ("SIGTTOU",) if hasattr(signal, name))
_GRACE_SECONDS = 3.0
_PAUSE_SECONDS = 0.5
_duties: list[Callable[[], None]] = []


@contextlib.contextmanager
def doing_at_end(duty: Callable[[], None]) -> Iterator[None]:
    """Do something at the end of the block or, where that comes first, of the process; it may be done twice."""
    _duties.append(duty)
    try:
        yield
    finally:
        duty()
        _duties.remove(duty)


@atexit.register
def _do_duties() -> None:
    for duty in list(_duties):
        duty()


def install() -> None:
    """Take over the signals that nobody else has taken over; does nothing outside the main thread."""
    if threading.current_thread() is not threading.main_thread():
        return
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, _end)
    for number in _ENDINGS:
        if signal.getsignal(number) is signal.SIG_DFL:
            signal.signal(number, _end)


def _end(number: int, frame: FrameType | None) -> None:
    if os.getpid() != _main_process:
        # A worker of doit's -P process: its parent sees to the rest.
        stop_all()
        _do_duties_aside()
        signal.signal(number, signal.SIG_DFL)
        os.kill(os.getpid(), number)
    for other in (signal.SIGINT, *_ENDINGS, *_WRITING_FROM_BACKGROUND):
        signal.signal(other, signal.SIG_IGN)
    threading.Thread(target=_keep_freeing_terminal, daemon=True).start()
    with contextlib.suppress(OSError):
        sys.stderr.write(f"\n{'interrupted' if number == signal.SIGINT else 'terminated'}\n")
    stop_all()
    raise SystemExit(_SHELL_BASE + number)


def _keep_freeing_terminal() -> None:
    """Throw away, as Ctrl-C at a terminal does, what one that has stopped reading has not taken.

    Else all who want to tell it something wait for it, and the process never ends.
    """
    try:
        import termios
    except ImportError:  # on Windows
        return
    time.sleep(_GRACE_SECONDS)
    while True:
        time.sleep(_PAUSE_SECONDS)
        for stream in filter(None, (sys.__stdout__, sys.__stderr__)):
            with contextlib.suppress(OSError, ValueError, termios.error):
                termios.tcflush(stream.fileno(), termios.TCOFLUSH)
                # Those who wait to write learn of the room only where output is started after it was stopped.
                for state in (termios.TCOOFF, termios.TCOON):
                    termios.tcflow(stream.fileno(), state)


def _do_duties_aside() -> None:
    """Do them in a thread: the one that the signal came to may hold what they need."""
    doing = threading.Thread(target=_do_duties, daemon=True)
    doing.start()
    doing.join(_GRACE_SECONDS)
