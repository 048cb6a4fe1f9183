"""Quantile correlation: blocks of days, coefficients, intervals, and whole runs."""

from __future__ import annotations

import dataclasses
import datetime as dt
import math

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.special import ndtr

from smap_downscaler.base.errors import Cancelled, InputError
from smap_downscaler.base.progress import Progress
from smap_downscaler.steps.quantiles.numbers.coarse_grain import PairedSeries, coarse_grain
from smap_downscaler.steps.quantiles.numbers.correlation import (
    combine,
    drawn_together,
    interval,
    is_over_one,
    is_same_line,
    is_unreliable,
    moving_block_sample,
    quantile_correlation,
    unusable,
)
from smap_downscaler.steps.quantiles.numbers.run import correlate
from smap_downscaler.steps.quantiles.numbers.settings import QuantileSettings, parse_quantiles, parse_scales

NINE = tuple(number / 10 for number in range(1, 10))
GRID = st.integers(-40, 40).map(lambda number: number / 8)


def rho(x, y, quantiles=NINE):
    return quantile_correlation(np.array([x]), np.array([y]), quantiles).rho[0]


def series(start, x, y, every=1):
    first = dt.date.fromisoformat(start).toordinal()
    days = first + every * np.arange(len(x), dtype=np.int64)
    return PairedSeries(days, np.asarray(x, float), np.asarray(y, float))


def autoregressive(n, seed, share=0.9):
    rng = np.random.default_rng(seed)
    values = rng.normal(size=n)
    for index in range(1, n):
        values[index] += share * values[index - 1]
    return values


# Coefficients.


@pytest.mark.parametrize("slope", [0.4, -0.4, 1e-6, -3e5])
def test_exactly_linear_series_give_one(slope):
    x = np.random.default_rng(1).normal(0.25, 0.05, 137)
    np.testing.assert_allclose(rho(x, 0.1 + slope * x), np.sign(slope), rtol=0, atol=1e-9)


@pytest.mark.parametrize("slope", [0.7, -0.7])
@pytest.mark.parametrize("kind", ["five", "steps", "an outlier", "nearly all alike"])
def test_awkward_series_on_a_line_give_one(kind, slope):
    x = np.random.default_rng(7).normal(0.25, 0.05, 60)
    if kind == "five":
        x = x[:5]
    elif kind == "steps":
        x = np.repeat(x[:6], 10)
    elif kind == "an outlier":
        x[3] = 40.0
    elif kind == "nearly all alike":
        x = np.where(np.arange(60) < 3, x, 0.25)
    np.testing.assert_allclose(rho(x, 0.1 + slope * x), np.sign(slope), rtol=0, atol=1e-9)


def test_few_values_on_a_line_give_one():
    """Rounded to a few values, so that many points coincide and lines are equally good."""
    x = np.round(np.random.default_rng(2).normal(0.25, 0.02, 60), 2)
    np.testing.assert_allclose(rho(x, 2 * x - 0.1), 1, rtol=0, atol=1e-9)


@pytest.mark.parametrize("kind", ["normal", "uniform", "steps of soil moisture"])
@pytest.mark.parametrize("seed", range(6))
def test_independent_series_stay_near_zero(seed, kind):
    x, y = np.random.default_rng(seed).normal(size=(2, 400))
    if kind == "uniform":
        x, y = ndtr(x), ndtr(y)
    elif kind == "steps of soil moisture":
        x, y = (0.25 + 0.05 * x).round(2), 0.3 - 0.05 * y
    assert np.abs(rho(x, y)).max() < 0.25


def test_normal_series_have_the_correlation_at_the_median():
    """Both slopes of a bivariate normal distribution are r in units of the SDs, at each quantile."""
    rng = np.random.default_rng(3)
    x = rng.normal(size=4000)
    y = 0.7 * x + math.sqrt(1 - 0.7**2) * rng.normal(size=4000)
    np.testing.assert_allclose(rho(x, 5 + 0.01 * y), 0.7, atol=0.05)


