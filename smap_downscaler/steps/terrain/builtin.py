"""The built-in engine of `terrainindices`: from a DEM file to filled DEM, slope and wetness indices."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from ...base.progress import Progress
from ...base.words import text
from ...geo.blocks import row_blocks
from ...geo.datasets import open_dataset, read_band
from ...geo.geotiff import Band, create_geotiff
from ...geo.grid import Grid
from .dem import Elevations, check_dem, elevation_band, scale_warning
from .numbers.accumulate import FlowOrder, flow_order, upslope_cells
from .numbers.fill import fill_sinks
from .numbers.outcome import TerrainReport, filling_text, water_text
from .numbers.routing import ROUTINGS
from .numbers.settings import ROUTERS, TerrainSettings
from .numbers.surface import Surface
from .numbers.wetness import gradient, specific_area, tan_slope, wetness_index

#: What outputs and reports call it.
ENGINE = "built-in"
#: The outputs by their keys: band name and unit.
OUTPUT_BANDS: dict[str, Band] = {
    "filled": Band("filled", "m"),
    "slope": Band("slope", "degrees"),
    **{f"sca_{router}": Band(f"sca_{router}", "m") for router in ROUTERS},
    **{f"twi_{router}": Band(f"twi_{router}", "ln m") for router in ROUTERS},
}
#: Parts of the whole that reading and filling, and ordering take, as shares of the time.
_FILLED, _ORDERED = 0.4, 0.45


def compute_terrain(
    dem_path: str, outputs: Mapping[str, str], settings: TerrainSettings, progress: Progress
) -> TerrainReport:
    """Write the wanted outputs for a DEM, float32 GeoTIFFs on its grid.

    Parameters
    ----------
    dem_path : str
        Elevations in metres; see `check_dem`.
    outputs : mapping of str to str
        Paths by key; the keys are those of `OUTPUT_BANDS`, and only those given are made.  Slope is in
        degrees, catchment area in m, wetness index in ln m, all of the filled DEM.
    settings : TerrainSettings
    progress : Progress

    Raises
    ------
    InputError
        For a DEM that cannot be used or a file that cannot be written.
    Cancelled
        If the user stopped; the file that was being written does not exist then.
    """
    unknown = sorted(set(outputs) - set(OUTPUT_BANDS))
    if unknown:
        raise ValueError(f"unknown outputs: {', '.join(unknown)}")
    grid = check_dem(dem_path, settings.band)
    warning = scale_warning(grid)
    if warning:
        progress.warn(text("{}: {}", dem_path, warning))
    surface = _read(dem_path, grid, settings, progress.part(0.0, 0.05))
    filled = fill_sinks(surface, settings.minimum_slope, progress.part(0.05, _FILLED))
    cells, raised_cells, most_raised = _raised(surface, filled)
    progress.log(filling_text(cells, raised_cells, most_raised))
    del surface
    job = _Job(grid, filled, outputs, settings, progress)
    job.write("filled", lambda part, north, east: filled.z[part])
    job.write("slope", lambda part, north, east: np.degrees(np.arctan(tan_slope(north, east))))
    return TerrainReport(ENGINE, cells, raised_cells, most_raised, _route(job))


def _read(path: str, grid: Grid, settings: TerrainSettings, progress: Progress) -> Surface:
    dataset = open_dataset(path)
    number = elevation_band(dataset, path, settings.band)
    elevation = np.empty(grid.shape, np.float32)
    counter, seen = progress.counter(grid.height, "rows read"), Elevations(path, settings.nodata)
    for window in row_blocks(grid.whole):
        elevation[window.slices] = read_band(dataset, number, window, look=seen.look)
        seen.add(elevation[window.slices])
        counter.advance(window.height)
    seen.conclude(progress)
    return Surface(elevation, grid.cell_width)


def _raised(before: Surface, after: Surface) -> tuple[int, int, float]:
    """Valid cells, raised ones, and by how much at most."""
    cells, raised, most = 0, 0, 0.0
    for part in before.chunks():
        change = after.z[part].astype(np.float64) - before.z[part]
        cells += int(np.count_nonzero(~np.isnan(change)))
        raised += int(np.count_nonzero(change > 0))
        most = max(most, float(np.fmax.reduce(change, initial=0.0)))
    return cells, raised, most


#: Values of some rows, as a flat array with rim, from their slice and the rises to the north and east.
Values = Callable[[slice, np.ndarray, np.ndarray], np.ndarray]


@dataclass(frozen=True)
class _Job:
    grid: Grid
    filled: Surface
    outputs: Mapping[str, str]
    settings: TerrainSettings
    progress: Progress

    def write(self, key: str, values: Values) -> None:
        """Write an output, if it is wanted."""
        if key not in self.outputs:
            return
        tags = {
            "ENGINE": ENGINE,
            "MINIMUM_SLOPE": f"{self.settings.minimum_slope:g}",
            "SLOPE_FLOOR": f"{self.settings.slope_floor:g}",
            "AREA": self.settings.area,
        }
        surface = self.filled
        with create_geotiff(self.outputs[key], self.grid, [OUTPUT_BANDS[key]], tags) as tiff:
            for window in row_blocks(self.grid.whole):
                self.progress.check()
                part = slice(
                    (window.row + 1) * surface.stride, (window.row + window.height + 1) * surface.stride
                )
                north, east = gradient(surface, part)
                block = np.asarray(values(part, north, east)).reshape(window.height, surface.stride)
                tiff.write(block[:, 1:-1], window)


def _route(job: _Job) -> dict[str, float]:
    """Share of the water kept inside the DEM, by routing."""
    wanted = [r for r in ROUTERS if f"sca_{r}" in job.outputs or f"twi_{r}" in job.outputs]
    shares: dict[str, float] = {}
    if not wanted:
        return shares
    job.progress.check()
    order = flow_order(job.filled, job.progress.part(_FILLED, _ORDERED))
    for number, router in enumerate(wanted):
        start, end = (_ORDERED + (1.0 - _ORDERED) * n / len(wanted) for n in (number, number + 1))
        shares[router] = _route_one(job, order, router, job.progress.part(start, end))
    return shares


def _route_one(job: _Job, order: FlowOrder, router: str, progress: Progress) -> float:
    amounts, balance = upslope_cells(job.filled, order, ROUTINGS[router], progress)
    progress.log(water_text(router, balance.kept_share))
    cell, settings = job.grid.cell_width, job.settings

    def area(part: slice, north: np.ndarray, east: np.ndarray) -> np.ndarray:
        return specific_area(amounts[part], north, east, cell, settings)

    def index(part: slice, north: np.ndarray, east: np.ndarray) -> np.ndarray:
        return wetness_index(area(part, north, east), north, east, settings.slope_floor)

    job.write(f"sca_{router}", area)
    job.write(f"twi_{router}", index)
    return balance.kept_share
