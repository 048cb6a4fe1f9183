"""`createdemodata`: a made-up basin with known truth."""
