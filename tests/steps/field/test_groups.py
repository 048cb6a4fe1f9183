"""Metrics by class of soil moisture, month and season: pairs sorted by hand, one seed, errors of a side."""

from __future__ import annotations

import dataclasses
import datetime as dt
import math

import numpy as np
import pytest

from field_cases import FIRST, made_up_pairs
from smap_downscaler.base.errors import InputError
from smap_downscaler.base.seasons_of_year import ALL, MONTHS
from smap_downscaler.steps.field.numbers.groups import (
    CLASS,
    CLASSED_BY,
    MONTH,
    SEASON,
    GroupChoices,
    parse_breaks,
    validate_groups,
)
from smap_downscaler.steps.field.numbers.metrics import metrics_of
from smap_downscaler.steps.field.numbers.readings import Pairs
from smap_downscaler.steps.field.numbers.validation import (
    MAP,
    MAP_COMMON,
    POOLED,
    SMAP,
    ValidationChoices,
    validate,
)
from smap_downscaler.steps.field.report import overall_rows

CHOICES = ValidationChoices(frozenset({1}), frozenset({2, 3}), 3, 200, 7)
INFINITE = math.inf


def grouped(pairs, choices=CHOICES, group_choices=None, raw=None):
    rows = validate(pairs, choices)
    seasons = {season: overall_rows(rows, season) for season in choices.seasons}
    found = validate_groups(raw or pairs, pairs, seasons, choices, group_choices or GroupChoices())
    return {(group.by, group.name): group for group in found}


def metric_row(group, source=MAP):
    return next(row for row in group.rows if row.source == source)


@pytest.fixture(scope="module")
def parts():
    return [made_up_pairs("A", n=70, seed=1), made_up_pairs("B", n=45, seed=2), made_up_pairs("C", seed=3)]


def by_hand(parts, wanted, source):
    """Field and source of each pair that is wanted, sorted by station: plain loops."""
    x, y = [], []
    for part in parts:
        for number, day in enumerate(part.days.tolist()):
            field, value = part.field[number], part.map[number]
            other = part.other[number]
            if math.isnan(value) or (source != MAP and math.isnan(other)):
                continue
            if wanted(dt.date.fromordinal(day), field, value):
                x.append(field)
                y.append(other if source == SMAP else value)
    return np.array(x), np.array(y)


def check(group, parts, wanted):
    for source in (MAP, MAP_COMMON, SMAP):
        x, y = by_hand(parts, wanted, source)
        row = metric_row(group, source)
        assert (row.n, row.station) == (len(x), POOLED)
        if row.values:
            for name, value in metrics_of(x, y).items():
                assert row.values[name] == pytest.approx(value, abs=1e-12, nan_ok=True), name
        else:
            assert row.n_days < 3


@pytest.mark.parametrize("by", CLASSED_BY)
def test_classes_are_those_of_a_plain_loop(parts, by):
    breaks = (0.15, 0.2, 0.3, 0.35)
    found = grouped(parts, group_choices=GroupChoices(breaks, by))
    classes = [group for group in found.values() if group.by == CLASS]
    assert [group.name for group in classes] == ["under 0.15", "0.15-0.2", "0.2-0.3", "0.3-0.35", "over 0.35"]
    assert [(g.lower, g.upper) for g in classes][::4] == [(-INFINITE, 0.15), (0.35, INFINITE)]
    of = {"field": lambda x, _: x, "map": lambda _, y: y, "mean of both": lambda x, y: 0.5 * (x + y)}[by]
    for group in classes:
        check(group, parts, lambda _, x, y, g=group: g.lower <= of(x, y) < g.upper)
    assert sum(metric_row(group).n for group in classes) == metric_row(found[ALL, ALL]).n


def test_months_and_seasons_are_those_of_the_calendar(parts):
    found = grouped(parts)
    assert [group.name for group in found.values() if group.by == MONTH] == ["Jan", "Feb", "Mar"]
    for number, name in enumerate(MONTHS[:3], start=1):
        check(found[MONTH, name], parts, lambda date, x, y, n=number: date.month == n)
    for name, months in (("wet", {1}), ("dry", {2, 3})):
        check(found[SEASON, name], parts, lambda date, x, y, m=months: date.month in m)
    check(found[ALL, ALL], parts, lambda *_: True)


