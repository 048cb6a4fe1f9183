"""`samplesquares` and `moisturestatistics`: statistics in squares and polygons."""
