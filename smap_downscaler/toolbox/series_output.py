"""Dated maps as one temporal layer beside them: its parameter and its writing."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from pathlib import Path

from qgis.core import QgsProcessingParameterRasterDestination

from ..base.progress import Progress
from ..geo.grid import Grid
from ..series.one_file import check_series_suffix, write_series_file
from .layers import hand_over_series, series_name, write_series_style
from .values import Values

#: The one temporal layer in the folder of maps.
SERIES_FILE = "series.vrt"


class SeriesDestination(QgsProcessingParameterRasterDestination):
    """A raster destination that is a VRT unless the user names another format."""

    def defaultFileExtension(self) -> str:
        return "vrt"

    def clone(self) -> SeriesDestination:
        return SeriesDestination(
            self.name(), self.description(), self.defaultValue(), True, self.createByDefault()
        )


def check_series(values: Values) -> None:
    """Raise `InputError` where SERIES names a file of a kind that no series is written as."""
    if values.given("SERIES") and not values.is_temporary("SERIES"):
        check_series_suffix(values.output("SERIES"))


def write_series(
    values: Values, folder: str, grid: Grid, maps: Mapping[dt.date, Path], unit: str, progress: Progress
) -> str:
    """Write SERIES: always in the folder of maps, and where the user names a file there too.

    Returns the file that QGIS shows.
    """
    dates = sorted(maps)
    files = [maps[date] for date in dates]
    path = asked = values.output("SERIES")
    beside = str(Path(folder) / SERIES_FILE)
    write_series_file(beside, grid, dates, files, unit)
    write_series_style(beside, dates)
    if asked and values.is_temporary("SERIES"):
        # A temporary file would vanish under a saved project, the one in the folder stays.
        path = beside
    elif asked:
        write_series_file(asked, grid, dates, files, unit, progress)
        write_series_style(asked, dates)
    if asked:
        hand_over_series(values.context, asked, path, series_name(dates), dates)
    return path or beside
