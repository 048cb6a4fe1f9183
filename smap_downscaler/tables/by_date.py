"""Tables beside a matrix or maps: the preflight as numbers, and what became of each date."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..geo.datasets import open_dataset
from ..preflight.layer_check import LayerCheck
from ..series.series import Series
from ..series.window import source_date
from ..steps.maps.downscale import MapInputs, MapsReport
from ..steps.matrix.build import MatrixInputs, MatrixReport
from .geopackage import DATE, INTEGER, REAL, TEXT, create_table

_PREFLIGHT = {
    "layer": TEXT,
    "crs": TEXT,
    "cell_width": REAL,
    "cell_height": REAL,
    "shift_down": REAL,
    "shift_right": REAL,
    "covered": REAL,
    "nodata": REAL,
    "minimum": REAL,
    "maximum": REAL,
    "dates": TEXT,
    "notes": TEXT,
}
#: Fields of numbers of a map, and the items of its file that hold them.
_STATISTICS = {
    "valid": "STATISTICS_VALID_PERCENT",
    "minimum": "STATISTICS_MINIMUM",
    "mean": "STATISTICS_MEAN",
    "maximum": "STATISTICS_MAXIMUM",
}
_WITH_SD = {**_STATISTICS, "sd": "STATISTICS_STDDEV"}


def write_preflight(path: str | Path, rows: Sequence[LayerCheck]) -> None:
    """A row a layer; shares from 0 to 1, shifts in cells.

    Raises
    ------
    InputError
        If it cannot be written.
    """
    with create_table(path, "preflight", _PREFLIGHT) as table:
        table.write(
            (
                row.name,
                row.crs,
                *row.cell,
                *(row.shift or (None, None)),
                row.covered,
                row.nodata,
                row.low,
                row.high,
                row.dates,
                row.remarks,
            )
            for row in rows
        )


@dataclass(frozen=True)
class DatesTable:
    """What became of each date: kinds of the fields (`date` first), and a row a date or resolution."""

    fields: Mapping[str, int]
    rows: Sequence[tuple[Any, ...]]

    def write(self, path: str | Path) -> None:
        """Write it as a table.

        Raises
        ------
        InputError
            If it cannot be written.
        """
        with create_table(path, "dates", self.fields) as table:
            table.write(self.rows)

    def column(self, name: str) -> list[Any]:
        """The values of a field."""
        place = list(self.fields).index(name)
        return [row[place] for row in self.rows]


def matrix_dates(inputs: MatrixInputs, report: MatrixReport) -> DatesTable:
    """A row a date of SMAP: cells with soil moisture, those without a gap, date of each raster taken.

    Parameters
    ----------
    inputs : MatrixInputs
    report : MatrixReport
        Of the matrix made from them.
    """
    fields = {"date": DATE, "cells": INTEGER, "complete": INTEGER}
    rows = []
    for date, cells in report.rows.items():
        missing = report.missing.get(date, [])
        note = f"no raster of {', '.join(missing)}" if missing else ""
        if not cells:
            note = "no cell with soil moisture"
        taken = _taken(inputs.dynamic, date, inputs.window)
        rows.append((date.isoformat(), cells, report.complete[date], *taken, note))
    return DatesTable({**fields, **_taken_fields(inputs.dynamic), "note": TEXT}, rows)


def map_dates(inputs: MapInputs, report: MapsReport) -> DatesTable:
    """A row a date: the map, whether it is new, share of pixels with a value (%), range, rasters taken.

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
    fields = {"date": DATE, "map": TEXT, **dict.fromkeys(_STATISTICS, REAL)}
    kept, rows = set(report.kept), []
    for date in sorted({*report.files, *report.skipped}):
        path = report.files.get(date)
        numbers = _statistics(path, _STATISTICS) if path else (math.nan,) * len(_STATISTICS)
        note = report.skipped.get(date, "kept from an earlier run" if date in kept else "")
        taken = _taken(inputs.dynamic, date, inputs.window)
        rows.append((date.isoformat(), path.name if path else "", *numbers, *taken, note))
    return DatesTable({**fields, **_taken_fields(inputs.dynamic), "note": TEXT}, rows)


def cascade_resolutions(
    inputs: MapInputs, date: dt.date, resolutions: Sequence[float], files: Sequence[Path]
) -> DatesTable:
    """A row a resolution (metres) of one date: the map, share of cells with a value (%), range, mean and SD.

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
    fields = {"date": DATE, "resolution": REAL, "map": TEXT, **dict.fromkeys(_WITH_SD, REAL)}
    taken = _taken(inputs.dynamic, date, inputs.window)
    rows = [
        (date.isoformat(), side, path.name, *_statistics(path, _WITH_SD), *taken)
        for side, path in zip(resolutions, files)
    ]
    return DatesTable({**fields, **_taken_fields(inputs.dynamic)}, rows)


def _taken_fields(all_series: Sequence[Series]) -> dict[str, int]:
    return {f"{series.name}_date": DATE for series in all_series}


def _taken(all_series: Sequence[Series], date: dt.date, window: int) -> list[str | None]:
    """The date of the raster of each dated covariate that stands for `date`."""
    sources = [source_date(series, date, window) for series in all_series]
    return [None if source is None else source.isoformat() for source in sources]


def _statistics(path: Path, items: Mapping[str, str]) -> tuple[float, ...]:
    """Numbers of a map as its file keeps them."""
    # A band dies with its dataset.
    dataset = open_dataset(path)
    found = [dataset.GetRasterBand(1).GetMetadataItem(item) for item in items.values()]
    return tuple(math.nan if text is None else float(text) for text in found)
