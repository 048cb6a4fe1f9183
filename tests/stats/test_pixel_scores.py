"""Scores of pixels against plain NumPy, however they are cut into blocks, and what is not defined."""

from __future__ import annotations

import numpy as np
import pytest

from smap_downscaler.stats.pixel_scores import Pixels, score_pixels, spaef


def pixel_scores(x, y, cells=None, count=0):
    """The scores of one map, of the pixels that have both values."""
    valid = np.isfinite(x) & np.isfinite(y)
    pixels = Pixels(x[valid], y[valid][None], None if cells is None else cells[valid])
    return score_pixels(lambda: [pixels], 1, count)[0]


def plain(x, y, cells=None):
    """The scores from their definitions."""
    r = np.corrcoef(x, y)[0, 1]
    zx, zy = (x - x.mean()) / x.std(), (y - y.mean()) / y.std()
    ends = min(zx.min(), zy.min()), max(zx.max(), zy.max())
    shared = np.minimum(np.histogram(zx, 100, ends)[0], np.histogram(zy, 100, ends)[0]).sum() / x.size
    ratio = (y.std() / y.mean()) / (x.std() / x.mean())
    found = {
        "rmse": np.sqrt(np.mean((y - x) ** 2)),
        "bias": np.mean(y - x),
        "r": r,
        "variance_ratio": y.var() / x.var(),
        "spaef": 1 - np.sqrt((r - 1) ** 2 + (ratio - 1) ** 2 + (shared - 1) ** 2),
    }
    if cells is not None:
        x, y = x.copy(), y.copy()
        for cell in np.unique(cells):
            x[cells == cell] -= x[cells == cell].mean()
            y[cells == cell] -= y[cells == cell].mean()
        found["r_within"] = np.corrcoef(x, y)[0, 1]
    return found


def example(n=5000, seed=3):
    rng = np.random.default_rng(seed)
    cells = rng.integers(0, 20, n)
    x = 0.2 + 0.05 * np.sin(cells) + 0.03 * rng.normal(size=n)
    y = 0.05 + 0.7 * x + 0.02 * rng.normal(size=n)
    return x, y, cells


def test_each_score_is_that_of_its_definition():
    x, y, cells = example()
    found = pixel_scores(x, y, cells, 20)
    assert found.n == 5000
    for name, value in plain(x, y, cells).items():
        assert getattr(found, name) == pytest.approx(value, rel=1e-9), name


def test_blocks_and_methods_change_nothing():
    x, y, cells = example()
    parts = [slice(0, 7), slice(7, 7), slice(7, 3000), slice(3000, 5000)]
    methods = np.stack([y, x[::-1]])
    blocks = [Pixels(x[part], methods[:, part], cells[part]) for part in parts]
    for found, predicted in zip(score_pixels(lambda: blocks, 2, 20), methods):
        whole = pixel_scores(x, predicted, cells, 20)
        assert found.n == whole.n
        for name in ("rmse", "bias", "r", "r_within", "variance_ratio", "spaef"):
            assert getattr(found, name) == pytest.approx(getattr(whole, name), rel=1e-9), name


def test_pixels_without_a_value_do_not_count():
    x, y, cells = example()
    x[:10], y[5:20] = np.nan, np.nan
    found = pixel_scores(x, y, cells, 20)
    assert found.n == 4980
    assert found.r_within == pytest.approx(plain(x[20:], y[20:], cells[20:])["r_within"])


def test_the_reference_itself_is_perfect():
    x, _y, cells = example()
    found = pixel_scores(x, x, cells, 20)
    assert (found.rmse, found.bias) == (0, 0)
    for name in ("r", "r_within", "variance_ratio", "spaef"):
        assert getattr(found, name) == pytest.approx(1), name


def test_the_cells_themselves_have_no_pattern_within():
    x, _y, cells = example(200_000)
    cell_mean = (0.1 + 0.013 * np.arange(20)).astype(np.float32)[cells]
    found = pixel_scores(x, cell_mean, cells, 20)
    assert np.isnan(found.r_within)
    assert np.isfinite(found.r)


def test_a_constant_map_has_an_error_and_no_pattern():
    x, _y, cells = example()
    found = pixel_scores(x, np.full_like(x, 0.2), cells, 20)
    assert found.rmse == pytest.approx(np.sqrt(np.mean((0.2 - x) ** 2)))
    assert found.variance_ratio == 0
    assert all(np.isnan(value) for value in (found.r, found.r_within, found.spaef))


def test_no_pixels_and_no_cells():
    nothing = pixel_scores(np.full(3, np.nan), np.zeros(3))
    assert nothing.n == 0
    assert np.isnan(nothing.rmse)
    x, y, _cells = example()
    assert np.isnan(pixel_scores(x, y).r_within)


def test_spaef_of_its_parts():
    assert spaef(1, 1, 1) == 1
    assert spaef(0, 1, 1) == 0
    assert spaef(0.5, 2, 0.5) == pytest.approx(1 - np.sqrt(1.5))
