"""The rows of a regression matrix."""

import datetime as dt

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from smap_downscaler.base.matrix_columns import RESERVED
from smap_downscaler.geo.grid import Grid
from smap_downscaler.steps.matrix.numbers.rows import (
    DayRows,
    cell_centres,
    day_rows,
    rows_needed,
    unusable_name,
)

DAY = dt.date(2020, 2, 29)
MAYBE = st.one_of(st.just(np.nan), st.floats(0, 1, width=32))


@given(
    theta=arrays(np.float32, (3, 4), elements=MAYBE),
    covariates=arrays(np.float32, (2, 3, 4), elements=MAYBE),
    first=st.tuples(st.integers(0, 1000), st.integers(0, 1000)),
)
def test_a_row_for_each_cell_with_soil_moisture(theta, covariates, first):
    day = day_rows(DAY, theta, covariates, first)
    expected = [
        (
            row + first[0],
            col + first[1],
            float(theta[row, col]),
            covariates[0, row, col],
            covariates[1, row, col],
        )
        for row in range(3)
        for col in range(4)
        if not np.isnan(theta[row, col])
    ]
    got = list(zip(day.rows.tolist(), day.cols.tolist(), day.y.tolist(), day.x[:, 0], day.x[:, 1]))
    assert np.array_equal(np.array(got), np.array(expected), equal_nan=True)
    assert (day.x.dtype, day.y.dtype, day.x.shape) == (np.float32, np.float64, (len(expected), 2))
    whole = [not (np.isnan(row[3]) or np.isnan(row[4])) for row in expected]
    assert day.complete.tolist() == whole
    kept = day.keep(day.complete)
    assert kept.rows.tolist() == [row[0] for row, good in zip(expected, whole) if good]
    assert (len(kept.cols), len(kept.y), len(kept.x), kept.date) == (sum(whole),) * 3 + (DAY,)


def test_rows_do_not_change_with_the_arrays():
    covariates = np.ones((1, 2, 2), np.float32)
    day = day_rows(DAY, np.ones((2, 2)), covariates)
    covariates[:] = 5
    assert (day.x == 1).all()


def test_a_row_without_a_response_is_not_complete():
    day = DayRows(DAY, np.zeros(2), np.zeros(2), np.array([np.nan, 0.1]), np.ones((2, 1), np.float32))
    assert day.complete.tolist() == [False, True]


def test_cell_centres():
    grid = Grid("EPSG:6933", 100.0, 50.0, 10.0, 5.0, 4, 3)
    x, y = cell_centres(grid, np.array([0, 2]), np.array([3, 0]))
    assert x.tolist() == [135.0, 105.0]
    assert y.tolist() == [47.5, 37.5]


@pytest.mark.parametrize(
    ("cells", "least"), [(10, 20), (40, 20), (41, 20), (42, 21), (99, 49), (100, 50), (1000, 50)]
)
def test_least_cells_is_half_of_the_area_from_20_to_50(cells, least):
    assert rows_needed(cells) == least
    assert rows_needed(cells, 7) == 7


@pytest.mark.parametrize(
    ("names", "bad"),
    [
        (["clay", "sand"], None),
        (["clay", "sand", "Clay"], "Clay"),
        (["clay", ""], ""),
        (["clay", " "], " "),
        *((["clay", name], name) for name in sorted(RESERVED)),
        (["Soil_Moisture"], "Soil_Moisture"),
    ],
)
def test_names_that_a_table_cannot_have(names, bad):
    assert unusable_name(names) == bad
