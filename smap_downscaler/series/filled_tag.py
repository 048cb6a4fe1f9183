"""Values that 'Fill gaps' filled: how rasters tell of them, and the warning where they mislead."""

from __future__ import annotations

from osgeo import gdal

from .files_behind import tags_behind

#: Tag of the days of 'Fill gaps', and of what is made from them.
FILLED_TAG = "SMAP_DOWNSCALER_FILLED"
_YES = "yes"
#: The tags of a VRT of ours without filled values, so that nobody looks for them in its files.
NOT_FILLED = {FILLED_TAG: "no"}


def is_filled(dataset: gdal.Dataset, path: str) -> bool:
    """Whether an open raster, or one of those that a VRT reads, tells that some of its values were filled."""
    own = (dataset.GetMetadata() or {}).get(FILLED_TAG)
    # Thousands of files are opened only for a VRT that somebody else wrote.
    if own is not None or not path.lower().endswith(".vrt"):
        return own == _YES
    return any(tags.get(FILLED_TAG) == _YES for tags in tags_behind(path))


def filled_tags(filled: bool) -> dict[str, str]:
    """The tags by which what is made from filled values tells so."""
    return {FILLED_TAG: _YES} if filled else {}


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
        f"{label}: it comes from 'Fill gaps', and its filled values {fate} like observed ones; do not judge "
        f"{judged} by them"
    )
