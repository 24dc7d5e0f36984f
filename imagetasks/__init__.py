"""imagetasks: the images of a ``devspace.yaml`` as doit tasks.

The public API is for people who write a ``dodo.py`` of their own::

    from imagetasks import doit_defaults, tasks

    DOIT_CONFIG = doit_defaults()


    def task_images():
        yield from tasks()
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

__all__ = ["__version__", "doit_defaults", "tasks"]

__version__ = "0.1.0"


def tasks(config: str = "", **options: Any) -> Iterator[dict[str, Any]]:
    """Yield the task dicts of a configuration; see :func:`imagetasks.loader.tasks`."""
    from imagetasks import loader

    return loader.tasks(config, **options)


def doit_defaults(folder: str = ".") -> dict[str, Any]:
    """Values for a ``DOIT_CONFIG``; see :func:`imagetasks.loader.doit_defaults`."""
    from imagetasks import loader

    return loader.doit_defaults(Path(folder))
