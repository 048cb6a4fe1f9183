"""A DEM in degrees, as most come, on square cells of metres, in which slopes are worked out."""

from __future__ import annotations

from pathlib import Path

from ...base.errors import InputError
from ...base.progress import SILENT, Progress
from ...geo.crs_choice import Region, is_metric, utm_zone
from ...geo.datasets import dataset_grid, open_dataset
from ...geo.geotiff import Band, create_geotiff
from ...geo.grid import Bounds, Grid
from ...geo.lattice import is_geographic, transform_bounds
from ...geo.sampling import BILINEAR
from ...geo.sources import Source, window_over
from ...geo.to_fine_grid import FineResampler, blocks
from ...runs.fingerprint import fingerprint, is_made
from ...series.tags import RUN_TAG
from .dem import Elevations, check_elevations, elevation_band

#: What lies around the cells and counts for them: SMAP sees that far, and water flows in, m.
_AROUND = 40_000.0
_METRES_A_DEGREE = 111_320.0


def is_in_degrees(path: str) -> bool:
    """Whether a DEM has to be brought to metres first.

    Raises
    ------
    InputError
        If it cannot be read, or is one that no terrain indices can be made of in metres either.
    """
    dataset = open_dataset(path)
    if not is_geographic(dataset_grid(dataset, path).crs):
        return False
    check_elevations(path, dataset.GetRasterBand(elevation_band(dataset, path)))
    return True


def bring_to_metres(path: str, target: str, cells: Grid, crs: str, progress: Progress = SILENT) -> None:
    """Write the part of a DEM around SMAP's cells on square cells, bilinear; kept where it is there already.

    Parameters
    ----------
    path : str
        Of a DEM in degrees, elevations in m.
    target : str
    cells : Grid
        SMAP's.
    crs : str
        That of the maps, taken where it is in metres; else the UTM zone.
    progress : Progress

    Raises
    ------
    InputError
        If it does not meet the cells, has codes of no value that nobody declared, or cannot be written.
    """
    dataset = open_dataset(path)
    source_grid, band = dataset_grid(dataset, path), elevation_band(dataset, path)
    grid = _metric_grid(path, source_grid, cells, crs)
    run = fingerprint([path], {"band": band, "grid": [grid.crs, *grid.geotransform, *grid.shape]})
    if is_made(Path(target), run, grid, progress):
        return
    seen = Elevations(path)
    source = Source(path, band, source_grid, look=seen.look)
    resampler = FineResampler([source], grid, progress=progress, wanted=[BILINEAR])
    with create_geotiff(target, grid, [Band("elevation", "m")], {RUN_TAG: run}) as tiff:
        for window in blocks(grid):
            for _number, values in resampler.block(window):
                tiff.write(values, window)
        seen.look.check()


def _metric_grid(path: str, source: Grid, cells: Grid, crs: str) -> Grid:
    own = cells.bounds
    wide = Bounds(own.left - _AROUND, own.bottom - _AROUND, own.right + _AROUND, own.top + _AROUND)
    window = window_over(source, wide, cells.crs)
    if window is None or window_over(source, own, cells.crs, margin=0) is None:
        raise InputError(f"DEM ({path}) and SMAP's cells do not meet; choose a DEM of the same place.")
    if not (crs and is_metric(crs)):
        crs = utm_zone(Region(own, cells.crs, "SMAP's cells"))
    side = float(f"{_METRES_A_DEGREE * source.cell_height:.2g}")
    box = transform_bounds(source.crop(window).bounds, source.crs, crs)
    left, top = side * (box.left // side), side * -(-box.top // side)
    cols, rows = round((box.right - left) / side), round((top - box.bottom) / side)
    whole = Grid(crs, left, top, side, side, max(1, cols), max(1, rows))
    part = whole.window_touching(transform_bounds(wide, cells.crs, crs))
    return whole if part is None else whole.crop(part)
