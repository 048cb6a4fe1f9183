"""Tables: written whole or not at all, in any mode of GDAL, read without a trace."""

import datetime as dt
import sqlite3

import numpy as np
import pytest
from osgeo import gdal, ogr

from raster_cases import Listener, in_own_process, listing
from smap_downscaler.base.errors import Cancelled, InputError
from smap_downscaler.tables.geopackage import (
    DATE,
    INTEGER,
    REAL,
    TEXT,
    create_table,
    quoted,
    read_notes,
    read_only,
)

FIELDS = {"date": DATE, "n": INTEGER, "rmse": REAL, "status": TEXT}
ROWS = [
    ("2020-01-01", 50, 0.25, "trained"),
    ("2020-01-02", None, float("nan"), 'too "few" cells'),
    ("2020-02-29", 3, -1e-300, None),
]


def write(path, rows=ROWS, **more):
    with create_table(path, "scores", FIELDS, **more) as table:
        table.write(rows)
    return path


def features(path):
    """What OGR, that is QGIS, sees."""
    dataset = gdal.OpenEx(str(path), gdal.OF_VECTOR)
    layer = dataset.GetLayer(0)
    names = [
        layer.GetLayerDefn().GetFieldDefn(i).GetName() for i in range(layer.GetLayerDefn().GetFieldCount())
    ]
    return (
        names,
        [tuple(feature.GetField(name) for name in names) for feature in layer],
        layer.GetFeatureCount(),
    )


@pytest.mark.usefixtures("gdal_mode")
def test_a_geopackage_that_ogr_reads(tmp_path):
    names, rows, count = features(write(tmp_path / "a.gpkg", index="date"))
    assert names == list(FIELDS)
    assert count == 3
    assert rows == [
        ("2020/01/01", 50, 0.25, "trained"),
        ("2020/01/02", None, None, 'too "few" cells'),
        ("2020/02/29", 3, -1e-300, None),
    ]
    assert listing(tmp_path) == ["a.gpkg"]
    dataset = gdal.OpenEx(str(tmp_path / "a.gpkg"), gdal.OF_VECTOR)
    layer = dataset.GetLayer(0)
    assert (layer.GetName(), layer.GetGeomType()) == ("scores", ogr.wkbNone)
    assert layer.GetLayerDefn().GetFieldDefn(0).GetType() == ogr.OFTDate
    with read_only(str(tmp_path / "a.gpkg"), "a") as connection:
        plan = connection.execute(
            "EXPLAIN QUERY PLAN SELECT * FROM scores WHERE date = '2020-01-01'"
        ).fetchall()
        assert "USING INDEX scores_date" in plan[0][3]
        kept = connection.execute("SELECT feature_count FROM gpkg_ogr_contents").fetchall()
        assert kept == [(3,)]


@pytest.mark.usefixtures("gdal_mode")
def test_csv_and_a_spreadsheet(tmp_path):
    write(tmp_path / "scores of 2020.csv")
    assert (tmp_path / "scores of 2020.csv").read_text().splitlines() == [
        "date,n,rmse,status",
        "2020/01/01,50,0.25,trained",
        '2020/01/02,,,"too ""few"" cells"',
        "2020/02/29,3,-1e-300,",
    ]
    write(tmp_path / "scores.xlsx")
    assert features(tmp_path / "scores.xlsx")[1][0] == ("2020/01/01", 50, 0.25, "trained")
    assert listing(tmp_path) == ["scores of 2020.csv", "scores.xlsx"]


@pytest.mark.usefixtures("gdal_mode")
@pytest.mark.parametrize("ending", ["nonsense", "tif", "shp"])
def test_formats_that_hold_no_table(tmp_path, ending):
    with pytest.raises(InputError) as caught:
        write(tmp_path / f"a.{ending}")
    said = str(caught.value)
    assert said.startswith(f"{tmp_path}/a.{ending}: a table cannot be written in this format (")
    assert said.endswith("); use the ending .gpkg or .csv.")
    assert listing(tmp_path) == []


@pytest.mark.usefixtures("gdal_mode")
@pytest.mark.parametrize("ending", ["gpkg", "csv"])
def test_an_error_leaves_the_old_table(tmp_path, ending):
    path = write(tmp_path / f"a.{ending}")
    before = path.read_bytes()

    def fail():
        with create_table(path, "scores", FIELDS) as table:
            table.write(ROWS)
            raise KeyError

    with pytest.raises(KeyError):
        fail()
    assert path.read_bytes() == before
    assert listing(tmp_path) == [path.name]


