"""A whole (small) demo basin: land, soils, masks, days, cell means."""

from __future__ import annotations

import datetime as dt

import numpy as np
import pytest

from raster_cases import Listener
from smap_downscaler.base.errors import Cancelled, InputError
from smap_downscaler.geo.grid import ease2_grid
from smap_downscaler.geo.lattice import Transformation
from smap_downscaler.steps.demo.numbers import observations
from smap_downscaler.steps.demo.numbers.basin import WithinCells, make_basin, simulate
from smap_downscaler.steps.demo.numbers.drainage import steepest
from smap_downscaler.steps.demo.numbers.mask import LARGEST_LAKE, most_masked
from smap_downscaler.steps.demo.numbers.observations import (
    READING_SD,
    REPLICATES,
    STATION_COUNT,
    place_stations,
    read_stations,
)
from smap_downscaler.steps.demo.numbers.settings import SPIN_UP_DAYS, DemoSettings
from smap_downscaler.steps.demo.numbers.shape import CELL_AREA

SETTINGS = DemoSettings(cells=30, days=3)


@pytest.fixture(scope="module")
def transforms():
    return tuple(Transformation("EPSG:32719", crs) for crs in ("EPSG:6933", "EPSG:4326"))


@pytest.fixture(scope="module")
def basin(transforms):
    return make_basin(SETTINGS, *transforms)


@pytest.fixture(scope="module")
def days(basin):
    return list(simulate(basin))


def test_size_and_place(basin):
    assert basin.grid.crs == "EPSG:32719"
    assert (basin.grid.cell_width, basin.grid.cell_height) == (100.0, 100.0)
    whole, cells = ease2_grid("9 km"), basin.cells.grid
    row, col = cells.offset_in(whole)
    assert (row, col) == (pytest.approx(round(row), abs=1e-6), pytest.approx(round(col), abs=1e-6))
    assert cells.cell_width == whole.cell_width
    # An equal-area grid: a cell's sizes multiply to its area, but for the angle between the two norths.
    assert basin.cells.ground_width * basin.cells.ground_height == pytest.approx(CELL_AREA, rel=0.005)
    assert basin.cells.ground_width == pytest.approx(
        111_320 * np.cos(np.radians(13.6)) * 360 / 3856, rel=0.005
    )
    assert -14.5 < basin.lat.min() < basin.lat.max() < -12.5


@pytest.mark.parametrize("seed", range(1, 7))
def test_any_seed_gives_the_cells_asked_for(seed, transforms):
    basin = make_basin(DemoSettings(seed=seed, cells=30), *transforms)
    assert 30 <= basin.cell_in_basin.sum() <= 60
    assert 2_500 - 50 < basin.terrain.elevation.min() < 2_600
    assert 4_600 < basin.terrain.elevation.max() < 4_850
    assert 0 < basin.masked.sum() <= most_masked(30)


def test_cells_in_the_basin(basin):
    """Every cell counted has its centre in the outline and at least 95 % of its pixels."""
    centre = {}
    flat = basin.cells.cell_of.ravel()
    unmasked = ~basin.masked.ravel()
    for cell in np.unique(flat):
        pixels = np.flatnonzero(flat == cell)
        rows, cols = np.divmod(pixels, basin.grid.width)
        middle = (round(rows.mean()), round(cols.mean()))
        whole = pixels.size >= 0.95 * CELL_AREA / 1e4
        seen = unmasked[pixels].sum() >= 0.95 * CELL_AREA / 1e4
        centre[cell] = bool(whole and seen and basin.outline[middle])
    expected = np.array([centre.get(n, False) for n in range(basin.cell_in_basin.size)])
    np.testing.assert_array_equal(basin.cell_in_basin.ravel(), expected)


def test_water_runs_together(basin):
    """The wetness index is high where much land drains through, and hardly any pixel is a pit."""
    elevation = basin.terrain.elevation
    receiver = steepest(elevation)
    pits = (receiver == np.arange(receiver.size)) & ~basin.lakes.ravel()
    assert pits.mean() < 0.01
    inflows = np.bincount(receiver, minlength=receiver.size).reshape(elevation.shape)
    wetness = basin.terrain.wetness
    assert wetness[inflows >= 3].mean() > wetness[inflows == 1].mean() + 1.0
    assert np.percentile(wetness, 99) - np.percentile(wetness, 50) > 2