def test_a_monotone_dependence_that_is_curved_stays_below_one():
    x = np.random.default_rng(4).normal(size=400)
    assert 0.5 < rho(x, np.exp(2 * x)).max() < 0.99


def test_the_sign_rule():
    found = combine(np.array([2.0, -2.0, 2.0, -0.5, 0.0, np.nan]), np.array([0.5, -0.5, -0.5, 8.0, 3.0, 1.0]))
    np.testing.assert_array_equal(found, [1.0, -1.0, 0.0, 0.0, 0.0, np.nan])
    assert not np.signbit(found[2:5]).any()


def test_a_coefficient_over_one_is_kept():
    """The line of y on x at .2 goes through (2, 1) and (4, 5), that of x on y through (1, 0) and (5, 3)."""
    x = np.array([[4.0, 4.0, 2.0, 3.0, 0.0, 2.0]])
    y = np.array([[5.0, 5.0, 3.0, 5.0, 1.0, 1.0]])
    found = quantile_correlation(x, y, (0.2,))
    assert found.b_yx[0, 0] == pytest.approx(2)
    assert found.b_xy[0, 0] == pytest.approx(0.75)
    assert found.rho[0, 0] == pytest.approx(math.sqrt(1.5))
    assert is_over_one(np.array([1.0 + 1e-12, -1.0001, found.rho[0, 0], np.nan])).tolist() == [
        False,
        True,
        True,
        False,
    ]


def test_lines_that_coincide():
    assert is_same_line(np.array([1, -1 - 1e-12, 0.99, 1.01, 0, np.nan])).tolist() == [
        True,
        True,
        *[False] * 4,
    ]


def test_unreliable_cells():
    """Fewer than 5 beyond the quantile; 50 x 0.1 is 5, and so is 50 x (1 - 0.9)."""
    assert is_unreliable(50, NINE).tolist() == [False] * 9
    assert is_unreliable(49, NINE).tolist() == [True, *[False] * 7, True]
    assert is_unreliable(9, NINE).all()


def test_what_cannot_be_computed():
    some = np.arange(6.0)
    assert unusable(some, some) == ""
    assert unusable(some[:4], some[:4]) == "4 blocks, fewer than the 5 needed"
    assert unusable(some[:1], some[:1]) == "1 block, fewer than the 5 needed"
    assert unusable(np.full(6, 0.3), some) == "X is constant (0.3 in all 6 blocks)"
    nearly = np.where(some == 1, np.nextafter(0.1, 1), 0.1)
    assert unusable(some, nearly) == "Y is constant (0.1 in all 6 blocks)"


@given(arrays(np.float64, st.tuples(st.just(2), st.integers(5, 25)), elements=GRID), st.sampled_from(NINE))
def test_symmetry_shifts_scales_and_mirrors(points, tau):
    x, y = points
    assume(np.ptp(x) > 0 and np.ptp(y) > 0)
    (plain,) = rho(x, y, (tau,))
    close = pytest.approx(plain, abs=1e-6)
    assert rho(y, x, (tau,)) == close
    assert rho(4 * x + 3, y / 2 - 7, (tau,)) == close
    assert rho(-x, -y, (1 - tau,)) == close


# Blocks.


def test_blocks_begin_on_the_first_common_day_and_the_tail_is_dropped():
    found = coarse_grain(series("2020-01-05", range(8), range(0, 80, 10)), 3, 1)
    assert [dt.date.fromordinal(day).isoformat() for day in found.first] == ["2020-01-05", "2020-01-08"]
    assert found.x.tolist() == [1, 4]
    assert found.y.tolist() == [10, 40]
    assert found.days == 6


