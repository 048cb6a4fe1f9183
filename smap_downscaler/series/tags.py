"""Tags that rasters of a series carry."""

from __future__ import annotations

#: Tags that say how a file was made; those of the source file besides the choices.
CHOICE_TAGS = ("PRODUCT", "OVERPASS", "QUALITY", "ALGORITHM")
#: Tag of a dated file whose other bands only say something of the first one.
FIRST_BAND_TAG = "SMAP_DOWNSCALER_FIRST_BAND"
#: Tag of rasters that are rain of the days before their date.
KIND_TAG, RAIN_KIND = "SMAP_DOWNSCALER_KIND", "rain"
#: Tags by which such a raster is known, and their value where it matters: those of 0.1.0 have the second.
RAIN_TAGS = {KIND_TAG: RAIN_KIND, "DAYS_USED": None}
#: Tag of a raster that tells what it was made from.
RUN_TAG = "SMAP_DOWNSCALER_RUN"
