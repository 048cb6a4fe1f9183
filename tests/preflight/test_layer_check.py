"""The table before the work: alignment, shifts against the EASE-Grid, gaps of dates."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smap_downscaler.geo.grid import Grid, Window, ease2_grid
from smap_downscaler.preflight.layer_check import (
    LayerCheck,
    dates_note,
    dates_text,
    ease_shift,
    gaps,
    gaps_note,
    is_coarse,
    shift_sentence,
    table_lines,
)

EASE = ease2_grid("9 km")
DAY = dt.date(2021, 1, 1)


def days(*numbers):
    return [DAY + dt.timedelta(days=number) for number in numbers]


def test_a_table_is_aligned_for_a_fixed_width_font():
    assert table_lines(("a", "longer"), [("xyz", ""), ("", "12")]) == [
        "a    longer",
        "---  ------",
        "xyz",
        "     12",
    ]


@given(st.integers(0, 1500), st.integers(0, 3800), st.floats(-0.49, 0.5), st.floats(-0.49, 0.5))
def test_shifts_are_found_in_cells(row, col, down, right):
    grid = EASE.crop(Window(row, col, 4, 5))
    moved = replace(grid, left=grid.left + right * grid.cell_width, top=grid.top - down * grid.cell_height)
    found = ease_shift(moved)
    for shift, truth in zip(found, (down, right)):
        assert shift == pytest.approx(truth if abs(truth) >= 1e-3 else 0.0, abs=1e-3)
    assert bool(shift_sentence("a", found)) == (max(abs(part) for part in found) > 0.1)


def test_grids_of_another_kind_have_no_shift():
    assert ease_shift(EASE) == ease_shift(ease2_grid("36 km")) == (0.0, 0.0)
    third = Grid(EASE.crs, EASE.left, EASE.top, EASE.cell_width / 3, EASE.cell_height / 3, 9, 9)
    assert ease_shift(third) == (0.0, 0.0)
    assert ease_shift(Grid(EASE.crs, 0, 0, 9000.0, 9000.0, 9, 9)) is None
    assert ease_shift(Grid(EASE.crs, 0, 0, EASE.cell_width, 1000.0, 9, 9)) is None
    assert ease_shift(Grid(EASE.crs, 0, 0, 100000.0, 100000.0, 9, 9)) is None


def test_what_is_said_of_a_shift():
    assert shift_sentence("SMAP (x)", (0.5, -0.5)) == (
        "SMAP (x): its cells lie 0.50 cells south and 0.50 cells west of those of the EASE-Grid 2.0, as "
        "where "
        "coordinates of cell centres were taken for corners; export it anew on the grid."
    )
    assert shift_sentence("c.tif", (0.0, 0.25)) == (
        "c.tif: its cells lie 0.25 cells east of those of the EASE-Grid 2.0; export it anew on the grid."
    )


def test_gaps_between_dates():
    dates = days(0, 1, 4, 5, 7)
    assert gaps(dates) == [(dates[1] + dt.timedelta(1), dates[2] - dt.timedelta(1)), (days(6)[0], days(6)[0])]
    assert gaps_note(dates) == "3 days missing between (longest gap 2021-01-03 to 2021-01-04)"
    assert gaps_note(days(0, 2)) == "1 day missing between (longest gap 2021-01-02)"
    assert gaps_note(days(0, 1)) == gaps_note([]) == ""
    assert dates_text(dates) == "5, 2021-01-01 to 2021-01-08"
    assert (dates_text(days(0)), dates_text([])) == ("1, 2021-01-01", "")
    assert dates_note([], 4) == ""
    assert (
        dates_note(days(0, 1, 2, 3), 9)
        == "no raster on 4 of 9 dates (2021-01-01, 2021-01-02, 2021-01-03, ...)"
    )


def test_a_row_in_texts():
    row = LayerCheck("clay", "EPSG:32718", (250.0, 250.0), None, 0.9999, 0.0001, 12.0, 12.0, "", ("unit?",))
    assert row.texts() == (
        "clay", "EPSG:32718", "250", "", ">99.9 %", "<0.1 %", "12", "12", "", "one value only; unit?",
    )  # fmt: skip
    empty = LayerCheck("x", 'PROJCRS["World Mollweide and so on",', (0.1, 0.2), (0.5, 0.0), 0.0, 1.0)
    assert empty.texts() == (
        "x", "World Mollweide and ", "0.1 x 0.2", "0.50, 0.00", "0.0 %", "100.0 %", "", "", "", "no value "
        "in the sample",
    )  # fmt: skip


def test_cells_as_large_as_those_of_smap():
    sizes = (9008.055210146, 36032.220840584, 9008.055210146 * (1 + 5e-6), 9000.0, 900.8055210146, 2e5)
    grids = [Grid(EASE.crs, 17.0, 5.0, size, size, 3, 3) for size in sizes]
    assert [is_coarse(grid) for grid in grids] == [True, True, True, False, False, False]
    assert not is_coarse(Grid(EASE.crs, 0, 0, EASE.cell_width, EASE.cell_width / 2, 3, 3))


def test_rows_of_what_is_no_raster():
    row = LayerCheck("stations", "EPSG:4326", dates="1, 2021-01-01", notes=("2 stations", ""))
    assert row.texts() == ("stations", "EPSG:4326", "", "", "", "", "", "", "1, 2021-01-01", "2 stations")
    assert not LayerCheck("a", "", low=1.0, high=1.0, single=True).constant
    assert LayerCheck("a", "", low=1.0, high=1.0).remarks == "one value only"
