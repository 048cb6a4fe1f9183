"""Values of maps and SMAP at stations, held against the arrays that were written."""

from __future__ import annotations

import datetime as dt

import numpy as np
import pytest

from raster_cases import Listener, grid_raster
from smap_downscaler.base.errors import Cancelled, InputError
from smap_downscaler.base.progress import SILENT
from smap_downscaler.geo.grid import Grid, Window, ease2_grid
from smap_downscaler.geo.lattice import Transformation
from smap_downscaler.geo.points import points_on_grid
from smap_downscaler.series.series import open_series
from smap_downscaler.steps.field import pairs as field_pairs
from smap_downscaler.steps.field.numbers.climatology import anomalies
from smap_downscaler.steps.field.numbers.readings import FieldData, Station, daily
from smap_downscaler.steps.field.pairs import PairChoices, extract, pair_up
from smap_downscaler.steps.field.tables import write_metrics, write_pairs

DATES = [dt.date(2021, 1, 1) + dt.timedelta(days=step) for step in range(12)]
#: Pixels of 100 m in a UTM zone, wider and higher than a tile of the file.
GRID = Grid("EPSG:32719", 229_000.0, 8_500_000.0, 100.0, 100.0, 400, 300)


def maps(folder, grid=GRID, dates=DATES, seed=1):
    """A series of random pixels, some NoData; the series and what was written."""
    folder.mkdir()
    rng = np.random.default_rng(seed)
    written = {}
    for date in dates:
        values = rng.uniform(0.05, 0.45, grid.shape).astype(np.float32)
        values[10, 20:40] = np.nan
        if date == dates[2]:
            values[:, 300:] = np.nan
        written[date] = values
        grid_raster(folder / f"m_{date:%Y%m%d}.tif", grid, np.nan_to_num(values, nan=-9999.0), nodata=-9999.0)
    return open_series(folder), written


def station(name, x, y, dates=DATES, value=0.2):
    days = np.repeat([date.toordinal() for date in dates], 2)
    values = np.tile([value, value + 0.02], len(dates))
    return Station(name, x, y, daily(days, values))


def centre(row, col, grid=GRID):
    return grid.left + (col + 0.5) * grid.cell_width, grid.top - (row + 0.5) * grid.cell_height


def data_of(*stations, crs=GRID.crs):
    return FieldData("stations.csv", crs, stations)


def test_the_cell_that_contains_the_station(tmp_path):
    series, written = maps(tmp_path / "maps")
    rng = np.random.default_rng(3)
    rows, cols = rng.uniform(0, 300, 60), rng.uniform(0, 400, 60)
    x, y = GRID.left + cols * 100, GRID.top - rows * 100
    found = extract(series, points_on_grid(GRID, GRID.crs, x, y), DATES, "cell", SILENT.counter(1, "rasters"))
    for number, date in enumerate(DATES):
        np.testing.assert_array_equal(found[number], written[date][rows.astype(int), cols.astype(int)])
    # The same stations given in degrees.
    longitude, latitude = Transformation(GRID.crs, "EPSG:4326")(x, y)
    positions = points_on_grid(GRID, "EPSG:4326", longitude, latitude)
    np.testing.assert_allclose(positions.rows, rows, atol=1e-4)
    np.testing.assert_allclose(positions.cols, cols, atol=1e-4)


def test_bilinear_by_hand(tmp_path):
    series, written = maps(tmp_path / "maps")
    rng = np.random.default_rng(4)
    # Across the edges of tiles too; away from NoData.
    rows, cols = rng.uniform(20, 290, 50), rng.uniform(5, 395, 50)
    rows[:4], cols[:4] = [255.9, 256.1, 255.7, 256.3], [255.9, 256.1, 256.2, 255.6]
    x, y = GRID.left + cols * 100, GRID.top - rows * 100
    positions = points_on_grid(GRID, GRID.crs, x, y)
    (found,) = extract(series, positions, DATES[:1], "bilinear", SILENT.counter(1, "rasters"))
    for row, col, value in zip(rows, cols, found):
        top, left = int(row - 0.5), int(col - 0.5)
        down, right = row - 0.5 - top, col - 0.5 - left
        four = written[DATES[0]][top : top + 2, left : left + 2].astype(float)
        expected = [1 - down, down] @ four @ [1 - right, right]
        assert value == pytest.approx(expected, abs=1e-7)


