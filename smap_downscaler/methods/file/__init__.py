"""The model file: arrays and JSON, nothing executable."""
