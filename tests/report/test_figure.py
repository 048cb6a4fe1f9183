"""Dates on the axes of figures: the first, the last, and those between that have room."""

from __future__ import annotations

import datetime as dt

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
