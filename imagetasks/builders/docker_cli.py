"""The docker CLI as an engine: for BuildKit, and for arguments that only the CLI knows.

The API's classic builder has no BuildKit session, which the CLI carries (Docker Engine API, "Build an image").
"""

from __future__ import annotations

import os
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from imagetasks.builders.base import BuildContext
from imagetasks.config.model import BuildOptions
from imagetasks.errors import BuildError
from imagetasks.output import Output
from imagetasks.processes import run

_FIRST_WITH_BUILDX_ONLY = 23
"""Since Docker 23 the client's BuildKit support is the plugin buildx; before, it is built in."""
_OWN_VARIABLES = (
    "DOCKER_API_VERSION",
    "DOCKER_BUILDKIT",
    "DOCKER_CERT_PATH",
    "DOCKER_CONFIG",
    "DOCKER_CONTEXT",
    "DOCKER_DEFAULT_PLATFORM",
    "DOCKER_HOST",
    "HOME",
    "PATH",
)
_OWN_PREFIXES = ("BUILDKIT_", "BUILDX_", "DOCKER_CONTENT_TRUST", "DOCKER_TLS")


@dataclass(frozen=True)
class DockerCliBuilder:
    """Runs ``docker build``. Values of build arguments go through its environment, where ``ps`` does not look."""

    options: BuildOptions
    context: BuildContext
    args: tuple[str, ...]
    buildkit: bool
    environ: Mapping[str, str]

    def build(self, reference: str, output: Output) -> str:
        """Build with the CLI; see :class:`imagetasks.builders.base.Builder`."""
        program = find_docker_cli(buildkit=self.buildkit)
        environ = self._environment()
        with tempfile.TemporaryDirectory(prefix="imagetasks-") as name:
            folder = Path(name)
            arguments, stream = self._context_arguments(folder)
            command = [
                program,
                "build",
                "--iidfile",
                str(folder / "id"),
                "--tag",
                reference,
                *self._arguments(),
                *arguments,
            ]
            code = run(command, folder=folder, environ=environ, write=output.write, standard_input=stream)
            if code != 0:
                raise BuildError(f"`docker build` ended with exit code {code}")
            if self.buildkit:
                self.context.check_unchanged()
            return (folder / "id").read_text().strip()

    def _environment(self) -> dict[str, str]:
        for name in self.options.build_args:
            if not name or "=" in name:
                raise BuildError(f"the build argument {name!r} has no name that an environment can hold; rename it")
            if name in _OWN_VARIABLES or name.startswith(_OWN_PREFIXES):
                raise BuildError(
                    f"the build argument {name} cannot be handed to the docker command line, "
                    "which reads a variable of that name itself; give it another name"
                )
        return {**self.environ, **self.options.build_args, "DOCKER_BUILDKIT": str(int(self.buildkit))}

    def _arguments(self) -> Iterator[str]:
        if self.buildkit:
            yield "--progress=plain"
        if self.options.target:
            yield from ("--target", self.options.target)
        if self.options.network:
            yield from ("--network", self.options.network)
        for name in self.options.build_args:
            yield from ("--build-arg", name)
        yield from self.args

    def _context_arguments(self, folder: Path) -> tuple[list[str], Iterator[bytes]]:
        if not self.buildkit:
            dockerfile, stream = self.context.tar()
            return ["--file", dockerfile, "-"], stream
        self.context.check_stat_tells()
        # BuildKit fetches only what it lacks of a folder, and reads the ignore file beside a Dockerfile before the
        # context's own: with both made here, the user's are neither touched nor copied into the image.
        dockerfile_path = folder / "Dockerfile"
        dockerfile_path.write_text(self.context.dockerfile_text(), encoding="utf-8", newline="")
        (folder / "Dockerfile.dockerignore").write_bytes(self.context.ignore_text())
        return ["--file", str(dockerfile_path), str(self.context.folder)], iter(())


def find_docker_cli(*, buildkit: bool) -> str:
    """The first ``docker`` on ``PATH`` that can build, with BuildKit if asked.

    :raises BuildError: there is none
    """
    programs = [Path(folder) / "docker" for folder in os.get_exec_path()]
    found = [str(program) for program in programs if os.access(program, os.X_OK) and program.is_file()]
    for program in found:
        if not buildkit or _has_buildkit(program):
            return program
    if found:
        raise BuildError(f"{found[0]} has no BuildKit: install Docker's buildx plugin, or leave out `useBuildKit`")
    raise BuildError(
        "no `docker` program on PATH: install Docker's command line, or leave out `useBuildKit` and `args`"
    )


def _has_buildkit(program: str) -> bool:
    version = _output([program, "--version"]).removeprefix("Docker version ").partition(".")[0]
    if version.isdigit() and int(version) < _FIRST_WITH_BUILDX_ONLY:
        return True
    return bool(_output([program, "buildx", "version"]))


def _output(command: list[str]) -> str:
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    return result.stdout if result.returncode == 0 else ""
