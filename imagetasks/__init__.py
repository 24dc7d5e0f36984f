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
    """Yield our tasks from a task creator of a ``dodo.py`` that doit's own loader reads.

    :param config: the configuration file; without it ``devspace.yaml`` in the current folder or the nearest above
    :param options: fields of :class:`imagetasks.options.Options`, for what the command line does not say after the
        name of one of our tasks
    :raises doit.exceptions.InvalidDodoFile: a mistake in the configuration or the options
    """
    from imagetasks.loader import tasks_for_dodo

    yield from tasks_for_dodo(config, options)


def doit_defaults(folder: str = ".") -> dict[str, Any]:
    """Values for the ``DOIT_CONFIG`` of such a ``dodo.py``, whose ``devspace.yaml`` lies in ``folder``."""
    from imagetasks import loader

    return loader.doit_defaults(Path(folder))
