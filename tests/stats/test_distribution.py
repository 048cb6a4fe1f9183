"""Moments in one pass against NumPy on the whole."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from smap_downscaler.stats.distribution import Moments

VALUES = st.floats(-1e4, 1e4, width=32) | st.just(math.nan)


@given(st.lists(st.lists(VALUES, max_size=20), min_size=1, max_size=8))
def test_blocks_are_as_the_whole(blocks):
    moments = Moments()
    for block in blocks:
        moments.add(np.array(block, np.float32))
    whole = np.concatenate([np.array(block, np.float64) for block in blocks])
    valid = whole[np.isfinite(whole)]
    assert (moments.n, moments.cells) == (valid.size, whole.size)
    if not valid.size:
        assert math.isnan(moments.sd)
        return
    assert moments.mean == pytest.approx(valid.mean(), rel=1e-9, abs=1e-9)
    assert moments.sd == pytest.approx(valid.std(), rel=1e-6, abs=1e-6)
    assert (moments.low, moments.high) == (valid.min(), valid.max())
