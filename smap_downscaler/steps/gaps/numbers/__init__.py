"""Filling the days without an observation: what forests by cell are held against, and how good they are."""
