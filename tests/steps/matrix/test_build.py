"""The join of SMAP, stack and dated covariates, against a join by hand."""

import datetime as dt
import sqlite3

import numpy as np
import pytest
from osgeo import ogr

from raster_cases import CELLS, Listener, grid_raster, listing
from smap_downscaler.base.errors import Cancelled, InputError
from smap_downscaler.geo.grid import Grid, Window
from smap_downscaler.geo.lattice import Transformation
from smap_downscaler.series.dated import DatedCovariate
from smap_downscaler.series.series import open_series
from smap_downscaler.series.stack import open_stack
from smap_downscaler.steps.matrix.build import MatrixInputs, build_matrix
from smap_downscaler.steps.matrix.read import open_matrix

DAYS = [dt.date(2019, 12, 31), dt.date(2020, 1, 1), dt.date(2020, 1, 3)]
#: Cells 1-4 and columns 2-7 of SMAP.
PART = Window(1, 2, 4, 6)
#: 0.05 degrees, as CHIRPS.
RAIN = Grid("EPSG:4326", -72.75, -13.1, 0.05, 0.05, 26, 16)


class Case:
    def __init__(self, folder):
        generator = np.random.default_rng(5)
        self.folder = folder
        self.theta = generator.uniform(0.02, 0.5, (3, *CELLS.shape)).astype(np.float32)
        self.theta[generator.random(self.theta.shape) < 0.3] = np.nan
        self.static = generator.normal(size=(2, PART.height, PART.width)).astype(np.float32)
        self.static[0, 1, 1] = np.nan
        self.rain = generator.gamma(1, 5, (2, *RAIN.shape)).astype(np.float32)
        self.rain[0, :6, :9] = np.nan
        for name in ("smap", "rain"):
            (folder / name).mkdir()
        for date, values in zip(DAYS, self.theta):
            grid_raster(folder / "smap" / f"smap_{date:%Y%m%d}.tif", CELLS, values)
        for date, values in zip((DAYS[0], DAYS[2]), self.rain):
            grid_raster(folder / "rain" / f"{date}.tif", RAIN, values, units=["mm/d"])
        self.stack = self.write_stack("stack", CELLS.crop(PART))

    def write_stack(self, name, grid, names=("clay", "twi_fd8"), values=None):
        values = self.static if values is None else values
        return grid_raster(
            self.folder / f"{name}.tif", grid, values, names=names, units=("g/kg", "")[: len(values)]
        )

    def inputs(self, stack=None, dynamic=("rain",), share=0.5):
        series = tuple(
            DatedCovariate(open_series(self.folder / name), minimum_share=share) for name in dynamic
        )
        return MatrixInputs(open_series(self.folder / "smap"), open_stack(stack or self.stack), series)

    def build(self, share=0.5, **more):
        return build_matrix(self.inputs(share=share), self.folder / "m.gpkg", **more)


@pytest.fixture
def case(tmp_path):
    return Case(tmp_path)


def refusal(call, *arguments):
    with pytest.raises(InputError) as caught:
        call(*arguments)
    return str(caught.value)


def rain_weights():
    """Area that each pixel of rain shares with each cell: pixels as polygons, clipped by OGR."""
    forward = Transformation(RAIN.crs, CELLS.crs)
    weights = np.zeros((*RAIN.shape, *CELLS.shape))
    for row in range(RAIN.height):
        for col in range(RAIN.width):
            # Meridians and parallels are straight and upright on this projection.
            x, y = forward(
                RAIN.left + (col + np.array([0, 1])) * RAIN.cell_width,
                RAIN.top - (row + np.array([0, 1])) * RAIN.cell_height,
            )
            pixel = box(x[0], y[1], x[1], y[0])
            for i in range(CELLS.height):
                for j in range(CELLS.width):
                    left, top = CELLS.left + j * CELLS.cell_width, CELLS.top - i * CELLS.cell_height
                    cell = box(left, top - CELLS.cell_height, left + CELLS.cell_width, top)
                    weights[row, col, i, j] = pixel.Intersection(cell).Area()
    return weights / CELLS.cell_width**2


def box(left, bottom, right, top):
    return ogr.CreateGeometryFromWkt(
        f"POLYGON(({left} {bottom},{right} {bottom},{right} {top},{left} {top},{left} {bottom}))"
    )


