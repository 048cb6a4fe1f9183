"""Both tests from truth to scores, at small size, against what is worked out by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest

from smap_downscaler.base.errors import Cancelled, InputError
from smap_downscaler.base.progress import Progress
from smap_downscaler.geo.grid import Window, ease2_grid
from smap_downscaler.geo.sampling import bilinear
from smap_downscaler.runs.journal import Journal
from smap_downscaler.steps.skill import mapped
from smap_downscaler.steps.skill.contenders import (
    CONTENDERS,
    CUBIC,
    LINEAR,
    NEAREST,
    SINGLE,
    TWO_LEVELS,
    cubic,
)
from smap_downscaler.steps.skill.known_truth import KnownTruth, make_trial, run_known_truth, spread_dates
from smap_downscaler.steps.skill.numbers.scores import KNOWN_TRUTH, Case, cases_of
from smap_downscaler.steps.skill.numbers.truths import LINEAR as LINEAR_TRUTH
from smap_downscaler.steps.skill.numbers.truths import MILD, MIRRORED
from smap_downscaler.steps.skill.numbers.verdict import BILINEAR, CEILING
from smap_downscaler.steps.skill.scale_up import Coarse, ScaleUp, retrieval_inputs, run_scale_up
from smap_downscaler.steps.skill.scene import MadeUp

SMALL = MadeUp(10, 1500.0)
CHEAP = (NEAREST, CUBIC, LINEAR)


def case_of(**more):
    told = {"truth": MILD, "share": 0.4, "footprint_km": 0.0, "dates": 1, "seed": 5}
    return Case(KNOWN_TRUTH, **{**told, **more})


def test_what_smap_sees_is_the_mean_of_the_truth_and_noise():
    scene, settings = SMALL(5, 1), KnownTruth(noise=0.0, swaths=False)
    trial, truths = make_trial(scene, case_of(), settings)
    # Cells that are water for the most part are not seen.
    whole = np.where(scene.landing.shares(scene.valid) >= 0.5, scene.landing.means(truths[0]), np.nan)
    assert 80 < np.isfinite(whole).sum() < 100
    np.testing.assert_array_equal(trial.observed[0], whole)
    noisy, _ = make_trial(scene, case_of(), KnownTruth(noise=0.02, swaths=False))
    assert np.nanstd(noisy.observed[0] - whole) == pytest.approx(0.02, rel=0.25)
    # A footprint makes it smoother, and swaths take cells away.
    smooth, _ = make_trial(scene, case_of(footprint_km=33.0), settings)
    known = np.isfinite(smooth.observed[0])
    assert known.sum() >= 60
    assert smooth.observed[0][known].std() < 0.8 * whole[known].std()
    counts = [
        np.isfinite(make_trial(SMALL(5, 4), case_of(dates=4, seed=seed), KnownTruth())[0].observed).sum(
            (1, 2)
        )
        for seed in (5, 6)
    ]
    assert np.min(counts) < 90


def test_a_footprint_is_the_gaussian_mean_of_the_truth():
    scene = MadeUp(8, 1500.0, nested=True, lakes=False)(5, 1)
    trial, truths = make_trial(scene, case_of(footprint_km=20.0), KnownTruth(noise=0.0, swaths=False))
    sigma = 20.0 / 2.3548 * 1000
    row, col = 4, 3
    rows = (scene.positions[0] - row - 0.5) * scene.cell[0]
    cols = (scene.positions[1] - col - 0.5) * scene.cell[1]
    # The mean over the cell of the mean around each of its places: weights by brute force over its pixels.
    inside = scene.cell_of == row * scene.cells.width + col
    weights = np.zeros(scene.grid.shape)
    for y, x in zip(rows[inside], cols[inside]):
        weights += np.exp(-((rows - y) ** 2 + (cols - x) ** 2) / (2 * sigma**2))
    expected = (weights * truths[0]).sum() / weights.sum()
    assert trial.observed[0][row, col] == pytest.approx(expected, abs=2e-5)


def test_scores_are_those_of_the_maps():
    settings = KnownTruth(shares=(0.4,), dates=(1,), seeds=(5,), methods=CHEAP, swaths=False)
    maps = run_known_truth(SMALL, settings)
    assert [one.method for one in maps] == [NEAREST, BILINEAR, CUBIC, LINEAR]
    scene = SMALL(5, 1)
    trial, truths = make_trial(scene, case_of(), settings)
    rows, cols = scene.positions
    image = bilinear(trial.observed[0], rows, cols)
    known = np.isfinite(image) & scene.valid
    errors = image[known] - truths[0][known]
    own = maps[1]
    assert own.pixels == known.sum()
    assert own.rmse == pytest.approx(np.sqrt(np.mean(errors**2)), rel=1e-6)
    cells = scene.cell_of[known]
    count = np.bincount(cells)

    def within(values):
        return values - (np.bincount(cells, values) / np.maximum(count, 1))[cells]

    assert own.r_within == pytest.approx(
        np.corrcoef(within(image[known]), within(truths[0][known].astype(float)))[0, 1], abs=1e-6
    )
    image[~known] = np.nan
    means, shares = scene.landing.means(image), scene.landing.shares(known)
    whole = shares > 0.95
    closure = np.sqrt(np.mean((means - trial.observed[0])[whole] ** 2))
    assert own.closure == pytest.approx(closure, rel=1e-6)
    assert math.isnan(own.coverage)
    ratios = {one.method: one.scores["ratio"] for one in cases_of(maps, BILINEAR)}
    assert ratios[BILINEAR] == 1
    assert ratios[LINEAR] == pytest.approx(maps[3].rmse / own.rmse)


def test_a_regression_finds_a_linear_truth_and_not_in_a_mirror():
    settings = KnownTruth((LINEAR_TRUTH,), (1.0,), dates=(1,), seeds=(5,), methods=CHEAP, noise=0.0)
    found = {one.method: one for one in run_known_truth(SMALL, settings)}
    assert found[LINEAR].rmse < 0.1 * found[BILINEAR].rmse
    assert found[LINEAR].r_within > 0.99
    mirrored = KnownTruth((MIRRORED,), (0.6,), dates=(1,), seeds=(5, 6), methods=CHEAP, swaths=False)
    some = [one.r_within for one in run_known_truth(SMALL, mirrored) if one.method == LINEAR]
    assert np.abs(some).max() < 0.2


def test_all_contenders_make_whole_maps():
    settings = KnownTruth(
        (LINEAR_TRUTH,), (0.6,), (0.0,), (6,), (5,), swaths=False, mapped=1, estimated=False
    )
    maps = run_known_truth(MadeUp(9, 3000.0, dated_rain=True), settings)
    assert [one.method for one in maps] == list(CONTENDERS)
    assert len({one.pixels for one in maps}) == 1
    found = {one.method: one for one in maps}
    for name in (SINGLE, TWO_LEVELS):
        assert found[name].rmse < found[BILINEAR].rmse
        assert 0.6 < found[name].coverage <= 1
        assert found[name].snr > 0
        assert found[name].rule_right in (0.0, 1.0)
    assert found[CEILING].rmse < found[BILINEAR].rmse
    assert math.isnan(found[LINEAR].snr)


def test_two_levels_take_no_part_with_few_dates():
    settings = KnownTruth(dates=(1, 6))
    assert TWO_LEVELS not in settings.chosen(case_of())
    assert TWO_LEVELS in settings.chosen(case_of(dates=6))
    assert settings.chosen(case_of(dates=6)) == tuple(CONTENDERS)
    trial, _ = make_trial(SMALL(5, 1), case_of(), KnownTruth(swaths=False))
    with pytest.raises(InputError, match="needs at least 6 dates, and there are 1; give more in DATES"):
        CONTENDERS[TWO_LEVELS](trial, Progress())


def test_cubic_interpolation_bends_and_fills_gaps_with_neighbours():
    rows, cols = np.mgrid[:9, :9] + 0.5
    plane = 0.02 * rows + 0.01 * cols
    at = np.random.default_rng(1).uniform(3, 6, (2, 50))
    np.testing.assert_allclose(cubic(plane, *at), 0.02 * at[0] + 0.01 * at[1], atol=3e-4)
    gap = plane.copy()
    gap[4, 4] = np.nan
    filled = cubic(gap, np.array([4.5]), np.array([4.5]))[0]
    assert filled in [
        pytest.approx(plane[4 + down, 4 + right], abs=1e-9)
        for down, right in ((0, 1), (1, 0), (0, -1), (-1, 0))
    ]


def test_a_stopped_run_goes_on(tmp_path, monkeypatch):
    settings = KnownTruth(shares=(0.2, 0.4, 0.6), dates=(1,), seeds=(5,), methods=CHEAP, swaths=False)
    expected = run_known_truth(SMALL, settings)

    class Stopped(Progress):
        def set_text(self, text):
            self.stopped = getattr(self, "stopped", False) or text.startswith("mild, share 0.6")

        def is_cancelled(self):
            return getattr(self, "stopped", False)

    journal = Journal(tmp_path / "work")
    with pytest.raises(Cancelled):
        run_known_truth(SMALL, settings, Stopped(), journal, "a")
    journal.close()
    asked, map_all = [], mapped.map_all
    monkeypatch.setattr(
        "smap_downscaler.steps.skill.known_truth.map_all",
        lambda case, *rest: asked.append(case.share) or map_all(case, *rest),
    )
    found = run_known_truth(SMALL, settings, Progress(), Journal(tmp_path / "work"), "a")
    assert asked == [0.6]
    assert [(one.case, one.method, one.rmse) for one in found] == [
        (one.case, one.method, one.rmse) for one in expected
    ]
    # Of other inputs nothing is taken over.
    run_known_truth(SMALL, settings, Progress(), Journal(tmp_path / "work"), "b")
    assert asked == [0.6, 0.2, 0.4, 0.6]


def test_too_few_cells_are_refused():
    with pytest.raises(InputError) as caught:
        run_known_truth(MadeUp(7, 3000.0, lakes=False), KnownTruth(dates=(1,), swaths=False, methods=CHEAP))
    assert str(caught.value) == (
        "COVARIATES: of 49 SMAP cells over the stack only 49 lie by half or more on its pixels with a value, "
        "and a test of known truth needs 60; give a stack of a larger area."
    )


def test_dates_to_map_are_spread_over_wetness():
    wetness = np.array([0.3, -2.0, 1.0, 5.0, 0.2])
    assert spread_dates(wetness, 3) == (0, 1, 3)
    assert spread_dates(wetness, 9) == (0, 1, 2, 3, 4)


def coarse_case(rows=48, cols=51, dates=1, seed=2):
    """A series whose pattern is a covariate's, where a lake and a gap are, and one that tells nothing."""
    rng = np.random.default_rng(seed)
    grid = ease2_grid("36 km").crop(Window(150, 300, rows, cols))
    x = rng.normal(size=(2, rows, cols)).astype(np.float32)
    x[:, 5:9, 5:9] = np.nan
    smooth = np.add.outer(np.sin(np.arange(rows) / 15), np.cos(np.arange(cols) / 12))
    moisture = np.stack([0.25 + 0.04 * smooth + 0.05 * x[0] + 0.01 * day for day in range(dates)])
    moisture[:, 1, 20] = np.nan
    return Coarse(grid, tuple(range(737_000, 737_000 + dates)), moisture, ("good", "bad"), x)


