"""Tables of maps: what became of each date, and of each resolution of a cascade."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Sequence
from pathlib import Path

from ...base.words import joined
from ...tables.by_date import (
    STATISTICS,
    STATISTICS_AND_SD,
    DatesTable,
    map_statistics,
    raster_date_fields,
    raster_dates,
)
from ...tables.geopackage import DATE, REAL, TEXT
from .downscale import MapInputs, MapsReport
from .thin_dates import thin_dates


def map_dates(inputs: MapInputs, report: MapsReport) -> DatesTable:
    """One row per date: the map, whether it is new, share of pixels with a value (%), range, rasters taken.

    Parameters
    ----------
    inputs : MapInputs
    report : MapsReport
        Of the maps made from them.

    Raises
    ------
    InputError
        If a map cannot be read.
    """
    fields = {"date": DATE, "map": TEXT, **dict.fromkeys(STATISTICS, REAL)}
    kept, rows = set(report.kept), []
    thin = thin_dates(inputs.forests, list(report.files))
    for date in sorted({*report.files, *report.skipped}):
        path = report.files.get(date)
        numbers = map_statistics(path, STATISTICS) if path else (math.nan,) * len(STATISTICS)
        note = report.skipped.get(date, "kept from an earlier run" if date in kept else "")
        note = joined("; ", filter(None, [note, thin.get(date)]))
        taken = raster_dates(inputs.dynamic, date)
        rows.append((date.isoformat(), path.name if path else "", *numbers, *taken, note))
    return DatesTable({**fields, **raster_date_fields(inputs.dynamic), "note": TEXT}, rows)


def cascade_resolutions(
    inputs: MapInputs, date: dt.date, resolutions: Sequence[float], files: Sequence[Path]
) -> DatesTable:
    """One row per resolution (metres): the map, share of cells with a value (%), range, mean and SD.

    Parameters
    ----------
    inputs : MapInputs
    date : date
    resolutions : sequence of float
    files : sequence of Path
        The maps made from them, in the order of the resolutions.

    Raises
    ------
    InputError
        If a map cannot be read.
    """
    fields = {"date": DATE, "resolution": REAL, "map": TEXT, **dict.fromkeys(STATISTICS_AND_SD, REAL)}
    taken = raster_dates(inputs.dynamic, date)
    rows = [
        (date.isoformat(), side, path.name, *map_statistics(path, STATISTICS_AND_SD), *taken)
        for side, path in zip(resolutions, files)
    ]
    return DatesTable({**fields, **raster_date_fields(inputs.dynamic)}, rows)
