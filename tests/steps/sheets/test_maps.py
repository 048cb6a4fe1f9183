"""The maps of a sheet: days, cascades, SMAP's cells, their pictures, and the table of their numbers."""

from __future__ import annotations

import csv
import datetime as dt

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from raster_cases import Listener, grid_raster
from smap_downscaler.base.errors import Cancelled, InputError
from smap_downscaler.geo.grid import Bounds, Grid, Window, ease2_grid
from smap_downscaler.geo.lattice import Transformation
from smap_downscaler.series.series import open_series
from smap_downscaler.stats.distribution import Moments
from smap_downscaler.steps.sheets.maps import (
    block_means,
    cascade_maps,
    cell_lines,
    cell_text,
    daily_maps,
    dates_of,
    picture_of,
    read_picture,
    smap_map,
)
from smap_downscaler.steps.sheets.table import SheetRow, write_sheet_table

FINE = Grid("EPSG:32719", 260_000.0, 8_500_000.0, 100.0, 100.0, 300, 200)
PICTURED = Grid("EPSG:32719", 300_000.0, 8_500_000.0, 100.0, 100.0, 70, 53)
DAYS = [dt.date(2021, 1, 1), dt.date(2021, 1, 2)]


def sided(side):
    return Grid(FINE.crs, FINE.left, FINE.top, side, side, -(-30_000 // side), -(-20_000 // side))


def write(path, grid, seed=0):
    path.parent.mkdir(exist_ok=True)
    values = np.random.default_rng(seed).uniform(0.1, 0.4, grid.shape).astype(np.float32)
    grid_raster(path, grid, values)
    return values


@pytest.mark.parametrize(
    ("grid", "text"),
    [
        (sided(100), "100 m"),
        (sided(250), "250 m"),
        (sided(3000), "3 km"),
        (ease2_grid("9 km"), "9 km"),
        (ease2_grid("36 km"), "36 km"),
        (Grid("EPSG:32719", 0.0, 0.0, 12_500.0, 12_500.0, 1, 1), "12.5 km"),
        (Grid("EPSG:4326", 0.0, 0.0, 0.05, 0.05, 1, 1), "0.05°"),
    ],
)
def test_sizes_of_cells(grid, text):
    assert cell_text(grid) == text


def test_days(tmp_path):
    values = [write(tmp_path / "maps" / f"m_{date:%Y%m%d}.tif", FINE, n) for n, date in enumerate(DAYS)]
    series = open_series(tmp_path / "maps")
    assert dates_of(series, DAYS[1:]) == DAYS[1:]
    (second,) = daily_maps(series, [DAYS[1]])
    assert second.entry.date == DAYS[1]
    assert np.array_equal(second.picture.values, values[1])
    with pytest.raises(InputError) as caught:
        dates_of(series, [DAYS[0], dt.date(2021, 2, 1)])
    assert str(caught.value) == (
        f"DATES: {tmp_path / 'maps'} holds no map of 2021-02-01 (it runs from 2021-01-01 to 2021-01-02); "
        "choose other dates."
    )


def test_a_cascade_comes_from_coarse_to_fine(tmp_path):
    folder = tmp_path / "cascade"
    for side in (100, 3000, 250, 1000):
        write(folder / f"soil_moisture_20210101_{side}m.tif", sided(side))
    write(folder / "soil_moisture_20210102_100m.tif", FINE)
    maps = cascade_maps(str(folder), [DAYS[0]])
    assert [one.cell for one in maps] == ["3 km", "1 km", "250 m", "100 m"]
    assert {one.entry.date for one in maps} == {DAYS[0]}
    assert [one.cell for one in cascade_maps(str(folder), [DAYS[1]])] == ["100 m"]

    def sentence(*dates, path=folder):
        with pytest.raises(InputError) as caught:
            cascade_maps(str(path), dates)
        return str(caught.value)

    assert sentence() == (
        f"{folder}: it holds maps of 2 dates (2021-01-01 to 2021-01-02); give DATES, the one to draw."
    )
    assert sentence(*DAYS) == "DATES names 2 dates, and a cascade shows one; give one date."
    assert sentence(dt.date(2020, 1, 1)) == (
        f"DATES: {folder} holds no map of 2020-01-01; it holds 2021-01-01, 2021-01-02."
    )
    other = Grid("EPSG:32718", 260_000.0, 8_500_000.0, 500.0, 500.0, 60, 40)
    write(folder / "soil_moisture_20210101_500m.tif", other)
    assert sentence(DAYS[0]) == (
        f"{folder / 'soil_moisture_20210101_500m.tif'}: its CRS differs from that of "
        f"{folder / 'soil_moisture_20210101_100m.tif'}; the maps of a sheet need one CRS, so warp one "
        "of them."
    )
    (tmp_path / "empty").mkdir()
    assert sentence(path=tmp_path / "empty") == (
        f"{tmp_path / 'empty'}: the folder holds no raster; choose the folder that 'Cascade' made."
    )


@pytest.fixture
def smap(tmp_path):
    cells = ease2_grid("9 km").crop(Window(999, 1160, 12, 12))
    write(tmp_path / "smap" / "s_20210101.tif", cells)
    return open_series(tmp_path / "smap")


def test_smap_is_drawn_as_its_cells(smap):
    bounds = FINE.bounds
    shown = smap_map(smap, DAYS[0], bounds, FINE.crs)
    values = smap.read(DAYS[0])
    rows, columns = shown.picture.values.shape
    x = bounds.left + (np.arange(columns) + 0.5) * (bounds.right - bounds.left) / columns
    y = bounds.top - (np.arange(rows) + 0.5) * (bounds.top - bounds.bottom) / rows
    to_cells = Transformation(FINE.crs, smap.grid.crs)
    touched = set()
    for r in range(0, rows, 40):
        for c in range(0, columns, 40):
            ex, ey = to_cells(np.array([x[c]]), np.array([y[r]]))
            row = int((smap.grid.top - ey[0]) // smap.grid.cell_height)
            col = int((ex[0] - smap.grid.left) // smap.grid.cell_width)
            assert shown.picture.values[r, c] == values[row, col]
            touched.add((row, col))
    # Its numbers are those of the cells that touch the frame, each once.
    assert len(touched) <= shown.picture.moments.n <= len(touched) + 12
    assert (shown.kind, shown.cell) == ("SMAP", "9 km")
    assert smap_map(smap, DAYS[1], bounds, FINE.crs) is None
    with pytest.raises(InputError) as caught:
        smap_map(smap, DAYS[0], Bounds(600_000.0, 5e6, 700_000.0, 5.1e6), "EPSG:32633")
    assert str(caught.value) == (f"SMAP ({smap.source}) and the maps do not meet; choose series of one area.")


def test_lines_between_cells(smap):
    lines = cell_lines(smap.grid, FINE.bounds, FINE.crs)
    back = Transformation(FINE.crs, smap.grid.crs)
    for line in lines:
        x, y = back(line[:, 0], line[:, 1])
        across = ((x - smap.grid.left) / smap.grid.cell_width, (smap.grid.top - y) / smap.grid.cell_height)
        # One of the two stays on the edge of a cell.
        assert any(np.allclose(part, round(float(part[0])), atol=1e-6) for part in across)
    edges = FINE.bounds
    x, y = Transformation(FINE.crs, smap.grid.crs)(
        np.array([edges.left, edges.left, edges.right, edges.right]),
        np.array([edges.bottom, edges.top, edges.bottom, edges.top]),
    )
    columns, rows = (x - smap.grid.left) / smap.grid.cell_width, (smap.grid.top - y) / smap.grid.cell_height
    spans = [np.ceil(part.max()) - np.floor(part.min()) for part in (columns, rows)]
    assert len(lines) == sum(spans) + 2
    fine = Grid(smap.grid.crs, smap.grid.left, smap.grid.top, 100.0, 100.0, 1000, 1000)
    assert cell_lines(fine, FINE.bounds, FINE.crs) == []


def test_the_table(tmp_path):
    moments, nothing = Moments(), Moments()
    moments.add(np.array([[0.1, 0.2], [0.4, np.nan]]))
    nothing.add(np.array([[np.nan]]))
    bounds = Bounds(-72.0, -14.0, -71.0, -13.0)
    place = {"unit": "m3 m-3", "bounds": bounds, "crs": "EPSG:4326", "file": "a, b.tif"}
    rows = [
        SheetRow(1, 1, "map", "2021-01-01", 0.01, moments=moments, **place),
        SheetRow(1, 2, "SMAP", "2021-01-01", 0.09, moments=nothing, **place),
    ]
    write_sheet_table(tmp_path / "t.csv", rows)
    with open(tmp_path / "t.csv", newline="") as file:
        first, second = csv.DictReader(file)
    assert float(first["mean"]) == pytest.approx(0.7 / 3, abs=1e-12)
    assert float(first["sd"]) == pytest.approx(np.std([0.1, 0.2, 0.4]), abs=1e-12)
    assert (float(first["minimum"]), float(first["maximum"])) == (0.1, 0.4)
    assert (first["n"], float(first["nodata_share"])) == ("3", 0.25)
    edges = [float(first[side]) for side in ("west", "south", "east", "north")]
    assert edges == [-72.0, -14.0, -71.0, -13.0]
    assert first["file"] == "a, b.tif"
    assert (second["n"], second["mean"], second["sd"], second["nodata_share"]) == ("0", "", "", "1")


def slow_means(values, step):
    rows, columns = -(-values.shape[0] // step), -(-values.shape[1] // step)
    out = np.full((rows, columns), np.nan)
    for r in range(rows):
        for c in range(columns):
            block = values[r * step : (r + 1) * step, c * step : (c + 1) * step]
            valid = block[np.isfinite(block)]
            if valid.size:
                out[r, c] = valid.astype(np.float64).mean()
    return out


@given(st.integers(1, 23), st.integers(1, 17), st.integers(1, 9), st.integers(0, 1000))
def test_means_of_blocks(rows, columns, step, seed):
    rng = np.random.default_rng(seed)
    values = np.where(rng.random((rows, columns)) < 0.3, np.nan, rng.random((rows, columns)))
    got = block_means(values, step)
    assert got.dtype == np.float32
    assert np.allclose(got, slow_means(values, step), rtol=1e-6, equal_nan=True)


def test_a_picture_of_a_file(tmp_path, monkeypatch):
    values = np.random.default_rng(2).random(PICTURED.shape).astype(np.float32)
    values[:20, :30] = np.nan
    path = str(grid_raster(tmp_path / "map.tif", PICTURED, values))
    # Several strips.
    monkeypatch.setattr("smap_downscaler.steps.sheets.maps.PIXELS_PER_STRIP", 700)
    picture = read_picture(path, 1, PICTURED, 20)
    assert np.allclose(picture.values, slow_means(values, 4), rtol=1e-6, equal_nan=True)
    assert picture.bounds == Bounds(300_000.0, 8_500_000.0 - 14 * 400, 300_000.0 + 18 * 400, 8_500_000.0)
    found, valid = picture.moments, values[np.isfinite(values)].astype(np.float64)
    assert (found.n, found.cells) == (valid.size, values.size)
    assert (found.mean, found.sd) == pytest.approx((valid.mean(), valid.std()), rel=1e-9)
    again = picture_of(values, PICTURED, 20)
    assert np.array_equal(again.values, picture.values, equal_nan=True)
    assert again.bounds == picture.bounds


def test_reading_is_cancelled_between_strips(tmp_path, monkeypatch):
    path = str(grid_raster(tmp_path / "map.tif", PICTURED, np.zeros(PICTURED.shape, np.float32)))
    monkeypatch.setattr("smap_downscaler.steps.sheets.maps.PIXELS_PER_STRIP", 700)
    with pytest.raises(Cancelled):
        read_picture(path, 1, PICTURED, 70, Listener(calls=2))
