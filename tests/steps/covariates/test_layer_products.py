"""Units, conversions and resampling through 'Harmonise covariates': what is chosen, and what comes out."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from osgeo import gdal

from raster_cases import Listener, grid_raster, raw_raster
from smap_downscaler.base.errors import InputError
from smap_downscaler.geo.geotiff import Band, write_geotiff
from smap_downscaler.geo.grid import Bounds, Grid, ease2_grid
from smap_downscaler.geo.lattice import transform_bounds
from smap_downscaler.series.stack import open_stack
from smap_downscaler.steps.covariates.covariate import Layer
from smap_downscaler.steps.covariates.harmonise import Request, harmonise
from smap_downscaler.steps.covariates.layers import read_covariates
from smap_downscaler.steps.covariates.numbers.layers_table import read_rows
from smap_downscaler.steps.covariates.products import USED_HEADERS, used_rows

UTM = "EPSG:32718"
#: 500 m pixels on the fine grid of 1000 m: two by two make one.
LAYER = Grid(UTM, 300000.0, 8600000.0, 500.0, 500.0, 100, 80)
EXTENT = Bounds(304000.0, 8564000.0, 346000.0, 8596000.0)
EASE = ease2_grid("9 km")
SMAP = EASE.crop(EASE.window_touching(transform_bounds(LAYER.bounds, UTM, EASE.crs)))
FINE = (slice(8, 72), slice(8, 92))


class Case:
    def __init__(self, folder):
        self.folder = folder
        self.generator = np.random.default_rng(4)
        self.layers = []

    def add(self, name, values, unit="", grid=LAYER, **more):
        """A layer; returns its values."""
        path = grid_raster(self.folder / f"{name}.tif", grid, values, units=[unit] if unit else (), **more)
        self.layers.append(Layer(path, name))
        return values

    def uniform(self, low, high, shape=LAYER.shape):
        return self.generator.uniform(low, high, shape).astype(np.float32)

    def read(self, *cells, guess=True, **more):
        return read_covariates(self.layers, rows=read_rows(cells), guess=guess, **more)

    def request(self, *cells, guess=True, **more):
        out = self.folder / "out"
        return Request(
            self.layers, SMAP, "SMAP (series)", str(out / "coarse.tif"), str(out / "fine.tif"),
            extent=EXTENT, extent_crs=UTM, crs=UTM, resolution=1000.0,
            rows=read_rows(cells), guess=guess, **more,
        )  # fmt: skip

    def run(self, *cells, listener=None, **more):
        request = self.request(*cells, **more)
        harmonise(request, listener or Listener())
        return open_stack(request.fine_path), open_stack(request.coarse_path)

    def refusal(self, *cells, **more):
        with pytest.raises(InputError) as caught:
            harmonise(self.request(*cells, **more))
        assert list((self.folder / "out").glob("*")) == []
        return str(caught.value)

    def label(self, number=0):
        return f"INPUT layer {self.layers[number].name} ({self.layers[number].path}), band 1"


@pytest.fixture
def case(tmp_path):
    return Case(tmp_path)


def two_by_two(values):
    """Means of the fine pixels, by hand."""
    part = values.astype(np.float64)[FINE]
    return part.reshape(part.shape[0] // 2, 2, part.shape[1] // 2, 2).mean(axis=(1, 3))


def test_products_come_out_in_their_units(case):
    """Files as the portals name them; expected numbers by the units' own factors."""
    soc = case.add("soc_0-5cm_mean", case.generator.integers(50, 3000, LAYER.shape).astype(np.int16))
    clay = case.add("CLYPPT_M_sl1_250m", case.generator.integers(5, 60, LAYER.shape).astype(np.uint8))
    alpha = case.add("Global_alpha_vG_parameter_1Km_s0....0cm_v1.0", case.uniform(-0.5, 1.0))
    ksat = case.add("Global_Ksat_1Km_s0....0cm_v1.0", case.uniform(0.2, 3.0))
    ph = case.add("phh2o_0-5cm_mean", case.uniform(45, 80))
    listener = Listener()
    fine, coarse = case.run(listener=listener)
    assert fine.names == coarse.names == ("soc", "clay", "vg_alpha", "ksat", "phh2o")
    assert fine.units == coarse.units == ("g/kg", "g/kg", "1/cm", "cm/d", "pH")
    expected = (
        soc / 10.0,
        clay * 10.0,
        10.0 ** alpha.astype(float) / 100,
        10.0 ** ksat.astype(float),
        ph / 10.0,
    )
    for name, values in zip(fine.names, expected):
        # Converted pixel by pixel, then averaged: not 10 to the mean of the logarithms.
        np.testing.assert_allclose(fine.read([name])[0], two_by_two(values), rtol=2e-6)
        inner = coarse.read([name])[0][2:-2, 2:-2]
        assert inner.mean() == pytest.approx(values.mean(), rel=0.1)
    assert len(listener.warnings) == 5
    assert listener.warnings[0] == (
        f"{case.label(0)}: by its name taken as SoilGrids 2.0 soc in dg/kg, conversion 'dg/kg -> g/kg' "
        "(covariate soc, g/kg); choose otherwise in LAYERS, or switch GUESS off."
    )
    start = next(number for number, line in enumerate(listener.lines) if line.startswith("  layer"))
    header, rule, first = listener.lines[start], listener.lines[start + 1], listener.lines[start + 2]
    assert [text for text in re.split(r" {2,}", header) if text] == list(USED_HEADERS)
    assert set(rule) == {" ", "-"}
    assert [text for text in re.split(r" {2,}", first) if text] == [
        "soc_0-5cm_mean", "soc", "dg/kg", "dg/kg -> g/kg", "no", "g/kg", "auto", "file name: SoilGrids 2.0",
    ]  # fmt: skip


