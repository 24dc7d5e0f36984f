"""What goes into an image: the Dockerfile, the files of the context and their digest."""