def test_outside_and_on_the_edges():
    x = np.array([GRID.left, GRID.left - 1e-3, GRID.bounds.right, GRID.bounds.right - 1e-3, np.nan])
    positions = points_on_grid(GRID, GRID.crs, x, np.full(5, GRID.top - 50))
    assert positions.inside.tolist() == [True, False, False, True, False]


def test_longitudes_of_0_to_360():
    world = Grid("EPSG:4326", 0.0, 90.0, 0.5, 0.5, 720, 360)
    positions = points_on_grid(
        world, "EPSG:4326", np.array([-71.6, 20.1, -0.1]), np.array([-13.2, 10.0, 0.0])
    )
    np.testing.assert_allclose(positions.cols, [(360 - 71.6) * 2, 40.2, 719.8])
    assert positions.inside.all()


def test_each_raster_is_opened_once_and_only_windows_are_read(tmp_path, monkeypatch):
    series, _ = maps(tmp_path / "maps")
    opened, cells = [], []
    real_open, real_read = field_pairs.open_dataset, field_pairs.read_band
    monkeypatch.setattr(field_pairs, "open_dataset", lambda path: opened.append(path) or real_open(path))

    def reading(dataset, band, window, **more):
        cells.append(window.height * window.width)
        return real_read(dataset, band, window, **more)

    monkeypatch.setattr(field_pairs, "read_band", reading)
    near = [centre(12, 20 + step) for step in range(5)] + [centre(280, 390)]
    x, y = (np.array(axis) for axis in zip(*near))
    extract(series, points_on_grid(GRID, GRID.crs, x, y), DATES, "cell", SILENT.counter(1, "rasters"))
    assert len(opened) == len(set(opened)) == len(DATES)
    assert cells == [5, 1] * len(DATES)


