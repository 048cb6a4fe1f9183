"""A room a workflow step, in the order of the work."""