def test_one_scale_up_finds_what_was_averaged_away():
    coarse = coarse_case()
    maps = run_scale_up(coarse, ScaleUp(methods=CHEAP, side=16))
    assert [one.method for one in maps] == [NEAREST, BILINEAR, CUBIC, LINEAR]
    found = {one.method: one for one in maps}
    assert found[LINEAR].rmse < 0.75 * found[BILINEAR].rmse
    assert found[LINEAR].r_within > 0.99
    # A block's nearest map is its mean.
    values = coarse.moisture[0, :48, :48].copy()
    values[~np.isfinite(coarse.x[0, :48, :48])] = np.nan
    blocks = values.reshape(16, 3, 16, 3)
    seen = np.isfinite(blocks).sum(axis=(1, 3)) >= 4.5
    means = np.where(
        seen, np.nansum(blocks, axis=(1, 3)) / np.isfinite(blocks).sum(axis=(1, 3)).clip(1), np.nan
    )
    off = (np.kron(means, np.ones((3, 3))) - values)[np.isfinite(values)]
    known = off[np.isfinite(off)]
    assert found[NEAREST].rmse == pytest.approx(np.sqrt(np.mean(known**2)), rel=1e-4)
    assert found[NEAREST].pixels == known.size
    assert found[NEAREST].cells == seen.sum()


