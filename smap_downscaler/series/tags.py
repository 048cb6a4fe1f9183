"""Tags that rasters carry, and the files behind a raster that may carry them."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping

from osgeo import gdal

from ..base.errors import InputError
from ..geo.area import Area
from ..geo.datasets import open_dataset
from ..geo.texts import tags_of

#: Tags that say how a file was made; those of the source file besides the choices.
CHOICE_TAGS = ("PRODUCT", "OVERPASS", "QUALITY", "ALGORITHM")
#: Tag of a dated file whose other bands only say something of the first one.
FIRST_BAND_TAG = "SMAP_DOWNSCALER_FIRST_BAND"
#: Tag of rasters that are rain of the days before their date.
KIND_TAG, RAIN_KIND = "SMAP_DOWNSCALER_KIND", "rain"
#: Tags by which such a raster is known, and their value where it matters: those of 0.1.0 have the second.
RAIN_TAGS = {KIND_TAG: RAIN_KIND, "DAYS_USED": None}
#: Tag of a raster that says what it was made from.
RUN_TAG = "SMAP_DOWNSCALER_RUN"
#: Tag of a raster outside of whose study area of polygons nothing has a value, see `Area.tag`.
AREA_TAG = "SMAP_DOWNSCALER_AREA"
#: Tag of the days of 'Fill gaps', of what is made from them, and of maps of days without SMAP.
FILLED_TAG = "SMAP_DOWNSCALER_FILLED"
_YES = "yes"
#: The tags of a VRT of ours without filled values, so that nobody looks for them in its files.
NOT_FILLED = {FILLED_TAG: "no"}


def files_behind(path: str) -> list[str]:
    """The file itself, or those that a subdataset or a VRT reads."""
    if os.path.isfile(path) and not path.lower().endswith(".vrt"):
        return [path]
    return list(dict.fromkeys([path, *sorted(open_dataset(path).GetFileList() or [])]))


def tags_behind(path: str) -> Iterator[dict[str, str]]:
    """The tags of a raster, and of those that a VRT reads."""
    for file in files_behind(path):
        try:
            tags = tags_of(open_dataset(file))
        except InputError:
            # A VRT names side-car files too.
            continue
        yield tags or {}


def is_filled(dataset: gdal.Dataset, path: str) -> bool:
    """Whether an open raster, or one of those that a VRT reads, has the tag of filled values."""
    own = tags_of(dataset).get(FILLED_TAG)
    # Thousands of files are opened only for a VRT that somebody else wrote.
    if own is not None or not path.lower().endswith(".vrt"):
        return own == _YES
    return any(tags.get(FILLED_TAG) == _YES for tags in tags_behind(path))


def filled_tags(filled: bool) -> dict[str, str]:
    """The tags of what is made from filled values, or from none."""
    return {FILLED_TAG: _YES} if filled else {}


def area_tags(area: Area | None) -> dict[str, str]:
    """The tags of what is made for a study area of polygons, or without one."""
    return {} if area is None else {AREA_TAG: area.tag}


def is_of_area(tags: Mapping[str, str], area: Area | None) -> bool:
    """Whether the tags of a raster say that it was made for a study area (None: without one)."""
    digest = tags.get(AREA_TAG, "").rpartition(", ")[2]
    return digest == ("" if area is None else area.digest)


def unobserved_sentence(label: str, fate: str, judged: str) -> str:
    """The warning that filled values pass for observed ones.

    Parameters
    ----------
    label : str
        The series or file.
    fate : str
        What becomes of the values: "go into the matrix".
    judged : str
        What must not be judged by them: "forests".
    """
    return (
        f"{label}: some of its values were filled ('Fill gaps', or maps of days without SMAP), and they "
        f"{fate} like observed ones; do not judge {judged} by them"
    )