def test_pairs_of_map_smap_and_field(tmp_path):
    series, written = maps(tmp_path / "maps")
    x, y = centre(100, 50)
    (smap_x,), (smap_y,) = Transformation(GRID.crs, "EPSG:6933")(np.array([x]), np.array([y]))
    whole = ease2_grid("9 km")
    row, col = int((whole.top - smap_y) // whole.cell_height), int((smap_x - whole.left) // whole.cell_width)
    grid = whole.crop(Window(row - 2, col - 3, 50, 60))
    smap, coarse = maps(tmp_path / "smap", grid, DATES[::2], seed=9)
    data = data_of(station("A", x, y, DATES[1:9]), station("B", *centre(200, 350)))
    found = pair_up(data, series, smap, PairChoices(start=DATES[2], end=DATES[10]))
    first, second = found.raw
    assert found.compared == found.raw
    assert [dt.date.fromordinal(int(day)) for day in first.days] == DATES[2:9]
    np.testing.assert_array_equal(first.map, [written[date][100, 50] for date in DATES[2:9]])
    expected = [coarse[date][2, 3] if date in coarse else np.nan for date in DATES[2:9]]
    assert np.isfinite(expected).sum() == 4
    np.testing.assert_array_equal(first.other, expected)
    np.testing.assert_allclose(first.field, 0.21)
    np.testing.assert_allclose(first.sd, np.std([0.2, 0.22], ddof=1))
    assert first.count.tolist() == [2] * 7
    assert np.isnan(second.map).tolist() == [True] + [False] * 8
    assert found.missing == {"A": 0, "B": 1}
    assert found.dates == 9


def test_who_is_left_out_and_why(tmp_path):
    series, _ = maps(tmp_path / "maps")
    later = [date + dt.timedelta(days=400) for date in DATES]
    data = data_of(
        station("good", *centre(100, 50)),
        station("masked", *centre(10, 30)),
        station("far", GRID.left - 500, GRID.top - 500),
        station("farther", GRID.left - 900, GRID.top - 500),
        station("later", *centre(50, 60), dates=later),
        station("at times", *centre(200, 350)),
    )
    found = pair_up(data, series, None, PairChoices())
    assert [part.station for part in found.raw] == ["good", "at times"]
    assert found.left_out == {
        "masked": "on NoData or masked pixels on all days",
        "far": "outside the maps",
        "farther": "outside the maps",
        "later": "no reading on a day with a map",
    }
    listener = Listener()
    found.log(listener)
    assert listener.warnings == [
        "1 station left out, on NoData or masked pixels on all days: masked",
        "2 stations left out, outside the maps: far, farther",
        "1 station left out, no reading on a day with a map: later",
    ]
    assert listener.lines == ["1 station lies on NoData on some days (how many): at times (1)"]


def test_maps_in_percent_are_reported(tmp_path):
    (tmp_path / "maps").mkdir()
    for date in DATES[:2]:
        grid_raster(tmp_path / "maps" / f"m_{date:%Y%m%d}.tif", GRID, np.full(GRID.shape, 21.5, np.float32))
    listener = Listener()
    data = data_of(station("A", *centre(100, 50)))
    pair_up(data, open_series(tmp_path / "maps"), None, PairChoices()).log(listener)
    assert listener.warnings == [
        "The maps reach 21.5 at the stations, beyond any soil moisture in m3 m-3; give maps in that unit."
    ]


def test_nobody_left(tmp_path):
    series, _ = maps(tmp_path / "maps")
    data = data_of(station("far", 0.0, 0.0))
    with pytest.raises(InputError) as caught:
        pair_up(data, series, None, PairChoices())
    assert str(caught.value) == (
        f"stations.csv: of 1 station none can be compared with {tmp_path / 'maps'} (far: outside the "
        "maps); choose maps and readings of the same area and days."
    )


def test_anomalies_rest_on_all_dates_of_the_maps(tmp_path):
    series, written = maps(tmp_path / "maps")
    data = data_of(station("A", *centre(100, 50), dates=DATES[3:7]))
    listener = Listener()
    found = pair_up(data, series, None, PairChoices(anomalies="climatology"), listener)
    days = np.array([date.toordinal() for date in DATES])
    whole = anomalies(days, np.array([written[date][100, 50] for date in DATES], float), "climatology")
    np.testing.assert_allclose(found.compared[0].map, whole[3:7], atol=1e-12)
    np.testing.assert_array_equal(found.raw[0].map, [written[date][100, 50] for date in DATES[3:7]])
    assert listener.warnings == [
        "ANOMALIES: the readings span 4 days, so their climatology is little more than the series itself; "
        "choose moving, or a record of three years or more."
    ]


def test_cancel(tmp_path):
    series, _ = maps(tmp_path / "maps")
    with pytest.raises(Cancelled):
        pair_up(data_of(station("A", *centre(100, 50))), series, None, PairChoices(), Listener(calls=5))


def test_tables(tmp_path):
    series, _ = maps(tmp_path / "maps")
    data = data_of(station("A, B", *centre(200, 350)))
    found = pair_up(data, series, None, PairChoices(anomalies="moving"))
    write_pairs(tmp_path / "p.csv", found.raw, found.compared)
    header, *lines = (tmp_path / "p.csv").read_text(encoding="utf-8").splitlines()
    assert header == (
        "station,date,field,field_sd,field_n,map,error,absolute_error,smap,smap_error,field_anomaly,"
        "map_anomaly,smap_anomaly"
    )
    assert len(lines) == len(DATES)
    assert lines[2].startswith('"A, B",2021/01/03,0.21,')
    part = found.raw[0]
    errors = [line.split(",")[7] for line in lines]
    np.testing.assert_allclose([float(text or "nan") for text in errors], part.map - part.field, atol=1e-12)
    write_metrics(tmp_path / "m.csv", [], {"far": "outside the maps"})
    assert (tmp_path / "m.csv").read_text().splitlines()[1].startswith("far,all,map,0,0,0,")
