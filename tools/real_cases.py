"""Cases on the real files in ../shared/data, for `make demo-real` and the tests."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from pathlib import Path
from typing import TypeVar

import numpy as np
from osgeo import gdal, osr

from smap_downscaler.geo.area_means import cell_means
from smap_downscaler.geo.datasets import dataset_grid, open_dataset, read_band
from smap_downscaler.geo.geotiff import Band, write_geotiff
from smap_downscaler.geo.grid import Grid, Window, ease2_grid
from smap_downscaler.geo.lattice import transform_bounds
from smap_downscaler.geo.sources import Source
from smap_downscaler.methods.keys import CellKey
from smap_downscaler.series.series import open_series
from smap_downscaler.steps.gaps.daily_cube import read_cube
from smap_downscaler.steps.gaps.numbers.cell import CellSeries
from smap_downscaler.steps.matrix.numbers.rows import DayRows, cell_centres
from smap_downscaler.steps.matrix.write import create_matrix

Item = TypeVar("Item")
#: Layers of `bungo_100m` and the covariate names given to them.
BUNGO_LAYERS = {
    "elevation": "bungo_elev_srtm.tif",
    "clay": "bungo_clay_0-5cm_mean.tif",
    "sand": "bungo_sand_0-5cm_mean.tif",
    "silt": "bungo_silt_0-5cm_mean.tif",
    "rain_year": "clim_precipitation_tot.tif",
}
#: West and north of the Andes DEM in UTM zone 18 S, its side in cells, and the cell, m.
ANDES_CORNER, ANDES_SIDE, ANDES_CELL = (255000.0, 8720000.0), 420, 90.0
#: Weights of the known soil moisture on z-scores of the covariates: dry, middling, wet day.
BUNGO_DAYS = {
    dt.date(2021, 1, 1): {
        "mean": 0.20,
        "elevation": -0.015,
        "clay": 0.025,
        "sand": -0.020,
        "rain_year": 0.010,
    },
    dt.date(2021, 1, 4): {
        "mean": 0.27,
        "elevation": -0.025,
        "clay": 0.020,
        "sand": -0.020,
        "rain_year": 0.020,
    },
    dt.date(2021, 1, 7): {
        "mean": 0.34,
        "elevation": -0.035,
        "clay": 0.010,
        "sand": -0.015,
        "rain_year": 0.025,
    },
}
#: SD of the noise on SMAP cells, m3 m-3.
BUNGO_NOISE = 0.02
#: Of the 4,028 cells of W. Australia, evenly spaced: what has a forest a cell is worked out for these.
AUSTRALIAN_CELLS = 400
_CONUS_CONSTANTS = ("Bulk", "Capa", "Clay", "NDVI", "Sand", "Silt")
_FILL = -9999
_HOURS = 24


def write_andes_dem(data: Path, path: Path, whole: bool = False) -> None:
    """Andes and coast near Lima at 90 m in UTM; a part of 420 x 420 cells, or all; the sea is NoData."""
    west, north = ANDES_CORNER
    side = ANDES_SIDE * ANDES_CELL
    warped = gdal.Warp(
        str(path),
        str(data / "dem_lima_3s" / "dem.tif"),
        dstSRS="EPSG:32718",
        outputBounds=None if whole else (west, north - side, west + side, north),
        xRes=ANDES_CELL,
        yRes=ANDES_CELL,
        resampleAlg="bilinear",
        outputType=gdal.GDT_Float32,
        dstNodata=-99999,
    )
    del warped


def bungo_layers(data: Path) -> dict[str, Path]:
    """The real layers over Sumatra by covariate name."""
    return {name: data / "bungo_100m" / file for name, file in BUNGO_LAYERS.items()}


def write_bungo_series(data: Path, folder: Path) -> Grid:
    """Soil moisture from a known formula on the real 100 m layers, and what SMAP's 9 km cells see of it.

    The formula is linear in the z-scores of the covariates, with weights that
    change with wetness, and bends where it gets wet (a logistic curve), so
    that no covariate is the truth.  Writes `truth/` (100 m) and `smap/` (true
    EASE-Grid 2.0 cells, area means plus seeded noise); returns SMAP's grid.
    """
    layers = {name: open_dataset(path) for name, path in bungo_layers(data).items()}
    grid = dataset_grid(layers["elevation"], "elevation")
    scores = {name: _z_score(read_band(dataset, 1)) for name, dataset in layers.items()}
    world = ease2_grid("9 km")
    window = world.window_touching(transform_bounds(grid.bounds, grid.crs, world.crs))
    if window is None:
        raise ValueError("the layers do not meet the EASE-Grid")
    cells = world.crop(window)
    rng = np.random.default_rng(2021)
    for date, weights in BUNGO_DAYS.items():
        linear = sum(weight * scores[name] for name, weight in weights.items() if name != "mean")
        theta = 0.5 / (1 + np.exp(-(np.log(weights["mean"] / (0.5 - weights["mean"])) + 8 * linear)))
        truth = folder / "truth" / f"soil_moisture_{date:%Y%m%d}.tif"
        write_geotiff(truth, grid, theta.astype(np.float32), [Band("soil_moisture", "m3 m-3")])
        seen = cell_means([Source(str(truth), 1, grid)], cells, minimum_share=0.9).values[0]
        seen = seen + BUNGO_NOISE * rng.normal(size=seen.shape)
        write_geotiff(
            folder / "smap" / f"smap_{date:%Y%m%d}.tif",
            cells,
            seen.astype(np.float32),
            [Band("soil_moisture", "m3 m-3")],
        )
    return cells


def _z_score(values: np.ndarray) -> np.ndarray:
    return (values - np.nanmean(values)) / np.nanstd(values)


def conus_tables(data: Path) -> tuple[list[dt.date], np.ndarray, np.ndarray, dict[str, np.ndarray]]:
    """Dates, soil moisture and rain in mm/d (cells, days), constants (cells,); NaN where -9999."""
    folder = data / "conus_matrix"
    days = [dt.date.fromisoformat(line) for line in (folder / "2015" / "timeStr.csv").read_text().split()]
    smap = _numbers(folder / "2015" / "SMAP_AM.csv")
    rain = _numbers(folder / "2015" / "APCP_FORA.csv") * _HOURS
    constants = {name.lower(): _numbers(folder / "const" / f"{name}.csv") for name in _CONUS_CONSTANTS}
    return days, smap, rain, constants


def _numbers(path: Path) -> np.ndarray:
    values = np.loadtxt(path, delimiter=",", dtype=np.float64)
    return np.where(values == _FILL, np.nan, values)


def conus_cells(data: Path) -> tuple[np.ndarray, np.ndarray]:
    """Row and column of each cell in the 36 km EASE-Grid 2.0."""
    latitude, longitude = np.loadtxt(data / "conus_matrix" / "crd.csv", delimiter=",").T
    grid = ease2_grid("36 km")
    source, target = osr.SpatialReference(), osr.SpatialReference()
    source.ImportFromEPSG(4326)
    source.SetAxisMappingStrategy(osr.OAMS_TRADITIONAL_GIS_ORDER)
    target.SetFromUserInput(grid.crs)
    target.SetAxisMappingStrategy(osr.OAMS_TRADITIONAL_GIS_ORDER)
    points = osr.CoordinateTransformation(source, target).TransformPoints(np.c_[longitude, latitude].tolist())
    x, y = np.array(points)[:, :2].T
    rows = np.floor((grid.top - y) / grid.cell_height).astype(int)
    cols = np.floor((x - grid.left) / grid.cell_width).astype(int)
    return rows, cols


def write_conus_matrix(data: Path, path: Path, every: int = 1) -> int:
    """The real regression matrix of 412 cells and `every` so many of 366 days as a table; returns its rows.

    Covariates: soil constants and NDVI, and the mean rain of the three days before.
    """
    days, smap, rain, constants = conus_tables(data)
    rows, cols = conus_cells(data)
    antecedent = np.full_like(rain, np.nan)
    antecedent[:, 3:] = (rain[:, 2:-1] + rain[:, 1:-2] + rain[:, :-3]) / 3
    names = (*constants, "p_antecedent")
    static = np.stack(list(constants.values()))
    with create_matrix(path, ease2_grid("36 km"), names, {"p_antecedent": "mm/d"}) as table:
        for number in range(0, len(days), every):
            date = days[number]
            seen = np.isfinite(smap[:, number])
            x = np.concatenate([static[:, seen], antecedent[None, seen, number]]).T.astype(np.float32)
            table.write(DayRows(date, rows[seen], cols[seen], smap[seen, number], x))
        return table.count


def peru_extent() -> str:
    """The paper's region of study as an extent of QGIS."""
    return "-72.30,-70.83,-14.68,-13.13 [EPSG:4326]"