def test_blocks_lie_on_the_calendar():
    """Days 1, 2, 5, 8 and 9 in blocks of three: (1, 2), (5), (8, 9)."""
    days = dt.date(2020, 2, 27).toordinal() + np.array([0, 1, 4, 7, 8])
    record = PairedSeries(days, np.array([1.0, 2, 5, 8, 9]), np.array([2.0, 4, 0, 1, 0]))
    assert coarse_grain(record, 3, 1).x.tolist() == [1.5, 5, 8.5]
    found = coarse_grain(record, 3, 2)
    assert found.x.tolist() == [1.5, 8.5]
    assert found.y.tolist() == [3, 0.5]
    assert found.days == 4
    assert coarse_grain(record, 3, 3).x.size == 0


def test_no_block_reaches_over_the_gap_of_a_season():
    """November to March of two winters, blocks of 20 days: each winter begins anew and ends for itself."""
    days = np.arange(dt.date(2019, 12, 25).toordinal(), dt.date(2021, 2, 1).toordinal())
    winter = frozenset({11, 12, 1, 2, 3})
    found = coarse_grain(PairedSeries(days, days * 1.0, days * 1.0), 20, 1, winter)
    firsts = [dt.date.fromordinal(day) for day in found.first]
    # 25 Dec to 31 Mar are 98 days: 4 blocks; 1 Nov to 31 Jan are 92 days: 4 blocks.
    assert firsts == [
        dt.date(year, month, day)
        for year, month, day in (
            (2019, 12, 25),
            (2020, 1, 14),
            (2020, 2, 3),
            (2020, 2, 23),
            (2020, 11, 1),
            (2020, 11, 21),
            (2020, 12, 11),
            (2020, 12, 31),
        )
    ]
    for first, mean in zip(found.first, found.x):
        assert mean == first + 9.5
        assert {dt.date.fromordinal(first + day).month for day in range(20)} <= winter


def test_a_gap_without_data_does_not_join_two_seasons():
    """One day in March and one in November: no day of the summer is in the record."""
    days = np.array([dt.date(2020, 3, 31).toordinal(), dt.date(2020, 11, 1).toordinal()])
    record = PairedSeries(days, np.array([1.0, 2.0]), np.array([1.0, 2.0]))
    found = coarse_grain(record, 1, 1, frozenset({11, 12, 1, 2, 3}))
    assert found.first.tolist() == days.tolist()
    assert coarse_grain(record, 2, 1, frozenset({11, 12, 1, 2, 3})).x.size == 0
    assert coarse_grain(record, 2, 1, frozenset({5})).x.size == 0


def brute_blocks(days, values, scale, least, months):
    """Day by day, as the rule says."""
    there = dict(zip(days.tolist(), values.tolist()))
    stretches, current = [], []
    for day in range(min(there), max(there) + 1):
        if months is None or dt.date.fromordinal(day).month in months:
            current.append(day)
        elif current:
            stretches.append(current)
            current = []
    stretches.append(current)
    means = []
    for stretch in stretches:
        known = [day for day in stretch if day in there]
        if not known:
            continue
        day = known[0]
        while day + scale - 1 <= known[-1]:
            block = [there[one] for one in range(day, day + scale) if one in there]
            if len(block) >= least:
                means.append(sum(block) / len(block))
            day += scale
    return means


@given(
    st.sets(st.integers(0, 800), min_size=1, max_size=300),
    st.integers(1, 40),
    st.integers(1, 4),
    st.sampled_from([None, frozenset({11, 12, 1, 2, 3}), frozenset({4, 6}), frozenset({7})]),
)
def test_blocks_against_brute_force(offsets, scale, least, months):
    days = dt.date(2019, 5, 5).toordinal() + np.array(sorted(offsets), np.int64)
    values = np.sin(days * 1.0)
    found = coarse_grain(PairedSeries(days, values, -values), scale, least, months)
    np.testing.assert_allclose(found.x, brute_blocks(days, values, scale, least, months), atol=1e-12)
    np.testing.assert_allclose(found.y, -found.x)


# Intervals.


