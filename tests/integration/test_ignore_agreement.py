"""The ignore rules, judged by what ``docker build`` sends to a daemon."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from imagetasks.context.ignore import IgnoreRules
from imagetasks.context.scan import scan
from imagetasks.errors import ContextError
from tests.context_receiver import ContextReceiver, paths_of

LINE_START = re.compile(rb"(\xef\xbb\xbf)?[\s/.!]*")
READ_BY_DOCKER = ("Dockerfile", ".dockerignore")
EXAMPLES = int(os.environ.get("IMAGETASKS_FUZZ", "50"))


def docker_cli() -> str | None:
    """A docker CLI that matches patterns with today's ``moby/patternmatcher``, which came with version 23."""
    cli = shutil.which("docker")
    if cli is None:
        return None
    version = subprocess.run([cli, "--version"], check=False, capture_output=True, text=True).stdout
    found = re.match(r"Docker version (\d+)", version)
    return cli if found and int(found[1]) >= 23 else None


CLI = docker_cli()


@pytest.fixture(scope="module")
def receiver() -> Iterator[ContextReceiver]:
    with ContextReceiver() as listening:
        yield listening


NAMES = st.sampled_from(
    [
        *("a", "b", "ab", "c.py", ".hidden", "d d", " ", "[x]", "a*", "?", "\\", "!a", "#b", "-", "^", "é", "7"),
        *("\udcff", ".dockerignore", "Dockerfile", "a+(b)|{c}$&~", "a\nb"),
    ]
)
PATHS = st.lists(NAMES, min_size=1, max_size=4).map("/".join)
SPELLINGS: list[Callable[[str], str]] = [
    lambda name: name,
    lambda name: name,
    lambda name: "".join(f"\\{letter}" for letter in name),
    lambda name: f"?{name[1:]}",
    lambda name: f"*{name[1:]}",
    lambda name: f"{name[:-1]}*",
    lambda name: f"**{name[1:]}",
    lambda name: f"{name[:1]}**",
    lambda name: f"[{name[:1]}]{name[1:]}",
    lambda name: f"[\\{name[:1]}]{name[1:]}",
    lambda name: f"[^{name[:1]}]{name[1:]}",
    lambda name: f"[a-c]{name[1:]}",
    lambda name: f"[!{name[:1]}*?|]{name[1:]}",
    lambda name: f"{name}/.",
    lambda name: f"x/../{name}",
    lambda name: f"./{name}",
    lambda name: f"/{name}",
    lambda name: "*",
    lambda name: "**",
    lambda name: "***",
    lambda name: "..",
]
ODDITIES = st.text("ab*?[]^-!\\/.# \t\x1c\x85\ufeff:d", max_size=12)


@st.composite
def trees(draw: st.DrawFn) -> set[str]:
    """Files by their paths; of a path that another is below, nothing is said."""
    paths = draw(st.sets(PATHS, min_size=1, max_size=14)) - {*READ_BY_DOCKER}
    folders = {path[: found.start()] for path in paths for found in re.finditer("/", path)}
    return {path for path in paths - folders if path.partition("/")[0] not in READ_BY_DOCKER}


@st.composite
def lines(draw: st.DrawFn, tree: set[str]) -> str:
    """A pattern for something that is in the tree, or for a folder on the way to it, or any text."""
    if not tree or draw(st.integers(0, 9)) == 0:
        return draw(ODDITIES)
    names = draw(st.sampled_from(sorted(tree))).split("/")
    names = names[: draw(st.integers(1, len(names)))][draw(st.sampled_from([0, 0, 0, 1])) :]
    spelled = "/".join(draw(st.sampled_from(SPELLINGS))(name) for name in names)
    before = draw(st.sampled_from(["", "", "", "", "!", "!", "! ", "/", "./", "!/", "**/", "!**/", " ", "/!", "# "]))
    after = draw(st.sampled_from(["", "", "", "", "/", "/*", "/**", " ", "\t", "\r", " /"]))
    return before + spelled + after


@st.composite
def contexts(draw: st.DrawFn) -> tuple[set[str], bytes]:
    """A tree, and an ignore file for it."""
    tree = draw(trees())
    # Docker takes a backslash at the end, behind a wildcard, for part of its own "$"; we refuse it.
    text = "\n".join(
        line for line in draw(st.lists(lines(tree), max_size=6)) if not line.strip(" /\t\r").endswith("\\")
    )
    return tree, draw(st.sampled_from([b"", b"", b"\xef\xbb\xbf"])) + text.encode("utf-8", "surrogateescape")


def fill(folder: Path, files: set[str], ignore_file: bytes) -> None:
    for path in files:
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).touch()
    (folder / "Dockerfile").write_text("FROM scratch\nCOPY . /\n")
    (folder / ".dockerignore").write_bytes(ignore_file)


def sent_by_docker(receiver: ContextReceiver, folder: Path) -> list[str] | None:
    """The paths that the docker CLI sends, or nothing if it refuses the ignore file."""
    assert CLI is not None
    built, archive = receiver.build(CLI, folder)
    assert built.returncode == 0 or "pattern" in built.stderr, built.stderr
    return paths_of(archive) if built.returncode == 0 else None


def is_refused(receiver: ContextReceiver, folder: Path, line: bytes) -> bool:
    """Whether Docker refuses a pattern, or would if it were no exception: it looks at those only when they count."""
    (folder / ".dockerignore").write_bytes(LINE_START.sub(b"", line))
    return sent_by_docker(receiver, folder) is None


@pytest.mark.xfail(CLI is None, reason="no docker CLI of version 23 or later to compare with", run=False)
@settings(
    max_examples=EXAMPLES, deadline=None, database=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(contexts())
@example(({"a", "b c"}, b"a /\n/ b?c\n"))
@example(({"!", "a", "b"}, b"[!^*?|]\n[!b]\n"))
@example(({"a|b", "a", "ab", "xb"}, b"a|b*\n"))
@example(({"a{2}", "aa", "a{,2}"}, b"?{2}\n?{,2}"))
@example(({"a", "7", "$", " "}, b"[[:digit:][:space:]]\n"))
@example(({"a\udcff", "b\udcfe"}, b"?\xff\n"))
@example(({"a.f", "b.f"}, b"a.f\n\xef\xbb\xbf*.f\n"))
@example(({"a", "b"}, b"!\\e\na\n"))
@example(({"a/b/c/d", "a/c"}, b"a/*/*\n!a/b/c\n"))
@example(({"a/b.f", "a/a.f", "b.f"}, b"a\n!**/b.f\n"))
@example(({"a/b.f", "a/a.f", "b.f"}, b"a\n!a/b.f\na\n"))
@example(({"a/b.f", "a/a.f", "b.f"}, b"*\n!a/*.f\n**/b.f\n"))
@example(({"a/b.f", "a/a.f", "b.f"}, b"!/.\n*/a.f"))
def test_the_scan_has_what_docker_sends(receiver: ContextReceiver, context: tuple[set[str], bytes]) -> None:
    files, ignore_file = context
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        fill(folder, files, ignore_file)
        sent = sent_by_docker(receiver, folder)
        try:
            rules = IgnoreRules.parse(ignore_file, ".dockerignore")
        except ContextError as error:
            assert error.position is not None
            assert sent is None or is_refused(receiver, folder, ignore_file.split(b"\n")[error.position.line - 1])
        else:
            assert sorted(scan(folder, rules, READ_BY_DOCKER).paths) == sent
