"""Image references, Docker's credential store, and pushing."""
