"""The regression matrix on disk: written, read back, and tables that are none."""

import datetime as dt
import json
import sqlite3

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from osgeo import gdal, ogr

from raster_cases import CELLS, Listener, listing
from smap_downscaler.base.errors import Cancelled, InputError
from smap_downscaler.steps.matrix.numbers.rows import DayRows
from smap_downscaler.steps.matrix.read import open_matrix
from smap_downscaler.steps.matrix.write import TABLE, create_matrix

NAMES = ("clay", 'p "3" mm/d')
DAYS = [dt.date(2020, 2, 28), dt.date(2020, 2, 29), dt.date(2021, 1, 1)]
MAYBE = st.one_of(st.just(np.nan), st.floats(-1e6, 1e6, width=32))


def some_rows(date, n, seed=0):
    generator = np.random.default_rng(seed)
    flat = generator.choice(48, n, replace=False)
    x = generator.normal(size=(n, 2)).astype(np.float32)
    x[generator.random(x.shape) < 0.2] = np.nan
    return DayRows(date, flat // 8, flat % 8, generator.random(n), x)


def write(path, days, names=NAMES, units=None):
    with create_matrix(path, CELLS, names, units or {}) as writer:
        for day in days:
            writer.write(day)
        assert writer.count == sum(len(day.y) for day in days)
    return str(path)


def same(one, other):
    return one.date == other.date and all(
        np.array_equal(getattr(one, name), getattr(other, name), equal_nan=True)
        for name in ("rows", "cols", "y", "x")
    )


@pytest.mark.usefixtures("gdal_mode")
def test_what_was_written_is_read(tmp_path):
    days = [some_rows(date, n, n) for date, n in zip(DAYS, (5, 1, 48))]
    path = write(tmp_path / "m.gpkg", days, units={"clay": "g/kg"})
    table = open_matrix(path)
    assert (table.path, table.layer, table.label) == (path, TABLE, path)
    assert (table.covariates, table.units) == (NAMES, {"clay": "g/kg"})
    got = list(table.days())
    assert len(got) == 3
    assert all(same(one, other) for one, other in zip(got, days))
    assert table.count_by_date() == dict(zip(DAYS, (5, 1, 48)))
    assert table.count_cells() == 48
    assert listing(tmp_path) == ["m.gpkg"]


@settings(max_examples=20, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(x=arrays(np.float32, (7, 2), elements=MAYBE), y=arrays(np.float64, (7,), elements=st.floats(0, 1)))
def test_numbers_come_back_to_the_last_bit(tmp_path, x, y):
    day = DayRows(DAYS[0], np.arange(7) % 6, np.arange(7), y, x)
    (got,) = open_matrix(write(tmp_path / "m.gpkg", [day])).days()
    assert same(got, day)


def test_dates_are_in_order_however_they_were_written(tmp_path):
    days = [some_rows(date, 4, n) for n, date in enumerate(DAYS)]
    table = open_matrix(write(tmp_path / "m.gpkg", [days[2], days[0], days[1]]))
    assert [day.date for day in table.days()] == DAYS
    assert list(table.count_by_date()) == DAYS
    assert [day.date for day in table.days(DAYS[1], DAYS[1])] == [DAYS[1]]
    assert [day.date for day in table.days(start=dt.date(2020, 3, 1))] == [DAYS[2]]
    assert [day.date for day in table.days(end=dt.date(2020, 2, 28))] == [DAYS[0]]
    assert list(table.days(start=dt.date(2022, 1, 1))) == []


def test_centres_of_cells_are_written_for_the_map(tmp_path):
    day = DayRows(DAYS[0], np.array([2]), np.array([7]), np.array([0.25]), np.ones((1, 2), np.float32))
    dataset = gdal.OpenEx(write(tmp_path / "m.gpkg", [day]), gdal.OF_VECTOR)
    layer = dataset.GetLayer(0)
    (feature,) = list(layer)
    assert feature.items() == {
        "date": "2020/02/28",
        "row": 2,
        "col": 7,
        "x": CELLS.left + 7.5 * CELLS.cell_width,
        "y": CELLS.top - 2.5 * CELLS.cell_height,
        "soil_moisture": 0.25,
        "clay": 1.0,
        'p "3" mm/d': 1.0,
    }
    assert json.loads(layer.GetMetadataItem("smap_downscaler"))["grid"]["crs"] == "EPSG:6933"


def table_of(path, fields, rows, name="any"):
    """A table that OGR wrote, as QGIS makes one of a CSV file or a memory layer."""
    kinds = {"text": ogr.OFTString, "number": ogr.OFTReal, "date": ogr.OFTDate, "time": ogr.OFTDateTime}
    dataset = gdal.GetDriverByName("GPKG").Create(str(path), 0, 0, 0, gdal.GDT_Unknown)
    layer = dataset.CreateLayer(name, None, ogr.wkbNone)
    for field, kind in fields.items():
        layer.CreateField(ogr.FieldDefn(field, kinds[kind]))
    for row in rows:
        feature = ogr.Feature(layer.GetLayerDefn())
        for field, value in zip(fields, row):
            if value is not None:
                feature.SetField(field, value)
        layer.CreateFeature(feature)
    del layer
    dataset.FlushCache()
    return str(path)


KEYS = {"date": "text", "row": "number", "col": "number", "soil_moisture": "number"}
PLAIN = {**KEYS, "clay": "number"}


@pytest.mark.parametrize("kind", ["text", "date", "time"])
@pytest.mark.parametrize("form", ["2020-02-28", "2020/02/28"])
def test_dates_of_other_programs(tmp_path, kind, form):
    path = table_of(tmp_path / "a.gpkg", {**PLAIN, "date": kind}, [(form, 1, 2, 0.25, 30)])
    (day,) = open_matrix(path).days()
    assert (day.date, day.rows.tolist(), day.cols.tolist(), day.y.tolist(), day.x.tolist()) == (
        DAYS[0],
        [1],
        [2],
        [0.25],
        [[30.0]],
    )


def test_numbers_as_text_are_numbers(tmp_path):
    fields = dict.fromkeys(PLAIN, "text")
    rows = [
        ("2020-02-28", "1", "2", " 0.25", ""),
        ("2020-02-28", "1", "3", "", "7"),
        ("2020-02-28", "2", "3", "1e-1", "7"),
    ]
    (day,) = open_matrix(table_of(tmp_path / "a.gpkg", fields, rows)).days()
    assert (day.rows.tolist(), day.cols.tolist(), day.y.tolist()) == ([1, 2], [2, 3], [0.25, 0.1])
    assert np.array_equal(day.x, np.array([[np.nan], [7]], np.float32), equal_nan=True)


def test_rows_without_date_or_soil_moisture_are_passed_over(tmp_path):
    rows = [(None, 1, 1, 0.2, 1), ("2020-02-28", 1, 2, None, 1), ("2020-02-28", None, 2, 0.3, None)]
    table = open_matrix(table_of(tmp_path / "a.gpkg", PLAIN, rows))
    (day,) = table.days()
    assert (day.rows.tolist(), day.y.tolist(), day.complete.tolist()) == ([-1], [0.3], [False])
    assert table.count_by_date() == {DAYS[0]: 1}


def refusal(path, layer="", label=""):
    with pytest.raises(InputError) as caught:
        list(open_matrix(path, layer, label).days())
    return str(caught.value)


@pytest.mark.usefixtures("gdal_mode")
def test_tables_that_are_no_matrix(tmp_path):
    path = table_of(tmp_path / "a.gpkg", {"date": "text", "clay": "number"}, [])
    assert refusal(path) == (
        f"{path}: the table has no field row, col, soil_moisture (it has date, clay); make it with "
        "'Regression matrix'."
    )
    assert refusal(path, label="my layer").startswith("my layer: the table has no field row")
    assert (
        refusal(path, "none") == f"{path}: it is no table in a GeoPackage; make it with 'Regression matrix'."
    )
    path = table_of(tmp_path / "b.gpkg", {**KEYS, "geometry": "number", "X": "number"}, [])
    assert refusal(path) == f"{path}: the table has no covariate beside soil_moisture; add covariates to it."
    path = str(tmp_path / "c.csv")
    (tmp_path / "c.csv").write_text("date,row,col,soil_moisture,clay\n")
    assert refusal(path) == f"{path}: it is no table in a GeoPackage; make it with 'Regression matrix'."
    path = str(tmp_path / "d.gpkg")
    (tmp_path / "d.gpkg").write_text("<html>")
    assert refusal(path).startswith(f"{path}: GDAL cannot read it (")
    assert refusal(path).endswith("); check that the file is whole and a table.")
    assert refusal(f"{path}x") == f"{path}x: there is no such file; check the path."


@pytest.mark.parametrize("field", ["clay", "soil_moisture", "row"])
def test_words_in_a_field_of_numbers(tmp_path, field):
    fields = {**PLAIN, field: "text"}
    row = dict(zip(PLAIN, ("2020-02-28", 1, 2, 0.2, 3))) | {field: "much"}
    path = table_of(tmp_path / "a.gpkg", fields, [tuple(row.values())])
    way = "name the covariates without it in FIELDS, or turn" if field == "clay" else "turn"
    assert refusal(path) == (
        f"{path}: the field {field} is not a number (it holds 'much'); {way} it into numbers."
    )


def test_words_where_sqlite_lets_them_into_a_number_field(tmp_path):
    path = table_of(tmp_path / "a.gpkg", PLAIN, [("2020-02-28", 1, 2, 0.2, 3)])
    connection = sqlite3.connect(path)
    connection.execute("UPDATE any SET clay = 'much'")
    connection.commit()
    connection.close()
    assert refusal(path) == (
        f"{path}: on 2020-02-28 a numeric field holds text; make all fields but date numbers."
    )


@pytest.mark.parametrize("text", ["28.02.2020", "2020-2-28", "2020-02-30", "20200228", "soon", "2020-02-281"])
def test_dates_that_are_none(tmp_path, text):
    path = table_of(tmp_path / "a.gpkg", PLAIN, [(text, 1, 2, 0.2, 3)])
    sentence = f"{path}: its field date holds '{text}', which is no date; write dates as YYYY-MM-DD."
    assert refusal(path) == sentence
    with pytest.raises(InputError) as caught:
        open_matrix(path).count_by_date()
    assert str(caught.value) == sentence


def test_dates_in_several_forms(tmp_path):
    rows = [("2020-02-28", 1, 1, 0.2, 1), ("2020/02/27", 1, 1, 0.2, 1)]
    path = table_of(tmp_path / "a.gpkg", PLAIN, rows)
    assert refusal(path) == f"{path}: its field date holds dates in several forms; write all as YYYY-MM-DD."
    # A date with and without an hour is one date.
    rows = [("2020-02-28T06:00:00", 1, 1, 0.2, 1), ("2020-02-28", 1, 2, 0.3, 1)]
    table = open_matrix(table_of(tmp_path / "b.gpkg", PLAIN, rows))
    (day,) = table.days()
    assert day.y.tolist() == [0.3, 0.2]
    assert table.count_by_date() == {DAYS[0]: 2}


def test_a_damaged_table_is_reported(tmp_path):
    days = [some_rows(DAYS[0] + dt.timedelta(days=n), 48, n) for n in range(60)]
    path = write(tmp_path / "m.gpkg", days)
    table = open_matrix(path)
    with open(path, "r+b") as stream:
        stream.seek(120_000)
        stream.write(b"\xff" * 60_000)
    with pytest.raises(InputError) as caught:
        list(table.days())
    assert str(caught.value).startswith(f"{path}: it cannot be read (")


def test_cancel_while_a_table_is_sorted(tmp_path):
    path = table_of(tmp_path / "a.gpkg", PLAIN, [])
    connection = sqlite3.connect(path)
    rows = ((f"20{n % 90 + 10}-01-01", 1, n, 0.2, 1) for n in range(20_000))
    connection.executemany(
        "INSERT INTO any (date, row, col, soil_moisture, clay) VALUES (?, ?, ?, ?, ?)", rows
    )
    connection.commit()
    connection.close()
    table = open_matrix(path)
    for read in (table.days, table.cells):
        listener = Listener(calls=0)
        with pytest.raises(Cancelled):
            next(read(progress=listener))
        assert listener.asked <= 3


def test_an_error_leaves_no_table(tmp_path):
    def fail():
        with create_matrix(tmp_path / "m.gpkg", CELLS, NAMES, {}) as writer:
            writer.write(some_rows(DAYS[0], 5))
            raise KeyError

    with pytest.raises(KeyError):
        fail()
    assert listing(tmp_path) == []


def test_a_cell_that_is_there_twice_on_a_date_is_refused(tmp_path):
    day = dt.date(2020, 1, 1)
    twice = DayRows(
        day, np.array([3, 3]), np.array([4, 4]), np.array([0.2, 0.3]), np.ones((2, 1), np.float32)
    )
    path = tmp_path / "twice.gpkg"
    with create_matrix(path, CELLS, ["clay"], {}) as table:
        table.write(twice)
    with pytest.raises(InputError) as caught:
        list(open_matrix(path).days())
    assert str(caught.value) == (
        f"{path}: the cell of row 3 and col 4 is there 2 times on 2020-01-01; keep one row a cell and date."
    )


# cells


def by_cell(table):
    """The rows of each cell, put together from the dates."""
    found = {}
    for day in table.days():
        for row, col, y, x in zip(day.rows.tolist(), day.cols.tolist(), day.y, day.x):
            if row >= 0 and col >= 0:
                found.setdefault((row, col), []).append((day.date.toordinal(), y, x))
    return dict(sorted(found.items()))


def check_cells(table):
    expected = by_cell(table)
    got = list(table.cells())
    assert [(cell.row, cell.col) for cell in got] == list(expected)
    for cell, rows in zip(got, expected.values()):
        days, y, x = zip(*rows)
        assert cell.days.tolist() == list(days)
        assert cell.y.tolist() == list(y)
        assert np.array_equal(cell.x, np.array(x), equal_nan=True)
    return got


def test_cells_have_the_rows_of_the_dates(tmp_path):
    days = [some_rows(date, n, n) for date, n in zip(DAYS, (5, 31, 48))]
    table = open_matrix(write(tmp_path / "m.gpkg", [days[2], days[0], days[1]]))
    got = check_cells(table)
    assert len(got) == 48
    x, y = CELLS.left + 0.5 * CELLS.cell_width, CELLS.top - 0.5 * CELLS.cell_height
    assert got[0].place == (x, y)
    inside = list(table.cells(DAYS[1], DAYS[1]))
    assert len(inside) == 31
    assert {int(day) for cell in inside for day in cell.days} == {DAYS[1].toordinal()}
    assert (table.count_cells(), table.count_cells(2)) == (48, sum(len(cell.y) > 1 for cell in got))
    assert listing(tmp_path) == ["m.gpkg"]


def test_cells_of_numbers_as_text_and_without_a_place(tmp_path):
    """Row 9 comes before row 10, a float is a number, and rows without a cell are passed over."""
    rows = [
        ("2020-02-28", "10", "1", "0.1", "5"),
        ("2020-02-28", "9.0", "1", "0.2", ""),
        ("2020-02-29", "9", "1", "0.3", "6"),
        ("2020-02-28", "1e1", "2", "0.4", "7"),
        ("2020-02-29", " ", "2", "0.5", "7"),
        ("2020-02-29", "-4", "2", "0.6", "7"),
        ("2020-02-29", "nan", "2", "0.6", "7"),
    ]
    table = open_matrix(table_of(tmp_path / "a.gpkg", dict.fromkeys(PLAIN, "text"), rows))
    got = list(table.cells())
    assert [(cell.row, cell.col, cell.y.tolist(), cell.place) for cell in got] == [
        (9, 1, [0.2, 0.3], None),
        (10, 1, [0.1], None),
        (10, 2, [0.4], None),
    ]


@pytest.mark.parametrize(
    ("rows", "sentence"),
    [
        (
            [("2020-02-28", 1, 2, 0.1, 1), ("2020-02-28", 1, 2, 0.2, 1)],
            "the cell of row 1 and col 2 is there 2 times on 2020-02-28; keep one row a cell and date.",
        ),
        (
            [("2020-02-28", 1, 2, 0.1, 1), ("2020/02/27", 1, 2, 0.2, 1)],
            "its field date holds dates in several forms; write all as YYYY-MM-DD.",
        ),
        (
            [("28.2.2020", 1, 2, 0.1, 1)],
            "its field date holds '28.2.2020', which is no date; write dates as YYYY-MM-DD.",
        ),
    ],
)
def test_cells_that_cannot_be_read(tmp_path, rows, sentence):
    table = open_matrix(table_of(tmp_path / "a.gpkg", PLAIN, rows))
    with pytest.raises(InputError) as caught:
        list(table.cells())
    assert str(caught.value) == f"{table.label}: {sentence}"


def test_a_word_in_a_cell(tmp_path):
    table = open_matrix(table_of(tmp_path / "a.gpkg", PLAIN, [("2020-02-28", 1, 2, 0.1, 1)]))
    connection = sqlite3.connect(table.path)
    connection.execute("UPDATE any SET clay = 'much'")
    connection.commit()
    connection.close()
    with pytest.raises(InputError) as caught:
        list(table.cells())
    assert str(caught.value) == (
        f"{table.label}: in the cell of row 1 and col 2 a numeric field holds text; make all fields but date "
        "numbers."
    )


@pytest.mark.parametrize("name", ["doy_sin", "SM_before"])
def test_a_field_named_as_what_forests_make(tmp_path, name):
    path = table_of(tmp_path / "a.gpkg", {**PLAIN, name: "number"}, [])
    assert refusal(path) == (
        f"{path}: the field {name} has the name of a covariate that 'Train forests' makes itself; rename or "
        "remove it."
    )
