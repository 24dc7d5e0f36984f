from __future__ import annotations

from imagetasks.cluster.pods import LogLines, whole_lines


class Words:
    def __init__(self) -> None:
        self.text = ""

    def write(self, text: str) -> None:
        self.text += text


def test_lines_are_put_together_from_pieces() -> None:
    assert list(whole_lines([b"a", b"b\nc\n", b"", b"\nd"])) == [b"ab\n", b"c\n", b"\n", b"d"]


def test_a_log_that_is_asked_for_again_is_written_once() -> None:
    words = Words()
    log = LogLines(words)
    first, second, third = (
        b"2026-01-01T00:00:00.1Z one\n",
        b"2026-01-01T00:00:00.2Z two\n",
        b"2026-01-01T00:00:01Z 3\n",
    )

    log.add([first, second])
    log.add([first, second, third])

    assert words.text == "one\ntwo\n3\n"
    assert log.last_time == "2026-01-01T00:00:01Z"


def test_lines_of_one_moment_are_all_written() -> None:
    words = Words()

    LogLines(words).add([b"2026-01-01T00:00:00Z one\n", b"2026-01-01T00:00:00Z two\n"])

    assert words.text == "one\ntwo\n"
