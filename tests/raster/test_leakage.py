"""What random folds hide and held-out places show, on SMAP of the demo basin.

Both covariates tell nothing of the land: whatever skill they seem to have has leaked from the folds.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from smap_downscaler.core.demo.basin import make_basin, simulate
from smap_downscaler.core.demo.settings import DemoSettings
from smap_downscaler.core.demo.smap import retrieval
from smap_downscaler.core.forest.settings import ForestSettings
from smap_downscaler.core.matrix import DayRows, cell_centres
from smap_downscaler.core.validation.grid import candidates
from smap_downscaler.core.validation.settings import ValidationSettings
from smap_downscaler.core.validation.summary import OVER, median_of
from smap_downscaler.raster.crossvalidation import crossvalidate_table
from smap_downscaler.raster.demo_files import transform
from smap_downscaler.raster.matrix_table import open_matrix
from smap_downscaler.raster.matrix_writer import create_matrix

#: SMAP's footprint makes neighbouring cells alike; little noise leaves what cells have of their own.
BASIN = DemoSettings(cells=60, days=8, footprint_km=33.0, noise=0.01)
#: Twice as far as the footprint carries.
BLOCK_KM = 72.0
FOREST = ForestSettings(20, None, None, 4, 1, None, 1)


@pytest.fixture(scope="module")
def table(tmp_path_factory):
    """SMAP of the basin's cells, x and y under other names, and a random number a cell."""
    basin = make_basin(BASIN, *(transform("EPSG:32719", crs) for crs in ("EPSG:6933", "EPSG:4326")))
    grid = basin.cells.grid
    row, col = np.nonzero(basin.cell_in_basin)
    own = np.random.default_rng(5).uniform(size=row.size)
    covariates = np.stack([*cell_centres(grid, row, col), own], axis=1).astype(np.float32)
    path = tmp_path_factory.mktemp("basin") / "matrix.gpkg"
    with create_matrix(path, grid, ("easting", "northing", "own_number"), {}) as writer:
        for day in simulate(basin):
            if day.moisture is not None:
                seen = retrieval(BASIN, day.date, basin.cells, day.moisture)[row, col].astype(np.float64)
                kept = np.isfinite(seen)
                writer.write(DayRows(day.date, row[kept], col[kept], seen[kept], covariates[kept]))
    return path


def r2_by_scheme(path, covariates, mode, block_km):
    table = replace(open_matrix(path), covariates=covariates)
    settings = ValidationSettings(5, 1, block_km, candidates(FOREST), seed=3, mode=mode, period=1)
    run = crossvalidate_table(table, settings, threads=2)
    over = OVER[mode][0]
    return {scheme: median_of(run.results, scheme, over, "r2") for scheme in settings.schemes}


def test_a_random_number_a_cell_is_worth_nothing_where_it_was_not_seen(table):
    r2 = r2_by_scheme(table, ("own_number",), "pooled", 0.0)
    assert r2["random"] > 0.5
    assert r2["locations"] <= 0.05
    assert r2["locations and dates"] <= 0.05


def test_coordinates_tell_a_cell_by_its_neighbours_alone(table):
    r2 = r2_by_scheme(table, ("easting", "northing"), "by date", BLOCK_KM)
    assert r2["random"] > 0.7
    assert r2["blocks"] < r2["random"] - 0.3
