"""Dates on the axes of figures: the first, the last, and those between that have room."""

from __future__ import annotations

import datetime as dt

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from smap_downscaler.report.figure import date_axis, date_ticks, new_figure

pytest.importorskip("matplotlib")

DAYS = st.dates(dt.date(2015, 1, 1), dt.date(2030, 12, 31))


@given(st.lists(DAYS, max_size=40))
def test_first_and_last_are_labelled_and_no_two_labels_crowd(dates):
    shown = date_ticks(dates)
    assert shown == sorted(set(shown))
    assert len(shown) <= 13
    if dates:
        assert (shown[0], shown[-1]) == (min(dates), max(dates))
    if len(set(dates)) > 2:
        room = (max(dates) - min(dates)) / 12
        assert min(b - a for a, b in zip(shown, shown[1:])) >= min(room, max(dates) - min(dates))


def test_few_dates_are_all_labelled_where_they_have_room():
    dates = [dt.date(2018, month, 1) for month in range(1, 13)]
    assert date_ticks(dates) == dates
    crowded = [dt.date(2018, 1, 1), dt.date(2018, 1, 2), dt.date(2018, 6, 1), dt.date(2018, 12, 31)]
    assert date_ticks(crowded) == [crowded[0], *crowded[2:]]


def test_of_many_dates_round_ones_are_labelled():
    dates = [dt.date(2016, 3, 17) + dt.timedelta(number) for number in range(1400)]
    shown = date_ticks(dates)
    assert 5 <= len(shown) <= 13
    assert {date.day for date in shown[1:-1]} == {1}


@pytest.mark.parametrize("count", [0, 1, 2, 12, 13, 400])
def test_each_label_has_its_year(count):
    dates = [dt.date(2018, 12, 1) + dt.timedelta(number) for number in range(count)]
    figure = new_figure(2.0)
    axis = figure.subplots()
    axis.plot(dates, range(count))
    date_axis(axis, dates)
    figure.canvas.draw()
    labels = [label.get_text() for label in axis.get_xticklabels()]
    assert labels == [date.isoformat() for date in date_ticks(dates)]
    boxes = [label.get_window_extent() for label in axis.get_xticklabels()]
    # Turned by 40 degrees, labels lie on each other where they are nearer than their height.
    assert all(b.x1 - a.x1 > 10 for a, b in zip(boxes, boxes[1:]))


def test_lines_over_dates_end_where_many_dates_lack():
    from matplotlib.dates import date2num

    first, second = (dt.date(2021, 1, day) for day in (1, 3)), (dt.date(2021, 7, day) for day in (2, 4))
    dates, values = [*first, *second], [0.1, 0.2, 0.3, 0.4]
    figure = new_figure(2.0)
    upper, lower = figure.subplots(2, 1, sharex=True)
    (line,) = upper.plot(dates, values, marker=".", markevery=[0, 2])
    (daily,) = lower.plot(dates[:2], values[:2])
    date_axis(lower, dates)
    x, y = (np.asarray(one, float) for one in line.get_data(orig=False))
    assert np.isnan(y).tolist() == [False, False, True, False, False]
    assert y[np.isfinite(y)].tolist() == values
    assert x[np.isfinite(y)].tolist() == date2num(dates).tolist()
    assert line.get_markevery() == [0, 3]
    assert np.isfinite(np.asarray(daily.get_ydata(), float)).all()
