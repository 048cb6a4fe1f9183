"""Files of rasters and tables through GDAL only: series, stacks, blocks, writers.  No qgis."""
