"""`downscale` and `cascade`: maps from models."""
