"""The filled series on disk: one GeoTIFF per day, soil moisture and where it comes from."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import astuple, fields
from pathlib import Path

import numpy as np

from ...base.matrix_columns import RESPONSE_UNIT
from ...geo.area import Area
from ...geo.datasets import open_dataset, read_band
from ...geo.geotiff import Band, write_geotiff
from ...geo.grid import Grid, Window
from ...geo.texts import tags_of
from ...series.tags import FIRST_BAND_TAG, RUN_TAG, area_tags, filled_tags
from ..maps.downscale import map_file
from .numbers.outcome import DayCounts
from .numbers.scores import CellCourse

OBSERVED, FILLED = 1, 2
_BANDS = (
    Band("soil_moisture", RESPONSE_UNIT),
    Band("origin", "", {"1": "observed", "2": "filled", "NoData": "no value"}),
)


def write_day(
    folder: str | Path,
    date: dt.date,
    grid: Grid,
    values: np.ndarray,
    counts: DayCounts,
    run: str,
    area: Area | None = None,
) -> Path:
    """Write a day.

    Parameters
    ----------
    folder : path
    date : date
    grid : Grid
    values : float32, shape (2, rows, columns)
        Soil moisture, m3 m-3, and its origin; NaN where there is none.
    counts : DayCounts
        Kept in the tags of the file.
    run : str
        What it was made from, see `runs.fingerprint`.
    area : Area, optional
        Outside of it no value is there.

    Raises
    ------
    InputError
        If it cannot be written.
    """
    path = map_file(folder, date)
    tags = {"DATE": date.isoformat(), RUN_TAG: run, FIRST_BAND_TAG: _BANDS[0].name, **filled_tags(True)}
    tags |= area_tags(area)
    tags |= {name.upper(): str(number) for name, number in zip(_names(), astuple(counts))}
    write_geotiff(path, grid, values, _BANDS, tags)
    return path


def counts_of(path: str | Path) -> DayCounts:
    """The counts in the tags of a day's file."""
    tags = tags_of(open_dataset(path))
    return DayCounts(*(int(tags.get(name.upper(), 0)) for name in _names()))


def read_filled(path: str | Path) -> np.ndarray:
    """Which values of a day's file were filled: bool, shape (rows, columns)."""
    return np.asarray(read_band(open_dataset(path), 2) == FILLED)


def read_course(files: Mapping[dt.date, Path], cell: tuple[int, int]) -> CellCourse:
    """The series of a cell from the files of the days."""
    window = Window(*cell, 1, 1)
    values, filled = np.empty(len(files), np.float32), np.zeros(len(files), bool)
    for number, path in enumerate(files.values()):
        dataset = open_dataset(path)
        values[number] = read_band(dataset, 1, window)[0, 0]
        filled[number] = read_band(dataset, 2, window)[0, 0] == FILLED
    return CellCourse(cell, tuple(files), values, filled)


def _names() -> list[str]:
    return [field.name for field in fields(DayCounts)]
