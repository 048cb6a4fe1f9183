"""comparemaps: each score against plain NumPy, references on other grids, refusals, a stop."""

from __future__ import annotations

import csv
import datetime as dt

import numpy as np
import pytest

from report_reader import FigureTexts, check_numbers
from small_case import CELLS, DATES, PIXELS
from smap_downscaler.geo.geotiff import Band, write_geotiff
from smap_downscaler.geo.grid import Grid
from smap_downscaler.series.dated import DatedCovariate
from smap_downscaler.series.dated_on_grid import OnPixels
from smap_downscaler.series.series import open_series

BAND = [Band("soil_moisture", "m3 m-3")]
SHAPE = PIXELS.shape
SCORES = (
    "rmse", "bias", "r", "r_within", "variance_ratio", "spaef", "closure_rmse", "closure_bias",
)  # fmt: skip


def write(folder, name, grid, by_date):
    for date, values in by_date.items():
        write_geotiff(folder / name / f"{name}_{date:%Y%m%d}.tif", grid, values.astype(np.float32), BAND)
    return str(folder / name)


def repeated(cells):
    return np.repeat(np.repeat(cells, 10, axis=0), 10, axis=1)


def block_means(pixels, side=10):
    rows, cols = pixels.shape
    return np.nanmean(pixels.reshape(rows // side, side, cols // side, side), axis=(1, 3))


@pytest.fixture
def case(tmp_path):
    """Truth, maps, and SMAP of the first two dates, float32 as they are in the files."""
    rng = np.random.default_rng(11)
    y, x = np.mgrid[0 : SHAPE[0], 0 : SHAPE[1]] / 10
    truth, maps, smap = {}, {}, {}
    for number, date in enumerate(DATES):
        wave = 0.25 + 0.02 * number + 0.06 * np.sin(x + number) * np.cos(0.8 * y)
        truth[date] = (wave + 0.02 * rng.normal(size=SHAPE)).astype(np.float32)
        maps[date] = (0.05 + 0.8 * wave + 0.01 * rng.normal(size=SHAPE)).astype(np.float32)
        truth[date][:4, :7] = np.nan
        maps[date][30:36, 20:33] = np.nan
        if number < 2:
            smap[date] = (block_means(wave) + 0.01 * rng.normal(size=CELLS.shape)).astype(np.float32)
    # A cell that SMAP did not see, and one of which the map covers 4 tenths.
    smap[DATES[0]][5, 5] = np.nan
    maps[DATES[1]][60:66, 40:50] = np.nan
    folders = {
        "INPUT": write(tmp_path, "maps", PIXELS, maps),
        "REFERENCE": write(tmp_path, "truth", PIXELS, truth),
        "SMAP": write(tmp_path, "smap", CELLS, smap),
    }
    return {**folders, "OUTPUT": str(tmp_path / "scores.csv")}, truth, maps, smap


def rows_of(path):
    with open(path, encoding="utf-8-sig", newline="") as stream:
        return {(row["date"].replace("/", "-"), row["method"]): row for row in csv.DictReader(stream)}


def plain_bilinear(cells):
    """Interpolation between the centres of whole cells; missing ones are told apart by the caller."""
    rows, cols = ((np.arange(size) + 0.5) / 10 - 0.5 for size in SHAPE)
    along = np.array([np.interp(cols, np.arange(cells.shape[1]), row) for row in cells])
    return np.array([np.interp(rows, np.arange(cells.shape[0]), column) for column in along.T]).T


def plain_scores(x, y):
    """The scores of two layers of pixels, shape of PIXELS, NaN where they do not count."""
    cells = repeated(np.arange(CELLS.height * CELLS.width).reshape(CELLS.shape))
    common = np.isfinite(x) & np.isfinite(y)
    x, y, cells = x[common].astype(float), y[common].astype(float), cells[common]
    r = np.corrcoef(x, y)[0, 1]
    zx, zy = (x - x.mean()) / x.std(), (y - y.mean()) / y.std()
    ends = min(zx.min(), zy.min()), max(zx.max(), zy.max())
    shared = np.minimum(np.histogram(zx, 100, ends)[0], np.histogram(zy, 100, ends)[0]).sum() / x.size
    ratio = (y.std() / y.mean()) / (x.std() / x.mean())
    found = {
        "pixels": x.size,
        "rmse": np.sqrt(np.mean((y - x) ** 2)),
        "bias": np.mean(y - x),
        "r": r,
        "variance_ratio": y.var() / x.var(),
        "spaef": 1 - np.sqrt((r - 1) ** 2 + (ratio - 1) ** 2 + (shared - 1) ** 2),
    }
    means = {cell: (x[cells == cell].mean(), y[cells == cell].mean()) for cell in np.unique(cells)}
    own = np.array([means[cell] for cell in cells])
    with np.errstate(invalid="ignore"):
        found["r_within"] = np.corrcoef(x - own[:, 0], y - own[:, 1])[0, 1]
    return found


def check(row, expected):
    for name, value in expected.items():
        if np.isnan(value):
            assert row[name] == "", name
        else:
            assert float(row[name]) == pytest.approx(value, rel=2e-5, abs=1e-7), name


def test_a_whole_run(run, said, case, tmp_path, monkeypatch):
    parameters, truth, maps, smap = case
    figures = FigureTexts(monkeypatch)
    report = {"REPORT": str(tmp_path / "report.html"), "PREFLIGHT": str(tmp_path / "before.csv")}
    outputs = run("comparemaps", {**parameters, **report})
    rows = rows_of(outputs["OUTPUT"])
    assert len(rows) == 3 + 3 + 1 + 3
    date = DATES[1]
    seen = ~np.isnan(maps[date])
    check(rows[str(date), "maps"], plain_scores(truth[date], maps[date]))
    between = np.where(seen, plain_bilinear(smap[date]), np.nan)
    check(rows[str(date), "bilinear"], plain_scores(truth[date], between))
    nearest = np.where(seen, repeated(smap[date]), np.nan)
    check(rows[str(date), "nearest"], {**plain_scores(truth[date], nearest), "r_within": np.nan})
    # Closure: the pixels of the map, whatever the reference has, in cells of which it covers half.
    means = block_means(np.where(seen, maps[date], np.nan))
    enough = np.isfinite(means)
    enough[[6, 3], [4, 2]] = False
    error = (means - smap[date])[enough]
    closure = {
        "cells": enough.sum(),
        "closure_rmse": np.sqrt(np.mean(error**2)),
        "closure_bias": error.mean(),
    }
    check(rows[str(date), "maps"], closure)
    check(rows[str(date), "nearest"], {"cells": enough.sum(), "closure_rmse": 0, "closure_bias": 0})
    # A date without SMAP has the maps alone, and is in no mean.
    alone = rows[str(DATES[2]), "maps"]
    check(alone, {**plain_scores(truth[DATES[2]], maps[DATES[2]]), "closure_rmse": np.nan, "cells": 0})
    assert (str(DATES[2]), "bilinear") not in rows
    assert any(f"no SMAP of {DATES[2]}, so only the maps" in line for line in said.warnings)
    for method in ("maps", "bilinear", "nearest"):
        mean = rows["", method]
        assert mean["dates"] == "2"
        own = [rows[str(one), method] for one in DATES[:2]]
        check(mean, {"pixels": sum(int(row["pixels"]) for row in own)})
        for name in SCORES:
            numbers = [float(row[name]) for row in own if row[name]]
            check(mean, {name: np.mean(numbers) if numbers else np.nan})
    assert outputs["COUNT"] == 3
    assert outputs["RMSE"] == pytest.approx(float(rows["", "maps"]["rmse"]))
    assert outputs["BILINEAR_RMSE"] == pytest.approx(float(rows["", "bilinear"]["rmse"]))
    better = sum(
        float(rows[str(d), "maps"]["rmse"]) < float(rows[str(d), "bilinear"]["rmse"]) for d in DATES[:2]
    )
    assert any(f"The maps are better on {better} of 2 dates" in line for line in said.info)
    check_numbers(outputs, figures)


def test_a_cell_that_smap_did_not_see_counts_for_none(run, case):
    parameters, truth, maps, smap = case
    rows = rows_of(run("comparemaps", parameters)["OUTPUT"])
    lacking = repeated(np.isnan(smap[DATES[0]]))
    seen = np.where(lacking, np.nan, maps[DATES[0]])
    check(rows[str(DATES[0]), "maps"], plain_scores(truth[DATES[0]], seen))
    assert rows[str(DATES[0]), "maps"]["pixels"] == rows[str(DATES[0]), "bilinear"]["pixels"]


def test_the_bilinear_baseline_is_what_pixels_of_a_dated_covariate_are(run, case, tmp_path):
    parameters, *_ = case
    covariate = DatedCovariate(open_series(parameters["SMAP"]))
    found = OnPixels(covariate, PIXELS).block(DATES[0], PIXELS.whole)(None)
    maps = write(tmp_path, "interpolated", PIXELS, {DATES[0]: found})
    rows = rows_of(run("comparemaps", {**parameters, "INPUT": maps})["OUTPUT"])
    own, baseline = rows[str(DATES[0]), "maps"], rows[str(DATES[0]), "bilinear"]
    for name in ("pixels", *SCORES):
        assert float(own[name]) == pytest.approx(float(baseline[name]), rel=1e-6), name


def test_without_smap(run, said, case):
    parameters, truth, maps, _smap = case
    outputs = run("comparemaps", {**parameters, "SMAP": None})
    rows = rows_of(outputs["OUTPUT"])
    assert len(rows) == 4
    expected = {**plain_scores(truth[DATES[0]], maps[DATES[0]]), "r_within": np.nan, "closure_rmse": np.nan}
    check(rows[str(DATES[0]), "maps"], expected)
    assert rows["", "maps"]["dates"] == "3"
    assert "BILINEAR_RMSE" not in outputs
    assert not said.warnings


def test_a_finer_reference_is_averaged(run, case, tmp_path):
    parameters, _truth, maps, _smap = case
    fine = Grid(PIXELS.crs, PIXELS.left, PIXELS.top, PIXELS.cell_width / 2, PIXELS.cell_height / 2,
                PIXELS.width * 2, PIXELS.height * 2)  # fmt: skip
    values = np.random.default_rng(2).uniform(0.1, 0.4, fine.shape).astype(np.float32)
    reference = write(tmp_path, "fine", fine, {DATES[1]: values})
    rows = rows_of(run("comparemaps", {**parameters, "REFERENCE": reference})["OUTPUT"])
    check(rows[str(DATES[1]), "maps"], plain_scores(block_means(values, 2), maps[DATES[1]]))


def test_a_coarser_reference_is_interpolated(run, case, tmp_path):
    parameters, _truth, maps, smap = case
    reference = write(tmp_path, "coarse", CELLS, {DATES[1]: smap[DATES[1]]})
    rows = rows_of(run("comparemaps", {**parameters, "REFERENCE": reference})["OUTPUT"])
    check(rows[str(DATES[1]), "maps"], plain_scores(plain_bilinear(smap[DATES[1]]), maps[DATES[1]]))
    assert float(rows[str(DATES[1]), "bilinear"]["rmse"]) < 1e-7


def test_one_raster_stands_for_each_date(run, case, tmp_path):
    parameters, truth, maps, _smap = case
    path = tmp_path / "mean_moisture.tif"
    write_geotiff(path, PIXELS, truth[DATES[0]], BAND)
    rows = rows_of(run("comparemaps", {**parameters, "REFERENCE": str(path), "SMAP": ""})["OUTPUT"])
    for date in DATES:
        expected = plain_scores(truth[DATES[0]], maps[date])
        check(rows[str(date), "maps"], {**expected, "r_within": np.nan})


def test_maps_too_large_to_be_kept_are_read_twice(run, case, monkeypatch):
    parameters, *_ = case
    from smap_downscaler.steps.maps import compare

    kept = rows_of(run("comparemaps", parameters)["OUTPUT"])
    monkeypatch.setattr(compare, "_KEPT_PIXELS", 0)
    monkeypatch.setattr(compare, "_PIXELS_A_BLOCK", 1)
    assert rows_of(run("comparemaps", parameters)["OUTPUT"]) == kept


def test_the_period_and_dates_without_a_partner(run, said, case, tmp_path):
    parameters, truth, *_ = case
    other = write(
        tmp_path, "other", PIXELS, {DATES[0]: truth[DATES[0]], dt.date(2020, 6, 1): truth[DATES[0]]}
    )
    outputs = run("comparemaps", {**parameters, "REFERENCE": other, "END": str(DATES[1])})
    assert outputs["COUNT"] == 1
    assert f"{parameters['INPUT']}: no reference of {DATES[1]}; left out" in said.warnings
    assert "1 date of the reference without a map" in said.info


# Refusals.


def test_no_common_date(refusal, case, tmp_path):
    parameters, truth, *_ = case
    other = write(tmp_path, "other", PIXELS, {dt.date(2020, 6, 1): truth[DATES[0]]})
    assert refusal("comparemaps", {**parameters, "REFERENCE": other}) == (
        f"REFERENCE ({other}): it has no date of the maps of INPUT (2020-12-30 to 2021-01-01, the reference "
        "2020-06-01); give a reference of the same days."
    )


def test_no_common_pixel(refusal, case, tmp_path):
    parameters, _truth, maps, _smap = case
    beside = {date: np.where(np.isnan(values), 0.2, np.nan) for date, values in maps.items()}
    other = write(tmp_path, "beside", PIXELS, beside)
    assert refusal("comparemaps", {**parameters, "REFERENCE": other}) == (
        f"REFERENCE ({other}): on no date has a pixel a value in the map and in all that it is compared "
        "with; give a reference with values in the area of the maps."
    )


@pytest.mark.parametrize("parameter", ["REFERENCE", "SMAP"])
def test_another_area(refusal, case, tmp_path, parameter):
    parameters, *_ = case
    away = Grid(PIXELS.crs, 0.0, 0.0, 900.0, 900.0, 80, 80)
    other = write(tmp_path, "away", away, {DATES[0]: np.full((80, 80), 0.2)})
    assert refusal("comparemaps", {**parameters, parameter: other}) == (
        f"{parameter} ({other}): it does not meet the maps of INPUT ({parameters['INPUT']}); give one of the "
        "same area."
    )


@pytest.mark.parametrize("parameter", ["INPUT", "REFERENCE", "SMAP"])
def test_percent(refusal, case, tmp_path, parameter):
    parameters, *_ = case
    grid = CELLS if parameter == "SMAP" else PIXELS
    values = np.linspace(5, 45, grid.height * grid.width).reshape(grid.shape)
    other = write(tmp_path, "percent", grid, {DATES[0]: values})
    sentence = refusal("comparemaps", {**parameters, parameter: other})
    assert sentence.startswith(f"{parameter} ({other}): soil moisture runs from 5")
    assert sentence.endswith("; it must be m3 m-3 (0 to 1), so divide percent by 100.")


def test_the_maps_themselves_and_smap_finer_than_the_maps(refusal, case, tmp_path):
    parameters, *_ = case
    # Bilinear interpolation of SMAP would be held against itself.
    for name in ("INPUT", "SMAP"):
        assert refusal("comparemaps", {**parameters, "REFERENCE": parameters[name]}) == (
            f"REFERENCE: {parameters[name]} is given as {name} too; give what the maps are to be held "
            "against."
        )
    fine = Grid(PIXELS.crs, PIXELS.left, PIXELS.top, 400.0, 400.0, 150, 150)
    other = write(tmp_path, "fine", fine, {DATES[0]: np.full((150, 150), 0.2)})
    assert refusal("comparemaps", {**parameters, "SMAP": other}) == (
        f"SMAP ({other}): its cells are finer than the pixels of INPUT; give the series that the maps were "
        "made from, on SMAP's own cells."
    )


def test_a_reference_that_is_not_there(refusal, case, tmp_path):
    parameters, *_ = case
    sentence = refusal("comparemaps", {**parameters, "REFERENCE": str(tmp_path / "no.tif")})
    assert sentence == f"{tmp_path / 'no.tif'}: there is no such file; check the path."


def test_cancelled(run, feedback, case, tmp_path):
    parameters, *_ = case
    feedback.cancel_when = lambda text: "blocks compared" in text
    assert run("comparemaps", {**parameters, "REPORT": str(tmp_path / "report.html")}) == {}
    assert not [path for path in tmp_path.iterdir() if path.is_file()]
