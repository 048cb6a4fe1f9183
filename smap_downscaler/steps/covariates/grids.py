"""Which cells of SMAP, and which fine grid, a pair of stacks is made on."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ...base.errors import InputError
from ...base.progress import SILENT, Progress
from ...geo.area import Area
from ...geo.crs_choice import Region, is_metric
from ...geo.datasets import same_crs, spatial_reference
from ...geo.grid import EDGE_TOLERANCE, Bounds, Grid, Window
from ...geo.lattice import Lattice, transform_bounds

#: A fine stack with more pixels is a slip of the pen.
MOST_PIXELS = 2_000_000_000


@dataclass(frozen=True)
class CoarseGrid:
    """The SMAP cells, and which of them a study area of polygons touches: bool, shape (rows, columns)."""

    grid: Grid
    touched: np.ndarray | None = None


def coarse_grid(
    smap: Grid, smap_label: str, extent: Region | None, area: Area | None, progress: Progress = SILENT
) -> CoarseGrid:
    """The SMAP cells that touch extent and area, or all.

    Raises
    ------
    InputError
        If they do not meet.
    """
    window = _window_of(smap, smap_label, extent)
    if area is None:
        return CoarseGrid(smap.crop(window))
    cells = area.touched(smap, smap_label, window, progress)
    area.log_kept(cells, "SMAP cell", progress)
    return CoarseGrid(smap.crop(cells.window), cells.mask(cells.window))


def _window_of(smap: Grid, smap_label: str, extent: Region | None) -> Window:
    if extent is None:
        return smap.whole
    window = smap.window_touching(transform_bounds(extent.bounds, extent.crs, smap.crs))
    if window is None:
        raise InputError(
            f"{extent.label} and {smap_label} do not meet; choose an extent inside the SMAP series."
        )
    return window


@dataclass(frozen=True)
class FineGrid:
    """The fine grid, and the layer's name whose grid it follows, if any."""

    grid: Grid
    follows: str = ""


def fine_grid(
    region: Region,
    within: Region,
    crs: str,
    resolution: float,
    layers: Sequence[tuple[str, Grid]],
    area: Area | None = None,
) -> FineGrid:
    """The fine grid over the part of `region` inside `within` and `area`, snapped outwards to whole pixels.

    Where a layer has the CRS and, to one in a thousand, the resolution, its own
    pixels are taken, so that it is copied and not resampled; else the edges are
    multiples of the resolution.

    Parameters
    ----------
    region, within : Region
        Study area and SMAP series.
    crs : str
    resolution : float
        Side of a pixel in units of the CRS: metres, or degrees in a geographic one.
    layers : sequence of (name, Grid)
        Candidates to follow.
    area : Area, optional

    Raises
    ------
    InputError
        For a CRS in feet, a resolution that makes no sense, or regions that do not meet.
    """
    _check_resolution(crs, resolution)
    bounds = transform_bounds(region.bounds, region.crs, crs)
    limits = transform_bounds(within.bounds, within.crs, crs)
    others = [(within.label, limits, "choose an extent inside the SMAP series")]
    if area is not None:
        others.append((area.label, area.bounds_in(crs, limits), "leave one of them empty"))
    for label, other, advice in others:
        if not bounds.intersects(other):
            raise InputError(f"{region.label} and {label} do not meet; {advice}.")
        bounds = Bounds(
            max(bounds.left, other.left),
            max(bounds.bottom, other.bottom),
            min(bounds.right, other.right),
            min(bounds.top, other.top),
        )
    for name, grid in layers:
        if same_crs(grid.crs, crs) and grid.has_side(resolution):
            return FineGrid(
                _snapped(bounds, crs, grid.left, grid.top, grid.cell_width, grid.cell_height), name
            )
    return FineGrid(_snapped(bounds, crs, 0.0, 0.0, resolution, resolution))


def _check_resolution(crs: str, resolution: float) -> None:
    if not (math.isfinite(resolution) and resolution > 0):
        raise InputError(f"RESOLUTION is {resolution:g}; give the side of a pixel, greater than 0.")
    reference = spatial_reference(crs)
    if reference.IsGeographic():
        if resolution >= 1:
            raise InputError(
                f"RESOLUTION is {resolution:g}, but CRS {crs[:60]} is in degrees; give degrees "
                "(0.0009 is about 100 m), or choose a CRS in metres."
            )
    elif not is_metric(crs):
        unit = reference.GetLinearUnitsName()
        raise InputError(
            f"CRS {crs[:60]} is in {unit}, not in metres; choose another CRS, such as the UTM zone."
        )


def _snapped(bounds: Bounds, crs: str, left: float, top: float, width: float, height: float) -> Grid:
    """The grid of pixels counted from `left`, `top` that covers `bounds`."""
    first_col = math.floor((bounds.left - left) / width + EDGE_TOLERANCE)
    last_col = math.ceil((bounds.right - left) / width - EDGE_TOLERANCE)
    first_row = math.floor((top - bounds.top) / height + EDGE_TOLERANCE)
    last_row = math.ceil((top - bounds.bottom) / height - EDGE_TOLERANCE)
    cols, rows = last_col - first_col, last_row - first_row
    if cols * rows > MOST_PIXELS:
        raise InputError(
            f"RESOLUTION {width:g} makes a fine stack of {cols:,} x {rows:,} pixels; "
            "give a smaller EXTENT or AOI, or a coarser RESOLUTION."
        )
    return Grid(
        crs, left + first_col * width, top - first_row * height, width, height, max(cols, 1), max(rows, 1)
    )


def check_finer(fine: Grid, coarse: Grid) -> None:
    """Raise `InputError` if the fine pixels are not smaller than SMAP's cells."""
    middle = fine.crop(Window(fine.height // 2, fine.width // 2, 1, 1))
    area = float(Lattice(middle, coarse).areas()[0, 0])
    # NaN where a pixel is larger than its CRS.
    if not area < 1:
        raise InputError(
            f"RESOLUTION {fine.cell_width:g} is coarser than the SMAP cells ({coarse.cell_width:g}); "
            "give a finer one."
        )
