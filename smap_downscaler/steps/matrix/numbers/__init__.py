"""Rows of the regression matrix as arrays."""
