"""The versions of the format: what a file of each may hold, and how it becomes the form that everything else reads.

That form is the newest version's, with two differences: entries of maps that have an order or a namesake elsewhere
(``vars``, ``deployments``, ``dependencies``, ``commands``) are lists whose entries have a ``name``, and what the
newest version has dropped, such as an image's ``disabled``, is still there.
"""

from __future__ import annotations

VERSIONS = (
    "v1beta3",
    "v1beta4",
    "v1beta5",
    "v1beta6",
    "v1beta7",
    "v1beta8",
    "v1beta9",
    "v1beta10",
    "v1beta11",
    "v2beta1",
)
"""The versions of the format, oldest first."""

NEWEST = VERSIONS[-1]
