"""downscale beside SMAP, from the toolbox: what is told, exact closure, the residual of forests, refusals."""

from __future__ import annotations

import csv
import re
import shutil
from pathlib import Path

import numpy as np
import pytest
from osgeo import gdal

from raster_cases import Listener
from report_reader import FigureTexts, check_numbers
from seams import places, seam
from small_case import CELLS, DATES, PIXELS, make_small_case, train_small_case
from smap_downscaler.geo.datasets import open_dataset, read_band
from smap_downscaler.geo.geotiff import Band, write_geotiff
from smap_downscaler.methods.area.residual import fit_residual
from smap_downscaler.methods.file.reader import open_models
from smap_downscaler.series.series import open_series
from smap_downscaler.series.stack import open_stack
from smap_downscaler.steps.maps.consistency import Finish
from smap_downscaler.steps.maps.downscale import make_maps, map_file
from smap_downscaler.steps.maps.inputs import MapInputs

MAPPED = (DATES[0], DATES[2])


@pytest.fixture(scope="module")
def case(tmp_path_factory, qgis_provider):
    import processing

    folder = tmp_path_factory.mktemp("case")
    small = make_small_case(folder)
    whole = {
        "FORESTS": train_small_case(small),
        "COVARIATES": small.fine_stack,
        "OUTPUT": str(folder / "plain"),
    }
    processing.run("smapdownscaler:downscale", whole)
    return small


@pytest.fixture
def parameters(case, tmp_path):
    return {
        "FORESTS": str(case.folder / "forests.smapforest"),
        "COVARIATES": case.fine_stack,
        "SMAP": case.smap_folder,
        "OUTPUT": str(tmp_path / "maps"),
    }


def read(folder, date):
    return read_band(open_dataset(map_file(folder, date)), 1)


def means(values):
    """Means of the 10 x 10 pixels of each cell; NaN where one is missing."""
    return values.astype(np.float64).reshape(8, 10, 9, 10).mean(axis=(1, 3))


def rows_of(path):
    with Path(path).open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def test_maps_are_held_against_smap_and_stay_as_they_are(run, said, monkeypatch, case, parameters, tmp_path):
    figures = FigureTexts(monkeypatch)
    table, report = str(tmp_path / "dates.csv"), str(tmp_path / "report.html")
    outputs = run("downscale", {**parameters, "DATES": table, "REPORT": report})
    for date, row in zip(MAPPED, rows_of(table)):
        plain = read(case.folder / "plain", date)
        assert np.array_equal(read(tmp_path / "maps", date).view(np.uint32), plain.view(np.uint32))
        off = (means(plain) - case.smap[date])[np.isfinite(case.smap[date])]
        assert int(row["closure_cells"]) == len(off) == 71
        assert float(row["closure_rmse"]) == pytest.approx(np.sqrt(np.mean(off**2)), rel=1e-6)
        assert float(row["closure_bias"]) == pytest.approx(off.mean(), rel=1e-4)
        assert (row["smap"], row["noise"]) == ("seen", "")
        assert "exact_cells" not in row
        assert (
            f"{date}: the map's means over 71 SMAP cells lie {np.sqrt(np.mean(off**2)):.4f} m3 m-3 (RMS) "
            f"from SMAP, {off.mean():+.4f} on average; SMAP itself is meant to be right to 0.04"
        ) in said.text
    check_numbers(outputs, figures)
    page = re.sub(r"\s+", " ", Path(report).read_text(encoding="utf-8"))
    assert "Means over SMAP's cells less SMAP" in page or "Means over SMAP&#39;s cells less SMAP" in page
    assert not said.warnings


def test_a_run_without_smap_says_nothing_of_it(run, said, case, parameters, tmp_path):
    table = str(tmp_path / "dates.csv")
    run("downscale", {**parameters, "SMAP": None, "DATES": table})
    assert set(rows_of(table)[0]) & {"smap", "closure_rmse", "noise"} == set()
    assert "SMAP cells" not in said.text


def test_maps_that_are_kept_are_held_against_smap_too(run, said, case, parameters, tmp_path):
    run("downscale", {**parameters, "SMAP": None})
    table = str(tmp_path / "dates.csv")
    run("downscale", {**parameters, "DATES": table})
    assert all(row["closure_rmse"] and "kept" in row["note"] for row in rows_of(table))


