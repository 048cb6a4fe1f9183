"""Parameters of a cross-validation."""
