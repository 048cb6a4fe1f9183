"""trainareamodel as users run it: what comes out, and each bad input with its sentence."""

from __future__ import annotations

import re
import sqlite3
from pathlib import Path

import numpy as np
import pytest
from osgeo import gdal

from report_reader import FigureTexts, check_numbers
from small_area_case import CELLS, PARTS, PIXELS, make_area_case
from smap_downscaler.geo.geotiff import Band, write_geotiff
from smap_downscaler.geo.grid import Grid, Window
from smap_downscaler.methods.file.reader import open_models
from smap_downscaler.methods.keys import PooledKey
from smap_downscaler.methods.measured import measured

ID = "trainareamodel"


@pytest.fixture(scope="module")
def case(tmp_path_factory):
    return make_area_case(tmp_path_factory.mktemp("area"), with_rain=True)


def rows_of(path, table):
    with sqlite3.connect(path) as connection:
        cursor = connection.execute(f"SELECT * FROM {table}")
        names = [column[0] for column in cursor.description]
        return [dict(zip(names, row)) for row in cursor]


def outputs_in(folder, report=False):
    """The model and its tables; drawing the report takes longer than a small model."""
    names = {"OUTPUT": "m.smapmodel", "SCORES": "s.gpkg", "TERMS_TABLE": "t.gpkg"}
    if report:
        names["REPORT"] = "r.html"
    return {name: str(folder / file) for name, file in names.items()}


def test_two_levels_of_all_dates_by_default(run, said, case, tmp_path, monkeypatch):
    figures = FigureTexts(monkeypatch)
    found = run(ID, {**case.inputs, "DYNAMIC": [case.rain], **outputs_in(tmp_path, report=True)})
    assert found["COUNT"] == 1
    with open_models(found["OUTPUT"]) as models:
        assert (models.mode, models.method.name) == ("pooled", "area-to-point model")
        assert models.names == ("clay", "elevation", "rain")
        assert models.units == {"clay": "g/kg", "elevation": "m", "rain": "mm/d"}
        assert models.grid == CELLS
        assert models.ranges["clay"][0] < 250 < 350 < models.ranges["clay"][1]
        assert models.load(PooledKey()).names == models.names
    levels = rows_of(found["SCORES"], "scores")
    assert len(levels) == 2
    assert all(row["status"] == "fitted" and row["date"] is None for row in levels)
    shares = [
        sum(value for name, value in row.items() if name.startswith("share_") and value) for row in levels
    ]
    np.testing.assert_allclose(shares, 1, atol=1e-6)
    terms = rows_of(found["TERMS_TABLE"], "terms")
    assert {row["covariate"] for row in terms} >= {"clay", "elevation"}
    ends = {
        row["level"]: (row["value_low"], row["value_high"]) for row in terms if row["covariate"] == "rain"
    }
    # Rain goes up and down from date to date: its mean over the dates varies less.
    assert ends["departures"][0] < ends["mean pattern"][0] < ends["mean pattern"][1] < ends["departures"][1]
    check_numbers(found, figures)


def test_single_dates_have_a_model_each(run, said, case, tmp_path, monkeypatch):
    figures = FigureTexts(monkeypatch)
    given = {"LEVELS": "single dates", "FOOTPRINT": "0", "END": "2021-01-08", "TERMS": ["linear"]}
    found = run(ID, {**case.inputs, **given, **outputs_in(tmp_path, report=True)})
    dates = case.dates[:3]
    assert found["COUNT"] == 3
    with open_models(found["OUTPUT"]) as models:
        assert models.dates == dates
        assert models.settings.as_dict()["terms"] == ["linear"]
    levels = rows_of(found["SCORES"], "scores")
    assert [(row["date"], row["level"], row["n_dates"]) for row in levels] == [
        (date.isoformat(), "date", 1) for date in dates
    ]
    assert all(0.005 < row["held_out_rmse"] < 0.05 and row["footprint_km"] == 0 for row in levels)
    check_numbers(found, figures)
    assert "3 dates have a model; the pattern within cells is supported on 3 of them." in said.info
    # Once, not for each date; in the report too.
    rule = measured(two_levels=False, footprint_km=0.0).rule
    assert said.info.count(rule) == 1
    page = Path(found["REPORT"]).read_text()
    assert f"{rule}." in page
    share = re.search(r"values within their interval, %\D+([\d.]+) \(median over the dates; ", page)
    assert 75 < float(share.group(1)) <= 100