def test_a_window_that_is_done_is_not_done_again(tmp_path, monkeypatch):
    coarse, settings = coarse_case(rows=150), ScaleUp(methods=CHEAP, side=16, windows=2)
    maps = run_scale_up(coarse, settings, journal=Journal(tmp_path / "work"), inputs="a")
    assert {one.case.truth for one in maps} == {"window 1", "window 2"}
    monkeypatch.setattr("smap_downscaler.steps.skill.scale_up.map_all", None)
    again = run_scale_up(coarse, settings, journal=Journal(tmp_path / "work"), inputs="a")
    assert [one.rmse for one in again] == [one.rmse for one in maps]


def test_a_basin_is_too_small_for_one_scale_up():
    with pytest.raises(InputError) as caught:
        run_scale_up(coarse_case(rows=12, cols=30), ScaleUp())
    assert str(caught.value) == (
        "SMAP: 39 blocks of 3 x 3 SMAP cells have values, and the test one scale up needs 150 of them in a "
        "square of 20 x 20 blocks, which is some 1,350 cells; give a larger area than a basin, such as whole "
        "granules of SPL3SMP, or test with known truth."
    )
    with pytest.raises(InputError, match="SMAP has 2 x 51 cells, and a block 3 x 3; give a larger area"):
        run_scale_up(coarse_case(rows=2), ScaleUp())
    with pytest.raises(InputError, match="FACTOR is 1; give 2 or more"):
        ScaleUp(factor=1)


def test_inputs_of_the_retrieval_are_warned_of():
    assert retrieval_inputs(("clay", "twi", "tautology")) == ""
    assert retrieval_inputs(("clay", "albedo", "surface_temperature_am")) == (
        "COVARIATES: by their names albedo, surface_temperature_am are inputs of SMAP's retrieval; they "
        "flatter the test one scale up, so leave them out to learn what independent covariates tell."
    )
