"""The state folder of a project (design, "Contract: state")."""

STATE_FOLDER = ".devspace"