def test_curves_and_their_signs_are_those_of_the_truth(run, case, tmp_path):
    found = run(ID, {**case.inputs, "FOOTPRINT": "0", **outputs_in(tmp_path)})
    terms = {
        row["covariate"]: row
        for row in rows_of(found["TERMS_TABLE"], "terms")
        if row["level"] == "mean pattern"
    }
    assert (terms["clay"]["direction"], terms["elevation"]["direction"]) == ("rises", "falls")
    # A unit of clay is 40 g/kg and tells 0.03 m3 m-3, one of elevation 250 m and 0.02.
    for name, slope in (("clay", 0.03 / 40), ("elevation", 0.02 / 250)):
        row = terms[name]
        assert abs(row["rise"]) == pytest.approx(slope * (row["value_high"] - row["value_low"]), rel=0.15)
        assert 0 < row["band_sd"] < 0.01
    assert terms["products"]["direction"] is None


def test_dates_that_lack_rain_or_cells_are_named(run, said, tmp_path):
    other = make_area_case(tmp_path / "case", dates=9, with_rain=True)
    (tmp_path / "case" / "rain" / f"rain_{other.dates[2]:%Y%m%d}.tif").unlink()
    few = np.full(CELLS.shape, np.nan, np.float32)
    few[:2, :6] = 0.2
    write_geotiff(
        tmp_path / "case" / "smap" / f"soil_moisture_{other.dates[4]:%Y%m%d}.tif",
        CELLS,
        few,
        [Band("soil_moisture", "m3 m-3")],
    )
    found = run(
        ID, {**other.inputs, "DYNAMIC": [other.rain], "FOOTPRINT": "0", **outputs_in(tmp_path / "out")}
    )
    assert f"{other.dates[2]}: left out, rain has no raster of {other.dates[2]}" in said.info
    assert f"{other.dates[4]}: left out, 12 cells, fewer than the 20 needed" in said.info
    rows = rows_of(found["SCORES"], "scores")
    assert [(row["date"], row["status"]) for row in rows if row["status"] != "fitted"] == [
        (str(other.dates[2]), f"rain has no raster of {other.dates[2]}"),
        (str(other.dates[4]), "12 cells, fewer than the 20 needed"),
    ]
    assert "7 dates" in next(line for line in said.info if " rows of " in line)


def stack_with(folder, layers, names, grid=PIXELS):
    path = folder / "other.tif"
    write_geotiff(path, grid, np.stack(layers).astype(np.float32), [Band(name, "") for name in names])
    return str(path)


def test_a_constant_covariate_is_left_out_by_name(run, said, case, tmp_path):
    layers = gdal.Open(case.inputs["COVARIATES"]).ReadAsArray()
    stack = stack_with(tmp_path, [*layers, np.full(PIXELS.shape, 7.0)], ["clay", "elevation", "season"])
    found = run(
        ID, {**case.inputs, "COVARIATES": stack, "FOOTPRINT": "0", **outputs_in(tmp_path, report=True)}
    )
    warned = [line for line in said.warnings if line.startswith("season is left out of the model: ")]
    assert len(warned) == 1
    assert "season" not in {row["covariate"] for row in rows_of(found["TERMS_TABLE"], "terms")}
    with open("{REPORT}".format(**found), encoding="utf-8") as page:
        assert "Covariates that were left out" in page.read()


def rain_in(folder, case, change):
    """The rain of a case, each date's changed by its number and values."""
    for number, date in enumerate(case.dates):
        name = f"rain_{date:%Y%m%d}.tif"
        values = gdal.Open(f"{case.rain}/{name}").ReadAsArray().astype(np.float32)
        write_geotiff(folder / name, CELLS, change(number, values), [Band("rain", "mm/d")])
    return str(folder)