def test_a_class_holds_its_lower_end_and_the_last_one_both():
    field = np.array([0.0, 0.1, 0.1 - 1e-9, 0.29, 0.3, 0.1 + 0.2, 0.5, 0.5 + 1e-9, 0.51])
    the_map = field.astype(np.float32).astype(float)
    part = Pairs("A", FIRST + np.arange(9), field, field * 0, np.ones(9, int), the_map)
    for by in ("field", "map"):
        found = grouped([part], group_choices=GroupChoices(parse_breaks("0, 0.1,0.2; 0.3, 0.4, 0.5"), by))
        counts = {group.name: metric_row(group).n for group in found.values() if group.by == CLASS}
        assert counts == {"0-0.1": 1, "0.1-0.2": 2, "0.2-0.3": 1, "0.3-0.4": 2, "0.4-0.5": 2, "over 0.5": 1}


def test_equal_days_have_equal_intervals_whatever_they_are_called(parts):
    """A class, month or season that holds all pairs says what all of them say."""
    january = [dataclasses.replace(part, days=FIRST + np.arange(len(part.days)) % 31) for part in parts[1:]]
    january = [
        Pairs(p.station, p.days[:31], p.field[:31], p.sd[:31], p.count[:31], p.map[:31], p.other[:31])
        for p in january
    ]
    found = grouped(january, group_choices=GroupChoices((0.0, 1.0)))
    whole = metric_row(found[ALL, ALL])
    assert all(np.isfinite(whole.interval(name).lower) for name in ("rmse", "bias", "ubrmse"))
    for key in ((CLASS, "0-1"), (MONTH, "Jan"), (SEASON, "wet")):
        for row, other in zip(found[key].rows, found[ALL, ALL].rows):
            assert repr(dataclasses.replace(row, season=ALL)) == repr(other), key
    assert found[SEASON, "dry"].rows[0].status == "0 days, fewer than the 3 asked for"


def test_the_station_of_one_is_named(parts):
    found = grouped(parts[:1])
    assert {row.station for group in found.values() for row in group.rows} == {"A"}


def test_anomalies_are_classed_by_soil_moisture(parts):
    raw = parts[0]
    anomaly = dataclasses.replace(raw, field=raw.field - 0.25, map=raw.map - 0.25, other=raw.other - 0.25)
    found, as_read = grouped([anomaly], raw=[raw]), grouped([raw])
    for name in ("0.1-0.2", "0.2-0.3", "0.3-0.4"):
        assert metric_row(found[CLASS, name]).n == metric_row(as_read[CLASS, name]).n > 0


def test_classes_by_one_side_err_as_the_help_says():
    """Field and map see one truth with equal errors: no bias; classes of one side show one at their ends."""
    rng = np.random.default_rng(8)
    truth = 0.25 + 0.08 * rng.standard_normal(4000)
    field, the_map = (truth + 0.04 * rng.standard_normal(4000) for _ in range(2))
    part = Pairs("A", FIRST + np.arange(4000), field, field * 0, np.ones(4000, int), the_map)
    bias = {}
    for by in CLASSED_BY:
        found = grouped([part], ValidationChoices(draws=100), GroupChoices((0.0, 0.15, 0.35, 0.6), by))
        bias[by] = [metric_row(found[CLASS, name]).value("bias") for name in ("0-0.15", "0.35-0.6")]
    assert bias["field"][0] > 0.01
    assert bias["field"][1] < -0.01
    assert bias["map"][0] < -0.01
    assert bias["map"][1] > 0.01
    assert np.abs(bias["mean of both"]).max() < 0.004


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        ("0, x", "CLASSES: 'x' is no number; write the breaks as 0, 0.1, 0.2, 0.3, 0.4, 0.5."),
        ("0,,1", "CLASSES: '' is no number; write the breaks as 0, 0.1, 0.2, 0.3, 0.4, 0.5."),
        (
            "0, 10, 20",
            "CLASSES: 10 is out of range; give breaks in m3 m-3, from 0 to 1, as 0, 0.1, 0.2, 0.3, 0.4, 0.5.",
        ),
        (
            "0, nan",
            "CLASSES: nan is out of range; give breaks in m3 m-3, from 0 to 1, as 0, 0.1, 0.2, 0.3, 0.4, "
            "0.5.",
        ),
        ("0.3", "CLASSES: '0.3' is one break; give two or more, as 0, 0.1, 0.2, 0.3, 0.4, 0.5."),
        (
            "0.3, 0.3, 0.4",
            "CLASSES: the breaks '0.3, 0.3, 0.4' do not ascend; write them as 0, 0.1, 0.2, 0.3, 0.4, 0.5.",
        ),
        (", ".join(f"{n / 100}" for n in range(30)), "CLASSES holds 30 breaks; give 21 or fewer."),
    ],
)
def test_breaks_that_are_none(words, sentence):
    with pytest.raises(InputError) as error:
        parse_breaks(words)
    assert str(error.value) == sentence
