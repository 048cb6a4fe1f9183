"""Whether a DEM can be used for terrain indices: square cells of metres, and elevations in metres."""

from __future__ import annotations

import math
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
from osgeo import gdal

from ...base.errors import InputError
from ...base.nodata import UNDECLARED, Declared, Look, is_fill
from ...base.progress import Progress
from ...base.words import text
from ...geo.bands import ELEVATION, one_band
from ...geo.datasets import dataset_grid, open_dataset, spatial_reference
from ...geo.grid import Grid
from ...geo.lattice import Transformation
from ...geo.texts import band_unit

#: The land of the Earth and the floor of its seas lie between these, m.
LOWEST, HIGHEST = -12_000.0, 9_000.0
#: A larger share of cells at exactly 0 m is worth a word.
_SEA_SHARE = 0.01
#: How far the sides of a cell may differ, relative.
_SQUARE = 1e-6
#: Distances in the CRS that differ from those on the ground by more than this are worth a word.
_STRETCH = 0.02
_EARTH_RADIUS = 6371008.8
#: Units of elevation that are not metres, however they are written.
_NO_METRES = re.compile(
    r"foot|feet|(?:^|[^a-z])(?:us)?ft|inch|yard|centi|deci|milli|kilo|^(cm|dm|mm|km)$", re.IGNORECASE
)
_WARP = "reproject it to metres first, best to the UTM zone of the area (Raster > Projections > Warp)"


def elevation_band(dataset: gdal.Dataset, path: str, asked: str = "") -> int:
    """The number of the band of elevations: the one asked for by name or number, named so, or alone.

    Raises
    ------
    InputError
        If it cannot be told, or the raster is a picture.
    """
    return one_band(dataset, path, replace(ELEVATION, asked=asked, advice="give its name or number as BAND"))


def check_dem(path: str, asked: str = "") -> Grid:
    """The grid of a DEM that terrain indices can be made of; no cell is read, see `Elevations`.

    `asked` is the name or number of its band.

    Raises
    ------
    InputError
        If the file cannot be read, it cannot be told which band is meant, or it has no CRS or one in other
        units than metres, cells that are not square, or elevations in feet or the like.
    """
    dataset = open_dataset(path)
    grid = dataset_grid(dataset, str(path))
    band = elevation_band(dataset, path, asked)
    _check_units(path, grid, dataset.GetRasterBand(band))
    if abs(grid.cell_width - grid.cell_height) > _SQUARE * grid.cell_width:
        raise InputError(
            f"{path}: its cells are not square ({grid.cell_width:.10g} x {grid.cell_height:.10g} m); "
            "warp it to one resolution for both directions first (Raster > Projections > Warp)."
        )
    return grid


def _check_units(path: str, grid: Grid, band: gdal.Band) -> None:
    reference = spatial_reference(grid.crs)
    name = reference.GetName() or grid.crs[:60]
    if reference.IsGeographic():
        raise InputError(f"{path}: its CRS ({name}) is in degrees; {_WARP}.")
    if abs(reference.GetLinearUnits() - 1.0) > _SQUARE:
        raise InputError(f"{path}: its CRS ({name}) is in {reference.GetLinearUnitsName()}; {_WARP}.")
    check_elevations(path, band)


def check_elevations(path: str, band: gdal.Band) -> None:
    """Raise `InputError` where a band of elevations says that they are in feet or the like."""
    unit = band_unit(band)
    if _NO_METRES.search(unit):
        raise InputError(
            f"{path}: its elevations are in {unit}; "
            "convert them to metres first (Raster > Raster Calculator)."
        )


def scale_warning(grid: Grid) -> str:
    """A sentence where distances in the CRS differ by more than 2 % from those on the ground, else empty.

    Web Mercator, for one, stretches them by 1 / cos(latitude), which flattens all slopes.
    """
    bounds = grid.bounds
    x, y = (bounds.left + bounds.right) / 2, (bounds.bottom + bounds.top) / 2
    try:
        lon, lat = Transformation(grid.crs, "EPSG:4326")(
            x + np.array([0.0, grid.cell_width, 0.0]), y + np.array([0.0, 0.0, grid.cell_width])
        )
    except InputError:
        return ""
    centre, east, north = zip(lon.tolist(), lat.tolist())
    stretches = [grid.cell_width / max(_distance(centre, end), 1e-9) for end in (east, north)]
    if all(math.isfinite(s) and abs(s - 1.0) <= _STRETCH for s in stretches):
        return ""
    if not all(math.isfinite(s) for s in stretches):
        return ""
    return text(
        "a metre of its CRS is {:.2f} m on the ground eastwards and {:.2f} m northwards, so slopes and areas "
        "are off by as much; the UTM zone of the area would be right.",
        1 / stretches[0],
        1 / stretches[1],
    )


def _distance(start: tuple[float, float], end: tuple[float, float]) -> float:
    """Metres between two points of longitude and latitude that are close to each other."""
    latitude = math.radians((start[1] + end[1]) / 2)
    east = math.radians(end[0] - start[0]) * math.cos(latitude)
    return _EARTH_RADIUS * math.hypot(east, math.radians(end[1] - start[1]))


class Elevations:
    """Finds elevations that cannot be, block by block: codes of no value, other units, a sea of zeros.

    Parameters
    ----------
    source : str
        The file of the DEM.
    declared : Declared
        Which of its numbers are none.

    Attributes
    ----------
    look : Look
        What is read has to go through it.
    """

    def __init__(self, source: str, declared: Declared = UNDECLARED):
        self._source = source
        self.look = Look(source, Path(source).stem, declared, zeros=True)
        self._cells = self._zeros = 0

    def add(self, values: np.ndarray) -> None:
        """Take elevations in metres, NaN where missing.

        Raises
        ------
        InputError
            For values that no place on Earth has.
        """
        # Fill values within that range are never an elevation to the last digit.
        odd = (values < LOWEST) | (values > HIGHEST) | is_fill(values)
        if odd.any():
            value = float(values[odd][0])
            raise InputError(
                f"{self._source}: it has cells of {value:.6g} m, where no land lies; if they mean 'no "
                "value', declare that as its NoData value (Raster > Conversion > Translate); if its "
                "elevations are in another unit, convert them to metres."
            )
        self._cells += int(np.count_nonzero(values == values))
        self._zeros += int(np.count_nonzero(values == 0))

    def conclude(self, progress: Progress) -> None:
        """Refuse a code of no value that nobody declared; warn where much of the DEM lies at exactly 0 m.

        Raises
        ------
        InputError
            For such a code, and for a DEM without a valid cell.
        """
        self.look.check()
        if not self._cells:
            raise InputError(f"{self._source}: it has no valid cell; check its NoData value.")
        share = self._zeros / self._cells
        if share >= _SEA_SHARE:
            progress.warn(
                text(
                    "{}: {:.1%} of its cells are exactly 0 m high; if that is the sea, make it NoData, or it "
                    "is filled like a plain.",
                    self._source,
                    share,
                )
            )