def test_guess_can_be_switched_off(case):
    soc = case.add("soc_0-5cm_mean", case.uniform(50, 500))
    listener = Listener()
    fine, _coarse = case.run(guess=False, listener=listener)
    assert (fine.names, fine.units, listener.warnings) == (("soc_0_5cm_mean",), ("",), [])
    np.testing.assert_allclose(fine.read(fine.names)[0], two_by_two(soc), rtol=1e-6)


def test_a_unit_tag_goes_before_the_name(case):
    case.add("soc_0-5cm_mean", case.uniform(5, 50), "g/kg")
    case.add("cec_0-5cm_mean", case.uniform(50, 300), "mmol(c) kg-1")
    case.add("bdod_0-5cm_mean", case.uniform(1, 2), "T/m3")
    found = case.read()
    assert [(one.name, one.unit, one.change.conversion.name, one.why) for one in found] == [
        ("soc", "g/kg", "none", "unit tag"),
        ("cec", "cmol(c)/kg", "mmol(c)/kg -> cmol(c)/kg", "file name: SoilGrids 2.0"),
        ("bdod", "T/m3", "none", "unit tag"),
    ]


def test_the_demos_own_files_are_left_alone(case):
    for name in ("clay", "sand", "soc"):
        case.add(name, case.uniform(100, 400), "g/kg")
    listener = Listener()
    fine, _coarse = case.run(listener=listener)
    assert (fine.names, fine.units, listener.warnings) == (("clay", "sand", "soc"), ("g/kg",) * 3, [])
    assert [one.change.nothing for one in case.read()] == [True] * 3


def test_a_band_that_scales_itself_is_not_converted_again(case):
    stored = case.generator.integers(45, 80, LAYER.shape).astype(np.int16)
    case.add("phh2o_0-5cm_mean", stored, scale=0.1)
    listener = Listener()
    fine, _coarse = case.run(listener=listener)
    np.testing.assert_allclose(fine.read(["phh2o"])[0], two_by_two(stored / 10.0), rtol=1e-6)
    assert listener.warnings == [
        f"{case.label()}: the band scales its numbers itself, so none of the conversions of its product is "
        "made; choose one in LAYERS if it needs one."
    ]


def test_a_changed_name_converts_nothing_and_says_so(case):
    case.add("clip_soc_0-5cm_mean", case.uniform(50, 500))
    listener = Listener()
    fine, _coarse = case.run(listener=listener)
    assert (fine.names, fine.units) == (("clip_soc_0_5cm_mean",), ("",))
    assert listener.warnings == [
        f"{case.label()}: its name is like that of SoilGrids 2.0 soc, which is stored in dg/kg, but not the "
        "product's own, so no conversion is made; choose one in LAYERS if it needs one."
    ]


