"""The task graph as it is shown: what is in it, where it stands, and what each format makes of it."""

from __future__ import annotations

from typing import Any
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imagetasks.errors import OptionError
from imagetasks.picture.dot import dot
from imagetasks.picture.layout import lay_out
from imagetasks.picture.mermaid import mermaid
from imagetasks.picture.svg import svg
from imagetasks.picture.task_graph import (
    TaskGraph,
    TaskNode,
    Verdict,
    critical_path,
    make_graph,
    with_seconds,
    with_verdicts,
    without_detours,
)
from imagetasks.picture.tree import legend, tree_lines

ODD = 'build:<b>"it\'s" & \\N ünï`#</b>'
UP_TO_DATE, CHANGED = Verdict(False), Verdict(True, "the inputs have changed")


def task(name: str, *needs: str, values: tuple[str, ...] = ()) -> dict[str, Any]:
    basename, colon, rest = name.partition(":")
    return {
        "basename": basename,
        "name": rest if colon else None,
        "doc": f"what {name} does",
        "task_dep": [*needs, *values],
        "getargs": {f"from {other}": (other, None) for other in values},
    }


def image(name: str, *bases: str) -> list[dict[str, Any]]:
    return [
        task(f"hash:{name}"),
        task(f"build:{name}", values=(f"hash:{name}", *(f"tag:{base}" for base in bases))),
        task(f"tag:{name}", values=(f"build:{name}",)),
        task(f"push:{name}", values=(f"tag:{name}",)),
    ]


def shop() -> list[dict[str, Any]]:
    return [
        *image("base"),
        *image("api", "base"),
        task("deploy:db"),
        task("deploy:api", "deploy:db", "push:api", values=("tag:api",)),
        task("purge:api"),
        task("hash"),
        task("build", "push:base", "push:api"),
        task("deploy", "deploy:db", "deploy:api"),
    ]


def test_without_a_name_the_graph_is_what_builds_and_deploys() -> None:
    graph = make_graph(shop())

    assert "purge:api" not in graph
    assert {"push:base", "deploy:api", "deploy:db"} < set(graph)
    assert not {"build", "deploy"} & set(graph)


def test_a_chosen_task_brings_what_it_waits_for_and_no_more() -> None:
    assert list(make_graph(shop(), ["tag:base"])) == ["hash:base", "build:base", "tag:base"]
    assert set(make_graph(shop(), ["hash"])) == {"hash:base", "hash:api"}
    assert set(make_graph(shop(), ["hash:*"])) == {"hash:base", "hash:api"}


def test_a_task_that_is_not_there_is_told_with_the_nearest_that_is() -> None:
    with pytest.raises(OptionError, match="no task biuld:api; did you mean build:api"):
        make_graph(shop(), ["biuld:api"])


def test_an_edge_that_a_longer_way_implies_is_left_out() -> None:
    assert make_graph(shop())["deploy:api"].waits_for == ("deploy:db", "push:api")


@given(st.lists(st.sets(st.integers(0, 11)), max_size=12))
def test_leaving_edges_out_changes_nothing_about_the_order(edges: list[set[int]]) -> None:
    needs = {str(number): [str(other) for other in others if other < number] for number, others in enumerate(edges)}

    fewest = without_detours(needs)

    assert _reached(fewest) == _reached(needs)
    assert all(set(fewest[name]) <= set(needs[name]) for name in needs)


def _reached(needs: Any) -> dict[str, set[str]]:
    reached: dict[str, set[str]] = {}
    for name, others in needs.items():
        reached[name] = set(others).union(*(reached[other] for other in others))
    return reached


def test_a_hook_that_gets_the_values_of_a_task_that_would_run_would_run_too() -> None:
    graph = make_graph([*shop(), task("hook:told", values=("tag:api",))], ["hook:told"])
    verdicts = dict.fromkeys(graph, UP_TO_DATE)

    assert with_verdicts(graph, verdicts)["hook:told"].verdict == UP_TO_DATE
    judged = with_verdicts(graph, {**verdicts, "tag:api": CHANGED})
    assert judged["hook:told"].verdict == Verdict(True, "after tag:api")


