"""Numbers of maps held against a reference; no files here."""
