"""`trainforests`: random forests by date, by cell or pooled."""
