"""`regressionmatrix`: a row a SMAP cell and date."""