def test_cells_take_part_where_dated_covariates_have_a_value(run, said, tmp_path):
    other = make_area_case(tmp_path / "case", dates=8, with_rain=True)

    def change(number, values):
        if number == 2:
            return np.full_like(values, np.nan)
        values[:, :4] = np.nan
        return values

    given = {
        **other.inputs,
        "DYNAMIC": [rain_in(tmp_path / "gaps" / "rain", other, change)],
        "FOOTPRINT": "0",
    }
    found = run(ID, {**given, **outputs_in(tmp_path / "out")})
    seen = [np.isfinite(_moisture(other, date))[:, 4:].sum() for n, date in enumerate(other.dates) if n != 2]
    assert f"{sum(seen)} rows of 7 dates, two levels" in said.info
    whole = sum(np.isfinite(_moisture(other, date)).sum() for date in other.dates)
    assert said.warnings == [
        f"rain has no value in {whole - sum(seen)} of the {whole} cells with soil moisture on all dates, "
        "which are not used on these dates"
    ]
    assert f"{other.dates[2]}: left out, rain has no value in its cells with soil moisture" in said.info
    assert rows_of(found["SCORES"], "scores")[0]["n_cells"] == 80


def test_a_dated_covariate_that_never_varies_is_left_out_alone(run, said, case, tmp_path):
    dry = rain_in(tmp_path / "dry", case, lambda _number, values: 0 * values)
    given = {**case.inputs, "FOOTPRINT": "0", "TERMS": ["linear"]}
    found, maps = [], []
    for folder, dated in ((tmp_path / "one", [case.rain]), (tmp_path / "two", [dry, case.rain])):
        folder.mkdir()
        found.append(run(ID, {**given, "DYNAMIC": dated, **outputs_in(folder)}))
        assert said.warnings == ([] if len(found) == 1 else ["dry is left out of the model: constant"])
        made = {"COVARIATES": case.inputs["COVARIATES"], "DYNAMIC": dated, "INTERVALS": True}
        made.update({"FORESTS": found[-1]["OUTPUT"], "OUTPUT": str(folder / "maps"), "END": "2021-01-01"})
        run("downscale", made)
        maps.append(gdal.Open(str(folder / "maps" / "soil_moisture_20210101.tif")).ReadAsArray())
        said.warnings.clear()
    terms = [
        [(row["covariate"], row["variance"]) for row in rows_of(each["TERMS_TABLE"], "terms")]
        for each in found
    ]
    assert terms[0] == terms[1]
    assert "rain" in dict(terms[0])
    np.testing.assert_array_equal(*maps)


def test_rain_of_a_dry_day_is_left_out_of_that_day(run, said, case, tmp_path):
    rain = rain_in(tmp_path / "rain", case, lambda number, values: 0 * values if number == 1 else values)
    given = {
        **case.inputs,
        "FOOTPRINT": "0",
        "TERMS": ["linear"],
        "LEVELS": "single dates",
        "DYNAMIC": [rain],
    }
    found = run(ID, {**given, "END": "2021-01-08", **outputs_in(tmp_path)})
    assert not said.warnings
    with_rain = [row["date"] for row in rows_of(found["TERMS_TABLE"], "terms") if row["covariate"] == "rain"]
    assert with_rain == [case.dates[0].isoformat(), case.dates[2].isoformat()]


def _moisture(case, date):
    values = gdal.Open(f"{case.inputs['SMAP']}/soil_moisture_{date:%Y%m%d}.tif").ReadAsArray()
    return np.where(values < 0, np.nan, values)


def test_cells_that_lie_too_far_out_of_the_stack_are_counted(run, said, case, tmp_path):
    from scipy.stats import norm

    from smap_downscaler.geo.ground import ground_size

    found = run(ID, {**case.inputs, "FOOTPRINT": "20", **outputs_in(tmp_path)})

    def inside(count, size):
        """Share of the footprint of each cell of a row of cells that lies on them."""
        sigma, places = 20_000 / 2.3548, (np.arange(count * 40) + 0.5) / 40 * size
        return (
            (norm.cdf(places / sigma) - norm.cdf((places - count * size) / sigma)).reshape(count, 40).mean(1)
        )

    height, width = ground_size(CELLS)
    used = int((np.outer(inside(CELLS.height, height), inside(CELLS.width, width)) >= 0.9).sum())
    assert {row["n_cells"] for row in rows_of(found["SCORES"], "scores")} == {used}
    assert (
        f"{120 - used} of 120 cells with soil moisture are not used: SMAP saw them on one date only, or less "
        "than half of a cell, or less than nine tenths of what SMAP sees of it (20 km wide), lies on pixels "
        "with a value"
    ) in said.info
    assert any(line.startswith("SMAP's footprint in the model: 20 km; its noise: 0.0") for line in said.info)
    assert not said.warnings


