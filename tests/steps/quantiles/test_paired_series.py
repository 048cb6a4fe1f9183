"""Two series of several stations from a table: what is read, left out and refused."""

from __future__ import annotations

import datetime as dt

import pytest

from smap_downscaler.base.errors import Cancelled, InputError
from smap_downscaler.base.progress import SILENT, Progress
from smap_downscaler.steps.quantiles.algorithm import write_cells
from smap_downscaler.steps.quantiles.numbers.run import correlate
from smap_downscaler.steps.quantiles.numbers.settings import QuantileSettings
from smap_downscaler.steps.quantiles.paired_series import (
    RowFilter,
    SeriesFields,
    parse_stations,
    read_stations,
)
from smap_downscaler.tables.geopackage import DATE, INTEGER, REAL, TEXT, create_table

FIELDS = SeriesFields("map", "field", "date", "station")
ALL_ROWS = RowFilter()
GOOD = [
    ("2021-03-02", "b", 0.2, 0.3),
    ("2021-03-01", "b", 0.1, 0.4),
    ("2021-03-01", "a", 0.5, None),
    ("2021-03-02", "a", 0.6, 0.7),
]


def table(folder, rows, date=TEXT, station=TEXT, value=TEXT):
    path = folder / "tabla de campo ñ.gpkg"
    kinds = {"date": date, "station": station, "map": value, "field": value}
    with create_table(path, "validation", kinds) as writer:
        writer.write(rows)
    return str(path)


def read(path, fields=FIELDS, choice=ALL_ROWS, progress=SILENT):
    return read_stations(path, "", "t.gpkg", fields, choice, progress)


def test_stations_in_the_order_of_the_table_days_in_theirs(tmp_path):
    found = read(table(tmp_path, GOOD, DATE, TEXT, REAL))
    assert list(found.stations) == ["b", "a"]
    first = dt.date(2021, 3, 1).toordinal()
    assert found.stations["b"].days.tolist() == [first, first + 1]
    assert found.stations["b"].x.tolist() == [0.1, 0.2]
    assert found.stations["b"].y.tolist() == [0.4, 0.3]
    assert found.stations["a"].days.tolist() == [first + 1]
    assert (found.rows, found.incomplete, found.without_key) == (4, 1, 0)


@pytest.mark.parametrize(
    "written",
    [
        "2021-03-05",
        "2021/03/05",
        "20210305",
        "2021-03-05T10:30:00Z",
        "20210305T1030",
        "2021-03-05 10:30:00.000",
        "2021-064",
        "2021064",
        "2021-W09-5",
        "2021W095",
        " 2021-03-05 ",
    ],
)
def test_dates_in_any_form(tmp_path, written):
    found = read(table(tmp_path, [(written, "a", "0.1", " 2e-1 ")]))
    assert found.stations["a"].days.tolist() == [dt.date(2021, 3, 5).toordinal()]
    assert found.stations["a"].y.tolist() == [0.2]


def test_dates_and_stations_that_are_numbers(tmp_path):
    whole = read(table(tmp_path, [(20210305, 7, 1, 2)], INTEGER, INTEGER, INTEGER))
    assert whole.stations["7"].days.tolist() == [dt.date(2021, 3, 5).toordinal()]
    real = read(table(tmp_path, [(20210305.0, 7.0, 1, 2), (20210306.0, 7.5, 1, 2)], REAL, REAL, REAL))
    assert list(real.stations) == ["7", "7.5"]


def test_rows_that_lack_something(tmp_path):
    rows = [
        ("2021-03-01", "a", "0.1", "NA"),
        ("2021-03-02", "a", "", "0.2"),
        ("2021-03-03", "a", "nan", "0.2"),
        ("", "a", "0.1", "0.2"),
        (None, "a", "0.1", "0.2"),
        ("2021-03-04", " ", "0.1", "0.2"),
        ("2021-03-05", "a", "0.1", "0.2"),
    ]
    found = read(table(tmp_path, rows))
    assert found.stations["a"].x.size == 1
    assert (found.rows, found.incomplete, found.without_key) == (7, 3, 3)


def test_one_series_without_stations(tmp_path):
    found = read(table(tmp_path, GOOD[2:]), SeriesFields("map", "field", "date"))
    assert list(found.stations) == [""]


def test_chosen_stations_and_dates(tmp_path):
    path = table(tmp_path, GOOD)
    found = read(path, choice=RowFilter(("b",), dt.date(2021, 3, 2), dt.date(2021, 3, 9)))
    assert list(found.stations) == ["b"]
    assert found.stations["b"].x.tolist() == [0.2]
    assert read(path, choice=RowFilter((), None, dt.date(2021, 3, 1))).stations["a"].x.size == 0


def test_other_stations_may_hold_anything(tmp_path):
    path = table(tmp_path, [*GOOD, ("some day", "c", "much", "x")])
    assert read(path, choice=RowFilter(("b",))).stations["b"].x.size == 2


def test_names_of_stations():
    assert parse_stations(' a, "b, north" ,c,a,') == ("a", "b, north", "c")
    assert parse_stations("a,\nb") == ("a", "b")
    assert parse_stations("  ") == parse_stations("") == ()


