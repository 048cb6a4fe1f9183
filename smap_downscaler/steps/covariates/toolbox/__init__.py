"""The report of harmonised covariates, which reads layers of QGIS."""