def test_smap_that_was_resampled_is_told(run, said, case, tmp_path):
    folder = tmp_path / "degrees"
    folder.mkdir()
    for date in case.dates:
        name = f"soil_moisture_{date:%Y%m%d}.tif"
        gdal.Warp(str(folder / name), f"{case.inputs['SMAP']}/{name}", dstSRS="EPSG:4326")
    run(ID, {**case.inputs, "SMAP": str(folder), "FOOTPRINT": "0", **outputs_in(tmp_path)})
    assert said.warnings == [
        f"SMAP ({folder}): its cells are not those of the EASE-Grid 2.0, so it was resampled, and its noise "
        "and the evidence for the pattern cannot be trusted; give SMAP on its own cells, as 'Import SMAP "
        "soil moisture' makes it"
    ]


def test_classes_have_effects_and_codes_that_are_none_are_told(run, said, case, tmp_path, monkeypatch):
    layers = gdal.Open(case.inputs["COVARIATES"]).ReadAsArray().astype(np.float32)
    figures = FigureTexts(monkeypatch)
    # Wet where clay is high, and a number that is no class.
    classes = [np.where(layers[0] > 310, 2, 1), layers[1]]
    given = {**case.inputs, "FOOTPRINT": "0", "TERMS": ["linear"], **outputs_in(tmp_path, report=True)}
    given["COVARIATES"] = stack_with(tmp_path, classes, ["landcover", "elevation"])
    found = run(ID, {**given, "CATEGORICAL": "landcover"})
    assert not said.warnings
    rises = {
        row["covariate"]: row["direction"]
        for row in rows_of(found["TERMS_TABLE"], "terms")
        if row["level"] == "mean pattern"
    }
    assert (rises["landcover = 1"], rises["landcover = 2"], rises["elevation"]) == ("falls", "rises", "falls")
    page = (tmp_path / "r.html").read_text(encoding="utf-8")
    assert "soil is wetter by 0.0" in page
    assert "soil is drier by 0.0" in page
    check_numbers(found, figures)
    run(ID, {**given, "CATEGORICAL": "landcover, elevation"})
    assert said.warnings == [
        "CATEGORICAL: 100 % of the pixels of elevation have codes that are no class of the model, which are "
        "as if they had none: only the 20 most frequent codes are, of 0.5 % of the pixels or more; join rare "
        "classes, or leave elevation out of CATEGORICAL if it is a number"
    ]


def test_masked_pixels_are_as_those_without_a_value(run, case, tmp_path):
    """Under the mask covariates are as wrong as they can be unseen."""
    layers = gdal.Open(case.inputs["COVARIATES"]).ReadAsArray().astype(np.float32)
    bad, hidden = layers.copy(), np.zeros(PIXELS.shape, np.float32)
    hidden[10:22, 12:30] = 1
    bad[:, hidden > 0] = layers.max(axis=(1, 2))[:, None]
    mask = tmp_path / "mask.tif"
    write_geotiff(mask, PIXELS, hidden[None], [Band("mask", "")])
    missing = np.where(hidden > 0, np.nan, layers)
    given = {**case.inputs, "FOOTPRINT": "0"}
    one, two = tmp_path / "one", tmp_path / "two"
    for folder in (one, two):
        folder.mkdir()
    names = ["clay", "elevation"]
    masked = {**given, "COVARIATES": stack_with(one, bad, names), "MASK": str(mask)}
    plain = {**given, "COVARIATES": stack_with(two, missing, names)}
    found = [run(ID, {**each, **outputs_in(folder)}) for each, folder in ((masked, one), (plain, two))]
    tables = [rows_of(each["TERMS_TABLE"], "terms") for each in found]
    for row, other in zip(*tables):
        assert row["covariate"] == other["covariate"]
        assert row["variance"] == pytest.approx(other["variance"], rel=1e-6)