def test_the_basin_drains_through_one_mouth(basin):
    blocks = basin.outline[::4, ::4]
    np.testing.assert_array_equal(np.kron(blocks, np.ones((4, 4), bool)), basin.outline)
    inner = basin.terrain.elevation[basin.outline]
    rim = basin.outline & ~np.roll(basin.outline, 4, axis=0)
    assert basin.terrain.elevation[rim].mean() > inner.mean()


def test_soils_follow_the_land(basin):
    soil, high = basin.soil, basin.terrain.elevation.ravel()
    for layer, low_end, high_end in ((soil.clay, 50, 600), (soil.sand, 60, 880), (soil.soc, 2, 80)):
        assert low_end <= layer.min() < layer.max() <= high_end
    assert (soil.clay + soil.sand).max() <= 930.01
    assert np.corrcoef(soil.clay.ravel(), high)[0, 1] < -0.2
    assert np.corrcoef(soil.sand.ravel(), high)[0, 1] > 0.2
    assert np.corrcoef(soil.clay.ravel(), basin.terrain.wetness.ravel())[0, 1] > 0.2


def test_lakes_are_flat_and_small(basin):
    assert not (basin.lakes & basin.towns).any()
    levels = basin.terrain.elevation[basin.lakes]
    assert np.unique(levels).size == 1
    assert levels.size <= LARGEST_LAKE


def test_days(basin, days):
    assert [day.date for day in days] == SETTINGS.rain_dates
    assert days[0].date == SETTINGS.start - dt.timedelta(SPIN_UP_DAYS)
    assert [day.moisture is not None for day in days] == [False] * SPIN_UP_DAYS + [True] * 3
    for day in days[-3:]:
        np.testing.assert_array_equal(np.isnan(day.moisture), basin.masked)
        assert 0.0299 < np.nanmin(day.moisture) < np.nanmax(day.moisture) < 0.5001
        assert 0.15 < np.nanmean(day.moisture) < 0.4


def test_the_morning_knows_nothing_of_the_days_rain(basin, days):
    """P[t] is never in the state of t: the change from t to t + 1 follows the rain of t."""
    block = basin.rain_grid
    col = ((basin.lon - block.left) / block.cell_width).astype(int)
    row = ((block.top - basin.lat) / block.cell_height).astype(int)
    first, second = days[-3], days[-2]
    change = second.moisture - first.moisture
    ok = np.isfinite(change)
    same_day = np.corrcoef(change[ok], first.rain[row, col][ok])[0, 1]
    next_day = np.corrcoef(change[ok], second.rain[row, col][ok])[0, 1]
    assert same_day > 0.5
    assert next_day < same_day - 0.2


def test_seeds(basin, days, transforms):
    again = make_basin(SETTINGS, *transforms)
    np.testing.assert_array_equal(again.terrain.elevation, basin.terrain.elevation)
    np.testing.assert_array_equal(list(simulate(again))[-1].moisture, days[-1].moisture)
    other = make_basin(DemoSettings(seed=43, cells=30, days=3), *transforms)
    rows, cols = np.minimum(other.grid.shape, basin.grid.shape)
    assert np.abs(other.terrain.elevation[:rows, :cols] - basin.terrain.elevation[:rows, :cols]).mean() > 50


# SMAP's view.


def test_cell_means_against_a_loop(basin, days):
    moisture = days[-1].moisture
    means = observations.cell_means(moisture, basin.cells)
    count = 0
    for cell, mean in enumerate(means.ravel()):
        values = moisture[basin.cells.cell_of == cell]
        values = values[np.isfinite(values)]
        if values.size < 0.95 * CELL_AREA / 1e4:
            assert np.isnan(mean)
        else:
            count += 1
            assert mean == pytest.approx(values.mean(dtype=float), abs=1e-9)
    assert count >= 30


def test_footprint_against_scipy(basin, days):
    """Smoothing on blocks of 400 m is as good as on all pixels, masked land and edges left out."""
    ndimage = pytest.importorskip("scipy.ndimage")
    moisture = days[-1].moisture
    seen = np.isfinite(moisture).astype(float)
    sigma = 12_000.0 / 2.354820045 / 100.0
    total, weight = (
        ndimage.gaussian_filter(layer, sigma, mode="constant", truncate=4.5)
        for layer in (np.nan_to_num(moisture).astype(float), seen)
    )
    smooth = np.where(seen > 0, total / weight, np.nan).astype(np.float64)
    expected = observations.cell_means(smooth, basin.cells)
    got = observations.cell_means(moisture, basin.cells, 12.0)
    np.testing.assert_allclose(got, expected, atol=5e-5)
    sharp = observations.cell_means(moisture, basin.cells)
    assert np.nanstd(got) < 0.95 * np.nanstd(sharp)