def test_every_row_is_that_of_a_join_by_hand(case):
    report = case.build(0.5)
    weights = rain_weights()
    table = open_matrix(case.folder / "m.gpkg")
    assert table.covariates == ("clay", "twi_fd8", "rain")
    assert table.units == {"clay": "g/kg", "rain": "mm/d"}
    undecided = 0
    for day, theta, rain in zip(table.days(), case.theta, (case.rain[0], None, case.rain[1])):
        expected = []
        for row in range(PART.row, PART.row + PART.height):
            for col in range(PART.col, PART.col + PART.width):
                if np.isnan(theta[row, col]):
                    continue
                wet = np.nan
                if rain is not None:
                    shares = np.where(np.isfinite(rain), weights[:, :, row, col], 0)
                    undecided += abs(shares.sum() - 0.5) < 0.01
                    if shares.sum() >= 0.5:
                        wet = (shares * np.nan_to_num(rain)).sum() / shares.sum()
                static = case.static[:, row - PART.row, col - PART.col]
                expected.append((row, col, theta[row, col], *static, wet))
        got = np.column_stack([day.rows, day.cols, day.y, day.x])
        assert got.shape == (len(expected), 6)
        assert report.rows[day.date] == len(expected)
        # Cells are numbered in the grid of SMAP, not of the stack.
        assert np.array_equal(got[:, :5], np.array(expected)[:, :5], equal_nan=True)
        assert np.allclose(got[:, 5], np.array(expected)[:, 5], rtol=2e-3, equal_nan=True)
    assert undecided == 0
    assert [day.date for day in table.days()] == DAYS


def test_a_date_without_rain_is_null_and_reported(case):
    listener = Listener()
    report = case.build(progress=listener)
    assert report.missing == {DAYS[1]: ["rain"]}
    assert listener.warnings == ["2020-01-01: no raster of rain; NULL in the matrix, no forest on this date"]
    connection = sqlite3.connect(case.folder / "m.gpkg")
    nulls = dict(connection.execute("SELECT date, sum(rain IS NULL) FROM regression_matrix GROUP BY date"))
    connection.close()
    assert nulls["2020-01-01"] == report.rows[DAYS[1]] > 0
    assert nulls["2020-01-03"] == 0


def test_csv(case):
    report = build_matrix(case.inputs(dynamic=()), case.folder / "m.csv")
    lines = (case.folder / "m.csv").read_text().splitlines()
    assert lines[0] == "date,row,col,x,y,soil_moisture,clay,twi_fd8"
    assert len(lines) == 1 + sum(report.rows.values())
    first = lines[1].split(",")
    assert first[0] == "2019/12/31"
    row, col = int(first[1]), int(first[2])
    assert float(first[5]) == pytest.approx(float(case.theta[0, row, col]), rel=1e-14)


def test_a_stack_larger_than_smap_or_beside_it(case):
    larger = CELLS.crop(Window(-2, -1, 20, 30))
    values = np.arange(600, dtype=np.float32).reshape(1, 20, 30)
    path = case.write_stack("larger", larger, ("number",), values)
    build_matrix(case.inputs(path, ()), case.folder / "m.gpkg")
    for day in open_matrix(case.folder / "m.gpkg").days():
        assert day.x[:, 0].tolist() == ((day.rows + 2) * 30 + day.cols + 1).tolist()
        assert len(day.y) == np.isfinite(case.theta[DAYS.index(day.date)]).sum()
    path = case.write_stack("beside", CELLS.crop(Window(0, 8, 4, 6)))
    assert refusal(build_matrix, case.inputs(path), case.folder / "n.gpkg") == (
        f"{path}: it does not meet the cells of {case.folder}/smap; make it with 'Harmonise covariates' "
        "and the "
        "same SMAP series."
    )