def test_a_unit_by_name_is_dropped_where_the_values_deny_it(case):
    """clay_0-5cm_mean.tif that somebody brought to % before."""
    case.add("clay_0-5cm_mean", case.uniform(10, 60))
    listener = Listener()
    fine, _coarse = case.run(listener=listener)
    assert (fine.names, fine.units) == (("clay",), ("",))
    assert listener.warnings[1].startswith(f"{case.label()}: clay: values 10 to 59.9")
    assert listener.warnings[1].endswith(
        " look like %, not g/kg: if so, choose the conversion '% -> g/kg' for it in LAYERS."
    )


def test_rows_go_before_names_tags_and_guesses(case):
    case.add("soc_0-5cm_mean", case.uniform(5, 50))
    case.add("texture", case.uniform(10, 60), "g/kg")
    case.add("ksat", case.uniform(1, 900))
    cells = [
        "SOC_0-5cm_mean.tif", "carbon", "none", "", "",
        "texture", "clay", "% -> g/kg", "nearest", "",
        "ksat", "", "", "", "out",
    ]  # fmt: skip
    found = case.read(*cells, names=["a", "b", "c"])
    assert [(one.name, one.unit, one.stored, one.resampling, one.why) for one in found] == [
        ("carbon", "", "", "auto", "LAYERS, row 1"),
        ("clay", "g/kg", "%", "nearest", "LAYERS, row 2"),
        ("c", "log10(value)", "", "auto", "LAYERS, row 3"),
    ]
    assert found[0].change.nothing
    # A name and a conversion of the analyst's own free a layer from the limits of its quantity.
    assert [one.quantity for one in found] == ["", "clay", ""]
    fine, _coarse = case.run(*cells)
    soc, texture, ksat = (open_stack_values(case, number) for number in range(3))
    np.testing.assert_allclose(fine.read(["carbon"])[0], two_by_two(soc), rtol=1e-6)
    np.testing.assert_allclose(fine.read(["ksat"])[0], two_by_two(np.log10(ksat)), rtol=1e-5)
    # A fine centre lies on a corner of four pixels: nearest takes the one below to the right.
    np.testing.assert_allclose(fine.read(["clay"])[0], 10 * texture[FINE][1::2, 1::2], rtol=1e-6)


def open_stack_values(case, number):
    dataset = gdal.Open(case.layers[number].path)
    return dataset.GetRasterBand(1).ReadAsArray()


def test_names_given_stay_though_the_conversion_is_guessed(case):
    case.add("soc_0-5cm_mean", case.uniform(50, 500))
    (found,) = case.read(names=["carbon"])
    assert (found.name, found.unit, found.quantity) == ("carbon", "g/kg", "soc")


def test_a_row_of_a_stack_speaks_for_a_band_or_for_all(case):
    path = case.folder / "soils.tif"
    write_geotiff(path, LAYER, np.full((2, *LAYER.shape), 20.0), [Band("clay", "%"), Band("silt", "%")])
    case.layers = [Layer(str(path), "soils")]
    found = case.read("clay", "", "% -> g/kg", "", "")
    assert [(one.name, one.unit) for one in found] == [("clay", "g/kg"), ("silt", "%")]
    found = case.read("soils", "part", "% -> g/kg", "", "")
    assert [(one.name, one.unit) for one in found] == [("part_1", "g/kg"), ("part_2", "g/kg")]
    assert [row[0] for row in used_rows(found)] == ["soils, band 1", "soils, band 2"]


@pytest.mark.parametrize(
    ("resampling", "way"),
    [("auto", "area mean"), ("mean", "area mean"), ("bilinear", "bilinear"), ("nearest", "nearest")],
)
def test_resampling_is_as_chosen(case, resampling, way):
    values = case.add("field", case.uniform(0, 1))
    request = case.request("field", "", "", resampling, "")
    made = harmonise(request)
    assert [layer.way for layer in made.layers] == [way]
    found = open_stack(request.fine_path).read(["field"])[0]
    part = values[FINE].astype(float)
    # Bilinear at a corner of four pixels is their mean too.
    expected = part[1::2, 1::2] if way == "nearest" else two_by_two(values)
    np.testing.assert_allclose(found, expected, rtol=1e-6)


