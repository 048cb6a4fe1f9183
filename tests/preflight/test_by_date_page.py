"""The report of matrix and maps: many dates, none that went well, missing numbers."""

from __future__ import annotations

import datetime as dt
import math

import pytest

from smap_downscaler.preflight.by_date_page import add_dates, figure_by_date
from smap_downscaler.preflight.layer_check import LayerCheck, Preflight
from smap_downscaler.preflight.report import begin_page
from smap_downscaler.tables.by_date import DatesTable
from smap_downscaler.tables.geopackage import DATE, INTEGER, REAL, TEXT

pytest.importorskip("matplotlib")


LINES = {"cells": "cells", "complete": "complete"}


def by_date(count, noted=()):
    dates = [dt.date(2020, 1, 1) + dt.timedelta(number) for number in range(count)]
    fields = {"date": DATE, "cells": INTEGER, "complete": REAL, "note": TEXT}
    rows = [(str(date), n, math.nan, "odd" if n in noted else "") for n, date in enumerate(dates)]
    return DatesTable(fields, rows)


def page_of(table, warnings=()):
    checks = [LayerCheck("clay", "EPSG:6933", (9000.0, 9000.0), covered=1.0, nodata=0.25, low=1.0, high=2.0)]
    page = begin_page("T", "sub", [("Rows", "5")], warnings, Preflight(checks, [], "the SMAP cells"))
    return add_dates(page, table, LINES, "cells", "Below").html()


def test_few_dates_are_all_in_the_table():
    page = page_of(by_date(3, {1}))
    assert page.count('<td class="date">2020-01-0') == 3
    assert "<td>odd</td>" in page
    assert "A sample of each layer over the SMAP cells." in page
    assert '<td class="number">25.0 %</td>' in page
    assert "Nothing was found that needs a second look." in page


def test_of_many_dates_those_with_a_note_are_shown():
    page = page_of(by_date(2500, {7, 1999}))
    assert page.count("<td>odd</td>") == 2
    assert "Of 2,500 dates 2 have a note; 2 of these follow." in page
    page = page_of(by_date(2500, set(range(2500))))
    assert page.count("<td>odd</td>") == 400
    assert "Of 2,500 dates 2,500 have a note; 400 of these follow." in page
    # A table without a row would be a riddle.
    assert "<th>date</th>" not in page_of(by_date(2500))


def test_thousands_of_warnings_are_cut_short():
    page = page_of(by_date(2), [f"warning {number}" for number in range(1000)])
    assert page.count("<li>") == 40
    assert "960 more warnings are in the log." in page


@pytest.mark.parametrize("count", [1, 2, 13, 61, 2500])
def test_any_number_of_dates_is_drawn(count):
    assert figure_by_date(by_date(count), LINES, "cells").startswith(b"\x89PNG")


def test_nothing_but_gaps_is_drawn(monkeypatch):
    from smap_downscaler.preflight import by_date_page as joining

    kept = []
    monkeypatch.setattr(joining, "png", lambda figure: kept.append(figure) or b"")
    figure_by_date(by_date(4), {"complete": "complete"}, "cells")
    figure_by_date(by_date(4), LINES, "cells")
    assert [figure.axes[0].get_ylim()[0] for figure in kept] == [0, 0]
    first, second = kept[1].axes[0].lines
    assert list(first.get_ydata()) == [0, 1, 2, 3]
    assert first.get_linestyle() != second.get_linestyle()
