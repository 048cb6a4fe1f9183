"""What went into a run, for the manifest of its report: files with their SHA-256, series with their dates."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence

from ..core.preflight import dates_text
from ..core.progress import Progress
from ..raster.provenance import file_hash
from ..raster.series import Series
from .values import Values

#: Larger files are not hashed: rasters of the whole earth could outlast the work on a corner.
_LARGEST = 1 << 30


def files_used(files: Mapping[str, str], progress: Progress) -> dict[str, object]:
    """Path and SHA-256 of each file; a name without a file (empty) is told as it is.

    Raises
    ------
    InputError
        If a file cannot be read.
    """
    told: dict[str, object] = {}
    for name, path in files.items():
        told[name] = path
        if os.path.isfile(path):
            size = os.path.getsize(path)
            told[f"{name}, SHA-256"] = (
                file_hash(path, progress)
                if size <= _LARGEST
                else f"not worked out: the file is large ({size / 2**30:.1f} GiB)"
            )
    return told


def layer_used(values: Values, name: str, parameter: str, progress: Progress) -> dict[str, object]:
    """Path and SHA-256 of the file of the vector layer of a parameter, or the name of one without a file."""
    return files_used({name: values.layer_label(parameter)}, progress)


def all_series_used(all_series: Sequence[Series]) -> dict[str, object]:
    """Source and dates of dated covariates, by name (years of daily rasters are too much to hash)."""
    return {series.name: series_used(series) for series in all_series}


def series_used(series: Series) -> str:
    """Source and dates of a series."""
    return f"{series.source} ({dates_text(series.dates)})"
