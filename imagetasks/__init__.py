"""imagetasks: the images of a ``devspace.yaml`` as doit tasks."""

__version__ = "0.1.0"