@pytest.mark.parametrize("memory", [16, 512])
def test_exact_maps_return_smap(run, said, case, parameters, tmp_path, memory):
    table = str(tmp_path / "dates.csv")
    run("downscale", {**parameters, "CONSISTENCY": "exact", "MEMORY": memory, "DATES": table})
    for date, row in zip(MAPPED, rows_of(table)):
        seen = np.isfinite(case.smap[date])
        off = (means(read(tmp_path / "maps", date)) - case.smap[date])[seen]
        # What is left is the rounding to float32.
        assert np.abs(off).max() < 1e-8
        assert (int(row["exact_cells"]), int(row["part_cells"])) == (71, 0)
        line = next(line for line in said.info if line.startswith(f"{date}: the map's means"))
        assert "; 71 cells covered wholly (largest difference " in line
        assert line.endswith("), 0 cells covered in part and left out")


def test_a_kept_map_is_of_the_same_wish(run, said, case, parameters, tmp_path):
    run("downscale", parameters)
    first = read(tmp_path / "maps", DATES[0])
    run("downscale", {**parameters, "CONSISTENCY": "exact"})
    assert "0 of them from an earlier run" in said.text
    assert not np.array_equal(read(tmp_path / "maps", DATES[0]), first)
    run("downscale", {**parameters, "CONSISTENCY": "exact"})
    assert "2 maps, 2 of them from an earlier run" in said.text


def make(case, folder, threads, memory, finish, smap=None):
    with open_models(case.folder / "forests.smapforest") as forests:
        inputs = MapInputs(
            forests,
            open_stack(case.fine_stack),
            smap=open_series(smap or case.smap_folder),
            finish=finish,
        )
        listener = Listener()
        return make_maps(inputs, folder, MAPPED, threads, memory, listener), listener


def test_a_date_without_smap_is_mapped_as_it_is_and_named(case, tmp_path):
    (tmp_path / "smap").mkdir()
    name = f"soil_moisture_{DATES[0]:%Y%m%d}.tif"
    shutil.copy(Path(case.smap_folder) / name, tmp_path / "smap" / name)
    report, listener = make(case, tmp_path / "maps", 1, 64, Finish(exact=True), tmp_path / "smap")
    assert listener.warnings == [f"These maps are made without CONSISTENCY: {DATES[2]} (no SMAP)"]
    assert list(report.closures) == [DATES[0]]
    assert np.array_equal(read(tmp_path / "maps", DATES[2]), read(case.folder / "plain", DATES[2]))
    tags = [gdal.Open(str(map_file(tmp_path / "maps", date))).GetMetadataItem("SMAP") for date in MAPPED]
    assert tags == [None, "none"]


def test_cells_that_the_map_covers_in_part_are_left_out_and_counted(run, said, case, parameters, tmp_path):
    """A lake in one cell, and a box that cuts cells through."""
    fine = open_dataset(case.fine_stack)
    layers = np.stack([read_band(fine, band) for band in (1, 2, 3)])
    layers[:, 23:26, 41:45] = np.nan
    names = [fine.GetRasterBand(band).GetDescription() for band in (1, 2, 3)]
    stack = tmp_path / "lake.tif"
    write_geotiff(stack, PIXELS, layers, [Band(name) for name in names])
    box = PIXELS.bounds
    inner = [box.left + 5.5 * PIXELS.cell_width, box.right - 0.5 * PIXELS.cell_width, box.bottom, box.top]
    run(
        "downscale",
        {
            **parameters,
            "COVARIATES": str(stack),
            "EXTENT": ",".join(map(str, inner)) + f" [{PIXELS.crs}]",
            "CONSISTENCY": "exact",
            "START": str(DATES[2]),
        },
    )
    values = read(tmp_path / "maps", DATES[2])
    assert values.shape == (80, 85)
    padded = np.pad(values, ((0, 0), (5, 0)), constant_values=np.nan)
    off = means(padded) - case.smap[DATES[2]]
    whole = np.isfinite(off)
    assert whole.sum() == 8 * 8 - 2
    assert np.abs(off[whole]).max() < 1e-8
    line = next(line for line in said.info if line.startswith(f"{DATES[2]}: the map's means"))
    assert "; 62 cells covered wholly (" in line
    assert line.endswith("), 9 cells covered in part and left out")


