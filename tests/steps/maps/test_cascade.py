"""The cascade: block means by plain NumPy, the forest on them, and the stack's own resolution untouched."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from forest_cases import train_forest
from raster_cases import Listener, grid_raster
from smap_downscaler.base.errors import Cancelled, InputError
from smap_downscaler.geo.datasets import dataset_grid, open_dataset, read_band
from smap_downscaler.geo.grid import Grid
from smap_downscaler.geo.sampling import bilinear
from smap_downscaler.methods.file.reader import ModelWriter, open_models
from smap_downscaler.methods.forest.settings import ForestSettings
from smap_downscaler.series.dated import DatedCovariate
from smap_downscaler.series.series import open_series
from smap_downscaler.series.stack import open_stack
from smap_downscaler.steps.maps.cascade import cascade_file, make_cascade, parse_resolutions
from smap_downscaler.steps.maps.downscale import make_maps, map_file
from smap_downscaler.steps.maps.inputs import MapInputs

#: 6 km x 4.5 km; 1000 m does not divide its height.
FINE = Grid("EPSG:32718", 690_000.0, 8_540_000.0, 100.0, 100.0, 60, 45)
RAIN = Grid("EPSG:32718", 688_000.0, 8_541_000.0, 2000.0, 2000.0, 6, 5)
NDVI = Grid("EPSG:32718", 690_000.0, 8_540_000.0, 200.0, 200.0, 30, 23)
DAY = dt.date(2020, 1, 1)
NAMES = ("clay", "ndvi", "p_antecedent", "twi_fd8")
SETTINGS = ForestSettings(6, 2, None, 4, 1, None, 3)


class Case:
    """A forest of one date on two static and two dated covariates."""

    def __init__(self, folder):
        generator = np.random.default_rng(4)
        self.folder = folder
        self.fine = generator.normal(size=(3, *FINE.shape)).astype(np.float32)
        self.fine[0, :8, :10] = np.nan  # 80 of the 100 pixels of the first 1 km cell
        self.rain = generator.gamma(2, 0.5, RAIN.shape).astype(np.float32)
        self.ndvi = generator.random(NDVI.shape).astype(np.float32)
        self.stack = grid_raster(
            folder / "fine.tif", FINE, self.fine, names=("twi_fd8", "aspect", "clay"), nodata=-1
        )
        for name, grid, values in (("p_antecedent", RAIN, self.rain), ("ndvi", NDVI, self.ndvi)):
            (folder / name).mkdir()
            grid_raster(folder / name / f"{DAY:%Y%m%d}.tif", grid, values)
        x = generator.normal(size=(80, 4)).astype(np.float32)
        self.forest = train_forest(x, generator.uniform(0.05, 0.5, 80), SETTINGS, 1)
        path = folder / "forests.smapforest"
        with ModelWriter(path, NAMES, {}, "soil_moisture", "m3 m-3", SETTINGS, "0") as writer:
            writer.add(DAY, self.forest)

    def inputs(self, **more):
        dynamic = tuple(DatedCovariate(open_series(self.folder / name)) for name in ("p_antecedent", "ndvi"))
        return MapInputs(open_models(self.folder / "forests.smapforest"), open_stack(self.stack), dynamic)

    def make(self, resolutions, inputs=None, progress=None, **more):
        inputs = inputs or self.inputs()
        scratch = self.folder / "scratch"
        scratch.mkdir(exist_ok=True)
        with inputs.forests:
            return make_cascade(
                inputs,
                self.folder / "maps",
                DAY,
                resolutions,
                scratch,
                progress=progress or Listener(),
                **more,
            )


@pytest.fixture
def case(tmp_path):
    return Case(tmp_path)


def block_means(values, n, least):
    """Means of n x n blocks from the upper left, cut-off blocks included, by loops."""
    rows, columns = -(-values.shape[0] // n), -(-values.shape[1] // n)
    out = np.full((rows, columns), np.nan)
    for r in range(rows):
        for c in range(columns):
            block = values[r * n : (r + 1) * n, c * n : (c + 1) * n].astype(np.float64)
            if np.isfinite(block).sum() >= least * n * n:
                out[r, c] = np.nanmean(block)
    return out


def test_the_forest_on_block_means(case):
    (path,) = case.make([1000.0])
    assert path == case.folder / "maps" / "soil_moisture_20200101_1000m.tif"
    dataset = open_dataset(path)
    grid = dataset_grid(dataset, "map")
    assert grid == Grid(FINE.crs, FINE.left, FINE.top, 1000.0, 1000.0, 6, 5)
    y, x = grid.y_centres(), grid.x_centres()
    rows, cols = np.meshgrid((RAIN.top - y) / 2000, (x - RAIN.left) / 2000, indexing="ij")
    layers = {
        "clay": block_means(case.fine[2], 10, 0.5),
        "ndvi": block_means(case.ndvi, 5, 0.5),
        "p_antecedent": bilinear(case.rain, rows, cols),
        "twi_fd8": block_means(case.fine[0], 10, 0.5),
    }
    x = np.stack([layers[name].astype(np.float32) for name in NAMES])
    valid = np.isfinite(x).all(axis=0)
    # The first cell is covered by a fifth; the last row (half of its cells lie outside) by half.
    assert not valid[0, 0]
    assert valid.sum() == 29
    got = read_band(dataset, 1)
    assert np.array_equal(np.isfinite(got), valid)
    trees = case.forest.arrays.to_trees(4)
    expected = sum(tree.predict(np.ascontiguousarray(x[:, valid].T))[:, 0] for tree in trees) / 6
    # A covariate that differs in the last bit may take the other side of a split.
    assert np.mean(np.abs(got[valid] - expected) < 1e-6) > 0.9
    assert dataset.GetMetadataItem("DATE") == DAY.isoformat()


def test_at_its_own_resolution_the_map_is_that_of_downscale(case):
    made = case.make([3000.0, 250.0, 100.0])
    assert [path.name for path in made] == [
        f"soil_moisture_20200101_{side}m.tif" for side in (3000, 250, 100)
    ]
    inputs = case.inputs()
    with inputs.forests:
        make_maps(inputs, case.folder / "plain", [DAY])
    plain = read_band(open_dataset(map_file(case.folder / "plain", DAY)), 1)
    assert np.array_equal(read_band(open_dataset(made[-1]), 1), plain, equal_nan=True)
    assert [open_dataset(path).RasterXSize for path in made] == [2, 24, 60]
    assert list((case.folder / "scratch").iterdir()) == []


def test_a_dated_covariate_finer_than_the_stack(case):
    """At the stack's own resolution the map is that of downscale; at others means of all its pixels count."""
    finer = Grid(FINE.crs, FINE.left, FINE.top, 25.0, 25.0, 240, 180)
    values = np.random.default_rng(9).random(finer.shape).astype(np.float32)
    values[:60] = np.where(np.random.default_rng(8).random((60, 240)) < 0.7, np.nan, values[:60])
    grid_raster(case.folder / "ndvi" / f"{DAY:%Y%m%d}.tif", finer, values)
    inputs = case.inputs()
    inputs = replace(inputs, dynamic=tuple(replace(one, minimum_share=0.0) for one in inputs.dynamic))
    coarse, own = case.make([1000.0, 100.0], inputs)
    inputs = replace(inputs, forests=case.inputs().forests)
    with inputs.forests:
        make_maps(inputs, case.folder / "plain", [DAY])
    plain = read_band(open_dataset(map_file(case.folder / "plain", DAY)), 1)
    assert np.array_equal(read_band(open_dataset(own), 1), plain, equal_nan=True)
    # A third of the pixels of the first row of cells lacks, too many for MINIMUM_COVERED.
    covered = np.isfinite(block_means(values, 40, 0.5))
    assert (covered[0].any(), covered[2].all()) == (False, True)
    expected = covered & np.isfinite(block_means(case.fine[0], 10, 0.5))
    assert np.array_equal(np.isfinite(read_band(open_dataset(coarse), 1)), expected)
    assert np.isfinite(plain[:10, 10:]).mean() > 0.9