@pytest.mark.usefixtures("gdal_mode")
def test_rows_that_do_not_fit_are_reported_and_not_printed(tmp_path, capfd):
    with pytest.raises(InputError) as caught, create_table(tmp_path / "a.gpkg", "t", {"n": INTEGER}) as table:
        table.write([(1, 2)])
    assert str(caught.value).startswith(f"{tmp_path}/a.gpkg: it cannot be written (Incorrect number of ")
    assert str(caught.value).endswith("; check the free space there.")
    with pytest.raises(InputError, match=r"a\.gpkg: it cannot be written \("):
        write_fields(tmp_path / "a.gpkg", {"fid": TEXT, "FID": REAL})
    assert listing(tmp_path) == []
    assert capfd.readouterr() == ("", "")


def write_fields(path, fields):
    with create_table(path, "t", fields):
        pass


def test_names_are_quoted(tmp_path):
    names = ['p "3" (mm/d)', "select", "Höhe; DROP TABLE t", "a'b"]
    with create_table(tmp_path / "a.gpkg", "my table", dict.fromkeys(names, REAL)) as table:
        table.write([(1.0, 2.0, 3.0, 4.0)])
    assert features(tmp_path / "a.gpkg")[:2] == (names, [(1.0, 2.0, 3.0, 4.0)])
    assert quoted('a"b') == '"a""b"'


@pytest.mark.parametrize("ending", ["gpkg", "csv"])
def test_cancel_while_the_table_is_finished(tmp_path, ending):
    rows = [("2020-01-01", number, 0.5, "trained") for number in range(60_000)]
    listener = Listener()

    def stop():
        with create_table(
            tmp_path / f"a.{ending}", "scores", FIELDS, index="date", progress=listener
        ) as table:
            table.write(rows)
            # From the next question on: it comes from within the index or the conversion.
            listener.calls = listener.asked

    with pytest.raises(Cancelled):
        stop()
    assert listing(tmp_path) == []


def test_cancel_while_rows_are_written(tmp_path):
    with pytest.raises(Cancelled):
        write(
            tmp_path / "a.gpkg",
            (("2020-01-01", n, 0.5, "x") for n in range(10**9)),
            progress=Listener(calls=5),
        )
    assert listing(tmp_path) == []


@pytest.mark.usefixtures("gdal_mode")
def test_notes(tmp_path):
    notes = {"units": {"clay": "g/kg"}, "text": "'\"<&ñ"}
    path = str(write(tmp_path / "a.gpkg", notes=notes))
    assert read_notes(path, "") == read_notes(path, "scores") == ("scores", notes)
    assert read_notes(path, "none") is None
    assert read_notes(str(write(tmp_path / "b.gpkg")), "") == ("scores", {})
    assert read_notes(str(write(tmp_path / "c.csv")), "") is None
    with pytest.raises(InputError, match="there is no such file"):
        read_notes(str(tmp_path / "d.gpkg"), "")
    (tmp_path / "e.gpkg").write_bytes((tmp_path / "a.gpkg").read_bytes()[:3000])
    with pytest.raises(InputError, match="cannot"):
        open_both(str(tmp_path / "e.gpkg"))


def open_both(path):
    read_notes(path, "")
    with read_only(path, path) as connection:
        connection.execute("SELECT * FROM scores").fetchall()


def test_notes_that_are_not_ours_are_none(tmp_path):
    path = write(tmp_path / "a.gpkg", notes={"units": {}})
    with sqlite3.connect(path) as connection:
        connection.execute("UPDATE gpkg_metadata SET metadata = replace(metadata, 'units', 'u\"n')")
    connection.close()
    assert read_notes(str(path), "") == ("scores", {})


@pytest.mark.usefixtures("gdal_mode")
def test_reading_leaves_nothing_beside_the_table(tmp_path):
    """QGIS leaves tables that it edited in write-ahead mode: SQLite then makes files beside them to read."""
    path = write(tmp_path / "a & b?#%.gpkg", notes={"units": {}})
    connection = sqlite3.connect(path)
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("UPDATE scores SET n = 7")
    connection.commit()
    connection.close()
    before = path.read_bytes()
    assert before[18] == 2
    assert read_notes(str(path), "") == ("scores", {"units": {}})
    with read_only(str(path), "a") as reader:
        assert reader.execute("SELECT n FROM scores").fetchall() == [(7,)] * 3
        assert listing(tmp_path) == [path.name]
        with pytest.raises(sqlite3.OperationalError, match="readonly"):
            reader.execute("DELETE FROM scores")
    assert listing(tmp_path) == [path.name]
    assert path.read_bytes() == before


