"""Precipitation as covariates: the rain of the days before, and the seasons' means."""