def world_window(grid: Grid, resolution: str) -> Window:
    """Where a grid lies in the global EASE-Grid 2.0."""
    row, col = grid.offset_in(ease2_grid(resolution))
    return Window(round(row), round(col), grid.height, grid.width)


#: Days of the means of antecedent precipitation that tell soil moisture of a cell.
RAIN_WINDOWS = (1, 3, 10, 30)


def conus_series(data: Path) -> list[CellSeries]:
    """The cells of `conus_matrix` day by day, with the mean rain of the 1, 3, 10 and 30 days before.

    The first days lack what would need rain before the record.
    """
    days, smap, rain, _ = conus_tables(data)
    rows, cols = conus_cells(data)
    ordinals = np.array([date.toordinal() for date in days])
    sums = np.concatenate([np.zeros((len(rain), 1)), np.cumsum(rain, axis=1)], axis=1)
    windows = np.full((*rain.shape, len(RAIN_WINDOWS)), np.nan, np.float32)
    for number, window in enumerate(RAIN_WINDOWS):
        # P[t-1] ... P[t-window], never the day itself.
        windows[:, window:, number] = (sums[:, window:-1] - sums[:, : -window - 1]) / window
    names = tuple(f"p_{window}d" for window in RAIN_WINDOWS)
    return [
        CellSeries(CellKey(int(row), int(col)), ordinals, smap[number], names, windows[number])
        for number, (row, col) in enumerate(zip(rows, cols))
    ]