def test_what_an_open_editing_session_committed_is_seen(tmp_path):
    path = write(tmp_path / "a.gpkg")
    connection = sqlite3.connect(path)
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("UPDATE scores SET n = 7")
    connection.commit()
    with read_only(str(path), "a") as reader:
        assert reader.execute("SELECT n FROM scores").fetchall() == [(7,)] * 3
    connection.close()


def test_a_table_that_is_replaced_takes_its_log_with_it(tmp_path):
    path = write(tmp_path / "a.gpkg")
    open_in_qgis = sqlite3.connect(path)
    open_in_qgis.execute("PRAGMA journal_mode = WAL")
    open_in_qgis.execute("UPDATE scores SET n = 7")
    open_in_qgis.commit()
    assert len(listing(tmp_path)) == 3
    write(path, ROWS[:1])
    open_in_qgis.close()
    assert features(path)[1] == [("2020/01/01", 50, 0.25, "trained")]


def test_what_is_no_database(tmp_path):
    (tmp_path / "a.gpkg").write_text("<html>" * 1000)
    with pytest.raises(InputError) as caught, read_only(str(tmp_path / "a.gpkg"), "my table") as connection:
        connection.execute("SELECT 1 FROM scores")
    assert str(caught.value) == (
        "my table: it cannot be read (file is not a database); check that the file is whole and nobody "
        "writes "
        "to it."
    )


FULL_DISK = """
import resource, signal, sys
from osgeo import gdal
gdal.UseExceptions() if sys.argv[1] == "exceptions on" else gdal.DontUseExceptions()
from smap_downscaler.base.errors import InputError
from smap_downscaler.tables.geopackage import REAL, create_table

signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
for limit in (0, 1000, 60_000, 110_000, 300_000):
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, resource.RLIM_INFINITY))
    try:
        with create_table(sys.argv[2], "t", {"v": REAL}, index="v") as table:
            table.write((float(v),) for v in range(20_000))
        print("written", limit)
    except InputError as error:
        print(error)
"""


@pytest.mark.parametrize("ending", ["gpkg", "csv"])
def test_a_full_disk_is_reported_and_leaves_nothing(tmp_path, gdal_mode, ending):
    pytest.importorskip("resource", reason="only POSIX can limit the size of files")
    path = write(tmp_path / f"a.{ending}", ROWS)
    before = path.read_bytes()
    said = in_own_process(FULL_DISK, gdal_mode, str(path)).splitlines()
    assert len(said) == 5, said
    for line in said:
        assert line.startswith(f"{path}: it cannot be written (")
        assert len(line) < 400
    assert path.read_bytes() == before
    assert listing(tmp_path) == [path.name]


def test_numpy_dates_and_large_numbers(tmp_path):
    """What comes from arrays through `tolist`."""
    with create_table(tmp_path / "a.gpkg", "t", {"v": REAL, "n": INTEGER}) as table:
        table.write(zip(np.array([1.5, np.nan]).tolist(), np.array([2**31 - 1, -5]).tolist()))
        assert table.count == 2
    assert features(tmp_path / "a.gpkg")[1] == [(1.5, 2**31 - 1), (None, -5)]
    assert dt.date(2020, 1, 1).isoformat() == "2020-01-01"


@pytest.mark.parametrize("ending", ["csv", "xlsx", "gpkg"])
def test_texts_that_a_spreadsheet_would_run_are_texts(tmp_path, ending):
    path, mark = tmp_path / f"t.{ending}", "" if ending == "gpkg" else "'"
    with create_table(path, "t", {"name": TEXT, "=x": REAL}) as table:
        table.write([("=1+1", -5.0), ("-5", 2.0), ("plain", None), ("@a", 1.0)])
    # A layer dies with its dataset.
    dataset = ogr.Open(str(path))
    layer = dataset.GetLayer(0)
    assert [field.name for field in layer.schema] == ["name", f"{mark}=x"]
    assert [feature.GetField(0) for feature in layer] == [f"{mark}=1+1", "-5", "plain", f"{mark}@a"]