@pytest.mark.parametrize(
    "grid",
    [
        Grid(CELLS.crs, CELLS.left + 900, CELLS.top, CELLS.cell_width, CELLS.cell_height, 6, 4),
        Grid(CELLS.crs, CELLS.left, CELLS.top - 900, CELLS.cell_width, CELLS.cell_height, 6, 4),
        Grid(CELLS.crs, CELLS.left, CELLS.top, CELLS.cell_width * 1.001, CELLS.cell_height, 6, 4),
        Grid(CELLS.crs, CELLS.left, CELLS.top, CELLS.cell_width / 2, CELLS.cell_height / 2, 6, 4),
        Grid("EPSG:32718", CELLS.left, CELLS.top, CELLS.cell_width, CELLS.cell_height, 6, 4),
    ],
)
def test_a_stack_on_other_cells_is_refused(case, grid):
    path = case.write_stack("other", grid)
    assert refusal(build_matrix, case.inputs(path), case.folder / "m.gpkg") == (
        f"{path}: its cells are not those of {case.folder}/smap; make it with 'Harmonise covariates' and "
        "the same "
        "SMAP series."
    )
    assert "m.gpkg" not in listing(case.folder)


@pytest.mark.parametrize(
    ("names", "sentence"),
    [
        (
            ("rain", "clay"),
            "A covariate cannot be named rain, which is the name of two of them; rename it by "
            "DYNAMIC_NAMES, or in COVARIATES.",
        ),
        (
            ("Rain", "clay"),
            "A covariate cannot be named rain, which is the name of two of them; rename it by "
            "DYNAMIC_NAMES, or in COVARIATES.",
        ),
        *(
            (
                (name, "clay"),
                f"A covariate cannot be named {name}, which is the name of a field of the matrix (col, "
                "date, fid, "
                "row, soil_moisture, x, y); rename it by DYNAMIC_NAMES, or in COVARIATES.",
            )
            for name in ("row", "Soil_Moisture", "FID", "geom")
        ),
    ],
)
def test_names_that_clash(case, names, sentence):
    path = case.write_stack("clash", CELLS.crop(PART), names)
    assert refusal(case.inputs, path) == sentence


def test_a_name_of_blanks_is_none(case):
    blank = open_series(case.folder / "rain", " ")
    smap, stack = open_series(case.folder / "smap"), open_stack(case.stack)
    assert refusal(MatrixInputs, smap, stack, (DatedCovariate(blank),)) == (
        "A covariate has no name; name the bands of COVARIATES, and dated series by DYNAMIC_NAMES."
    )


def test_rain_elsewhere_is_refused(case):
    elsewhere = Grid("EPSG:4326", 20.0, 10.0, 0.05, 0.05, 4, 4)
    (case.folder / "far").mkdir()
    grid_raster(case.folder / "far" / "20200101.tif", elsewhere, np.zeros((4, 4), np.float32))
    assert refusal(build_matrix, case.inputs(dynamic=("far",)), case.folder / "m.gpkg") == (
        f"{case.folder}/far: it does not meet the SMAP cells; choose rasters of the same area."
    )


@pytest.mark.parametrize("share", [-0.1, 1.5, float("nan")])
def test_the_share_is_one(case, share):
    assert refusal(case.build, share) == f"MINIMUM_COVERED is {share:g}; give a share from 0 to 1."


def test_no_row_at_all_is_refused(case):
    for date in DAYS:
        grid_raster(
            case.folder / "smap" / f"smap_{date:%Y%m%d}.tif", CELLS, np.full(CELLS.shape, np.nan, np.float32)
        )
    assert refusal(case.build) == (
        f"{case.folder}/smap: no cell of the stack has soil moisture on any date; check extent and dates."
    )
    assert "m.gpkg" not in listing(case.folder)


def test_cancel_leaves_nothing(case):
    whole = Listener()
    case.build(progress=whole)
    (case.folder / "m.gpkg").unlink()
    before = listing(case.folder)
    for calls in (0, 2, whole.asked - 2):
        listener = Listener(calls)
        with pytest.raises(Cancelled):
            case.build(progress=listener)
        assert listener.asked <= calls + 2
        assert listing(case.folder) == before


def test_soil_moisture_in_percent_is_refused(tmp_path):
    case = Case(tmp_path)
    grid_raster(tmp_path / "smap" / "smap_20191231.tif", CELLS, np.full(CELLS.shape, 25.5, np.float32))
    inputs = MatrixInputs(open_series(tmp_path / "smap"), open_stack(case.stack))
    assert refusal(build_matrix, inputs, tmp_path / "m.gpkg") == (
        f"{tmp_path}/smap: soil moisture of 2019-12-31 runs from 25.5 to 25.5; it must be m3 m-3 (0 to 1), "
        "so divide percent by 100."
    )
