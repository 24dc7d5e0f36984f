"""Measures how long a file of 300 images takes to load, beside what ``yaml.CSafeLoader`` alone takes for it.

Times are the shortest of rounds in which both take turns, in CPU time.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import yaml

from imagetasks.config.load import load_config

IMAGES = 300
LONG_ENTRY = """\
    image: registry.example.com/team/service-{n}
    tags: [latest, v{n}]
    dockerfile: services/{n}/Dockerfile
    context: services/{n}
    entrypoint: [sh, -c]
    cmd: ["run --service {n}"]
"""
CASES = {
    "v1beta6, image": ("v1beta6", "    image: team/service-{n}\n"),
    "v1beta6, image and tag with a variable": ("v1beta6", "    image: ${{REG}}/s{n}\n    tag: v{n}\n"),
    "v1beta6, with build": (
        "v1beta6",
        "    image: team/s{n}\n    tag: v{n}\n    build:\n      docker:\n        options:\n          target: t{n}\n",
    ),
    "v1beta11, image and tags": ("v1beta11", "    image: team/s{n}\n    tags: [latest, v{n}]\n"),
    "v2beta1, image with a variable": ("v2beta1", "    image: ${{REG}}/s{n}\n"),
    "v2beta1, long entries": ("v2beta1", LONG_ENTRY),
}


def written(version: str, entry: str) -> str:
    """The file's text."""
    entries = (f"  service-{n}:\n{entry.format(n=n)}" for n in range(IMAGES))
    return f"version: {version}\nvars:\n- name: REG\n  default: registry.example.com\nimages:\n{''.join(entries)}"


def seconds(call: Callable[[], object]) -> float:
    start = time.process_time()
    call()
    return time.process_time() - start


def measure(name: str, text: str, rounds: int) -> None:
    with tempfile.TemporaryDirectory(prefix="bench-load-") as folder:
        file = Path(folder) / "devspace.yaml"
        file.write_text(text)
        compared: tuple[Callable[[], object], ...] = (
            lambda: load_config(file, variables={}, environ={}),
            lambda: yaml.load(text, Loader=yaml.CSafeLoader),
        )
        times = [[seconds(call) for call in compared] for _ in range(rounds)]
    ours, alone = (min(column) for column in zip(*times, strict=True))
    print(f"  {name:40}{ours * 1000:7.1f} ms {alone * 1000:7.1f} ms {ours / alone:8.2f} x")


def main() -> None:
    parser = argparse.ArgumentParser(description=f"Measure how long a file of {IMAGES} images takes to load.")
    parser.add_argument("--rounds", type=int, default=20, help="how often each is timed (default: 20)")
    options = parser.parse_args()
    print(f"{IMAGES} images{'loaded':>43} {'YAML alone':>10}")
    for name, (version, entry) in CASES.items():
        measure(name, written(version, entry), options.rounds)


if __name__ == "__main__":
    main()
