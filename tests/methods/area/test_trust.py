"""Where an area-to-point model may be applied, and what the data took away, against dense algebra."""

from __future__ import annotations

import numpy as np
import pytest

from area_case import AreaCase, ArrayStack, smooth_field
from smap_downscaler.methods.area.lags import below_part, part_covariances
from smap_downscaler.methods.area.levels import UNSURE
from smap_downscaler.methods.area.method import AREA_TO_POINT
from smap_downscaler.methods.area.settings import AreaSettings
from smap_downscaler.methods.base import Block, Cells
from smap_downscaler.stats.applicability import Applicability, cell_blocks

GIVEN = AreaSettings(footprint_km=0.0)


def fitted(case, settings=GIVEN):
    return AREA_TO_POINT.fit(case.cells(), settings, int(len(case.days) == 1 and case.days[0]))


@pytest.fixture(scope="module")
def single():
    case = AreaCase(side=14)
    return case, fitted(case)


@pytest.fixture(scope="module")
def archive():
    case = AreaCase(side=12, dates=8, gaps=0.15, noise=0.02)
    return case, fitted(case)


def means_of_cells(case):
    side, n = case.side, case.pixels
    whole = case.layers.reshape(len(case.layers), side, n, side, n).mean(axis=(2, 4))
    return whole.reshape(len(case.layers), -1).T


def test_rows_are_the_covariates_of_cells(single):
    case, model = single
    known = model.applicability
    x = means_of_cells(case)
    # Pixels beyond 3.5 SD are clipped before they are averaged.
    np.testing.assert_allclose(known.rows, x, atol=0.05)
    expected = Applicability.of(
        known.rows, known.weights, cell_blocks(np.argwhere(np.ones((14, 14), bool)), 9.0), model.settings.seed
    )
    for name in ("threshold", "distance", "blocks"):
        assert getattr(known, name) == pytest.approx(getattr(expected, name), rel=1e-6)
    far = case.block(case.days[0]).x[:4].copy()
    far[:, 1] = [known.high[1] + 1, known.low[1] - 2, known.rows[0, 1], known.rows[3, 1]]
    far[:, 0] = known.rows[[0, 1, 0, 3], 0]
    assert known.out_of_range(far).tolist() == [2, 2, 0, 0]
    assert (known.dissimilarity(far)[:2] > known.threshold).all()
    np.testing.assert_allclose(known.dissimilarity(far)[2:], 0, atol=1e-6)


def test_weights_are_the_effects_of_covariates(single):
    _, model = single
    core, half = model.core, model.core.levels[0].full
    terms, b = core.moments.terms, half.answers[0].b
    effects = np.zeros((len(core.cells), 2))
    for column in range(len(b)):
        own = b[column] * core.design[:, column]
        if column < len(terms.groups) - len(terms.pairs):
            effects[:, terms.groups[column]] += own
        else:
            effects += own[:, None] / 2
    np.testing.assert_allclose(model.applicability.weights, effects.std(axis=0), rtol=1e-9)
    # Clay has the greater say in this truth.
    assert model.applicability.weights[0] > 1.5 * model.applicability.weights[1]


def test_the_share_that_the_data_took_away(single):
    case, model = single
    block = case.block(case.days[0])
    core, level = model.core, model.core.levels[0]
    half = level.full
    design = core.moments.terms.of_pixels(core.moments.columns.of(block.x))
    part = part_covariances(core.subcells.part_km, core.subcells.fine_shape, level.hurst)[0, 0]
    below = below_part(core.subcells.part_km, core.moments.pixel_km, level.hurst)
    prior = half.fit.noise[0] * (part + below) + np.square(design) @ (UNSURE * half.fit.groups[half.groups])
    expected = 1 - model.predict(block, sd=True).sd ** 2 / prior
    share = model.prior_share(block)
    np.testing.assert_allclose(share, np.maximum(expected, 0), rtol=1e-6, atol=1e-9)
    assert 0.3 < share.mean() < 1
    assert (share >= 0).all()


def test_a_day_without_smap_knows_less(archive):
    case, model = archive
    seen = model.prior_share(case.block(case.days[3]))
    unseen = model.prior_share(case.block(int(case.days[3]) + 1))
    assert unseen.mean() < seen.mean() - 0.02


def test_it_comes_back_from_a_file(archive):
    case, model = archive
    again = AREA_TO_POINT.load(model.members(2), case.names, None)
    known, other = model.applicability, again.applicability
    # The design is kept in float32.
    np.testing.assert_allclose(other.rows, known.rows, atol=1e-5)
    assert other.threshold == pytest.approx(known.threshold, rel=1e-4)
    block = case.block(case.days[0], np.s_[:20, :20])
    np.testing.assert_allclose(again.prior_share(block), model.prior_share(block), atol=1e-3)


def test_means_and_intervals_do_not_hang_on_what_is_asked(archive):
    case, model = archive
    block = case.block(case.days[1], np.s_[:30, :30])
    assert np.array_equal(model.predict(block).mean, model.predict(block, sd=True).mean)


def test_without_terms_there_is_none():
    case = AreaCase(side=10)
    assert fitted(case, AreaSettings(footprint_km=0.0, terms=())).applicability is None


def test_dated_covariates_count_on_each_date_and_classes_not_at_all():
    case = AreaCase(side=12, dates=6, noise=0.02)
    rng = np.random.default_rng(3)
    shape = case.stack.layers.shape[1:]
    rain = {"rain": {int(day): rng.gamma(2, 5) + 3 * smooth_field((14, 14), 3.0, rng) for day in case.days}}
    soil = np.round(smooth_field(shape, 3.0, rng)).clip(-1, 1)
    layers = np.concatenate([case.stack.layers, soil[None]])
    names = (*case.names, "soil", "rain")
    stack = ArrayStack(names[:3], layers, 1, case.pixels, rain)
    plain = case.cells()
    x = np.zeros((len(plain.y), 4), np.float32)
    cells = Cells(x, plain.y, plain.cells, plain.days, None, names, case.grid, stack)
    model = AREA_TO_POINT.fit(cells, AreaSettings(footprint_km=0.0, categorical=("soil",)), 0)
    known = model.applicability
    assert known.weights[2] == 0
    assert (known.weights[[0, 1, 3]] > 0).all()
    assert len(known.rows) == min(6 * 144, 2000)
    values = np.concatenate([image[1:-1, 1:-1].ravel() for image in rain["rain"].values()])
    assert known.rows[:, 3].mean() == pytest.approx(values.mean(), rel=0.05)
    inside = known.rows[:3].copy()
    inside[:, 2] = [-1, 0, 99]
    assert known.out_of_range(inside).tolist() == [0, 0, 0]
    inside[:, 3] = values.max() * 3
    assert known.out_of_range(inside).tolist() == [4, 4, 4]
    block = case.block(case.days[0], np.s_[:5, :5])
    more = np.column_stack([block.x, np.zeros(25), np.full(25, values.mean())]).astype(np.float32)
    share = model.prior_share(Block(more, block.days, block.coordinates))
    assert np.isfinite(share).all()
