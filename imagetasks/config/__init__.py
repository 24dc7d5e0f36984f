"""``devspace.yaml`` as data: reading, variables, profiles and the model."""
