"""`importsmap`: SMAP granules and rasters to a dated series."""
