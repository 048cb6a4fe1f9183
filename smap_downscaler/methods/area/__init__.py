"""The area-to-point model: covariates at the pixel, a spatial field, SMAP's noise and its footprint, estimated
together, all of it seen through the mean over each cell."""
