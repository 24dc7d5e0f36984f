"""The pictures of the documentation, made from real runs: ``python -m scripts.pictures`` (``make pictures``).

The sample project is built against a throw-away registry. What a terminal shows is taken from tmux and drawn by rich;
pages are photographed by headless Chromium.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from io import StringIO
from pathlib import Path

from rich.console import Console
from rich.text import Text

from tests.browser import Browser, open_browser
from tests.daemon import remove_images
from tests.projects import PROGRAMS
from tests.registries import Registry

ROOT = Path(__file__).parent.parent
PICTURES = ROOT / "docs" / "pictures"

_COLUMNS, _LINES = 92, 40
_PAGE_WIDTH = 1000
_PATIENCE_SECONDS = 120
_PAUSE_SECONDS = 0.05
_REDRAWN_SECONDS = 0.3
_ENDED = "(ended)"

# A picture in a page cannot load what it names.
_FONT_FROM_ELSEWHERE = re.compile(r"@font-face \{.*?\}", re.DOTALL)


def main() -> None:
    """Make all pictures."""
    PICTURES.mkdir(exist_ok=True)
    with shop() as folder, open_browser() as browser:
        terminal_picture("running", "doit build --timings", folder, at="built base")
        (folder / "api/data/orders.csv").write_text("order,total\n1,9.95\n", encoding="utf-8")
        run("imagetasks", "graph", "-o", PICTURES / "graph.svg", "build", folder=folder)
        run("imagetasks", "graph", "-o", "graph.html", "build", folder=folder)
        page_picture("graph-page", folder / "graph.html", browser, height=250)
        page_picture("timings-page", folder / ".devspace/timings.html", browser, height=450)
        with (folder / "web/Dockerfile").open("a", encoding="utf-8") as dockerfile:
            dockerfile.write("RUN test -s www/catalogue.html\n")
        terminal_picture("failure", "doit build", folder)


@contextmanager
def shop() -> Iterator[Path]:
    """A copy of the sample project that pushes to a registry of its own; its images are removed at the end."""
    with tempfile.TemporaryDirectory() as parent, Registry() as registry:
        os.environ.update(REGISTRY=registry.address, KUBECONFIG=os.devnull)
        folder = shutil.copytree(ROOT / "sample-project", Path(parent) / "shop")
        (folder / "doit.cfg").write_text("[GLOBAL]\nloader = imagetasks\n", encoding="utf-8")
        try:
            yield folder
        finally:
            remove_images(registry.address)


def terminal_picture(name: str, command: str, folder: Path, at: str = _ENDED) -> None:
    """Draw what a terminal shows when the command has ended, or as soon as it shows the text ``at``."""
    socket = f"pictures-{os.getpid()}"
    size = ["-x", str(_COLUMNS), "-y", str(_LINES)]
    script = f"printf '$ %s\\n' '{command}'; {command}; printf '%s' '{_ENDED}'; sleep {_PATIENCE_SECONDS}"
    tmux(socket, "-f", os.devnull, "new-session", "-d", *size, script, folder=folder)
    try:
        _screen_with(at, socket, folder)
        time.sleep(_REDRAWN_SECONDS)
        screen = _screen_with(at, socket, folder)
        _screen_with(_ENDED, socket, folder)
    finally:
        tmux(socket, "kill-server", folder=folder)
    screen = screen.replace(_ENDED, "").replace(str(folder.parent), "~")
    console = Console(record=True, width=_COLUMNS, file=StringIO())
    console.print(Text.from_ansi(screen.rstrip()))
    drawn = console.export_svg(title=folder.name, unique_id=name)
    (PICTURES / f"{name}.svg").write_text(_FONT_FROM_ELSEWHERE.sub("", drawn), encoding="utf-8")


def _screen_with(text: str, socket: str, folder: Path) -> str:
    deadline = time.monotonic() + _PATIENCE_SECONDS
    while text not in (screen := tmux(socket, "capture-pane", "-e", "-p", folder=folder)):
        if time.monotonic() > deadline:
            raise TimeoutError(f"no {text!r} within {_PATIENCE_SECONDS} s: {screen}")
        time.sleep(_PAUSE_SECONDS)
    return screen


def page_picture(name: str, page: Path, browser: Browser, *, height: int) -> None:
    """Photograph a page."""
    with browser.show(page) as shown:
        shown.set_viewport_size({"width": _PAGE_WIDTH, "height": height})
        shown.reload()
        shown.screenshot(path=PICTURES / f"{name}.png")


def tmux(socket: str, *arguments: str, folder: Path) -> str:
    """Tell a tmux of our own something; what it prints."""
    return run("tmux", "-L", socket, *arguments, folder=folder)


def run(*command: str | Path, folder: Path) -> str:
    """Run a program to its end; what it prints. Raises CalledProcessError if it fails."""
    environ = {**os.environ, "PATH": f"{PROGRAMS}{os.pathsep}{os.environ['PATH']}"}
    done = subprocess.run(
        command, cwd=folder, env=environ, stdout=subprocess.PIPE, text=True, check=True, timeout=_PATIENCE_SECONDS
    )
    return done.stdout


if __name__ == "__main__":
    main()
