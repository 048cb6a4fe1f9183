"""Rows of a validation: which days count, what is pooled, which differences have intervals."""

from __future__ import annotations

import dataclasses
import datetime as dt

import numpy as np
import pytest

from field_cases import FIRST, made_up_pairs
from smap_downscaler.base.progress import Progress
from smap_downscaler.steps.field.numbers.climatology import as_anomalies
from smap_downscaler.steps.field.numbers.metrics import METRICS, metrics_of
from smap_downscaler.steps.field.numbers.readings import Pairs
from smap_downscaler.steps.field.numbers.validation import (
    COMPARED,
    DIFFERENCE,
    MAP,
    MAP_COMMON,
    MEAN,
    POOLED,
    SMAP,
    ValidationChoices,
    validate,
)

CHOICES = ValidationChoices(frozenset({1}), frozenset({2, 3}), 3, 300, 7)


def found_rows(pairs, choices=CHOICES):
    return {(row.station, row.season, row.source): row for row in validate(pairs, choices)}


@pytest.fixture(scope="module")
def parts():
    return [made_up_pairs("A", seed=1), made_up_pairs("B", n=45, seed=2), made_up_pairs("C", n=50, seed=3)]


@pytest.fixture(scope="module")
def rows(parts):
    return found_rows(parts)


def check(row, x, y):
    assert row.n == len(x)
    assert row.values.keys() == set(METRICS)
    for name, value in metrics_of(x, y).items():
        assert row.values[name] == pytest.approx(value, abs=1e-12), name


def test_stations(parts, rows):
    assert len(rows) == 5 * 3 * 4
    for part in parts:
        used = np.isfinite(part.map)
        both = used & np.isfinite(part.other)
        check(rows[part.station, "all", MAP], part.field[used], part.map[used])
        check(rows[part.station, "all", MAP_COMMON], part.field[both], part.map[both])
        check(rows[part.station, "all", SMAP], part.field[both], part.other[both])
        assert rows[part.station, "all", MAP].n_days == used.sum()
        assert rows[part.station, "all", MAP].n_stations == 1


def test_seasons(parts, rows):
    part = parts[0]
    months = np.array([dt.date.fromordinal(int(day)).month for day in part.days])
    for season, wanted in (("wet", [1]), ("dry", [2, 3])):
        used = np.isfinite(part.map) & np.isin(months, wanted)
        check(rows["A", season, MAP], part.field[used], part.map[used])
    without = found_rows(parts, ValidationChoices(frozenset(), frozenset(), 3, 300, 7))
    assert {season for _, season, _ in without} == {"all"}
    assert without["A", "all", MAP] == rows["A", "all", MAP]


def test_pooled_and_mean(parts, rows):
    x = np.concatenate([part.field[part.used] for part in parts])
    y = np.concatenate([part.map[part.used] for part in parts])
    check(rows[POOLED, "all", MAP], x, y)
    assert rows[POOLED, "all", MAP].n_stations == 3
    assert rows[POOLED, "all", MAP].n_days == len({day for part in parts for day in part.days[part.used]})
    mean = rows[MEAN, "all", MAP]
    for name in METRICS:
        own = [rows[part.station, "all", MAP].values[name] for part in parts]
        assert mean.values[name] == pytest.approx(np.mean(own), abs=1e-12)
    assert (mean.n, mean.n_stations, mean.intervals) == (len(x), 3, {})


def test_differences(rows):
    for station in ("A", "B", "C", POOLED):
        row = rows[station, "all", DIFFERENCE]
        assert set(row.values) == set(COMPARED)
        for name in COMPARED:
            expected = rows[station, "all", MAP_COMMON].values[name] - rows[station, "all", SMAP].values[name]
            assert row.values[name] == pytest.approx(expected, abs=1e-12)
    pooled = rows[POOLED, "all", DIFFERENCE]
    # The map's error is made to be less than half of SMAP's.
    assert pooled.interval("rmse").lower < pooled.values["rmse"] < pooled.interval("rmse").upper < 0


