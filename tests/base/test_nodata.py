"""Numbers that stand for no value."""

import numpy as np
import pytest

from smap_downscaler.base.nodata import FILL, FILLS, LIKELY_FILLS, first_fill, is_fill

VALUES = [0.0, -12.5, 255.0, 9999.0, -9998.0, 1e19, -3000.0, np.nan]
NONE = [FILL, -99999.0, -32768.0, 1e20, -3.4028235e38, np.inf, -np.inf]


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_fill_values_are_known_in_both_precisions(dtype):
    assert is_fill(np.array([VALUES, VALUES[::-1]], dtype)).tolist() == [[False] * 8] * 2
    assert is_fill(np.array(NONE, dtype)).all()


def test_the_first_of_several_is_named():
    assert first_fill(VALUES) is None
    assert first_fill([1.0, 1e30, FILL]) == 1e30
    assert first_fill([0.0, 255.0]) is None
    assert first_fill([0.0, 255.0], LIKELY_FILLS) == 255.0
    assert FILLS < LIKELY_FILLS
