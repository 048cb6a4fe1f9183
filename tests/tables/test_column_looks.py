"""Codes of no value in the columns of a table."""

import numpy as np
import pytest

from smap_downscaler.base.errors import InputError
from smap_downscaler.base.nodata import parse_nodata
from smap_downscaler.tables.column_looks import ColumnLooks

NAMES = ("soil_moisture", "clay")


def _rows(every=5, code=-9999.0):
    generator = np.random.default_rng(3)
    rows = np.column_stack([generator.uniform(0.05, 0.45, 200), generator.uniform(100, 400, 200)])
    rows[::every, 1] = code
    return rows


@pytest.mark.parametrize("size", [7, 200])
def test_a_code_is_refused_by_column_and_number(size):
    looks, rows = ColumnLooks("m.csv", NAMES), _rows()
    for start in range(0, 200, size):
        looks.add(rows[start : start + size])
    with pytest.raises(InputError, match=r"^m\.csv: clay holds -9999 in 40 places, far from .*clay=-9999"):
        looks.check()


def test_a_declared_code_is_nan_and_a_value_stays():
    rows = _rows()
    looks = ColumnLooks("m.csv", NAMES, parse_nodata("clay=-9999"))
    looks.add(rows)
    looks.check()
    assert np.isnan(rows[::5, 1]).all()
    assert np.isfinite(rows[:, 0]).all()
    assert np.isfinite(rows[1::5]).all()
    rows = _rows()
    looks = ColumnLooks("m.csv", NAMES, parse_nodata("CLAY=none"))
    looks.add(rows)
    looks.check()
    assert (rows[::5, 1] == -9999).all()


def test_clean_and_empty_columns_say_nothing():
    looks = ColumnLooks("m.csv", NAMES)
    looks.add(_rows(code=255.0))
    looks.add(np.full((3, 2), np.nan))
    looks.add(np.empty((0, 2)))
    looks.check()
