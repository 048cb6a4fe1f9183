"""The numbers on real data: what they are made from, and that they can be made."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

import numbers_fillgaps
from real_cases import RAIN_WINDOWS, conus_series, conus_tables


def test_rain_of_the_days_before(shared_data):
    series = conus_series(shared_data)
    _, smap, rain, _ = conus_tables(shared_data)
    assert len(series) == 412
    for cell in (0, 200, 411):
        assert np.array_equal(series[cell].observed, smap[cell], equal_nan=True)
        for number, window in enumerate(RAIN_WINDOWS):
            found = series[cell].dynamic[:, number]
            assert np.isnan(found[:window]).all()
            for day in (window, window + 1, 365):
                assert found[day] == pytest.approx(rain[cell, day - window : day].mean(), rel=1e-5, abs=1e-5)


def test_forests_with_rain_beat_linear_interpolation_over_ten_days(shared_data, monkeypatch):
    monkeypatch.setattr(numbers_fillgaps, "PERIODS", (10,))
    few = replace(numbers_fillgaps.PAPER, n_estimators=25)
    monkeypatch.setattr(numbers_fillgaps, "PAPER", few)
    only = {"day of year": numbers_fillgaps.FEATURES["day of year"]}
    monkeypatch.setattr(numbers_fillgaps, "FEATURES", only)
    text = "\n".join(numbers_fillgaps.gaps_section(shared_data, cells=4))
    states, australia = text.split("### W. Australia")
    rmse = {
        cells[2].strip(): float(cells[5])
        for cells in (line.split("|") for line in states.splitlines())
        if len(cells) > 5 and cells[1].strip() == "10"
    }
    assert len(rmse) == 3
    assert rmse["forest (day of year)"] < 0.95 * rmse["linear interpolation"]
    assert len([line for line in australia.splitlines() if line.startswith("| 10 |")]) == 3