def test_only_cells_that_extent_and_stack_meet_take_part(run, said, case, tmp_path):
    part = CELLS.crop(Window(1, 2, 8, 9)).bounds
    shrunk = 100.0
    box = f"{part.left + shrunk},{part.right - shrunk},{part.bottom + shrunk},{part.top - shrunk} [EPSG:6933]"
    found = run(ID, {**case.inputs, "EXTENT": box, "FOOTPRINT": "0", **outputs_in(tmp_path)})
    assert "The stack meets 72 of the 72 cells with soil moisture." in said.info
    assert {row["n_cells"] for row in rows_of(found["SCORES"], "scores")} == {72}


def test_the_widest_footprint_and_dates_that_fail_are_told(run, said, case, tmp_path, monkeypatch):
    from smap_downscaler.base.errors import InputError
    from smap_downscaler.methods.area.method import AreaToPoint

    fit = AreaToPoint.fit

    def failing(self, cells, *more):
        if int(cells.days[0]) == case.dates[1].toordinal():
            raise InputError("the likelihood does not converge")
        return fit(self, cells, *more)

    monkeypatch.setattr(AreaToPoint, "fit", failing)
    given = {**case.inputs, "LEVELS": "single dates", "END": "2021-01-08", **outputs_in(tmp_path)}
    found = run(ID, given)
    assert found["COUNT"] == 2
    assert (
        f"These dates are left out of the model: {case.dates[1]} (the likelihood does not converge)"
        in said.warnings
    )
    given["END"] = "2021-01-04"
    given["START"] = "2021-01-04"
    from qgis.core import QgsProcessingException

    with pytest.raises(
        QgsProcessingException, match=r"no date can be fitted \(2021-01-04: the like.+\); give a"
    ):
        run(ID, given)


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        (
            {"LEVELS": "two levels", "END": "2021-01-08"},
            "LEVELS is 'two levels', which needs 6 dates, and {smap} has 3 that can be used; give more "
            "dates, or LEVELS 'single dates'.",
        ),
        (
            {"EXTENT": "{small}"},
            "{smap}: the fine stack meets 30 of the 30 cells with soil moisture, and a model needs 60; give "
            "a larger area.",
        ),
        (
            {"COVARIATES": "{corner}"},
            "{smap}: the fine stack meets 12 of the 120 cells with soil moisture, and a model needs 60; give "
            "a stack that covers more of them.",
        ),
        (
            {"LEVELS": "single dates", "END": "2021-01-01", "FOOTPRINT": "40"},
            "{smap}: no date can be fitted (2021-01-01: 28 SMAP cells can be used with a footprint of 40 km "
            "(91 of 119 lie too far out of the fine stack, or under a mask), and an area-to-point model "
            "needs 60; use a stack that covers more of them and one footprint beyond them, or a smaller "
            "FOOTPRINT).",
        ),
        (
            {"COVARIATES": "{far}"},
            "COVARIATES ({far}): it does not meet the cells of {smap}; give the fine stack of that area.",
        ),
        (
            {"COVARIATES": "{coarse}"},
            "COVARIATES ({coarse}): its pixels are as large as the cells of {smap}, and the model looks "
            "below them; give the fine stack of 'Harmonise covariates'.",
        ),
        (
            {"COVARIATES": "{flat}"},
            "COVARIATES ({flat}): none of its bands varies over the SMAP cells, so that they tell nothing "
            "within cells; give a stack with layers that do.",
        ),
        (
            {"CATEGORICAL": "landcover"},
            "CATEGORICAL: {fine} has no band named landcover (it has clay, elevation); correct the name.",
        ),
        ({"FOOTPRINT": "wide"}, "FOOTPRINT is 'wide'; give auto, or the full width in km, such as 33."),
        ({"NOISE": "nan"}, "NOISE is 'nan'; give auto, or m3 m-3, such as 0.02."),
        (
            {"TERMS": ["linear", "cubic"]},
            "TERMS: there is no choice 'cubic'; choose some of linear, spline, products.",
        ),
        (
            {"START": "2021-02-01", "END": "2021-01-01"},
            "START (2021-02-01) is after END (2021-01-01); exchange them.",
        ),
    ],
)
def test_what_cannot_be_has_its_sentence(refusal, case, tmp_path, given, sentence):
    layers = gdal.Open(case.inputs["COVARIATES"]).ReadAsArray()
    small = CELLS.crop(Window(2, 2, 5, 6)).bounds
    places = {
        "smap": case.inputs["SMAP"],
        "fine": case.inputs["COVARIATES"],
        "small": f"{small.left + 9},{small.right - 9},{small.bottom + 9},{small.top - 9} [EPSG:6933]",
    }
    for name, grid in (
        ("corner", PIXELS.crop(Window(0, 0, 3 * PARTS, 4 * PARTS))),
        ("far", Grid(PIXELS.crs, 1e6, 1e6, 1500.0, 1500.0, 20, 20)),
        ("coarse", CELLS),
        ("flat", PIXELS),
    ):
        (tmp_path / name).mkdir()
        values = layers[:, : grid.height, : grid.width]
        values = np.full_like(values, 7) if name == "flat" else values
        places[name] = stack_with(tmp_path / name, values, ["clay", "elevation"], grid)
    asked = {
        name: value.format(**places) if isinstance(value, str) else value for name, value in given.items()
    }
    assert refusal(ID, {**case.inputs, **outputs_in(tmp_path), **asked}) == sentence.format(**places)
    assert not (tmp_path / "m.smapmodel").exists()


