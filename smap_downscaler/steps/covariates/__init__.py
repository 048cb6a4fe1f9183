"""`harmonisecovariates`: layers of any grid to one coarse and one fine stack."""
