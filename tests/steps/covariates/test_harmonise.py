"""Both stacks together: grids, names, classes, masks, warnings, refusals, real data."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from osgeo import gdal

from clipping import clipped_means
from raster_cases import Listener
from smap_downscaler.base.errors import Cancelled, InputError
from smap_downscaler.geo.crs_choice import Region, default_crs, utm_zone
from smap_downscaler.geo.datasets import dataset_grid, open_dataset, read_band, spatial_reference
from smap_downscaler.geo.geotiff import Band, write_geotiff
from smap_downscaler.geo.grid import Bounds, Grid, Window, ease2_grid
from smap_downscaler.geo.lattice import Transformation, transform_bounds
from smap_downscaler.geo.sources import Source, window_over
from smap_downscaler.series.stack import open_stack
from smap_downscaler.steps.covariates.grids import fine_grid
from smap_downscaler.steps.covariates.harmonise import Request, harmonise
from smap_downscaler.steps.covariates.layers import Layer, read_covariates

EASE = ease2_grid("9 km")
UTM = "EPSG:32718"
LAYER = Grid(UTM, 300000.0, 8600000.0, 250.0, 250.0, 240, 200)
SMAP = EASE.crop(EASE.window_touching(transform_bounds(LAYER.bounds, UTM, EASE.crs)))
EXTENT = Bounds(310000.0, 8560000.0, 345000.0, 8590000.0)


class CancelledAt(Listener):
    """Cancelled once a share of the work is done."""

    def __init__(self, share):
        super().__init__()
        self.share = share

    def is_cancelled(self):
        return bool(self.fractions) and self.fractions[-1] >= self.share


@pytest.fixture
def rough(tmp_path):
    """A rough field and a plane, as layers of their own CRS and resolution."""
    generator = np.random.default_rng(0)
    write_geotiff(tmp_path / "Rough field.tif", LAYER, generator.normal(size=LAYER.shape), [Band("", "m")])
    degrees = Grid("EPSG:4326", -77.2, -12.3, 0.01, 0.01, 120, 120)
    plane = degrees.x_centres()[None, :] + degrees.y_centres()[:, None]
    write_geotiff(tmp_path / "plane.tif", degrees, plane)
    return [layer_at(tmp_path / "Rough field.tif"), layer_at(tmp_path / "plane.tif")]


def layer_at(path):
    return Layer(str(path), Path(path).stem)


@pytest.fixture
def request_for(tmp_path):
    def make(layers, **more):
        given = {"resolution": 500.0, "extent": EXTENT, "extent_crs": UTM, **more}
        out = tmp_path / "out"
        return Request(layers, SMAP, "SMAP (series)", str(out / "coarse.tif"), str(out / "fine.tif"), **given)

    return make


@pytest.fixture
def refusal(tmp_path):
    """The sentence with which a request is refused; nothing may be left behind."""

    def sentence(request):
        with pytest.raises(InputError) as caught:
            harmonise(request)
        assert list((tmp_path / "out").glob("*")) == []
        return str(caught.value)

    return sentence


def test_both_stacks_have_the_same_bands_on_their_grids(rough, request_for):
    listener = Listener()
    request = request_for(rough)
    made = harmonise(request, listener)
    coarse, fine = open_stack(request.coarse_path), open_stack(request.fine_path)
    assert coarse.names == fine.names == ("rough_field", "plane")
    assert coarse.units == fine.units == ("m", "")
    window = EASE.window_touching(transform_bounds(EXTENT, UTM, EASE.crs))
    assert coarse.grid == made.coarse
    assert coarse.grid.shape == (window.height, window.width)
    row, col = coarse.grid.offset_in(EASE)
    assert (row, col) == (pytest.approx(window.row, abs=1e-6), pytest.approx(window.col, abs=1e-6))
    assert fine.grid == made.fine == Grid(UTM, 310000.0, 8590000.0, 500.0, 500.0, 70, 60)
    assert [layer.way for layer in made.layers] == ["area mean", "bilinear"]
    assert np.isfinite(coarse.read(coarse.names)).all()
    assert np.isfinite(fine.read(fine.names)).all()


def test_the_plane_keeps_its_place_on_both_grids(rough, request_for):
    request = request_for(rough)
    harmonise(request)
    # Pixels are steps 0.01 wide: a mean over a cell that cuts them is off by up to 0.01^2 / (8 x 0.09).
    for path, tolerance in ((request.coarse_path, 2e-4), (request.fine_path, 1e-5)):
        stack = open_stack(path)
        lon, lat = Transformation(stack.grid.crs, "EPSG:4326")(
            stack.grid.x_centres()[None, :], stack.grid.y_centres()[:, None]
        )
        np.testing.assert_allclose(stack.read(["plane"])[0], lon + lat, rtol=0, atol=tolerance)


def test_fine_values_average_to_the_coarse_ones(rough, request_for):
    """The means of the fine pixels in a cell return the coarse stack."""
    request = request_for(rough, extent=None)
    harmonise(request)
    coarse, fine = open_stack(request.coarse_path), open_stack(request.fine_path)
    x, y = Transformation(fine.grid.crs, coarse.grid.crs)(
        fine.grid.x_centres()[None, :], fine.grid.y_centres()[:, None]
    )
    cols = np.floor((x - coarse.grid.left) / coarse.grid.cell_width).astype(int)
    rows = np.floor((coarse.grid.top - y) / coarse.grid.cell_height).astype(int)
    values = fine.read(["rough_field"])[0]
    expected = coarse.read(["rough_field"])[0]
    for row, col in ((2, 2), (3, 4)):
        inside = (rows == row) & (cols == col)
        assert values[inside].mean() == pytest.approx(expected[row, col], abs=0.01)


def test_the_log_speaks_of_each_layer(rough, request_for):
    listener = Listener()
    harmonise(request_for(rough), listener)
    lines = [line for line in listener.lines if line.startswith(("rough_field", "plane"))]
    assert lines[0].startswith(
        "rough_field: EPSG:32718, pixel 250, area mean, covers 100.0 % of the SMAP cells ("
    )
    assert lines[1].startswith("plane: EPSG:4326, pixel 0.01, bilinear, covers 100.0 % of the SMAP cells (")
    assert "fine min -8" in lines[1]
    assert listener.fractions == sorted(listener.fractions)
    assert listener.fractions[-1] == pytest.approx(1.0)
    assert any("fine pixels" in text for text in listener.texts)


def test_without_an_extent_the_stacks_cover_the_series(rough, request_for):
    made = harmonise(request_for(rough, extent=None))
    assert made.coarse == SMAP
    box = transform_bounds(SMAP.bounds, SMAP.crs, UTM)
    assert made.fine.bounds.left <= box.left < made.fine.bounds.left + 500
    assert made.fine.bounds.top >= box.top > made.fine.bounds.top - 500


def test_a_layer_of_the_resolution_lends_the_fine_grid_its_pixels(tmp_path, request_for):
    grid = Grid(UTM, 300013.0, 8600007.0, 499.9, 499.9, 120, 100)
    values = np.random.default_rng(0).normal(size=grid.shape).astype(np.float32)
    write_geotiff(tmp_path / "a.tif", grid, values)
    request = request_for([layer_at(tmp_path / "a.tif")])
    listener = Listener()
    made = harmonise(request, listener)
    assert made.layers[0].way == "copied"
    assert "The fine grid follows the pixels of layer a (499.9 x 499.9)." in listener.lines
    row, col = (round(offset) for offset in made.fine.offset_in(grid))
    window = Window(row, col, made.fine.height, made.fine.width)
    np.testing.assert_array_equal(open_stack(request.fine_path).read(["a"])[0], values[window.slices])


def test_the_mask_leaves_both_stacks(rough, tmp_path, request_for):
    mask = Grid(UTM, 300000.0, 8600000.0, 100.0, 100.0, 600, 500)
    values = np.zeros(mask.shape)
    values[:, :260] = 1
    write_geotiff(tmp_path / "mask.tif", mask, values)
    request = request_for(rough, mask=str(tmp_path / "mask.tif"))
    made = harmonise(request)
    fine = open_stack(request.fine_path).read(["plane", "rough_field"])
    gone = made.fine.x_centres() < 326000
    assert np.isnan(fine[:, :, gone]).all()
    assert np.isfinite(fine[:, :, ~gone]).all()
    coarse = open_stack(request.coarse_path).read(["plane"])[0]
    assert np.isnan(coarse[:, 0]).all()
    assert np.isfinite(coarse[:, -1]).all()


def write_classes(path, grid, values, colours=True):
    dataset = gdal.GetDriverByName("GTiff").Create(str(path), grid.width, grid.height, 1, gdal.GDT_Byte)
    dataset.SetSpatialRef(spatial_reference(grid.crs))
    dataset.SetGeoTransform(grid.geotransform)
    band = dataset.GetRasterBand(1)
    if colours:
        table = gdal.ColorTable()
        table.SetColorEntry(10, (0, 90, 0, 255))
        band.SetColorTable(table)
    band.SetNoDataValue(255)
    band.WriteArray(values.astype(np.uint8))
    del band, dataset
    return layer_at(path)


@pytest.mark.parametrize("colours", [True, False])
def test_classes_become_fractions(tmp_path, request_for, colours):
    values = np.random.default_rng(1).choice([10, 20, 255], size=LAYER.shape, p=[0.5, 0.3, 0.2])
    # A class that occurs far from the study area only.
    values[:3, -3:] = 77
    layer = write_classes(tmp_path / "Land cover.tif", LAYER, values, colours)
    request = request_for([layer], categorical=() if colours else ["land_cover"])
    harmonise(request)
    coarse, fine = open_stack(request.coarse_path), open_stack(request.fine_path)
    assert coarse.names == fine.names == ("land_cover_10", "land_cover_20")
    assert coarse.units == ("1", "1")
    np.testing.assert_allclose(coarse.read(coarse.names).sum(axis=0), 1.0, atol=1e-6)
    assert coarse.read(["land_cover_10"])[0] == pytest.approx(0.625, abs=0.05)
    block = values[40:42, 40:42]
    assert fine.read(["land_cover_20"])[0][0, 0] == pytest.approx((block == 20).sum() / (block != 255).sum())


def test_bands_are_named_by_description_or_number(tmp_path):
    write_geotiff(tmp_path / "soil.tif", LAYER, np.ones((2, *LAYER.shape)), [Band("Clay %", "%"), Band("")])
    found = read_covariates([layer_at(tmp_path / "soil.tif")])
    assert [(one.name, one.unit, one.source.band) for one in found] == [("clay", "%", 1), ("soil_2", "", 2)]


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        (["Height", "tilt"], ["height_1", "height_2", "tilt"]),
        (["a", "b", "c"], ["a", "b", "c"]),
    ],
)
def test_names_can_be_given_by_layer_or_by_band(tmp_path, rough, names, expected):
    write_geotiff(tmp_path / "two.tif", LAYER, np.ones((2, *LAYER.shape)), [Band("p"), Band("q")])
    layers = [layer_at(tmp_path / "two.tif"), rough[1]]
    assert [one.name for one in read_covariates(layers, names)] == expected


def test_alike_covariates_are_named_in_a_warning(tmp_path, request_for):
    generator = np.random.default_rng(3)
    base = np.repeat(np.repeat(generator.normal(size=(10, 12)), 20, axis=0), 20, axis=1)
    layers = []
    for name in ("twi_a", "twi_b"):
        write_geotiff(tmp_path / f"{name}.tif", LAYER, base + generator.normal(size=LAYER.shape))
        layers.append(layer_at(tmp_path / f"{name}.tif"))
    listener = Listener()
    harmonise(request_for(layers, extent=None, resolution=250.0), listener)
    (warning,) = listener.warnings
    assert warning.startswith("twi_a and twi_b are almost the same on the SMAP cells (r = 0.99")
    assert warning.endswith("a forest cannot know which to follow; keep one of them.")


def test_constant_covariates_are_named_in_a_warning(tmp_path, request_for):
    write_geotiff(tmp_path / "flat.tif", LAYER, np.full(LAYER.shape, 4.0))
    listener = Listener()
    layers = [layer_at(tmp_path / "flat.tif")]
    harmonise(request_for(layers), listener)
    assert listener.warnings == [
        f"INPUT layer flat ({layers[0].path}), band 1: flat is 4 on all SMAP cells; no forest learns from "
        "it.",
    ]


def test_a_layer_without_any_value_is_refused(tmp_path, rough, request_for, refusal):
    write_geotiff(tmp_path / "empty.tif", LAYER, np.full(LAYER.shape, np.nan))
    empty = layer_at(tmp_path / "empty.tif")
    assert refusal(request_for([*rough, empty])) == (
        f"INPUT layer empty ({empty.path}), band 1: empty has no value on any SMAP cell; check its NoData "
        "value, MINIMUM_COVERED, or leave the layer out."
    )


def test_a_layer_beside_the_fine_grid_is_refused(tmp_path, rough, request_for, refusal):
    """It covers enough of a SMAP cell to have a mean, but nothing of the small study area in it."""
    values = np.full(LAYER.shape, np.nan)
    values[:, : LAYER.width // 2] = 3.0
    write_geotiff(tmp_path / "half.tif", LAYER, values)
    half = layer_at(tmp_path / "half.tif")
    box = LAYER.bounds
    centre = (box.left + box.right) / 2
    extent = Bounds(centre + 4 * LAYER.cell_width, box.bottom + 3000, centre + 4000, box.bottom + 6000)
    request = request_for([*rough, half], extent=extent, extent_crs=UTM, minimum_covered=0.01)
    assert refusal(request) == (
        f"INPUT layer half ({half.path}), band 1: half has no value on any fine pixel; check its NoData "
        "value, EXTENT and AOI, or leave the layer out."
    )


def test_a_mask_that_leaves_nothing_is_refused(tmp_path, rough, request_for, refusal):
    wide = Grid(UTM, 200000.0, 8700000.0, 1000.0, 1000.0, 300, 300)
    values = np.ones(wide.shape)
    path = str(tmp_path / "mask.tif")
    write_geotiff(path, wide, values)
    assert refusal(request_for(rough, mask=path)) == (
        f"MASK ({path}) masks all of the SMAP cells; give a raster that is 0 or NoData where land is to be "
        "kept, or none."
    )


def test_a_mask_that_masks_nothing_changes_nothing(tmp_path, rough, request_for):
    plain = request_for(rough)
    harmonise(plain)
    kept = [Path(path).read_bytes() for path in (plain.coarse_path, plain.fine_path)]
    wide = Grid(UTM, 200000.0, 8700000.0, 1000.0, 1000.0, 300, 300)
    write_geotiff(tmp_path / "mask.tif", wide, np.full(wide.shape, np.nan))
    listener = Listener()
    harmonise(replace(plain, mask=str(tmp_path / "mask.tif")), listener)
    assert [Path(path).read_bytes() for path in (plain.coarse_path, plain.fine_path)] == kept
    assert "MASK masks 0.0 % of the SMAP cells." in listener.lines


# Which fine grid.


def test_the_first_metric_layer_that_is_true_to_scale_gives_the_crs():
    region = Region(LAYER.bounds, UTM, "EXTENT")
    mercator = Grid("EPSG:3857", -8.5e6, -1.4e6, 100, 100, 10, 10)
    degrees = Grid("EPSG:4326", -77, -12, 0.1, 0.1, 10, 10)
    homolosine = Grid("ESRI:54052", -8.5e6, -1.4e6, 100, 100, 10, 10)
    other = Grid("EPSG:24878", 300000, 8600000, 100, 100, 10, 10)
    north = Region(Bounds(10.0, 52.0, 11.0, 53.0), "EPSG:4326", "EXTENT")
    assert default_crs([degrees, other], region) == "EPSG:24878"
    assert default_crs([degrees], region) == UTM
    assert default_crs([mercator, degrees], north) == "EPSG:32632"
    assert default_crs([homolosine], region) == UTM


@pytest.mark.parametrize(
    ("lon", "lat", "zone"), [(-179.9, 1, 32601), (179.9, -1, 32760), (101.9, -1.5, 32747)]
)
def test_utm_zones(lon, lat, zone):
    region = Region(Bounds(lon - 0.01, lat - 0.01, lon + 0.01, lat + 0.01), "EPSG:4326", "EXTENT")
    assert utm_zone(region) == f"EPSG:{zone}"


def test_a_geographic_fine_grid_counts_in_degrees():
    region = Region(Bounds(-76.8004, -13.0, -76.5, -12.7004), "EPSG:4326", "EXTENT")
    series = Region(SMAP.bounds, SMAP.crs, "SMAP")
    fine = fine_grid(region, series, "EPSG:4326", 0.001, [])
    assert fine.grid.left == pytest.approx(-76.801)
    assert fine.grid.top == pytest.approx(-12.7)
    assert fine.grid.shape == (300, 301)


# Refusals.


def test_no_layer_is_refused(request_for, refusal):
    assert refusal(request_for([])) == "INPUT: no layer is given; choose at least one raster."


def test_a_layer_without_crs_is_named(tmp_path, request_for, refusal):
    dataset = gdal.GetDriverByName("GTiff").Create(str(tmp_path / "bare.tif"), 4, 4, 1, gdal.GDT_Float32)
    dataset.SetGeoTransform(LAYER.geotransform)
    del dataset
    layer = layer_at(tmp_path / "bare.tif")
    assert refusal(request_for([layer])) == (
        f"INPUT layer bare ({layer.path}): it has no coordinate reference system; assign one "
        "(Raster > Projections > Assign projection)."
    )


def test_layers_elsewhere_are_named_with_the_extent(tmp_path, rough, request_for, refusal):
    far = Grid(UTM, 600000.0, 8600000.0, 250.0, 250.0, 10, 10)
    write_geotiff(tmp_path / "far.tif", far, np.ones(far.shape))
    layer = layer_at(tmp_path / "far.tif")
    tail = "do not meet; choose a layer, EXTENT or AOI of the same place."
    assert refusal(request_for([*rough, layer])) == f"INPUT layer far ({layer.path}) and EXTENT {tail}"
    assert refusal(request_for([*rough, layer], extent=None)) == (
        f"INPUT layer far ({layer.path}) and SMAP (series) {tail}"
    )


def test_an_extent_beside_the_series_is_named_with_it(rough, request_for, refusal):
    request = request_for(rough, extent=Bounds(-60.0, -12.0, -59.0, -11.0), extent_crs="EPSG:4326")
    assert (
        refusal(request) == "EXTENT and SMAP (series) do not meet; choose an extent inside the SMAP series."
    )


def test_a_mask_elsewhere_is_named(tmp_path, rough, request_for, refusal):
    far = Grid(UTM, 600000.0, 8600000.0, 250.0, 250.0, 10, 10)
    write_geotiff(tmp_path / "far.tif", far, np.ones(far.shape))
    path = str(tmp_path / "far.tif")
    assert refusal(request_for(rough, mask=path)) == (
        f"MASK ({path}) and EXTENT do not meet; choose a mask of the same area, or none."
    )


def test_two_layers_of_one_name_are_refused(tmp_path, rough, request_for, refusal):
    (tmp_path / "b").mkdir()
    write_geotiff(tmp_path / "b" / "PLANE.tif", LAYER, np.ones(LAYER.shape))
    other = layer_at(tmp_path / "b" / "PLANE.tif")
    assert refusal(request_for([*rough, other])) == (
        f"INPUT layer plane ({rough[1].path}), band 1 and INPUT layer PLANE ({other.path}), band 1 would "
        "both be named 'plane'; name one otherwise by NAMES."
    )


def test_names_that_do_not_fit_are_refused(rough, request_for, refusal):
    assert refusal(request_for(rough, names=["a", "b", "c"])) == (
        "NAMES: 3 names are given for 2 layers with 2 bands; give one for each layer, or one for each band, "
        "separated by commas."
    )


def test_an_unknown_categorical_layer_is_named(rough, request_for, refusal):
    assert refusal(request_for(rough, categorical=["landcover"])) == (
        "CATEGORICAL: there is no layer named landcover (there are rough_field, plane); correct the name."
    )


def test_fractions_are_no_classes(rough, request_for, refusal):
    sentence = refusal(request_for(rough, categorical=["plane"]))
    assert sentence.startswith(f"INPUT layer plane ({rough[1].path}), band 1: it is categorical but holds -")
    assert sentence.endswith(
        ", which is no whole number; take it out of CATEGORICAL, or give plane=no there if it is measured."
    )


def test_too_many_classes_are_refused(tmp_path, request_for, refusal):
    layer = write_classes(tmp_path / "many.tif", LAYER, np.random.default_rng(0).integers(0, 31, LAYER.shape))
    assert refusal(request_for([layer])) == (
        f"INPUT layer many ({layer.path}), band 1: it has more than 30 classes; reclassify it to fewer, "
        "or give CATEGORICAL many=no if its numbers are measurements."
    )


def patches(codes, seed=0, side=8):
    """Patches of codes on `LAYER`, in any order."""
    shape = -(-LAYER.height // side), -(-LAYER.width // side)
    chosen = np.random.default_rng(seed).choice(codes, size=shape)
    return np.kron(chosen, np.ones((side, side), int))[: LAYER.height, : LAYER.width]


def integers(path, values, description="", unit="", kind=gdal.GDT_Int16):
    """A layer of whole numbers on `LAYER`."""
    write_classes(path, LAYER, np.zeros(LAYER.shape), colours=False)
    dataset = gdal.GetDriverByName("GTiff").Create(str(path), LAYER.width, LAYER.height, 1, kind)
    dataset.SetSpatialRef(spatial_reference(LAYER.crs))
    dataset.SetGeoTransform(LAYER.geotransform)
    band = dataset.GetRasterBand(1)
    band.SetDescription(description)
    band.SetUnitType(unit)
    band.WriteArray(values)
    del band, dataset
    return layer_at(path)


@pytest.mark.parametrize(
    ("stem", "description", "codes"),
    [
        ("landcover", "", (10, 20, 30, 40)),
        ("ESA_WorldCover_10m_2021_v200_S15W075_Map", "", (10, 30, 60)),
        ("MCD12Q1_2020", "", (7, 10, 12, 16)),
        ("a", "LC_Type1", (1, 2, 3, 4)),
        ("soil type", "", (2, 3, 4, 5, 6)),
    ],
)
def test_classes_by_their_name_are_asked_for(tmp_path, request_for, refusal, stem, description, codes):
    layer = integers(tmp_path / f"{stem}.tif", patches(codes), description)
    listed = ", ".join(map(str, codes))
    (one,) = read_covariates([layer])
    assert refusal(request_for([layer])) == (
        f"INPUT layer {stem} ({layer.path}), band 1: by its name and its values ({listed}) it is a map of "
        f"classes, whose codes have no mean; give CATEGORICAL {one.name}, or {one.name}=no if they are "
        "measurements."
    )
    as_classes = request_for([layer], categorical=[one.name])
    harmonise(as_classes)
    assert open_stack(as_classes.fine_path).names == tuple(f"{one.name}_{code}" for code in codes)
    listener = Listener()
    as_numbers = request_for([layer], categorical=[f"{one.name}=no"])
    harmonise(as_numbers, listener)
    assert open_stack(as_numbers.fine_path).names == (one.name,)
    assert listener.warnings == []


def test_classes_by_their_values_are_asked_for(tmp_path, request_for):
    layer = integers(tmp_path / "map_2020.tif", patches([11, 21, 41, 42, 71, 82]))
    listener = Listener()
    harmonise(request_for([layer]), listener)
    assert listener.warnings == [
        f"INPUT layer map_2020 ({layer.path}), band 1: its values (11, 21, 41, 42, 71, 82) look like codes "
        "of classes, which have no mean; give CATEGORICAL map_2020, or map_2020=no if they are measurements."
    ]
    listener = Listener()
    harmonise(request_for([layer], categorical=["map_2020=no"]), listener)
    assert listener.warnings == []


def measured(kind):
    """Whole numbers that measure something, on `LAYER`."""
    y, x = np.mgrid[0 : LAYER.height, 0 : LAYER.width]
    field = np.sin(x / 23) + np.cos(y / 17) + np.sin((x + y) / 9) / 2
    share = (field - field.min()) / (field.max() - field.min())
    rng = np.random.default_rng(3)
    return {
        "metres": np.round(500 + 900 * share),
        "tens of metres": np.round(12 * share) * 10,
        "percent": np.round(100 * share),
        "tens of percent": np.round(10 * share) * 10,
        "clay": np.round(18 + 14 * share),
        "counts": rng.poisson(2.5, LAYER.shape),
        "yes and no": np.where(share > 0.5, 100, 0),
        "one and none": (share > 0.5).astype(int),
        "coarse rain": np.kron(np.round(rng.uniform(300, 900, (5, 6))), np.ones((40, 40))),
    }[kind]


@pytest.mark.parametrize(
    "kind",
    [
        *("metres", "tens of metres", "percent", "tens of percent"),
        *("clay", "counts", "yes and no", "one and none", "coarse rain"),
    ],
)
def test_whole_numbers_that_measure_are_no_classes(tmp_path, request_for, kind):
    layer = integers(tmp_path / "layer.tif", measured(kind))
    listener = Listener()
    request = request_for([layer])
    harmonise(request, listener)
    assert listener.warnings == []
    assert open_stack(request.fine_path).names == ("layer",)


def test_a_name_of_classes_with_measurements_is_no_map_of_classes(tmp_path, request_for):
    share = integers(tmp_path / "landcover_tree_percent.tif", measured("tens of percent"))
    binary = integers(tmp_path / "landcover_urban.tif", measured("one and none"))
    tagged = integers(tmp_path / "crop_type.tif", measured("tens of percent"), unit="%")
    listener = Listener()
    harmonise(request_for([share, binary]), listener)
    harmonise(request_for([tagged]), listener)
    assert listener.warnings == []


def test_a_rendered_layer_is_refused(tmp_path, request_for, refusal):
    path = tmp_path / "hillshade.tif"
    dataset = gdal.GetDriverByName("GTiff").Create(str(path), LAYER.width, LAYER.height, 3, gdal.GDT_Byte)
    dataset.SetSpatialRef(spatial_reference(LAYER.crs))
    dataset.SetGeoTransform(LAYER.geotransform)
    for number in (1, 2, 3):
        dataset.GetRasterBand(number).WriteArray(measured("percent").astype(np.uint8))
    del dataset
    assert refusal(request_for([layer_at(path)])) == (
        f"INPUT layer hillshade ({path}): it is a picture rendered in colours, not the values themselves; "
        "choose the raster it was drawn from (saved from QGIS as 'Raw data'), or describe its bands by names "
        "if they are measurements."
    )


def test_one_band_is_named_by_itself_else_by_its_file(tmp_path):
    def named(*files):
        layers = []
        for stem, *bands in files:
            path = tmp_path / f"{stem}.tif"
            write_geotiff(path, LAYER, np.zeros((len(bands), *LAYER.shape)), [Band(name) for name in bands])
            layers.append(Layer(str(path), stem, "a title of QGIS"))
        return [one.name for one in read_covariates(layers)]

    assert named(("a", "NDVI"), ("b", ""), ("c", "Clay 0-5cm")) == ["ndvi", "b", "clay_0_5cm"]
    # Descriptions that say nothing, or the same of several layers.
    assert named(("a", "Band 1"), ("b", "Layer_1"), ("c", "Gray")) == ["a", "b", "c"]
    assert named(("a", "mean"), ("b", "mean"), ("c", "sd")) == ["a", "b", "sd"]
    assert named(("a", "clay"), ("clay", "")) == ["a", "clay"]
    assert named(("a", "clay"), ("b", "clay", "sand")) == ["a", "clay", "sand"]
    assert named(("a", "a description of " + "many " * 9)) == ["a"]
    assert named(("a", "", "sand")) == ["a_1", "sand"]


def cut(tmp_path, name, rows, cols, values=None):
    """A part of a plane on `LAYER`."""
    row, col = rows.start or 0, cols.start or 0
    window = Window(row, col, (rows.stop or LAYER.height) - row, (cols.stop or LAYER.width) - col)
    grid = LAYER.crop(window)
    values = grid.x_centres()[None, :] + grid.y_centres()[:, None]
    write_geotiff(tmp_path / f"{name}.tif", grid, values)
    return layer_at(tmp_path / f"{name}.tif")


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ((slice(None), slice(0, 120)), (slice(None), slice(120, None))),
        # One pixel shared, as in SRTM; one lacking; unlike heights.
        ((slice(None), slice(0, 121)), (slice(None), slice(120, None))),
        ((slice(None), slice(0, 119)), (slice(20, 190), slice(120, None))),
        ((slice(0, 100), slice(None)), (slice(100, None), slice(None))),
    ],
)
def test_tiles_are_refused_with_advice_to_merge(tmp_path, rough, request_for, refusal, first, second):
    tiles = [cut(tmp_path, "dem_w", *first), cut(tmp_path, "dem_e", *second)]
    for layers in (tiles, [rough[1], *reversed(tiles)]):
        one, other = (layer for layer in layers if layer in tiles)
        assert refusal(request_for(layers)) == (
            f"INPUT layer {one.name} ({one.path}) and INPUT layer {other.name} ({other.path}) lie side by "
            "side, like tiles of one raster, so that no place would have values of both; merge all tiles to "
            "one raster first (Raster > Miscellaneous > Merge, or Build Virtual Raster) and give that."
        )


def test_layers_that_overlap_are_no_tiles(tmp_path, request_for):
    layers = [
        cut(tmp_path, "a", slice(None), slice(0, 200)),
        cut(tmp_path, "b", slice(None), slice(40, None)),
        cut(tmp_path, "c", slice(None), slice(None)),
    ]
    harmonise(request_for(layers))


def test_layers_that_share_no_cell_are_refused(tmp_path, request_for, refusal):
    corners = [
        cut(tmp_path, "a", slice(0, 100), slice(0, 120)),
        cut(tmp_path, "b", slice(100, None), slice(120, None)),
    ]
    sentence = refusal(request_for(corners))
    assert sentence.startswith("INPUT: no SMAP cell has a value of all covariates (of 20 cells ")
    assert sentence.endswith(
        " have one, never together); choose layers of the same area, or a lower MINIMUM_COVERED."
    )


def test_a_series_is_no_static_covariate(tmp_path, request_for, refusal):
    bands = [Band("2020-01-01"), Band("2020-01-02")]
    write_geotiff(tmp_path / "rain.tif", LAYER, np.ones((2, *LAYER.shape)), bands)
    layer = layer_at(tmp_path / "rain.tif")
    assert refusal(request_for([layer])) == (
        f"INPUT layer rain ({layer.path}): its bands are dates; give dated covariates to 'Regression matrix' "
        "and 'Downscale' as they are."
    )


@pytest.mark.parametrize(
    ("more", "sentence"),
    [
        ({"resolution": 0.0}, "RESOLUTION is 0; give the side of a pixel, greater than 0."),
        ({"resolution": float("nan")}, "RESOLUTION is nan; give the side of a pixel, greater than 0."),
        (
            {"resolution": 0.5},
            "RESOLUTION 0.5 makes a fine stack of 70,000 x 60,000 pixels; "
            "give a smaller EXTENT or AOI, or a coarser RESOLUTION.",
        ),
        (
            {"resolution": 9100.0},
            "RESOLUTION 9100 is coarser than the SMAP cells (9008.06); give a finer one.",
        ),
        (
            {"crs": "EPSG:4326", "resolution": 100.0},
            "RESOLUTION is 100, but CRS EPSG:4326 is in degrees; give degrees (0.0009 is about 100 m), "
            "or choose a CRS in metres.",
        ),
        (
            {"crs": "EPSG:2229"},
            "CRS EPSG:2229 is in US survey foot, not in metres; choose another CRS, such as the UTM zone.",
        ),
        ({"minimum_covered": 50.0}, "MINIMUM_COVERED is 50; give a share from 0 to 1."),
    ],
)
def test_numbers_that_make_no_sense_are_refused(rough, request_for, refusal, more, sentence):
    assert refusal(request_for(rough, **more)) == sentence


@pytest.mark.parametrize("at", [0.01, 0.6])
def test_a_cancelled_run_leaves_nothing(rough, request_for, tmp_path, monkeypatch, at):
    # However fast it goes, each share is told.
    monkeypatch.setattr("smap_downscaler.base.progress.Counter.LEAST_INTERVAL", 0.0)
    request = request_for(rough, resolution=30.0)
    with pytest.raises(Cancelled):
        harmonise(request, CancelledAt(at))
    assert list((tmp_path / "out").glob("*")) == []


def test_nothing_is_written_beside_the_inputs(rough, request_for, tmp_path):
    before = sorted(path.name for path in tmp_path.iterdir())
    harmonise(request_for(rough))
    assert sorted(path.name for path in tmp_path.iterdir() if path.name != "out") == before


# Real data.


@pytest.fixture(scope="module")
def bungo(shared_data, tmp_path_factory):
    """Five real layers over Sumatra, harmonised at 100 m to all 9 km cells they touch."""
    paths = sorted((shared_data / "bungo_100m").glob("*.tif"))
    grid = dataset_grid(open_dataset(paths[0]), "bungo")
    out = tmp_path_factory.mktemp("bungo")
    request = Request(
        [layer_at(path) for path in paths],
        EASE,
        "SMAP (world)",
        str(out / "coarse.tif"),
        str(out / "fine.tif"),
        extent=grid.bounds,
        extent_crs=grid.crs,
    )
    return request, harmonise(request)


def test_real_layers_at_100_m_are_the_source_bit_for_bit(bungo):
    request, made = bungo
    fine = open_stack(request.fine_path)
    assert made.fine.crs == "EPSG:32748"
    assert {layer.way for layer in made.layers} == {"copied"}
    for layer, name in zip(request.layers, fine.names, strict=True):
        np.testing.assert_array_equal(fine.read([name])[0], read_band(open_dataset(layer.path), 1))


def test_real_means_agree_with_assigning_each_pixel_by_its_centre(bungo):
    """An independent way: every pixel transformed exactly, given wholly to the cell of its centre."""
    request, made = bungo
    coarse, fine = open_stack(request.coarse_path), open_stack(request.fine_path)
    grid = fine.grid
    x, y = Transformation(grid.crs, EASE.crs)(grid.x_centres()[None, :], grid.y_centres()[:, None])
    col = np.floor((x - made.coarse.left) / made.coarse.cell_width).astype(int)
    row = np.floor((made.coarse.top - y) / made.coarse.cell_height).astype(int)
    flat = (row * made.coarse.width + col).ravel()
    size = made.coarse.width * made.coarse.height
    pixels = (grid.bounds.right - grid.left) * (grid.top - grid.bounds.bottom) / (9008.055210146**2)
    assert 110 <= pixels <= 130
    for name in coarse.names:
        values = fine.read([name])[0].ravel().astype(float)
        valid = np.isfinite(values)
        count = np.bincount(flat[valid], minlength=size)
        with np.errstate(invalid="ignore"):
            expected = (np.bincount(flat[valid], values[valid], size) / count).reshape(made.coarse.shape)
        found = coarse.read([name])[0]
        kept = np.isfinite(found)
        share = (count / 8117.4).reshape(made.coarse.shape)
        assert kept.sum() == 57
        np.testing.assert_array_equal(
            kept[np.abs(share - 0.5) > 0.02], (share > 0.5)[np.abs(share - 0.5) > 0.02]
        )
        # Pixels given whole by their centre err at the edges, most where relief is steep.
        relative = np.abs(found[kept] / expected[kept] - 1)
        assert relative.max() < (5e-3 if "srtm" in name else 2e-3)
        assert np.median(relative) < (1e-3 if "srtm" in name else 3e-4)


def test_a_real_mean_equals_exact_clipping(bungo):
    request, made = bungo
    source = Source(next(layer.path for layer in request.layers if "elev" in layer.name), 1, made.fine)
    cell = made.coarse.crop(Window(4, 5, 1, 1))
    window = window_over(source.grid, cell.bounds, cell.crs)
    values = read_band(open_dataset(source.path), 1, window)
    expected, share = clipped_means(values.astype(float), source.grid.crop(window), cell)
    assert 0.7 < share[0, 0] < 0.8
    found = open_stack(request.coarse_path).read(["srtm30m_das_adm_f"], Window(4, 5, 1, 1))[0]
    assert found[0, 0] == pytest.approx(expected[0, 0], rel=1e-5)
