"""Pictures of the task graph, and the pages that a browser shows."""
