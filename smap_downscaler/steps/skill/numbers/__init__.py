"""Truths, covariates, observations and scores as arrays."""
