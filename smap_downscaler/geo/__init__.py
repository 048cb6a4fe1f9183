"""Grids, rasters and resampling, through GDAL."""
