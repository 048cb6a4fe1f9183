"""Parameters of field stations."""