def test_blocks_of_a_resample():
    rows = moving_block_sample(23, 5, np.random.default_rng(1))
    assert rows.size == 23
    assert rows.min() >= 0
    assert rows.max() <= 22
    parts = [rows[start : start + 5] for start in range(0, 23, 5)]
    assert all((np.diff(part) == 1).all() for part in parts)
    assert len({part[0] for part in parts}) > 1
    assert moving_block_sample(6, 6, np.random.default_rng(1)).tolist() == list(range(6))


def test_every_block_is_drawn_alike():
    starts = np.concatenate(
        [moving_block_sample(8, 4, np.random.default_rng(seed))[::4] for seed in range(2000)]
    )
    counts = np.bincount(starts, minlength=5)
    assert counts.size == 5
    # 4,000 draws of five: 800 each, SD 25.
    assert np.abs(counts - 800).max() < 125


def test_the_length_of_blocks_follows_the_autocorrelation():
    """(sqrt(6) r / (1 - r^2))^(2/3) n^(1/3): 13.3 for r = .7 and n = 400, up to n / 3."""
    days = np.arange(400)
    noise = np.random.default_rng(2).normal(size=400)
    assert 1 <= drawn_together(days, noise, noise) <= 3
    slow = autoregressive(400, 3, 0.7)
    centred = slow - slow.mean()
    plain = np.mean(centred[1:] * centred[:-1]) / np.mean(centred**2)
    r = (plain * 399 + 1) / 396
    length = round((6**0.5 * r / (1 - r**2)) ** (2 / 3) * 400 ** (1 / 3))
    assert drawn_together(days, noise, slow) == drawn_together(days, slow, noise) == length
    line = np.arange(30.0)
    assert drawn_together(days[:30], line, line) == 10
    assert drawn_together(days[:2], np.array([0.0, 1.0]), np.array([1.0, 0.0])) == 1


def test_blocks_that_alternate_are_drawn_one_by_one():
    sign = np.where(np.arange(60) % 2, 1.0, -1.0)
    assert drawn_together(np.arange(60), sign, sign) == 1


def test_the_length_of_blocks_does_not_rest_on_neighbours_over_a_gap():
    """Pairs of days alike, 100 days from the next pair: the neighbours that are near are all alike."""
    values = np.repeat(np.random.default_rng(2).standard_normal(40), 2)
    pairs = (100 * np.arange(40)[:, None] + [0, 1]).ravel()
    assert drawn_together(pairs, values, values) == 26
    assert drawn_together(np.arange(80), values, values) < 10


def test_the_ends_of_an_interval():
    values = np.stack([np.arange(101.0), np.full(101, 3.0)], axis=1)
    values[:9, 1] = np.nan
    lower, upper = interval(values, 90.0)
    assert lower.tolist() == [5, 3]
    assert upper.tolist() == [95, 3]
    values[:11, 1] = np.nan
    lower, upper = interval(values, 90.0)
    assert np.isnan([lower[1], upper[1]]).all()


def test_intervals_hold_the_truth_of_series_with_memory():
    """Nominal 90 %: of 30 pairs of series with r = .6 at least 23 must hold it (fewer by chance: .03 %)."""
    held = 0
    settings = QuantileSettings((1,), (0.5,), bootstrap=100, confidence=90)
    for seed in range(30):
        common = autoregressive(150, seed, 0.5)
        other = autoregressive(150, 1000 + seed, 0.5)
        (cell,) = correlate(
            {"a": series("2020-01-01", common, 0.6 * common + 0.8 * other)}, {"all": None}, settings
        )
        held += cell.lower <= 0.6 <= cell.upper
    assert held >= 23


# Whole runs.

SEASONS = {"all": None, "wet": frozenset({11, 12, 1, 2, 3})}


def two_stations():
    common = autoregressive(300, 5)
    noise = np.random.default_rng(6).normal(size=(3, 300))
    return {
        "Ana": series("2020-01-01", common + noise[0], common + noise[1]),
        "Beto": series("2020-06-01", common + noise[2], -common),
    }