def test_retrievals(basin, days):
    exact = observations.cell_means(days[-3].moisture, basin.cells)
    quiet = DemoSettings(cells=30, noise=0.0)
    date = next(date for date in quiet.dates if observations.swath(date, basin.cells).all())
    seen = observations.retrieval(quiet, date, basin.cells, days[-3].moisture)
    assert seen.dtype == np.float32
    valid = np.isfinite(seen)
    np.testing.assert_array_equal(seen[valid], exact[valid].astype(np.float32))
    assert 0 <= (np.isfinite(exact) & ~valid).sum() <= 6
    noisy = observations.retrieval(DemoSettings(cells=30, noise=0.2), date, basin.cells, days[-3].moisture)
    np.testing.assert_array_equal(np.isfinite(noisy), valid)
    assert np.nanmin(noisy) == np.float32(0.02)


def test_no_retrieval_outside_the_swath(basin, days):
    for date in SETTINGS.dates + [SETTINGS.start + dt.timedelta(day) for day in range(3, 10)]:
        seen = observations.retrieval(SETTINGS, date, basin.cells, days[-1].moisture)
        assert not (np.isfinite(seen) & ~observations.swath(date, basin.cells)).any()


# Stations, explained share.


def test_stations(basin, days):
    stations = place_stations(SETTINGS, basin.outline & ~basin.masked)
    assert len(set(zip(stations.row.tolist(), stations.col.tolist()))) == STATION_COUNT
    assert (basin.outline & ~basin.masked)[stations.row, stations.col].all()
    readings = np.array(
        [
            read_stations(SETTINGS, SETTINGS.start + dt.timedelta(n), stations, days[-1].moisture)
            for n in range(300)
        ]
    )
    assert readings.shape == (300, STATION_COUNT, REPLICATES)
    truth = days[-1].moisture[stations.row, stations.col] + stations.offset
    high = truth > 0.1
    np.testing.assert_allclose(readings.mean(axis=(0, 2))[high], truth[high], atol=0.003)
    assert readings[:, high].std(axis=(0, 2)).mean() == pytest.approx(READING_SD, rel=0.05)


def test_explained_share_against_least_squares(basin, days):
    within = WithinCells(basin)
    moisture = days[-1].moisture
    chosen = np.zeros(basin.grid.shape, bool)
    chosen.ravel()[::7] = True
    chosen &= ~basin.masked & basin.cell_in_basin.ravel()[basin.cells.cell_of]
    cell = basin.cells.cell_of[chosen]
    one_hot = (cell[:, None] == np.unique(cell)[None, :]).astype(float)
    terrain, soil = basin.terrain, basin.soil
    layers = (terrain.elevation, terrain.wetness, soil.clay, soil.sand, soil.soc)
    land = np.column_stack([layer[chosen] for layer in layers]).astype(float)
    wanted = moisture[chosen].astype(float)
    # Frisch-Waugh: cell means as dummies in one regression.
    own = np.linalg.lstsq(one_hot, wanted, rcond=None)[1][0]
    scaled = (land - land.mean(axis=0)) / land.std(axis=0)
    both = np.linalg.lstsq(np.hstack([one_hot, scaled]), wanted, rcond=None)[1][0]
    assert within.explained_share(moisture) == pytest.approx(1 - both / own, abs=1e-6)
    assert 0.3 < within.explained_share(moisture) < 0.8


def test_the_land_itself_is_wholly_explained(basin):
    mixture = 2.0 * basin.soil.clay - 0.3 * basin.terrain.elevation + 40.0 * basin.terrain.wetness
    assert WithinCells(basin).explained_share(mixture) == pytest.approx(1, abs=1e-6)


def test_bad_settings_come_first(transforms):
    with pytest.raises(InputError, match=r"^CELLS: 5 is outside 30 to 1000; choose a value in between\.$"):
        make_basin(DemoSettings(cells=5), *transforms)


@pytest.mark.parametrize("checks", [0, 3, 40, 200])
def test_cancel(checks, transforms):
    progress = Listener(checks)
    with pytest.raises(Cancelled):
        make_basin(SETTINGS, *transforms, progress)
    # Nothing went on after the first time that it was said.
    assert progress.asked == checks + 1
