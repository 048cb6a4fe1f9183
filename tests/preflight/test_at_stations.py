"""The look before rasters are read at stations, in polygons and for squares, against what was put in."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace

import numpy as np
import pytest
from osgeo import ogr

from gap_case import make_gap_case
from raster_cases import Listener, grid_raster
from smap_downscaler.base.errors import Cancelled, InputError
from smap_downscaler.geo.crs_choice import Region
from smap_downscaler.geo.grid import Bounds, Grid, Window, ease2_grid
from smap_downscaler.geo.placing import place, read_shapes
from smap_downscaler.geo.polygon_runs import AREA, CENTRE
from smap_downscaler.geo.sources import Source
from smap_downscaler.methods.features import FeatureSettings
from smap_downscaler.methods.file.reader import open_models
from smap_downscaler.preflight.sample import ROWS, PointSampler
from smap_downscaler.series.dated import DatedCovariate
from smap_downscaler.series.series import open_series
from smap_downscaler.series.stack import open_stack
from smap_downscaler.steps.field.numbers.readings import DailySeries, FieldData, Station
from smap_downscaler.steps.field.preflight import check_stations
from smap_downscaler.steps.gaps.inputs import GapInputs, check_gaps
from smap_downscaler.steps.polygons.numbers.squares import sides_on
from smap_downscaler.steps.polygons.preflight import check_polygons, check_squares
from smap_downscaler.steps.polygons.squares import SquareDesign

MAPS = Grid("EPSG:32718", 690_000.0, 8_540_000.0, 100.0, 100.0, 40, 30)
SMAP = ease2_grid("9 km").crop(Window(960, 1110, 80, 80))
FIRST = dt.date(2021, 1, 1)


def series_of(folder, grid, values, days, step=1.0):
    """A series of one raster put down for each of some days, `values` and `step` more a day."""
    for day in days:
        date = FIRST + dt.timedelta(day)
        grid_raster(folder / f"{date:%Y%m%d}.tif", grid, values + np.float32(step * day))
    return open_series(folder)


def station(name, x, y, days):
    ordinals = FIRST.toordinal() + np.array(sorted(days), np.int64)
    values = np.full(len(days), 0.2)
    return Station(name, x, y, DailySeries(ordinals, values, values, np.ones(len(days), np.int64)))


def field(*stations, crs="EPSG:32718"):
    return FieldData("field.csv", crs, stations)


@pytest.fixture
def maps(tmp_path):
    (tmp_path / "maps").mkdir()
    values = np.arange(1200, dtype=np.float32).reshape(MAPS.shape) / 10_000
    values[10, 20] = np.nan
    return series_of(tmp_path / "maps", MAPS, values, (0, 1, 2, 5, 6), step=0.001)


def at(row, col):
    """A place within a cell of the maps, off its centre."""
    return MAPS.left + (col + 0.3) * 100, MAPS.top - (row + 0.8) * 100


def test_stations_are_counted_and_read_where_they_lie(maps):
    data = field(
        station("A", *at(3, 4), (0, 1, 2, 3)),
        station("B", *at(10, 20), (2, 5)),
        station("C", *at(3, 4), (5, 9)),
        station("far", MAPS.left - 1, MAPS.top, (0,)),
    )
    found = check_stations(data, [("maps", maps)], (None, None))
    stations, row, shared = found.rows
    assert (stations.name, stations.crs, stations.remarks) == (
        "stations",
        "EPSG:32718",
        "4 stations; 4 days missing between (longest gap 2021-01-07 to 2021-01-09)",
    )
    assert stations.dates == "6, 2021-01-01 to 2021-01-10"
    assert row.covered == 3 / 4
    assert row.nodata == pytest.approx(1 / 3)
    # Looked at: the first, the middle and the last of the five dates.
    assert (row.low, row.high) == pytest.approx((0.0124, 0.0184))
    assert row.remarks == (
        "2 days missing between (longest gap 2021-01-04 to 2021-01-05); 1 station outside; "
        "3 stations in 2 cells"
    )
    assert shared.dates == "4, 2021-01-01 to 2021-01-06"
    assert shared.remarks == "2 days missing between (longest gap 2021-01-04 to 2021-01-05)"
    assert found.warnings == ["field.csv: stations at one place, which may be one station twice: A and C"]
    assert list(stations.texts()[2:8]) == ["", "", "", "", "", ""]


def test_stations_of_another_crs_and_a_period(maps, tmp_path):
    from osgeo import osr

    to_degrees = osr.CoordinateTransformation(*map(reference_of, (32718, 4326)))
    lon, lat, _ = to_degrees.TransformPoint(*at(7, 9))
    (tmp_path / "other").mkdir()
    grid_raster(tmp_path / "other" / "20210103.tif", SMAP, np.full(SMAP.shape, 0.3, np.float32))
    other = open_series(tmp_path / "other")
    data = field(station("A", lon, lat, (0, 2, 6)), crs="EPSG:4326")
    named = [("maps", maps), ("SMAP", other)]
    found = check_stations(data, named, (FIRST + dt.timedelta(1), FIRST + dt.timedelta(3)))
    _stations, row, smap, shared = found.rows
    assert row.dates == "2, 2021-01-02 to 2021-01-03"
    assert (row.low, row.high) == pytest.approx((0.0299, 0.0309))
    # One value of one station on one day says nothing of how values vary.
    assert (smap.low, smap.remarks, smap.covered) == (np.float32(0.3), "", 1.0)
    assert shared.dates == "1, 2021-01-03"
    found = check_stations(data, named, (FIRST + dt.timedelta(5), None))
    assert found.rows[2].remarks == "no raster in the period"
    assert (found.rows[3].dates, found.rows[3].remarks) == ("", "not one day")


def reference_of(code):
    from osgeo import osr

    reference = osr.SpatialReference()
    reference.ImportFromEPSG(code)
    reference.SetAxisMappingStrategy(osr.OAMS_TRADITIONAL_GIS_ORDER)
    return reference


def test_the_same_files_twice_and_a_shift(maps, tmp_path):
    half = replace(SMAP, left=SMAP.left + SMAP.cell_width / 2)
    (tmp_path / "half").mkdir()
    shifted = series_of(tmp_path / "half", half, np.ones(SMAP.shape, np.float32), (0,))
    data = field(station("A", *at(1, 1), (0,)))
    found = check_stations(data, [("maps", maps), ("third", maps), ("SMAP", shifted)], (None, None))
    assert found.warnings == [
        f"{shifted.source}: its cells lie 0.50 cells east of those of the EASE-Grid 2.0, as where "
        "coordinates of cell centres were taken for corners; export it anew on the grid.",
        f"{maps.source}: maps and third are the same files; leave out one of them.",
    ]


def test_points_are_read_exactly_and_many_are_thinned(tmp_path):
    grid = replace(MAPS, width=600, height=700)
    values = np.arange(420_000, dtype=np.float32).reshape(grid.shape)
    source = Source(grid_raster(tmp_path / "a.tif", grid, values), 1, grid)
    rng = np.random.default_rng(3)
    rows, cols = rng.integers(0, 700, 50), rng.integers(0, 600, 50)
    x, y = grid.left + (cols + rng.random(50)) * 100, grid.top - (rows + rng.random(50)) * 100
    assert np.array_equal(PointSampler(grid.crs, x, y).sample(source).values, values[rows, cols])
    many = PointSampler(grid.crs, np.tile(x, 1000), np.tile(y, 1000)).sample(source)
    assert many.covered == 1
    assert many.count == ROWS
    assert not set(many.values) - set(values[rows, cols])
    nowhere = PointSampler(grid.crs, x - 1e6, y).sample(source)
    assert (nowhere.covered, nowhere.count) == (0.0, 0)


def square(left, top, side):
    right, bottom = left + side, top - side
    return f"POLYGON(({left} {top},{right} {top},{right} {bottom},{left} {bottom},{left} {top}))"


def shapes_of(*texts):
    wkb = [bytes(ogr.CreateGeometryFromWkt(text).ExportToWkb()) if text else b"" for text in texts]
    return read_shapes(wkb, "EPSG:32718")


def test_polygons(maps, tmp_path):
    one = square(MAPS.left + 500, MAPS.top - 500, 400)
    shapes = shapes_of(
        one,
        one,
        square(MAPS.left - 200, MAPS.top, 400),
        square(MAPS.left - 9000, MAPS.top, 400),
        square(MAPS.left + 1010, MAPS.top - 1010, 20),
        "",
    )
    values = np.arange(1200, dtype=np.float32).reshape(MAPS.shape)
    bands = np.stack([values, values, np.full_like(values, 7)])
    stack = open_stack(grid_raster(tmp_path / "stack.tif", MAPS, bands, names=("clay", "clay_2", "constant")))
    on = place(shapes, MAPS, CENTRE)
    found = check_polygons(shapes, {"SERIES": (maps, on), "COVARIATES": (stack, on)})
    assert [row.name for row in found.rows] == ["polygons", "maps", "clay", "clay_2", "constant"]
    assert found.rows[0].remarks == "6 polygons; 1 without area"
    # The box around them reaches from 9,000 m west of the maps to 1,030 m within, and 1,030 m down.
    assert found.rows[1].covered == pytest.approx(1030 / 10030, abs=0.01)
    assert found.rows[1].dates == "5, 2021-01-01 to 2021-01-07"
    assert found.rows[1].remarks == (
        "2 days missing between (longest gap 2021-01-04 to 2021-01-05); 1 polygon outside"
    )
    assert found.rows[4].remarks == "one value only; 1 polygon outside"
    assert found.warnings == [
        "INPUT: 1 of 6 polygons is the same as another one",
        *(
            f"{name}: 1 of 6 polygons is {text}"
            for name in ("SERIES", "COVARIATES")
            for text in (
                "wholly outside the raster, and without statistics",
                "across the edge of the raster: only the part inside counts",
                f"without a pixel whose centre is inside; give {AREA} as WEIGHTS",
            )
        ),
        f"{stack.path}: clay and clay_2 hold the same values",
    ]


def test_missing_values_that_are_not_declared_are_refused(tmp_path):
    (tmp_path / "maps").mkdir()
    values = np.full(MAPS.shape, 0.2, np.float32)
    values[:10] = -9999
    maps = series_of(tmp_path / "maps", MAPS, values, (0,))
    with pytest.raises(InputError) as caught:
        check_stations(field(station("A", *at(3, 3), {0})), [("maps", maps)], (None, None))
    assert str(caught.value) == (
        f"{maps.source}: maps holds -9999 in 1 place, most likely for a missing value; declare that as its "
        "NoData value (Raster > Conversion > Translate, or gdal_edit.py -a_nodata -9999)."
    )


def test_polygons_without_any_area(maps):
    shapes = shapes_of("", "")
    found = check_polygons(shapes, {"SERIES": (maps, place(shapes, MAPS, CENTRE))})
    assert np.isnan(found.rows[1].covered)
    assert found.rows[0].remarks == "2 polygons; 2 without area"


def test_squares(tmp_path):
    """The mask covers the western half of the study area, and a fourth of that half has no value."""
    area = Region(Bounds(690_000, 8_520_000, 730_000, 8_560_000), "EPSG:32718", "EXTENT")
    mask_grid = Grid("EPSG:32718", 690_000.0, 8_560_000.0, 1000.0, 1000.0, 20, 40)
    values = np.zeros(mask_grid.shape, np.float32)
    values[:, 15:], values[0, 0] = np.nan, 1
    mask = grid_raster(tmp_path / "mask.tif", mask_grid, values)
    stack_grid = replace(mask_grid, width=40)
    bands = np.full((2, 40, 40), 3, np.float32)
    fine = grid_raster(tmp_path / "fine.tif", stack_grid, bands, names=("a", ""))
    design = SquareDesign((area,), "EPSG:32718", sides_on(1000.0, None), SMAP, 10, 1, 1)
    found = check_squares(design, None, mask, fine)
    assert [row.name for row in found.rows] == ["SMAP cells", "mask", "a", "band 2"]
    assert found.rows[0].shift == (0.0, 0.0)
    masked = found.rows[1]
    assert masked.covered == pytest.approx(0.5, abs=0.01)
    assert masked.nodata == pytest.approx(0.25, abs=0.02)
    assert found.rows[2].covered == 1
    assert found.rows[2].constant
    assert found.warnings == [
        f"MASK ({mask}): it covers 50 % of the study area; outside it no square is masked"
    ]
    elsewhere = grid_raster(tmp_path / "far.tif", replace(mask_grid, left=0.0), values)
    (sentence,) = check_squares(design, None, elsewhere, "").warnings
    assert sentence.startswith(f"MASK ({elsewhere}): it covers nothing of the study area")


def test_filled_gaps(tmp_path):
    case = make_gap_case(tmp_path)
    path = tmp_path / "forests.smapforest"
    case.forests(path, FeatureSettings())
    smap, rain = open_series(case.smap), open_series(case.rain_folder)
    with open_models(path) as forests:
        found = check_gaps(GapInputs(smap, forests, (DatedCovariate(rain),)))
    dates = smap.dates
    missing = (dates[-1] - dates[0]).days + 1 - len(dates)
    assert [row.name for row in found.rows] == ["SMAP", rain.name]
    assert f"{missing} day" in found.rows[0].remarks
    assert found.rows[1].remarks.startswith("no raster on ")
    looked = [smap.read(dates[number]) for number in (0, round((len(dates) - 1) / 2), len(dates) - 1)]
    assert found.rows[0].nodata == pytest.approx(np.isnan(looked).mean(), abs=0.02)
    assert found.rows[0].high == np.nanmax(looked)


def test_cancelled(maps):
    class Impatient(Listener):
        def is_cancelled(self):
            return True

    with pytest.raises(Cancelled):
        check_stations(field(station("A", *at(1, 1), (0,))), [("maps", maps)], (None, None), Impatient())
