"""Why a folder or file is no series, in a sentence."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from ..base.errors import InputError
from ..steps.rain.numbers.months import year_and_month

if TYPE_CHECKING:
    from .series import SeriesEntry

#: How portals pack files.
_PACKED = frozenset({".gz", ".zip", ".bz2", ".xz", ".7z", ".rar", ".tar", ".tgz"})


def no_raster(folder: Path, advice: str) -> InputError:
    """What to say of a folder without rasters; portals give them packed."""
    packed = sorted(file.name for file in folder.iterdir() if file.suffix.lower() in _PACKED)
    if packed:
        advice = f"unpack its {len(packed):,} packed files first ({packed[0]} and so on)"
    return InputError(f"{folder}: the folder holds no raster; {advice}.")


def undated(path: str) -> InputError:
    """What to say of a name without a date."""
    if year_and_month(Path(path).name):
        return InputError(
            f"{path}: its name holds a year and a month but no day; add the day that it stands for, such as "
            "name_20210131.tif (for the rain of months, 'Seasonal precipitation' has KIND monthly)."
        )
    return InputError(
        f"{path}: its name holds no date; rename it so that it holds one, such as name_20210131.tif "
        "(YYYYMMDD, YYYY-MM-DD, YYYY.MM.DD or YYYYDDD)."
    )


def two_of_a_day(one: SeriesEntry, other: SeriesEntry) -> InputError:
    """What to say of two rasters of one date: of two files, or of the hours in one."""
    if one.path != other.path:
        return InputError(f"{one.label} and {other.label} have the same date {one.date}; keep one of them.")
    return InputError(
        f"{one.path}: its bands {one.band} and {other.band} have the same date {one.date}; a series has one "
        "raster a day, so add up or average the hours first, or keep one band."
    )