def test_a_covered_share_of_one_drops_cells_over_the_edge(case):
    (path,) = case.make([1000.0], minimum_share=1.0)
    values = read_band(open_dataset(path), 1)
    assert np.isnan(values[-1]).all()
    assert np.isfinite(values[:-1]).sum() == 23


@pytest.mark.parametrize(
    ("side", "sentence"),
    [
        (
            50.0,
            "RESOLUTIONS: 50 m is finer than the pixels of {} (100 m); leave it out, or give a finer stack.",
        ),
        (7000.0, "RESOLUTIONS: 7000 m is wider than all of {} (6000 x 4500 m); leave it out."),
    ],
)
def test_resolutions_that_cannot_be(case, side, sentence):
    with pytest.raises(InputError) as caught:
        case.make([1000.0, side])
    assert str(caught.value) == sentence.format(case.stack)
    assert not (case.folder / "maps").exists()


def test_a_stack_in_degrees(case):
    degrees = Grid("EPSG:4326", -73.0, -13.0, 0.001, 0.001, 60, 45)
    stack = grid_raster(
        case.folder / "degrees.tif", degrees, case.fine, names=("twi_fd8", "aspect", "clay"), nodata=-1
    )
    inputs = case.inputs()
    with pytest.raises(InputError) as caught:
        case.make([1000.0], MapInputs(inputs.forests, open_stack(stack), inputs.dynamic))
    assert str(caught.value) == (
        f"COVARIATES ({stack}): its CRS EPSG:4326 is not in metres, so that resolutions in metres cannot be "
        "made from it; harmonise the covariates with a CRS in metres."
    )


def test_cancelled_it_leaves_whole_files_only(case):
    class Impatient(Listener):
        def is_cancelled(self):
            return any("3000m.tif written" in line for line in self.lines)

    progress = Impatient()
    with pytest.raises(Cancelled):
        case.make([3000.0, 1000.0], progress=progress)
    assert [path.name for path in (case.folder / "maps").iterdir()] == ["soil_moisture_20200101_3000m.tif"]


def test_file_names(tmp_path):
    assert cascade_file(tmp_path, DAY, 900.5).name == "soil_moisture_20200101_900.5m.tif"


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", "RESOLUTIONS is empty; {}."),
        (
            "1 km",
            "RESOLUTIONS: '1 km' is no resolution; {}.",
        ),
        (
            "1000, -1",
            "RESOLUTIONS: '-1' is no resolution; {}.",
        ),
        ("inf", "RESOLUTIONS: 'inf' is no resolution; {}."),
        ("250, 1000, 250.0", "RESOLUTIONS: 250 occurs twice; give each resolution once."),
    ],
)
def test_bad_resolutions(text, sentence):
    with pytest.raises(InputError) as caught:
        parse_resolutions(text)
    assert str(caught.value) == sentence.format(
        "write metres separated by commas, such as 3000, 1000, 250, 100"
    )


@given(st.lists(st.integers(1, 10**6), min_size=1, unique=True))
def test_resolutions_come_from_coarse_to_fine(sides):
    assert parse_resolutions(", ".join(map(str, sides)) + ",") == sorted(sides, reverse=True)
