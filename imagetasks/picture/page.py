"""Pages that a browser shows from one file, without a network: the task graph, and the timings of runs."""

from __future__ import annotations

import json
from collections.abc import Sequence
from importlib.resources import files
from typing import Any

from imagetasks.picture.svg import FILLS, escaped, svg
from imagetasks.picture.task_graph import VERDICTS, TaskGraph

_POLICY = "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'"


def graph_page(graph: TaskGraph, title: str) -> str:
    """The task graph as a page that can be moved, zoomed and searched."""
    kinds = dict.fromkeys(node.kind for node in graph.values())
    legend = [f'<li><i style="background:{FILLS.get(kind, FILLS[""])}"></i>{escaped(kind)}' for kind in kinds]
    if any(node.verdict for node in graph.values()):
        legend += [f"<li>{verdict.mark} {verdict}" for verdict in VERDICTS]
    critical = [node.seconds or 0.0 for node in graph.values() if node.is_critical]
    if critical:
        legend.append(f'<li><i class="critical"></i>critical path, {sum(critical):.1f} s as last timed')
    data = {
        name: {
            "doc": node.doc,
            "waitsFor": node.waits_for,
            "verdict": str(node.verdict or ""),
            "seconds": node.seconds,
        }
        for name, node in graph.items()
    }
    body = (
        '<header><h1></h1><input id="search" type="search" placeholder="Search tasks  ( / )" '
        'aria-label="Search tasks">'
        '<output id="found"></output><span class="zoom"><button id="out" aria-label="Zoom out">&minus;</button>'
        '<button id="in" aria-label="Zoom in">+</button><button id="fit">Fit</button></span></header>\n'
        f'<ul id="legend">{"".join(legend)}</ul>\n'
        f'<main id="picture" tabindex="0" aria-label="Task graph">{svg(graph)}</main>\n'
        '<aside id="details" aria-live="polite" hidden></aside>'
    )
    return _page("graph", title, body, data)


def timings_page(runs: Sequence[Any], title: str) -> str:
    """Runs as lanes of bars.

    :param runs: as :mod:`imagetasks.report.timings` keeps them, the latest last
    """
    body = (
        '<header><h1></h1><label>Run <select id="runs"></select></label><output id="summary"></output></header>\n'
        '<main><div id="lanes"></div><section id="details" aria-live="polite"></section>'
        '<section><h2>Critical path</h2><ol id="critical"></ol></section>'
        '<section><h2>Tasks</h2><table id="tasks"></table></section>'
        '<section><h2>Runs compared</h2><table id="compared"></table></section></main>'
    )
    return _page("timings", title, body, {"runs": runs, "fills": FILLS})


def _page(name: str, title: str, body: str, data: Any) -> str:
    script = _asset("page.js") + _asset(f"{name}.js")
    # "<" would let a text end the element that holds it.
    held = json.dumps({"title": title, "data": data}, separators=(",", ":")).replace("<", "\\u003c")
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{escaped(title)}</title>\n<style>\n{_asset('page.css')}</style>\n</head>\n"
        f'<body class="{name}">\n{body}\n<script type="application/json" id="data">{held}</script>\n'
        f"<script>\n{script}</script>\n</body>\n</html>\n"
    )


def _asset(name: str) -> str:
    return (files("imagetasks.picture") / name).read_text(encoding="utf-8")
