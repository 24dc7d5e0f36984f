"""What ``imagetasks doctor`` does: from what a project needs to what of it is there."""