def test_a_coarse_layer_as_blocks_or_smooth(case):
    coarse = Grid(UTM, 300000.0, 8600000.0, 5000.0, 5000.0, 10, 8)
    values = case.add("rain", case.uniform(0, 9, coarse.shape), grid=coarse)
    inside = values[0:8, 0:10].repeat(5, 0).repeat(5, 1)[4:36, 4:46]
    fine, _ = case.run("rain", "", "", "nearest", "")
    np.testing.assert_allclose(fine.read(["rain"])[0], inside, rtol=1e-6)
    fine, _ = case.run("rain", "", "", "mean", "")
    np.testing.assert_allclose(fine.read(["rain"])[0], inside, rtol=1e-4)
    fine, _ = case.run()
    smooth = fine.read(["rain"])[0]
    assert np.abs(np.diff(smooth, axis=1)).max() < 0.5 * np.abs(np.diff(inside, axis=1)).max()


def test_a_layer_on_the_grid_is_copied_whatever_is_chosen(case):
    grid = replace(LAYER, cell_width=1000.0, cell_height=1000.0, width=50, height=40)
    values = case.add("field", case.uniform(0, 1, grid.shape), grid=grid)
    for way in ("nearest", "bilinear", "mean"):
        fine, _ = case.run("field", "", "x 10", way, "")
        np.testing.assert_array_equal(fine.read(["field"])[0], (values * 10.0)[4:36, 4:46].astype(np.float32))


# Refusals.


def test_values_that_cannot_be_true_stop_the_run_before_any_file(case):
    ph = case.add("phh2o", case.uniform(45, 80))
    ph[20, 20], ph[40, 40] = 45, 80
    case.layers = []
    case.add("phh2o", np.clip(ph, 45, 80).round())
    sentence = case.refusal()
    assert sentence == (
        f"{case.label()}: phh2o: values 45 to 80 pH cannot be phh2o (2 to 11 pH); the layer is likely in "
        "pH x 10: choose the conversion 'pH x 10 -> pH' for it in LAYERS."
    )
    fine, _ = case.run("phh2o", "", "pH x 10 -> pH", "", "")
    assert fine.units == ("pH",)


def test_a_few_bad_pixels_that_the_sample_misses_stop_the_run_too(case):
    grid = replace(LAYER, cell_width=50.0, cell_height=50.0, width=1000, height=800)
    values = case.uniform(100, 400, grid.shape)
    values[333:335, 511:513] = 5000
    case.add("clay", values, "g/kg", grid=grid)
    request = replace(case.request(), resolution=50.0)
    with pytest.raises(InputError) as caught:
        harmonise(request)
    assert str(caught.value).startswith(f"{case.label()}: clay: values 100 to 5000 g/kg cannot be clay")
    assert list((case.folder / "out").glob("*")) == []


def test_fractions_that_add_up_to_too_much_stop_the_run(case):
    for name in ("clay", "sand"):
        case.add(name, np.full(LAYER.shape, 700, np.float32), "g/kg")
    assert case.refusal() == (
        "INPUT: clay + sand add up to 1400 g/kg on a SMAP cell, more than 1000; one of them is likely in "
        "another unit, or of another depth: check their conversions in LAYERS."
    )


def test_nodata_without_a_tag_is_named(case):
    values = case.uniform(100, 400)
    values[:, ::7] = -9999
    case.add("elevation", values.round(), "m")
    sentence = case.refusal()
    assert sentence.startswith(f"{case.label()}: elevation holds -9999 in ")
    assert "; declare it by NODATA (elevation=-9999), " in sentence


def test_ten_to_the_power_of_no_logarithm_is_stopped(case):
    case.add("ksat", np.full(LAYER.shape, 400, np.float32))
    assert case.refusal("ksat", "", "", "", "in") == (
        f"{case.label()}: ksat: values inf to inf cm/d cannot be ksat (above 0 to 1e+06 cm/d); the layer is "
        "likely in cm/d: choose the conversion 'none' for it in LAYERS."
    )