def australian_stack(data: Path) -> Path:
    """SPL3SMP_E over W. Australia, a band a date."""
    return data / "smap_l3e_9km" / "smap_l3e_9km_W_Australia_epsg6933.tif"


def western_australia_series(data: Path) -> list[CellSeries]:
    """The cells of the 9 km stack of W. Australia day by day, without any covariate."""
    series = open_series(australian_stack(data))
    cube = read_cube(series)
    nothing = np.empty((len(cube.values), 0), np.float32)
    return [
        CellSeries(CellKey(row, col), cube.ordinals, cube.values[:, row, col].astype(np.float64), (), nothing)
        for row in range(series.grid.height)
        for col in range(series.grid.width)
        if np.isfinite(cube.values[:, row, col]).any()
    ]


def write_australian_matrix(data: Path, path: Path, most: int = 0) -> int:
    """The 9 km stack of W. Australia as a table, all cells or `most` of them; returns its rows.

    Covariates: x and y of the cells in km, under other names.
    """
    series = western_australia_series(data)
    picked = spread(series, most) if most else series
    grid = open_series(australian_stack(data)).grid
    rows, cols = np.array([(cell.key.row, cell.key.col) for cell in picked]).T
    observed = np.stack([cell.observed for cell in picked])
    x = np.stack(cell_centres(grid, rows, cols), axis=1).astype(np.float32) / 1000
    with create_matrix(path, grid, ("easting", "northing"), {"easting": "km", "northing": "km"}) as table:
        for number, day in enumerate(picked[0].days.tolist()):
            seen = np.isfinite(observed[:, number])
            if seen.any():
                date = dt.date.fromordinal(day)
                table.write(DayRows(date, rows[seen], cols[seen], observed[seen, number], x[seen]))
        return table.count


def spread(items: Sequence[Item], most: int) -> list[Item]:
    """`most` of them, evenly spaced from the first to the last."""
    if most >= len(items):
        return list(items)
    return [items[int(place)] for place in np.linspace(0, len(items) - 1, most).round()]
