"""What ``imagetasks init`` does: from what lies in a folder to a ``devspace.yaml`` and doit's configuration."""
