"""SAGA's grids (.sdat with its .sgrd): the DEM handed over, the results taken back."""

from __future__ import annotations

import contextlib
from pathlib import Path

from osgeo import gdal

from ....base.errors import InputError
from ....base.progress import Progress
from ....geo.blocks import row_blocks
from ....geo.datasets import (
    close_dataset,
    dataset_grid,
    gdal_errors,
    open_dataset,
    read_band,
    reason_of,
    spatial_reference,
)
from ....geo.grid import Grid
from ..dem import Elevations, elevation_band
from ..numbers.settings import DEFAULT_SETTINGS, TerrainSettings

#: SAGA's own value for missing cells.
SAGA_NODATA = -99999.0


def write_saga_grid(
    dem_path: str,
    path: str | Path,
    grid: Grid,
    progress: Progress,
    settings: TerrainSettings = DEFAULT_SETTINGS,
) -> int:
    """Copy the elevations of a raster to a SAGA grid at `path` (.sdat), float32; returns its valid cells.

    Raises
    ------
    InputError
        If the raster cannot be read, holds what is no elevation, or the grid cannot be written.
    """
    source, cells, elevations = open_dataset(dem_path), 0, Elevations(dem_path, settings.nodata)
    number = elevation_band(source, dem_path, settings.band)
    with gdal_errors() as messages:
        try:
            target = _create(path, grid)
        except RuntimeError as error:
            messages.append(str(error))
            target = None
    if target is None:
        raise _cannot_write(path, messages)
    for window in row_blocks(grid.whole):
        progress.check()
        values = read_band(source, number, window, look=elevations.look)
        elevations.add(values)
        missing = ~(values == values)
        cells += int(missing.size - missing.sum())
        values[missing] = SAGA_NODATA
        with gdal_errors() as messages:
            try:
                failed = target.GetRasterBand(1).WriteArray(values, window.col, window.row) != 0
            except RuntimeError as error:
                messages.append(str(error))
                failed = True
        if failed or messages:
            raise _cannot_write(path, messages)
    with gdal_errors() as messages:
        try:
            target.FlushCache()
            close_dataset(target)
        except RuntimeError as error:
            messages.append(str(error))
    if messages:
        raise _cannot_write(path, messages)
    elevations.conclude(progress)
    return cells


def _create(path: str | Path, grid: Grid) -> gdal.Dataset | None:
    driver = gdal.GetDriverByName("SAGA")
    if driver is None:
        raise InputError("This GDAL writes no SAGA grids; set ENGINE to built-in.")
    dataset = driver.Create(str(path), grid.width, grid.height, 1, gdal.GDT_Float32)
    if dataset is not None:
        # One number for both sides: the last digits of a square cell often differ.
        cell = grid.cell_width
        dataset.SetGeoTransform((grid.left, cell, 0.0, grid.top, 0.0, -cell))
        dataset.SetSpatialRef(spatial_reference(grid.crs))
        dataset.GetRasterBand(1).SetNoDataValue(SAGA_NODATA)
    return dataset


def _cannot_write(path: str | Path, messages: list[str]) -> InputError:
    reason = reason_of(messages, "unknown reason")
    return InputError(
        f"{path}: SAGA's copy of the DEM cannot be written ({reason}); "
        "check the free space in the folder for temporary files."
    )


def open_saga_grid(path: str | Path, grid: Grid) -> gdal.Dataset:
    """Open a result, and make sure that it is whole and on the DEM's grid.

    Raises
    ------
    InputError
        If it is missing, unreadable, short or on another grid.
    """
    dataset = open_dataset(path)
    found = dataset_grid(dataset, str(path))
    # An .sgrd rounds the origin and the cell size.
    if found.shape != grid.shape or found.cell_offset_in(grid) != (0, 0):
        raise InputError(
            f"{path}: it has {found.width} x {found.height} cells of {found.cell_width:g} where the DEM has "
            f"{grid.width} x {grid.height} of {grid.cell_width:g}, or lies elsewhere."
        )
    whole = grid.width * grid.height * gdal.GetDataTypeSize(dataset.GetRasterBand(1).DataType) // 8
    if Path(path).stat().st_size < whole:
        raise InputError(f"{path}: it is cut off.")
    return dataset


def remove_saga_grid(path: str | Path) -> None:
    """Take away a grid with all that belongs to it."""
    path = Path(path)
    for ending in (".sdat", ".sgrd", ".mgrd", ".prj", ".sdat.aux.xml"):
        with contextlib.suppress(OSError):
            path.with_suffix(ending).unlink()