def test_logarithms_of_what_is_not_positive_are_refused(case):
    values = case.add("flow", case.uniform(1, 2).round())
    values[30, 30] = 0
    case.layers = []
    values[20:50, 20:50] = 0
    case.add("flow", values)
    assert case.refusal("flow", "", "", "", "out") == (
        f"{case.label()}: flow: its lowest value is 0, which has no log10; leave log10 of this layer empty "
        "in LAYERS."
    )


def test_rows_that_fit_no_layer_are_refused(case):
    case.add("soc", case.uniform(5, 50))
    case.add("clay", case.uniform(100, 500))
    assert case.refusal("sic", "", "none", "", "") == (
        "LAYERS, row 1: there is no layer named sic (there are soc, clay); correct the name."
    )
    assert case.refusal("soc", "", "none", "", "", "soc.tif", "", "none", "", "") == (
        f"LAYERS, row 2: {case.label()} has row 1 already; keep one of them."
    )
    assert case.refusal("soc", "clay", "", "", "") == (
        f"{case.label(0)} and {case.label(1)} would both be named 'clay'; name one otherwise by NAMES."
    )
    assert case.refusal("soc", "", "none", "", "", categorical=["soc"]) == (
        f"LAYERS, row 1: {case.label()} is categorical, so its values have no unit; leave conversion and "
        "log10 empty."
    )


def test_same_values_under_two_names_are_reported(case):
    values = case.add("one", case.uniform(0, 1))
    case.add("two", values)
    listener = Listener()
    case.run(listener=listener)
    assert listener.warnings[0] == (
        f"{case.label(0)} and {case.label(1)} hold the same values; leave out one of them."
    )


# Real data.


def test_real_texture_in_percent_is_reported_and_converted(shared_data, tmp_path):
    folder = shared_data / "bungo_100m"
    paths = [folder / f"bungo_{name}_0-5cm_mean.tif" for name in ("clay", "sand", "silt")]
    layers = [Layer(str(path), path.stem) for path in paths]
    grid = read_covariates(layers)[0].source.grid

    def request(name, *cells):
        return Request(
            layers, EASE, "SMAP (world)", str(tmp_path / f"c{name}.tif"), str(tmp_path / f"f{name}.tif"),
            extent=grid.bounds, extent_crs=grid.crs, resolution=1000.0, rows=read_rows(cells), guess=True,
        )  # fmt: skip

    listener = Listener()
    harmonise(request("1"), listener)
    warned = [line for line in listener.warnings if "look like %, not g/kg" in line]
    assert [Path(layer.path).stem in line for layer, line in zip(layers, warned)] == [True] * 3
    cells = [text for layer in layers for text in (layer.name, layer.name.split("_")[1], "% -> g/kg", "", "")]
    listener = Listener()
    made = harmonise(request("2", *cells), listener)
    assert listener.warnings == []
    percent, grams = (open_stack(str(tmp_path / f"c{number}.tif")) for number in "12")
    assert grams.names == ("clay", "sand", "silt")
    np.testing.assert_allclose(grams.read(grams.names), 10 * percent.read(percent.names), rtol=1e-6)
    total = grams.read(grams.names).sum(axis=0)
    assert np.nanmin(total) == pytest.approx(1000, abs=5)
    assert made.pictures.shape[0] == 3


def test_a_multi_band_file_of_another_program(case):
    """Earth Engine exports SoilGrids as one file whose bands bear the portal's names."""
    values = np.stack([case.uniform(50, 500), case.uniform(100, 300)])
    path = raw_raster(
        case.folder / "export.tif", values, transform=LAYER.geotransform, crs=UTM,
        names=("soc_0-5cm_mean", "clay_0-5cm_mean"),
    )  # fmt: skip
    case.layers = [Layer(path, "export")]
    fine, _ = case.run()
    assert (fine.names, fine.units) == (("soc", "clay"), ("g/kg", "g/kg"))
    np.testing.assert_allclose(fine.read(["soc"])[0], two_by_two(values[0] / 10), rtol=1e-5)
