"""The pages in a real browser."""

from __future__ import annotations

import itertools
from pathlib import Path

import pytest

from imagetasks.picture.page import graph_page
from imagetasks.picture.task_graph import TaskNode, Verdict
from imagetasks.report.timings import Recorder
from tests.browser import Browser

ODD = 'build:<img src=x onerror=document.title="broken">"&ü'

pytestmark = pytest.mark.browser


@pytest.fixture
def graph_file(tmp_path: Path) -> Path:
    """The page of 300 images, of which one has an odd name."""
    graph = {}
    for name in (ODD.removeprefix("build:"), *map(str, range(299))):
        graph[f"hash:{name}"] = TaskNode(f"hash:{name}", "digest")
        graph[f"build:{name}"] = TaskNode(f"build:{name}", "a build", (f"hash:{name}",), verdict=Verdict(True, "new"))
    file = tmp_path / "graph.html"
    file.write_text(graph_page(graph, "Task graph of <shop>"), encoding="utf-8")
    return file


def test_a_graph_needs_no_network_and_shows_any_name_as_text(browser: Browser, graph_file: Path) -> None:
    with browser.show(graph_file) as page:
        assert page.title() == page.locator("h1").inner_text() == "Task graph of <shop>"
        page.locator("g.task").nth(1).click()
        assert page.locator("#details h2").inner_text() == ODD
        assert page.locator("img").count() == 0

    assert browser.requests == [graph_file.as_uri()]
    assert browser.complaints == []


def test_searching_brings_a_task_into_view_and_tells_how_many_there_are(browser: Browser, graph_file: Path) -> None:
    with browser.show(graph_file) as page:
        box = page.locator('[data-task="build:287"] rect')
        shown = page.viewport_size
        before = box.bounding_box()
        page.keyboard.press("/")
        page.keyboard.type("build:287")
        after = box.bounding_box()

        assert page.locator("#found").inner_text() == "1 of 600 tasks"
        assert before and after and shown
        assert before["y"] > shown["height"] > after["y"] > 0


def test_a_chosen_task_shows_what_it_waits_for_in_the_midst_of_a_search(browser: Browser, graph_file: Path) -> None:
    with browser.show(graph_file) as page:
        opacity = 'getComputedStyle(document.querySelector(`[data-task="hash:28"]`)).opacity'
        page.keyboard.press("/")
        page.keyboard.type("build:28")
        searched = page.evaluate(opacity)
        page.locator('[data-task="build:28"]').click()
        chosen = page.evaluate(opacity)
        page.keyboard.press("Escape")
        left = page.evaluate(opacity)
        page.keyboard.press("Escape")
        forgotten = page.evaluate(opacity)

        assert (searched, chosen, left, forgotten) == ("0.22", "1", "0.22", "1")
        assert page.locator("#found").inner_text() == ""


def test_a_long_name_leaves_room_for_the_mark(browser: Browser, tmp_path: Path) -> None:
    name = "hook:before-deployment-of-every-image"
    file = tmp_path / "graph.html"
    file.write_text(graph_page({name: TaskNode(name, "", verdict=Verdict(True))}, "shop"), encoding="utf-8")
    with browser.show(file) as page:
        label, mark = (page.locator("g.task text").nth(number).bounding_box() for number in (0, 1))

        assert label and mark
        assert label["x"] + label["width"] < mark["x"]


def test_a_graph_is_zoomed_with_the_wheel_and_moved_with_the_mouse(browser: Browser, graph_file: Path) -> None:
    with browser.show(graph_file) as page:
        box = page.locator('[data-task="build:3"] rect')
        first = box.bounding_box()
        page.mouse.move(600, 400)
        page.mouse.wheel(0, -100)
        page.wait_for_function("view.width < full.width")
        zoomed = box.bounding_box()
        page.mouse.down()
        page.mouse.move(650, 430)
        page.mouse.up()
        moved = box.bounding_box()

        assert first and zoomed and moved
        assert zoomed["width"] > first["width"]
        assert moved["x"] - zoomed["x"] == pytest.approx(50, abs=1)
        assert moved["y"] - zoomed["y"] == pytest.approx(30, abs=1)


def test_the_keyboard_reaches_a_task_and_what_it_waits_for(browser: Browser, graph_file: Path) -> None:
    with browser.show(graph_file) as page:
        page.locator('[data-task="build:5"]').focus()
        page.keyboard.press("Enter")

        assert page.locator("#details").inner_text().splitlines()[0] == "build:5"
        assert page.locator("g.task.near").count() == 2
        page.get_by_role("button", name="hash:5", exact=True).click()
        assert page.locator("#details h2").inner_text() == "hash:5"


def test_a_page_is_dark_where_the_reader_wants_that(browser: Browser, graph_file: Path) -> None:
    colours = []
    for dark in (False, True):
        with browser.show(graph_file, dark=dark) as page:
            colours.append(page.evaluate("getComputedStyle(document.body).backgroundColor"))

    assert colours == ["rgb(255, 255, 255)", "rgb(21, 24, 28)"]


def test_timings_show_a_bar_for_each_task_and_the_run_that_is_chosen(browser: Browser, tmp_path: Path) -> None:
    for tasks in (["build:old"], ["hash:a", ODD]):
        recorder = Recorder(tmp_path, itertools.count(0.0).__next__)
        for before, task in zip(["", *tasks], tasks, strict=False):
            recorder.started(task, [before])
            recorder.phase(task, "step 1/2 <i>RUN</i>")
            recorder.ended(task, failed=False)
        recorder.finish()

    with browser.show(recorder.page) as page:
        assert page.locator(".bar").count() == 2
        assert page.locator("#critical li").count() == 2
        page.locator(".bar").nth(1).focus()
        page.keyboard.press("Enter")
        assert page.locator("#details strong").inner_text() == ODD
        assert page.locator("#details li").inner_text() == "step 1/2 <i>RUN</i>: 1.0 s"
        page.locator("#runs").select_option(index=1)
        assert page.locator(".bar").get_attribute("data-task") == "build:old"
        assert page.locator("#compared tbody tr").count() == 2

    assert browser.complaints == []
    assert browser.requests == [recorder.page.as_uri()]
