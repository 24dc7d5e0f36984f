"""What ``imagetasks completion`` does: scripts for shells, and what a word of a command line may become.

The scripts ask us at each press of the key, so that names are those of the file as it is then.
"""
