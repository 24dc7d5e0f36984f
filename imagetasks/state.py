"""The state folder of a project (design, "Contract: state")."""

STATE_FOLDER = ".devspace"
HISTORY_FILE = "history.jsonl"
"""What was built (:mod:`imagetasks.history`)."""
