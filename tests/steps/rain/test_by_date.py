"""Rain by date: of all cells though only a sample is kept, and lone values that are seen."""

from __future__ import annotations

import datetime as dt
import io

import numpy as np
import pytest

from smap_downscaler.steps.rain.figures import rain_by_date
from smap_downscaler.steps.rain.numbers.by_date import MOST_SHOWN, lone, rain_series

DATES = tuple(dt.date(2020, 1, 1) + dt.timedelta(number) for number in range(20))


def pixels(data):
    from matplotlib.image import imread

    return imread(io.BytesIO(data))[:, :, :3]


def share_of(image, colour):
    wanted = [int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)]
    return np.isclose(image, wanted, atol=0.02).all(axis=2).mean()


def test_numbers_are_those_of_all_cells_and_a_sample_is_kept():
    values = np.random.default_rng(1).gamma(0.5, 4, (20, 1234)).astype(np.float32)
    values[:, 8] = np.nan
    values[4, :1200] = np.nan
    series = rain_series("rain", "mm/d", zip(DATES, values))
    assert (series.cells, series.dates) == (1233, DATES)
    assert series.values.shape == (20, MOST_SHOWN)
    np.testing.assert_allclose(series.median, np.nanmedian(values, axis=1), rtol=1e-6)
    np.testing.assert_array_equal(series.values[:, [0, -1]], values[:, [0, -1]])


@pytest.mark.parametrize("shape", [(20,), (20, 3)])
def test_lone_values(shape):
    values = np.full(shape, np.nan)
    values[[0, 4, 5, 9, 19]] = 1.0
    found = lone(values)
    assert np.nonzero(found.reshape(20, -1)[:, 0])[0].tolist() == [0, 9, 19]


def test_a_value_without_neighbours_in_time_is_seen():
    """A line through one point is nothing: half of the dates of a swath's edge are such."""
    values = np.full((20, 30), np.nan, np.float32)
    values[::2] = np.random.default_rng(1).gamma(0.5, 4, (10, 30))
    series = rain_series("p_antecedent", "mm/d", zip(DATES, values))
    image = pixels(rain_by_date(series))
    head = int(0.12 * image.shape[0])
    # Below the legend.
    assert share_of(image[head:], "#0072B2") > 0.0003


def test_all_cells_and_their_median():
    values = np.abs(np.random.default_rng(1).normal(size=(20, 30))).astype(np.float32)
    values[3, :29] = np.nan
    image = pixels(rain_by_date(rain_series("p_antecedent", "mm/d", zip(DATES, values))))
    assert share_of(image, "#0072B2") > 0.001
