"""What Ctrl-C and SIGTERM do: stop what runs for us, and end without a traceback.

A build in the daemon ends with the connection that started it, so ending the process is enough for those.
"""

from __future__ import annotations

import signal
import sys
import threading
from types import FrameType

from imagetasks.processes import stop_all

_SHELL_BASE = 128
"""A program that a signal ended has, for a shell, this plus the signal's number as its exit code."""


def install() -> None:
    """Take over both signals, unless somebody else has, or this is no main thread."""
    if threading.current_thread() is not threading.main_thread():
        return
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, _end)
    if signal.getsignal(signal.SIGTERM) is signal.SIG_DFL:
        signal.signal(signal.SIGTERM, _end)


def _end(number: int, frame: FrameType | None) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    sys.stderr.write(f"\n{'interrupted' if number == signal.SIGINT else 'terminated'}: builds are stopped\n")
    stop_all()
    raise SystemExit(_SHELL_BASE + number)