def test_intervals_hold_their_estimates(rows):
    for row in rows.values():
        for name, interval in row.intervals.items():
            if row.source != DIFFERENCE and np.isfinite(interval.lower):
                assert interval.lower <= row.values[name] <= interval.upper, (row.station, row.source, name)


def test_three_days_have_no_intervals():
    part = Pairs("one", FIRST + np.array([0, 10, 20]), np.array([0.2, 0.3, 0.25]), np.full(3, np.nan),
                 np.ones(3, int), np.array([0.22, 0.29, 0.27]))  # fmt: skip
    found = found_rows([part], ValidationChoices(minimum_days=3, draws=200))
    row = found["one", "all", MAP]
    check(row, part.field, part.map)
    assert row.intervals == {}
    assert row.status == "intervals not defined (3 days)"
    assert list(found) == [("one", "all", MAP)]
    few = found_rows([part], ValidationChoices(minimum_days=4, draws=200))["one", "all", MAP]
    assert (few.n, few.values, few.status) == (3, {}, "3 days, fewer than the 4 asked for")


def test_series_too_alike_are_said():
    days = FIRST + np.arange(40)
    field = np.linspace(0.1, 0.4, 40)
    noise = 0.01 * np.random.default_rng(1).standard_normal(40)
    part = Pairs("slow", days, field, field * 0, np.ones(40, int), field + noise)
    row = found_rows([part])["slow", "all", MAP]
    assert row.status == "intervals of slope and correlation not defined (40 days in blocks of 40)"
    assert set(row.intervals) == {"rmse", "mae", "bias", "ubrmse"}
    drift = found_rows([dataclasses.replace(part, map=field * 1.3)])["slow", "all", MAP]
    assert drift.status == "intervals not defined (40 days in blocks of 40)"
    flat = found_rows([dataclasses.replace(part, field=np.full(40, 0.2))])["slow", "all", MAP]
    assert flat.status.startswith("all field readings are equal")
    assert np.isnan(flat.value("pearson"))
    level = found_rows([dataclasses.replace(part, map=np.full(40, 0.2))])["slow", "all", MAP]
    assert level.status.startswith("all values of the source are equal")


def test_the_same_seed_gives_the_same_rows(parts, rows):
    # As texts: NaN does not equal itself.
    assert repr(found_rows(parts)) == repr(rows)
    other = found_rows(parts, dataclasses.replace(CHOICES, seed=8))
    assert other["A", "all", MAP].values == rows["A", "all", MAP].values
    assert other["A", "all", MAP].intervals != rows["A", "all", MAP].intervals


def test_anomalies_use_whole_series():
    part = made_up_pairs("A", n=20, step=2)
    days = np.arange(FIRST - 40, FIRST + 80)
    values = np.sin(days / 3.0)
    whole = {"field": (days, values), "map": (days, 2 * values), "other": (days[::2], values[::2])}
    found = as_anomalies(part, "moving", whole)
    for number, day in enumerate(part.days):
        usual = values[np.abs(days - day) <= 17.5].mean()
        assert found.field[number] == pytest.approx(np.sin(day / 3.0) - usual, abs=1e-12)
        assert found.map[number] == pytest.approx(2 * (np.sin(day / 3.0) - usual), abs=1e-12)
    assert np.isfinite(found.other).sum() == np.isin(part.days, days[::2]).sum()
    assert as_anomalies(made_up_pairs("A", smap=False), "moving", whole).other is None


class Shown(Progress):
    """Notes texts and shares."""

    def __init__(self):
        self.texts, self.shares = [], []

    def set_text(self, text):
        self.texts.append(text)

    def set_fraction(self, fraction):
        self.shares.append(fraction)


@pytest.mark.parametrize("count", [1, 3])
def test_progress_counts_stations_and_nothing_else(parts, count):
    shown = Shown()
    validate(parts[:count], CHOICES, shown)
    counted = [text for text in shown.texts if "stations validated" in text]
    assert counted
    assert all(f" of {count} stations validated" in text for text in counted)
    assert ("Validating all stations together" in shown.texts) == (count > 1)
    assert shown.shares == sorted(shown.shares)
    assert shown.shares[-1] == 1.0