def test_the_same_for_any_number_of_threads_and_any_company():
    settings = QuantileSettings((2, 7, 20), (0.1, 0.5), bootstrap=100, seed=3)
    stations = two_stations()
    cells = correlate(stations, SEASONS, settings)
    # NaN is not equal to itself, its text is.
    assert repr(correlate(stations, SEASONS, settings, threads=4)) == repr(cells)
    alone = correlate({"Beto": stations["Beto"]}, {"wet": SEASONS["wet"]}, settings)
    assert repr(alone) == repr([cell for cell in cells if (cell.station, cell.season) == ("Beto", "wet")])
    other = correlate(stations, SEASONS, dataclasses.replace(settings, seed=4))
    assert [cell.rho for cell in other if cell.computed] == [cell.rho for cell in cells if cell.computed]
    assert repr(other) != repr(cells)


def test_a_season_that_is_the_whole_record_has_its_intervals():
    """One seed for all seasons: equal blocks are drawn alike; other seasons have numbers of their own."""
    x = autoregressive(80, 5)
    stations = {"A": series("2021-01-01", x, x + autoregressive(80, 6))}
    seasons = {"all": None, "wet": {11, 12, 1, 2, 3}, "dry": {2, 3}}
    settings = QuantileSettings((1, 3), (0.25, 0.5), bootstrap=100)
    found = {}
    for cell in correlate(stations, seasons, settings):
        found.setdefault(cell.season, []).append(cell)
    assert all(np.isfinite([cell.lower, cell.upper]).all() for cell in found["all"])
    assert [dataclasses.replace(cell, season="all") for cell in found["wet"]] == found["all"]
    assert [cell.lower for cell in found["dry"]] != [cell.lower for cell in found["all"]]


def test_cells_are_those_of_blocks_and_lines():
    stations = two_stations()
    settings = QuantileSettings((1, 7, 20), (0.1, 0.5), minimum_share=1.0)
    cells = correlate(stations, SEASONS, settings)
    assert [(c.station, c.season, c.scale, c.tau) for c in cells] == [
        (station, season, scale, tau)
        for station in ("Ana", "Beto")
        for season in ("all", "wet")
        for scale in (1, 7, 20)
        for tau in (0.1, 0.5)
    ]
    cell = cells[2]
    blocks = coarse_grain(stations["Ana"], 7, 7)
    assert (cell.n, cell.days, cell.least_days) == (42, 294, 7)
    assert (cell.first, cell.last) == (dt.date(2020, 1, 1), dt.date(2020, 10, 20))
    assert cell.rho == rho(blocks.x, blocks.y, (0.1, 0.5))[0]
    assert cell.unreliable
    assert cell.flags.startswith("unreliable")
    assert math.isnan(cell.lower)
    assert cell.drawn_together is None
    assert cells[12].rho < -0.5


def test_cells_that_cannot_be_computed_say_why():
    flat = series("2020-01-01", np.full(60, 0.3), np.arange(60.0))
    cells = correlate({"": flat}, SEASONS, QuantileSettings((1, 30), (0.5,), bootstrap=100))
    assert [cell.status for cell in cells] == [
        "X is constant (0.3 in all 60 blocks)",
        "2 blocks, fewer than the 5 needed",
        "X is constant (0.3 in all 60 blocks)",
        "2 blocks, fewer than the 5 needed",
    ]
    assert all(math.isnan(cell.rho) and math.isnan(cell.upper) and not cell.computed for cell in cells)
    none = PairedSeries(np.empty(0, np.int64), np.empty(0), np.empty(0))
    (cell,) = correlate({"": none}, {"all": None}, QuantileSettings((3,), (0.5,)))
    assert (cell.n, cell.first, cell.status) == (0, None, "0 blocks, fewer than the 5 needed")