def test_values_that_are_too_large_are_refused_by_the_settings(refusal, case, tmp_path):
    assert refusal(ID, {**case.inputs, "FOOTPRINT": "400", **outputs_in(tmp_path)}).startswith(
        "FOOTPRINT is 400 km; give 0 to 100"
    )


@pytest.mark.parametrize(
    ("levels", "words"),
    [
        ("two levels", "dates of SMAP read"),
        ("two levels", "Looking at the pixels of the covariates"),
        ("two levels", " fits for the footprint"),
        ("two levels", "Estimating the departures of the dates"),
        ("two levels", "5 of 14 fits of the model"),
        ("two levels", "Writing the model"),
        ("single dates", "2 of 7 dates, "),
    ],
)
def test_a_run_that_is_cancelled_leaves_no_file(run, feedback, case, tmp_path, levels, words):
    feedback.cancel_when = lambda text: words in text
    assert run(ID, {**case.inputs, "LEVELS": levels, **outputs_in(tmp_path, report=True)}) == {}
    assert feedback.isCanceled()
    assert not list(tmp_path.iterdir())


def test_a_run_that_is_cancelled_at_its_report_leaves_whole_files(run, feedback, case, tmp_path):
    feedback.cancel_when = lambda text: text == "Drawing the report"
    assert run(ID, {**case.inputs, "FOOTPRINT": "0", **outputs_in(tmp_path, report=True)}) == {}
    assert feedback.isCanceled()
    assert {path.name for path in tmp_path.iterdir()} <= {"m.smapmodel", "s.gpkg", "t.gpkg"}
    with open_models(tmp_path / "m.smapmodel") as models:
        assert models.load(PooledKey()).names == models.names


def test_another_stack_is_told_apart_when_maps_are_made(run, said, case, tmp_path):
    given = {"LEVELS": "single dates", "END": "2021-01-02", "FOOTPRINT": "0"}
    model = run(ID, {**case.inputs, **given, **outputs_in(tmp_path)})["OUTPUT"]
    layers = gdal.Open(case.inputs["COVARIATES"]).ReadAsArray().astype(float)
    standard = (layers - layers.mean(axis=(1, 2), keepdims=True)) / layers.std(axis=(1, 2), keepdims=True)
    stack = stack_with(tmp_path, [layers[0], standard[1]], ["clay", "elevation"])
    maps = {"FORESTS": model, "OUTPUT": str(tmp_path / "maps")}
    made = run("downscale", {**maps, "COVARIATES": case.inputs["COVARIATES"]})
    assert made["COUNT"] == 1
    assert not [line for line in said.warnings if "other values" in line]
    run("downscale", {**maps, "COVARIATES": stack})
    warned = [line for line in said.warnings if "other values" in line]
    assert len(warned) == 1
    assert warned[0].startswith(
        f"{stack}: at the same places the stack holds other values than the one that {model} was trained on: "
        "elevation (mean "
    )
    assert "clay" not in warned[0]
