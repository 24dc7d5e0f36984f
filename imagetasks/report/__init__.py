"""What a person sees while tasks run, and what is kept of it."""
