"""What the last word of a command line may become."""

from __future__ import annotations

import io
from collections.abc import Sequence
from pathlib import Path

import pytest

from imagetasks.cli import main
from imagetasks.completion.candidates import Candidate, as_lines, candidates


class FixedNames:
    """Names of a project with two images."""

    def commands(self) -> Sequence[Candidate]:
        return [
            Candidate("why", "tell why"),
            Candidate("list"),
            Candidate("help"),
            *map(Candidate, ("validate", "render", "graph")),
        ]

    def options(self, command: str) -> Sequence[Candidate]:
        return [Candidate("--all")] if command == "list" else [Candidate("--force-build"), Candidate("--profile")]

    def tasks(self) -> Sequence[Candidate]:
        return [Candidate(name) for name in ("build", "build:api", "build:web", "push", "push:api", "push:web")]

    def profiles(self) -> Sequence[Candidate]:
        return [Candidate("production"), Candidate("preview")]

    def images(self) -> Sequence[Candidate]:
        return [Candidate("api"), Candidate("web")]

    def deployments(self) -> Sequence[Candidate]:
        return [Candidate("backend"), Candidate("frontend")]


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("", "why list help validate render graph build push"),
        ("w", "why"),
        ("b", "build build:api build:web"),
        ("build:", "build:api build:web"),
        ("push:w", "push:web"),
        ("-b ", "why list help validate render graph build push"),
        ("build ", "build push"),
        ("build -", "--force-build --profile"),
        ("list --", "--all"),
        ("list p", "push push:api push:web"),
        ("help w", "why"),
        ("why ", "api web backend frontend"),
        ("render f", "frontend"),
        ("graph push:", "push:api push:web"),
        ("graph -o ", ""),
        ("build -p ", "production preview"),
        ("build --profile pre", "preview"),
        ("--profile=pro", "--profile=production"),
        ("deploy --deployments ", "backend frontend"),
        ("deploy --deployments backend,f", "backend,frontend"),
        ("--deployments=backend,f", "--deployments=backend,frontend"),
        ("build --config ", ""),
        ("build -t b", ""),
        ("validate dev", ""),
    ],
)
def test_a_word_becomes_what_may_stand_there(line: str, expected: str) -> None:
    found = candidates(line.split(" "), FixedNames())

    assert " ".join(candidate.word for candidate in found) == expected


def test_a_candidate_is_a_line_however_many_its_description_has() -> None:
    assert as_lines([Candidate("a", "one\n  two\tthree"), Candidate("b")]) == "a\tone two three\nb\n"


CONFIG = """\
version: v1beta6
images: {api: {image: shop/api}}
deployments: [{name: backend, kubectl: {manifests: [k8s]}}]
profiles:
- name: lean
  patches: [{op: replace, path: images, value: {web: {image: shop/web}}}]
"""


def words_for(line: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> list[str]:
    """The candidates that the program prints for a command line."""
    monkeypatch.setattr("sys.stdin", io.StringIO("".join(f"{word}\n" for word in line.split(" "))))
    assert main(["completion", "--candidates"]) == 0
    return [line.partition("\t")[0] for line in capsys.readouterr().out.splitlines()]


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("imagetasks build:", ["build:api"]),
        ("imagetasks -p lean build:", ["build:web"]),
        ("imagetasks build -p lean build:", ["build:web"]),
        ("imagetasks build --config other.yaml build:", []),
        ("doit build:", ["build:api"]),
        ("imagetasks build -p ", ["lean"]),
        ("imagetasks --deployments ", ["backend"]),
        ("imagetasks doctor --kube", ["--kube-context"]),
        ("imagetasks list --q", ["--quiet"]),
        ("imagetasks doc", ["doctor"]),
        ("doit doc", []),
        ("imagetasks completion z", ["zsh"]),
    ],
)
def test_names_are_those_of_the_project_and_of_the_programs(
    line: str,
    expected: list[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("devspace.yaml").write_text(CONFIG)
    Path("doit.cfg").write_text("[GLOBAL]\nloader = imagetasks\n")

    assert words_for(line, monkeypatch, capsys) == expected


@pytest.mark.parametrize("content", [None, "images: [\n", "version: v1beta6\nimages: {api: {imag: x}}\n"])
def test_a_project_that_cannot_be_read_has_no_names_and_breaks_nothing(
    content: str | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    if content:
        Path("devspace.yaml").write_text(content)

    for line in ("imagetasks build:", "imagetasks -p ", "imagetasks --deployments ", "imagetasks --var x "):
        assert "build:api" not in words_for(line, monkeypatch, capsys)
    assert "doctor" in words_for("imagetasks d", monkeypatch, capsys)


def test_completion_needs_to_know_the_shell(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["completion"]) == 3
    assert "name a shell: bash, fish, zsh" in capsys.readouterr().err
