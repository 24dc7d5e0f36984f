"""A headless Chromium that shows pages from files."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Browser as Chromium
from playwright.sync_api import Page, sync_playwright

_PROGRAMS = ("chromium", "chromium-browser", "google-chrome")
_ARGUMENTS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]


def _program() -> str | None:
    return next(filter(None, map(shutil.which, _PROGRAMS)), None)


def missing_browser() -> str:
    """What there is no browser for, in a sentence; empty if there is one."""
    return "" if _program() else f"not installed: {' or '.join(_PROGRAMS)}"


class Browser:
    """The browser, and what the pages that it has shown complained of or asked the network for."""

    def __init__(self, chromium: Chromium) -> None:
        self._chromium = chromium
        self.complaints: list[str] = []
        self.requests: list[str] = []

    @contextmanager
    def show(self, file: Path, *, dark: bool = False) -> Iterator[Page]:
        """A page in a window of its own."""
        self.complaints.clear()
        self.requests.clear()
        page = self._chromium.new_page(
            viewport={"width": 1200, "height": 800}, color_scheme="dark" if dark else "light"
        )
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.on("console", lambda message: self.complaints.append(message.text))
        page.on("request", lambda request: self.requests.append(request.url))
        page.goto(file.as_uri())
        yield page
        page.close()


@contextmanager
def open_browser() -> Iterator[Browser]:
    """Start the browser, and end it."""
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=_program(), args=_ARGUMENTS)
        yield Browser(chromium)
        chromium.close()
