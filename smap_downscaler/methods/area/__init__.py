"""The area-to-point model.

What covariates explain at the pixel, a spatial field, SMAP's noise and its footprint are estimated together,
all of it seen through the mean over each cell.
"""