def test_cancel_inside_the_bootstrap():
    class Stopping(Progress):
        texts = ()

        def is_cancelled(self):
            return len(self.texts) > 1

        def set_text(self, text):
            self.texts = (*self.texts, text)

    listener = Stopping()
    settings = QuantileSettings((1,), NINE, bootstrap=100_000)
    with pytest.raises(Cancelled):
        correlate(two_stations(), SEASONS, settings, progress=listener)
    assert "of 7,200,072 regressions" in listener.texts[-1]


# Settings.


def test_lists_of_numbers():
    assert parse_scales("1-20") == tuple(range(1, 21))
    assert parse_scales(" 30, 1 , 5-15 step 5") == (1, 5, 10, 15, 30)
    assert parse_scales("2 \u2013 4") == (2, 3, 4)
    assert parse_quantiles("0.1-0.9") == NINE
    assert parse_quantiles("0.05-0.2 step 0.05") == (0.05, 0.1, 0.15, 0.2)
    assert parse_quantiles("0.5") == (0.5,)


SCALES_FORM = "write it as 1-20, or 1, 2, 5-20 step 5."


@pytest.mark.parametrize(
    ("read", "text", "sentence"),
    [
        (parse_scales, " ", f"SCALES is empty; {SCALES_FORM}"),
        (parse_scales, "1,,2", f"SCALES: '' cannot be read; {SCALES_FORM}"),
        (parse_scales, "ten", f"SCALES: 'ten' cannot be read; {SCALES_FORM}"),
        (parse_scales, "-5", f"SCALES: '-5' cannot be read; {SCALES_FORM}"),
        (parse_scales, "\u0663", f"SCALES: '\u0663' cannot be read; {SCALES_FORM}"),
        (parse_scales, "9-2", f"SCALES: '9-2' holds no value; {SCALES_FORM}"),
        (parse_scales, "1-9 step 0", f"SCALES: '1-9 step 0' holds no value; {SCALES_FORM}"),
        (parse_scales, "0-3", "SCALES: 0 is out of range; give whole days from 1 to 366."),
        (parse_scales, "1.5", "SCALES: 1.5 is out of range; give whole days from 1 to 366."),
        (parse_scales, "1-4, 3", "SCALES: 3 occurs twice; give it once."),
        (parse_scales, "1-999999999", "SCALES: '1-999999999' has more than 100 values; give fewer."),
        (parse_quantiles, "0-1", "QUANTILES: 0 is out of range; give numbers between 0 and 1."),
        (parse_quantiles, "0.5, 0.50", "QUANTILES: 0.5 occurs twice; give it once."),
        (
            parse_quantiles,
            "0,5",
            "QUANTILES: 0 is out of range; give numbers between 0 and 1.",
        ),
    ],
)
def test_lists_that_are_refused(read, text, sentence):
    with pytest.raises(InputError) as caught:
        read(text)
    assert str(caught.value) == sentence


def test_settings_out_of_range():
    for name, value, sentence in (
        (
            "minimum_share",
            0.0,
            "MINIMUM_SHARE is 0; give the share of a block's days that must have both values, over 0 up to "
            "1.",
        ),
        ("bootstrap", 20, "BOOTSTRAP is 20; give 0 (no intervals), or 100 or more."),
        ("bootstrap", -1, "BOOTSTRAP is -1; give 0 (no intervals), or 100 or more."),
        ("confidence", 100.0, "CONFIDENCE is 100 %; give 50 or more and less than 100."),
        ("seed", -1, "SEED is -1; give 0 or more."),
    ):
        with pytest.raises(InputError) as caught:
            QuantileSettings((1,), (0.5,), **{name: value})
        assert str(caught.value) == sentence


def test_the_least_days_of_a_block():
    settings = QuantileSettings((1,), (0.5,))
    assert [settings.least_days(scale) for scale in (1, 3, 4, 10, 11, 20)] == [1, 1, 2, 3, 4, 6]
    assert QuantileSettings((1,), (0.5,), minimum_share=1).least_days(7) == 7
