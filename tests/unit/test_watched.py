from __future__ import annotations

from pathlib import Path

from imagetasks.context.watched import watched_digest


def test_a_link_that_leads_nowhere_counts_as_the_link_that_it_is(tmp_path: Path) -> None:
    link = tmp_path / "link"
    link.symlink_to("gone/file")
    before = watched_digest(["link"], tmp_path)
    link.unlink()
    link.symlink_to("gone/other")
    assert watched_digest(["link"], tmp_path) != before


def test_what_a_link_leads_to_counts_once_it_is_there(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to("file")
    before = watched_digest(["link"], tmp_path)
    (tmp_path / "file").write_text("now")
    assert watched_digest(["link"], tmp_path) != before


def test_links_in_a_circle_count_as_the_links_that_they_are(tmp_path: Path) -> None:
    (tmp_path / "one").symlink_to("two")
    (tmp_path / "two").symlink_to("one")
    before = watched_digest(["*"], tmp_path)
    (tmp_path / "three").touch()
    assert watched_digest(["*"], tmp_path) != before
