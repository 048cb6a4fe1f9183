"""Principal components of a table of numbers."""