def test_the_residual_of_forests(run, said, case, parameters, tmp_path):
    """SMAP less means of the plain maps, through field and noise: nearer to SMAP, but not SMAP."""
    table = str(tmp_path / "dates.csv")
    run("downscale", {**parameters, "RESIDUAL": True, "DATES": table})
    rows, cols = np.mgrid[0:80, 0:90] / 10 + 0.05
    for date, row in zip(MAPPED, rows_of(table)):
        plain = read(case.folder / "plain", date).astype(np.float64)
        left = case.smap[date] - means(plain)
        seen = np.isfinite(left)
        field = fit_residual(CELLS, np.argwhere(seen), left[seen], 0.0)
        added = read(tmp_path / "maps", date) - plain
        assert np.allclose(added, field.at(rows, cols), rtol=0, atol=2e-6)
        # Borders of cells do not show; a constant a cell would show them.
        assert seam(plain + added, rows, cols) < 1.1
        assert seam(plain + np.kron(left, np.ones((10, 10))), rows, cols) > 1.1
        assert float(row["noise"]) == pytest.approx(field.noise_sd, rel=1e-3)
        assert 0 < float(row["closure_rmse"]) < np.sqrt(np.mean(left[seen] ** 2))
        line = next(line for line in said.info if line.startswith(f"{date}: the map's means"))
        assert line.endswith(f"; SMAP's noise is estimated as {field.noise_sd:.4f}")
    assert not said.warnings


def test_residual_and_exact_in_blocks_of_any_size(case, tmp_path):
    for name, threads, memory in (("one", 1, 512), ("other", 3, 1)):
        _report, listener = make(case, tmp_path / name, threads, memory, Finish(True, True))
        assert not listener.warnings
    for date in MAPPED:
        one, other = (read(tmp_path / name, date).view(np.uint32) for name in ("one", "other"))
        assert np.array_equal(one, other)
        made = read(tmp_path / "one", date)
        off = (means(made) - case.smap[date])[np.isfinite(case.smap[date])]
        assert np.abs(off).max() < 1e-8
        assert seam(made.astype(np.float64), *places(PIXELS.shape, 10)) < 1.1


def test_a_date_with_too_few_cells_for_the_residual_is_mapped_as_it_is_and_named(
    run, said, case, parameters, tmp_path
):
    box = PIXELS.bounds
    table = str(tmp_path / "dates.csv")
    half = [box.left, box.right - 42 * PIXELS.cell_width, box.bottom, box.top]
    extent = ",".join(map(str, half)) + f" [{PIXELS.crs}]"
    run(
        "downscale",
        {**parameters, "EXTENT": extent, "RESIDUAL": True, "START": str(DATES[2]), "DATES": table},
    )
    (warning,) = said.warnings
    why = "39 SMAP cells can be used, and an area-to-point model needs 60; use a larger area"
    assert warning == f"These maps are made without RESIDUAL: {DATES[2]} ({why})"
    assert np.array_equal(read(tmp_path / "maps", DATES[2]), read(case.folder / "plain", DATES[2])[:, :48])
    assert rows_of(table)[0]["note"] == f"without RESIDUAL: {why}"


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        (
            {"DETAIL": "all"},
            "DETAIL is 'all', but only area-to-point models have detail to choose, and {forests} holds "
            "forests; leave it at 'by evidence'.",
        ),
        (
            {"SMAP": None, "CONSISTENCY": "exact"},
            "SMAP is empty, but CONSISTENCY 'exact' needs it; give the SMAP series that {forests} was "
            "trained with.",
        ),
        (
            {"SMAP": None, "RESIDUAL": True},
            "SMAP is empty, but RESIDUAL needs it; give the SMAP series that {forests} was trained with.",
        ),
        (
            {"RESIDUAL": True, "CONSISTENCY": "exact", "FOOTPRINT": 33},
            "CONSISTENCY is 'exact' with a FOOTPRINT of 33 km: SMAP then is no mean over its cells, and to "
            "return it would sharpen its noise; set it to 'none'.",
        ),
        (
            {"EVERY_DAY": True},
            "EVERY_DAY: {forests} has a forest for each of its dates and none for days between them; "
            "switch it off, or train one on all dates.",
        ),
        ({"FOOTPRINT": -3}, "FOOTPRINT is -3; give its width in km, or 0."),
        (
            {"NOISE": 0},
            "NOISE is 0; give the standard deviation of SMAP's noise, m3 m-3, such as 0.02.",
        ),
    ],
)
def test_what_is_refused(refusal, case, parameters, given, sentence):
    wanted = sentence.format(forests=parameters["FORESTS"])
    assert refusal("downscale", {**parameters, **given}) == wanted
    assert not Path(parameters["OUTPUT"]).exists()
