"""What random folds hide and held-out places show, on SMAP of the demo basin.

The covariates tell nothing of the land: whatever skill they seem to have has leaked from the folds.  How
much can leak depends on the basin (on the share of the variance that lies between cells, for a number of
each cell's own; on how alike neighbours are, for coordinates), so that an R2 under random folds is held
against what the same rows give without any forest: a one-way analysis of variance, and the mean of the
cells around.

Nothing here was picked for its result: the first basin is what 'Create demo data' makes by default, two
others have other seeds, fewer cells and more days; each is seen by a SMAP without a footprint (the
default) and with that of the real one; blocks have the default side, and trees are grown out, so that
each cell can have a leaf of its own.
"""

from __future__ import annotations

import contextlib
from dataclasses import dataclass, replace

import numpy as np
import pytest
from sklearn.metrics import r2_score

from smap_downscaler.geo.lattice import Transformation
from smap_downscaler.methods.forest.hyper_grid import candidates
from smap_downscaler.methods.forest.settings import ForestSettings
from smap_downscaler.steps.crossvalidation.numbers.results import median_of
from smap_downscaler.steps.crossvalidation.numbers.settings import ValidationSettings
from smap_downscaler.steps.crossvalidation.run import crossvalidate_table
from smap_downscaler.steps.demo.numbers.basin import make_basin, simulate
from smap_downscaler.steps.demo.numbers.observations import retrieval
from smap_downscaler.steps.demo.numbers.settings import DemoSettings
from smap_downscaler.steps.matrix.numbers.rows import DayRows, cell_centres
from smap_downscaler.steps.matrix.read import open_matrix
from smap_downscaler.steps.matrix.write import create_matrix

BASINS = (DemoSettings(), DemoSettings(1, 20, cells=60), DemoSettings(2, 20, cells=60))
#: km; 33 is what SMAP's brightness temperatures resolve.
FOOTPRINTS = (0.0, 33.0)
BLOCK_KM = 72.0
FOLDS = 5
FOREST = ForestSettings(20, 2, None, 2, 1, None, 1)
PLACE, OWN = ("easting", "northing"), ("own_number",)
#: The R2 of a forest under random folds is at least this share of what can leak.
SHARE = 0.8


@dataclass(frozen=True)
class Seen:
    """A table of what SMAP sees, and soil moisture and cell of its rows."""

    path: str
    y: np.ndarray
    cell: np.ndarray


@pytest.fixture(scope="module", params=BASINS, ids=lambda basin: f"seed {basin.seed}, {basin.cells} cells")
def both(request, tmp_path_factory):
    """By footprint: SMAP of the basin's cells, x and y under other names, and a random number a cell."""
    basin = make_basin(
        request.param, *(Transformation("EPSG:32719", crs) for crs in ("EPSG:6933", "EPSG:4326"))
    )
    days = [(day.date, day.moisture) for day in simulate(basin) if day.moisture is not None]
    return {km: table(basin, days, km, tmp_path_factory.mktemp("basin")) for km in FOOTPRINTS}


def table(basin, days, footprint_km, folder):
    grid, (row, col) = basin.cells.grid, np.nonzero(basin.cell_in_basin)
    settings = replace(basin.settings, footprint_km=footprint_km)
    own = np.random.default_rng(settings.seed).uniform(size=row.size)
    covariates = np.stack([*cell_centres(grid, row, col), own], axis=1).astype(np.float32)
    rows = []
    with create_matrix(folder / "matrix.gpkg", grid, (*PLACE, *OWN), {}) as writer:
        for date, moisture in days:
            seen = retrieval(settings, date, basin.cells, moisture)[row, col].astype(np.float64)
            kept = np.isfinite(seen)
            writer.write(DayRows(date, row[kept], col[kept], seen[kept], covariates[kept]))
            rows.append(np.stack([seen[kept], np.nonzero(kept)[0]], axis=1))
    return Seen(str(folder / "matrix.gpkg"), *np.concatenate(rows).T)


def r2_by_scheme(seen, covariates, mode, block_km):
    opened = replace(open_matrix(seen.path), covariates=covariates)
    settings = ValidationSettings(FOLDS, 1, block_km, candidates(FOREST), seed=3, mode=mode)
    run = crossvalidate_table(opened, settings, threads=2)
    return {
        scheme: median_of(run.results, scheme, settings.words.over[0], "r2") for scheme in settings.schemes
    }


def between_cells(seen):
    """R2 of a mean of `n` other days of the cell, from a one-way analysis of variance (cells as groups).

    The share of the variance that lies between cells, c (Shrout & Fleiss 1979, Psychological Bulletin 86,
    420-428, ICC(1)), less the noise of the mean: 1 - (1 - c) (1 + 1 / n).
    """
    groups = [seen.y[seen.cell == cell] for cell in np.unique(seen.cell)]
    k, total = len(groups), len(seen.y)
    among = sum(len(own) * (own.mean() - seen.y.mean()) ** 2 for own in groups) / (k - 1)
    within = sum(((own - own.mean()) ** 2).sum() for own in groups) / (total - k)
    size = (total - sum(len(own) ** 2 for own in groups) / total) / (k - 1)
    c = (among - within) / (among + (size - 1) * within)
    return 1 - (1 - c) * (1 + 1 / (size * (1 - 1 / FOLDS)))


def mean_of_neighbours(seen):
    """Median over the dates of the R2 of the mean of up to 8 cells around, told by their rows and columns."""
    found = []
    with contextlib.closing(open_matrix(seen.path).days()) as days:
        for day in days:
            value = {(row, col): y for row, col, y in zip(day.rows.tolist(), day.cols.tolist(), day.y)}
            pairs = []
            for (row, col), y in value.items():
                around = [
                    value[row + down, col + right]
                    for down in (-1, 0, 1)
                    for right in (-1, 0, 1)
                    if (down or right) and (row + down, col + right) in value
                ]
                if around:
                    pairs.append((y, np.mean(around)))
            found.append(r2_score(*zip(*pairs)))
    return float(np.median(found))


@pytest.mark.parametrize("km", FOOTPRINTS)
def test_a_random_number_a_cell_is_worth_nothing_where_it_was_not_seen(both, km):
    r2 = r2_by_scheme(both[km], OWN, "pooled", 0.0)
    assert r2["random"] >= SHARE * between_cells(both[km]) > 0
    assert r2["locations"] <= 0.05
    assert r2["locations and dates"] <= 0.05


def test_coordinates_tell_a_cell_by_its_neighbours_alone(both):
    r2 = {km: r2_by_scheme(seen, PLACE, "by date", BLOCK_KM) for km, seen in both.items()}
    for km, seen in both.items():
        assert r2[km]["random"] >= SHARE * mean_of_neighbours(seen) > 0
        assert r2[km]["blocks"] < r2[km]["random"] - 0.1
    # With SMAP's footprint neighbours share most of what they see.
    assert r2[33.0]["random"] > 0.6
