"""Measures what a user waits for, next to other programs that do the same, and prints it as a Markdown table.

Times are medians of rounds in which the compared commands take turns. Needs a Docker daemon with ``busybox:1.36``;
images and folders are removed at the end. Some cases need a cluster too, which ``KUBECONFIG`` has to name.
"""

from __future__ import annotations

import argparse
import os
import signal
import sys

from cases import CASES, NEED_CLUSTER, Result

HEAD = "| case | this | compared with | measured | goal | never above | |\n|---|---|---|---|---|---|---|"


def line(what: str, result: Result) -> str:
    digits = 2 if result.unit == "x" else 0
    measured, goal, never = (
        f"{value:.{digits}f} {result.unit}" for value in (result.measured, result.goal, result.never)
    )
    verdict = "ok" if result.measured <= result.goal else "near" if result.measured <= result.never else "MISSED"
    return f"| {what} | {result.ours} | {result.other} | {measured} | {goal} | {never} | {verdict} |"


def main() -> None:
    parser = argparse.ArgumentParser(description="Measure builds, with and without something to do.")
    parser.add_argument("--case", choices=CASES, action="append", help="this one, may be repeated (default: all)")
    parser.add_argument("--rounds", type=int, default=5, help="how often each command is timed (default: 5)")
    options = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # So that what was made is removed.
    print(HEAD)
    for name in options.case or CASES:
        what, measure = CASES[name]
        if name in NEED_CLUSTER and not os.environ.get("KUBECONFIG"):
            sys.stderr.write(f"{name} is left out: it needs a cluster, which KUBECONFIG has to name\n")
            continue
        print(line(what, measure(options.rounds)), flush=True)


if __name__ == "__main__":
    main()