def test_the_verdicts_of_images_and_deployments_stand() -> None:
    """A hash that is computed anew may be the same one, as may be an image that is tagged anew, and its tag."""
    verdicts = dict.fromkeys(make_graph(shop()), UP_TO_DATE)
    changed = dict.fromkeys(["hash:api", "tag:base", "tag:api"], CHANGED)
    graph = with_verdicts(make_graph(shop()), {**verdicts, **changed})

    assert {name for name, node in graph.items() if node.verdict == CHANGED} == set(changed)


def test_the_critical_path_is_the_one_that_takes_longest() -> None:
    waits_for = {"a": (), "b": (), "c": ("a", "b"), "d": ("b",)}

    assert critical_path(waits_for, {"a": 2.0, "b": 1.0, "c": 1.0, "d": 1.5}) == {"a", "c"}
    assert critical_path(waits_for, {}) == frozenset()


def test_every_task_stands_right_of_what_it_waits_for_or_below_its_own_kind() -> None:
    graph = make_graph(shop())
    cells = lay_out(graph)

    assert len(set(cells.values())) == len(graph)
    for name, node in graph.items():
        for other in node.waits_for:
            if graph[other].kind == node.kind:
                assert cells[other].row < cells[name].row
            else:
                assert cells[other].column < cells[name].column


def test_the_tasks_of_an_image_share_a_row() -> None:
    cells = lay_out(make_graph(shop()))

    for name in ("base", "api"):
        assert len({cells[f"{kind}:{name}"].row for kind in ("hash", "build", "tag", "push")}) == 1


def odd_graph() -> TaskGraph:
    graph = {
        "hash:a": TaskNode("hash:a", "digest", verdict=Verdict(True)),
        ODD: TaskNode(ODD, "</title><script>alert(1)</script>\x01", ("hash:a",), verdict=UP_TO_DATE),
    }
    return with_seconds(graph, {ODD: 2.0})


def test_an_svg_holds_any_name_as_text() -> None:
    root = ElementTree.fromstring(svg(odd_graph()))
    boxes = [element for element in root.iter() if element.get("data-task")]

    assert [box.get("data-task") for box in boxes] == ["hash:a", ODD]
    assert boxes[1].get("class") == "task critical idle"
    assert not list(root.iter("{http://www.w3.org/2000/svg}script"))


def test_dot_quotes_any_name() -> None:
    assert '"hash:a" -> "build:<b>\\"it\'s\\" & \\\\N ünï`#</b>";' in dot(odd_graph())


def test_mermaid_numbers_the_tasks_and_escapes_their_labels() -> None:
    lines = mermaid(odd_graph()).splitlines()

    assert lines[:2] == ["flowchart LR", '  t0["hash:a"]:::hash']
    assert lines[2] == '  t1["build:#60;b#62;#34;it\'s#34; #38; #92;N ünï#96;#35;#60;/b#62;"]:::build'
    assert "  t0 --> t1" in lines


def test_the_tree_shows_what_several_wait_for_in_full_once() -> None:
    graph = make_graph([*image("base"), *image("api", "base"), task("build", "push:base", "push:api")], ["build"])

    assert list(tree_lines(graph)) == [
        "push:base",
        "└─ tag:base",
        "   └─ build:base",
        "      └─ hash:base",
        "push:api",
        "└─ tag:api",
        "   └─ build:api",
        "      ├─ hash:api",
        "      └─ tag:base …",
    ]
    assert legend(graph) == ""


def test_the_tree_tells_what_would_run_and_why_and_how_long_it_took() -> None:
    graph = make_graph(image("base"), ["tag:base"])
    verdicts = {"hash:base": Verdict(None, "no daemon"), "build:base": CHANGED, "tag:base": UP_TO_DATE}
    graph = with_seconds(with_verdicts(graph, verdicts), {"build:base": 3.25})

    assert list(tree_lines(graph)) == [
        "✓ tag:base*",
        "└─ ● build:base  3.2 s*  (the inputs have changed)",
        "   └─ ? hash:base  (no daemon)",
    ]
    assert "critical path: 3.2 s" in legend(graph)
