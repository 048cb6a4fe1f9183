"""Tags that rasters of a series carry."""

from __future__ import annotations

#: Tags that say how a file was made; those of the source file besides the choices.
CHOICE_TAGS = ("PRODUCT", "OVERPASS", "QUALITY", "ALGORITHM")
#: Tag of a dated file whose other bands only say something of the first one.
FIRST_BAND_TAG = "SMAP_DOWNSCALER_FIRST_BAND"
#: Tag of a raster that tells what it was made from.
RUN_TAG = "SMAP_DOWNSCALER_RUN"