@pytest.mark.parametrize(
    ("row", "sentence"),
    [
        (
            ("1 March", "a", "1", "2"),
            "t.gpkg: the field date holds '1 March', which is no date; write dates as YYYY-MM-DD.",
        ),
        (
            ("2021-02-30", "a", "1", "2"),
            "t.gpkg: the field date holds '2021-02-30', which is no date; write dates as YYYY-MM-DD.",
        ),
        (
            ("2021-03-09", "a", "wet", "2"),
            "t.gpkg: the field map holds 'wet', which is no number; write numbers with a decimal point, and "
            "leave missing ones empty.",
        ),
        (
            ("2021-03-09", "a", "1", "0,25"),
            "t.gpkg: the field field holds '0,25', which is no number; write numbers with a decimal point, "
            "and leave missing ones empty.",
        ),
        (
            ("2021-03-09", "a", "1_0", "2"),
            "t.gpkg: the field map holds '1_0', which is no number; write numbers with a decimal point, and "
            "leave missing ones empty.",
        ),
        (
            ("2021-03-09", "a", "-9999.0", "2"),
            "t.gpkg: the field map holds -9999 in 1 place, far from its other values (0.1 to 0.6), most "
            "likely for a missing value; leave missing values empty.",
        ),
        (
            ("2021-03-09", "a", "1", "inf"),
            "t.gpkg: the field field holds 'inf', which is no number; write numbers with a decimal point, "
            "and leave missing ones empty.",
        ),
        (
            ("20210301", "b", "1", "2"),
            "t.gpkg: the station b is there twice on 2021-03-01; keep one row per station and date, such "
            "as the mean of the day.",
        ),
    ],
)
def test_rows_that_are_refused(tmp_path, row, sentence):
    with pytest.raises(InputError) as caught:
        read(table(tmp_path, [*GOOD, row]))
    assert str(caught.value) == sentence


@pytest.mark.parametrize(
    ("fields", "choice", "sentence"),
    [
        (
            SeriesFields("map", "insitu", "date"),
            RowFilter(),
            "Y_FIELD: t.gpkg has no field insitu (it has fid, date, station, map, field); choose another "
            "one.",
        ),
        (
            SeriesFields("map", "map", "date"),
            RowFilter(),
            "X_FIELD and Y_FIELD are both the field map; choose two different fields.",
        ),
        (SeriesFields("map", "field", ""), RowFilter(), "DATE_FIELD is empty; choose a field."),
        (
            SeriesFields("map", "field", "date"),
            RowFilter(),
            "t.gpkg: 2021-03-01 is there twice; choose STATION_FIELD if the table holds several stations, or "
            "keep one row per date.",
        ),
        (
            FIELDS,
            RowFilter(("a", "z")),
            "STATIONS: the field station of t.gpkg holds no 'z' (it holds 'b', 'a'); check the name.",
        ),
    ],
)
def test_choices_that_are_refused(tmp_path, fields, choice, sentence):
    rows = [(*row[:3], row[3] or 0.1) for row in GOOD]
    with pytest.raises(InputError) as caught:
        read(table(tmp_path, rows), fields, choice)
    assert str(caught.value) == sentence


def test_an_empty_table_and_no_table(tmp_path):
    path = table(tmp_path, [])
    with pytest.raises(InputError) as caught:
        read(path)
    assert str(caught.value) == (
        "t.gpkg: no row has a date in the field date and a name in the field station; check the fields."
    )
    with pytest.raises(InputError) as caught:
        read_stations(path, "other", "t.gpkg", FIELDS)
    assert str(caught.value) == "t.gpkg: there is no table other in it; check the name."


def test_cancel_while_reading(tmp_path):
    class Stopped(Progress):
        def is_cancelled(self):
            return True

    path = table(tmp_path, GOOD)
    with pytest.raises(Cancelled):
        read(path, progress=Stopped())


def test_the_table_of_coefficients(tmp_path):
    """A row a cell, in order, empty where nothing was computed."""
    from osgeo import ogr

    rows = [(f"2021-03-{day:02d}", "a", day % 7, day % 5) for day in range(1, 31)]
    stations = read(table(tmp_path, rows)).stations
    cells = correlate(stations, {"all": None}, QuantileSettings((1, 15), (0.1, 0.5)))
    path = tmp_path / "mqcc.gpkg"
    write_cells(path, cells)
    dataset = ogr.Open(str(path))
    found = [feature.items() for feature in dataset.GetLayer(0)]
    assert [(row["scale"], row["tau"], row["n"], row["rho"], row["flags"]) for row in found] == [
        (1, 0.1, 30, cells[0].rho, cells[0].flags),
        (1, 0.5, 30, cells[1].rho, cells[1].flags),
        (15, 0.1, 2, None, "unreliable"),
        (15, 0.5, 2, None, "unreliable"),
    ]
    assert [row["status"] for row in found[1:3]] == ["computed", "2 blocks, fewer than the 5 needed"]
    assert (found[0]["first"], found[0]["last"]) == ("2021/03/01", "2021/03/30")
    assert (found[0]["lower"], found[0]["drawn_together"], found[2]["days"]) == (None, None, 30)
