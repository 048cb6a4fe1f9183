"""Arrays and results of the whole chain."""
