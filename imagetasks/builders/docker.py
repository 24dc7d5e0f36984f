"""The engine ``docker``: the daemon's API builds from a tar stream."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from imagetasks.builders.base import BuildContext
from imagetasks.config.model import BuildOptions
from imagetasks.output import Output


@dataclass(frozen=True)
class DockerBuilder:
    """Builds with the classic builder of the daemon that ``environ`` leads to."""

    options: BuildOptions
    context: BuildContext
    environ: Mapping[str, str]

    def build(self, reference: str, output: Output) -> str:
        """Stream the context to the daemon; see :class:`imagetasks.builders.base.Builder`."""
        from imagetasks.daemon import Daemon

        daemon = Daemon(self.environ)
        dockerfile, stream = self.context.tar()
        return daemon.build(reference, stream, dockerfile, self.options, output)
