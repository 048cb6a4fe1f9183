"""Reports of maps and cascades, as outputs of an algorithm."""
