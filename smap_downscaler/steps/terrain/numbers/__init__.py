"""Sink filling, slope, flow routing and wetness indices on square metric cells."""
