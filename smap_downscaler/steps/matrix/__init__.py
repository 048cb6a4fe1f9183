"""`regressionmatrix`: one row per SMAP cell and date."""
