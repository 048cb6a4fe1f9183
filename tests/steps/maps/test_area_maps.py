"""Maps of area-to-point models: their days and those between, detail, SMAP of their own, what is refused."""

from __future__ import annotations

import csv
import datetime as dt
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from osgeo import gdal

from report_reader import FigureTexts, check_numbers
from seams import places, seam
from small_area_case import CELLS, PARTS, PIXELS, make_area_case
from smap_downscaler.base.errors import Cancelled
from smap_downscaler.base.progress import SILENT, Progress
from smap_downscaler.geo.datasets import open_dataset, read_band
from smap_downscaler.geo.geotiff import Band, is_as_written, write_geotiff
from smap_downscaler.methods.area.spread import Spread
from smap_downscaler.methods.base import Block
from smap_downscaler.methods.file.reader import open_models
from smap_downscaler.methods.keys import PooledKey
from smap_downscaler.series.series import open_series
from smap_downscaler.series.stack import open_stack
from smap_downscaler.steps.maps.bands import NO_EXTRA, Extra
from smap_downscaler.steps.maps.downscale import make_maps, map_file
from smap_downscaler.steps.maps.inputs import MapInputs

#: How often the rule was right that shows the pattern; tests/test_numbers.py holds the numbers.
RULE = (
    r"By this rule \d+ % of the maps of \d+ known truths in the skill experiment were better than bilinear "
    r"interpolation, and \d+ % were better for what they show of the pattern "
    r"\({}, no footprint, 36 x 36 cells\)"
)


class Lines(Progress):
    """Keeps lines of the log; is cancelled at look number `last`."""

    def __init__(self, last=None):
        self.lines, self.looks, self.last = [], 0, last

    def log(self, text):
        self.lines.append(str(text))

    def is_cancelled(self):
        self.looks += 1
        return self.last is not None and self.looks >= self.last


@pytest.fixture(scope="module")
def case(tmp_path_factory, qgis_provider):
    return make_area_case(tmp_path_factory.mktemp("area"), dates=7)


def train(case, name, **more):
    import processing

    given = {**case.inputs, "FOOTPRINT": "0", "OUTPUT": str(case.folder / name), **more}
    return processing.run("smapdownscaler:trainareamodel", given)["OUTPUT"]


@pytest.fixture(scope="module")
def pooled(case):
    return train(case, "pooled.smapmodel")


@pytest.fixture
def parameters(case, pooled, tmp_path):
    return {"FORESTS": pooled, "COVARIATES": case.inputs["COVARIATES"], "OUTPUT": str(tmp_path / "maps")}


def read(folder, date):
    return read_band(open_dataset(map_file(folder, date)), 1)


def tag(path, name):
    return gdal.Open(str(path)).GetMetadataItem(name)


def means(values):
    rows, cols = (size // PARTS for size in values.shape)
    return values.astype(np.float64).reshape(rows, PARTS, cols, PARTS).mean(axis=(1, 3))


def rows_of(path):
    with Path(path).open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def predicted(path, case, date, detail="by evidence", side=1):
    """All pixels by the model itself; `side` x `side` of the stack's make one."""
    with open_models(path) as models:
        model = models.load(PooledKey()).with_detail(detail)
    stack, (rows, cols) = open_dataset(case.inputs["COVARIATES"]), (size // side for size in PIXELS.shape)
    layers = [read_band(stack, band).reshape(rows, side, cols, side).mean(axis=(1, 3)) for band in (1, 2)]
    x = PIXELS.left + (np.arange(cols) + 0.5) * side * PIXELS.cell_width
    y = PIXELS.top - (np.arange(rows) + 0.5) * side * PIXELS.cell_height
    places = np.stack(np.meshgrid(x, y), axis=-1).reshape(-1, 2)
    days = np.full(rows * cols, date.toordinal())
    found = model.predict(Block(np.stack(layers, axis=-1).reshape(-1, 2), days, places))
    return found.mean.reshape(rows, cols)


def test_its_own_days_are_mapped_and_held_against_its_own_smap(
    run, said, monkeypatch, case, pooled, parameters, tmp_path
):
    figures = FigureTexts(monkeypatch)
    table, report = str(tmp_path / "dates.csv"), str(tmp_path / "report.html")
    outputs = run("downscale", {**parameters, "DATES": table, "REPORT": report})
    assert outputs["COUNT"] == 7
    smap = open_series(case.inputs["SMAP"])
    rows = rows_of(table)
    assert [row["date"].replace("/", "-") for row in rows] == [str(date) for date in case.dates]
    with open_models(pooled) as models:
        model = models.load(PooledKey())
    for date, row in zip(case.dates, rows):
        values, seen = read(tmp_path / "maps", date), smap.read(date)
        expected = predicted(pooled, case, date)
        assert np.allclose(values, expected, rtol=0, atol=1e-6)
        off = (means(values) - seen)[np.isfinite(seen)]
        assert int(row["closure_cells"]) == len(off) == 119
        assert float(row["closure_rmse"]) == pytest.approx(np.sqrt(np.mean(off**2)), rel=1e-6)
        assert row["smap"] == "seen"
        assert float(row["noise"]) == pytest.approx(model.noise_sd, rel=1e-6)
        assert tag(map_file(tmp_path / "maps", date), "SMAP") is None
    for line in model.evidence():
        assert line in said.info
    rule = RULE.format("two levels")
    assert len(re.findall(f"^{rule}$", said.text, re.MULTILINE)) == 1
    assert not said.warnings
    assert tag(outputs["SERIES"], "SMAP_DOWNSCALER_FILLED") == "no"
    check_numbers(outputs, figures)
    page = Path(report).read_text(encoding="utf-8").replace("\u202f", " ").replace("\u00a0", " ")
    assert re.search(rf"{rule}\.", page)


def made(case, pooled, folder, threads, memory_mb, listener=SILENT, extra=NO_EXTRA):
    """The bytes of all maps, and the report."""
    with open_models(pooled) as models:
        inputs = MapInputs(models, open_stack(case.inputs["COVARIATES"]), extra=extra)
        report = make_maps(inputs, folder, case.dates, threads, memory_mb, listener)
    assert list(report.files) == list(case.dates)
    return [path.read_bytes() for path in report.files.values()]


def test_threads_that_make_a_map_each_change_no_bit_and_are_told_of_memory(case, pooled, tmp_path):
    alone, listener, little = Lines(), Lines(), Lines()
    whole = made(case, pooled, tmp_path / "1", 1, 512, alone)
    assert made(case, pooled, tmp_path / "2", 2, 512, listener) == whole
    assert made(case, pooled, tmp_path / "3", 3, 1, little) == whole
    told = [[line for line in one.lines if line.startswith("MEMORY")] for one in (alone, listener, little)]
    assert told == [
        [],
        [],
        [
            "MEMORY (1 MB) has no room for a part of what all dates share, and that is worked out anew for "
            "each; with about 50 MB each map takes less time"
        ],
    ]
    for one in (alone, listener, little):
        written = [line for line in one.lines if line.endswith("written")]
        assert written == [f"{date}: {map_file('', date)} written" for date in case.dates]


def test_maps_of_a_thread_each_end_at_once(case, pooled, tmp_path):
    listener = Lines(last=40)
    with pytest.raises(Cancelled):
        made(case, pooled, tmp_path, 2, 512, listener)
    assert not [path for path in tmp_path.iterdir() if not path.name.startswith("soil_moisture_")]
    for path in tmp_path.iterdir():
        assert is_as_written(open_dataset(path))


def test_what_cells_tell_of_intervals_shares_the_room_of_maps(case, pooled, tmp_path, monkeypatch):
    pieces = []
    own = Spread.piece
    monkeypatch.setattr(Spread, "piece", lambda self, begin: pieces.append(begin) or own(self, begin))
    counts = []
    for memory_mb in (512, 1):
        made(case, pooled, tmp_path / str(memory_mb), 1, memory_mb, extra=Extra(intervals=True))
        counts.append(len(pieces))
        pieces.clear()
    assert 0 < counts[0] < counts[1]


def test_days_between_are_mapped_where_wanted_and_marked(run, said, case, pooled, parameters, tmp_path):
    table = str(tmp_path / "dates.csv")
    outputs = run("downscale", {**parameters, "EVERY_DAY": True, "DATES": table})
    first, last = case.dates[0], case.dates[-1]
    every = [first + dt.timedelta(number) for number in range((last - first).days + 1)]
    assert outputs["COUNT"] == len(every) == 19
    unseen = [date for date in every if date not in case.dates]
    assert (
        "12 days without SMAP: mapped from the state of all dates, with wider intervals, and marked by the "
        "tag SMAP=none"
    ) in said.info
    for date, row in zip(every, rows_of(table)):
        path = map_file(tmp_path / "maps", date)
        assert row["smap"] == ("none" if date in unseen else "seen")
        assert (row["closure_rmse"] == "") == (date in unseen)
        assert tag(path, "SMAP") == ("none" if date in unseen else None)
        assert tag(path, "SMAP_DOWNSCALER_FILLED") == ("yes" if date in unseen else None)
    assert np.allclose(
        read(tmp_path / "maps", unseen[0]),
        predicted(pooled, case, unseen[0]),
        rtol=0,
        atol=1e-6,
    )
    assert tag(outputs["SERIES"], "SMAP_DOWNSCALER_FILLED") == "yes"
    assert open_series(tmp_path / "maps").has_filled()
    assert not said.warnings


def test_every_day_has_an_end_and_a_begin_of_its_own(run, case, parameters, tmp_path):
    given = {"EVERY_DAY": True, "START": str(case.dates[1]), "END": str(case.dates[1] + dt.timedelta(1))}
    assert run("downscale", {**parameters, **given})["COUNT"] == 2


def test_exact_maps_of_it(run, said, case, parameters, tmp_path):
    run("downscale", {**parameters, "CONSISTENCY": "exact", "END": str(case.dates[1])})
    for date in case.dates[:2]:
        seen = open_series(case.inputs["SMAP"]).read(date)
        off = (means(read(tmp_path / "maps", date)) - seen)[np.isfinite(seen)]
        assert np.abs(off).max() < 1e-8


def test_borders_of_cells_do_not_show(run, case, parameters, tmp_path):
    """Whether maps honour SMAP within its noise or return it; a constant a cell would show them."""
    rows, cols = places(PIXELS.shape, PARTS)
    dates, made = case.dates[:3], {}
    for consistency in ("none", "exact"):
        folder = str(tmp_path / consistency)
        given = {"CONSISTENCY": consistency, "OUTPUT": folder, "END": str(dates[-1])}
        run("downscale", {**parameters, **given})
        made[consistency] = [read(folder, date).astype(np.float64) for date in dates]
    for plain, exact in zip(made["none"], made["exact"]):
        assert seam(plain, rows, cols) < 1.1
        assert seam(exact, rows, cols) < 1.1
        constant = np.kron(means(exact) - means(plain), np.ones((PARTS, PARTS)))
        assert np.abs(constant).max() > 0.01
        assert seam(plain + constant, rows, cols) > 1.1


def test_detail_is_chosen_and_told(run, said, case, pooled, parameters, tmp_path):
    for detail, words in (
        ("all", "maps show all of it, since DETAIL is 'all'"),
        ("none", "maps show none of it, since DETAIL is 'none'"),
    ):
        folder = str(tmp_path / detail)
        run("downscale", {**parameters, "OUTPUT": folder, "DETAIL": detail, "END": str(case.dates[0])})
        expected = predicted(pooled, case, case.dates[0], detail)
        assert any("The mean pattern" in line and words in line for line in said.info)
        said.info.clear()
        assert np.allclose(read(folder, case.dates[0]), expected, rtol=0, atol=1e-6)
    assert not np.allclose(
        read(tmp_path / "all", case.dates[0]), read(tmp_path / "none", case.dates[0]), atol=1e-3
    )


def test_a_series_that_is_given_counts_in_place_of_its_own(run, said, case, parameters, tmp_path):
    date = case.dates[0]
    values = np.full(CELLS.shape, 0.3, np.float32)
    write_geotiff(
        tmp_path / "other" / f"soil_moisture_{date:%Y%m%d}.tif", CELLS, values, [Band("m", "m3 m-3")]
    )
    given = {"SMAP": str(tmp_path / "other"), "CONSISTENCY": "exact", "END": str(date)}
    run("downscale", {**parameters, **given})
    assert np.abs(means(read(tmp_path / "maps", date)) - np.float64(np.float32(0.3))).max() < 1e-8


def test_models_by_date(run, said, refusal, case, parameters, tmp_path):
    path = train(case, "dates.smapmodel", LEVELS="single dates", END=str(case.dates[1]))
    given = {**parameters, "FORESTS": path}
    assert run("downscale", given)["COUNT"] == 2
    with open_models(path) as models:
        for date in case.dates[:2]:
            for line in models.load(date).evidence():
                assert f"{date}: {line}" in said.text
    # Of all dates once.
    assert len(re.findall(RULE.format("single dates"), said.text)) == 1
    assert refusal("downscale", {**given, "EVERY_DAY": True}) == (
        f"EVERY_DAY: {path} has a model for each of its dates and none for days between them; switch it off, "
        "or train one on all dates."
    )


def test_what_is_refused(refusal, case, pooled, parameters, tmp_path):
    assert refusal("downscale", {**parameters, "RESIDUAL": True}) == (
        f"RESIDUAL is for forests: the models of {pooled} have a field and noise of their own; switch it off."
    )
    assert refusal("downscale", {**parameters, "START": "2030-01-01"}) == (
        f"{pooled}: it has no day from 2030-01-01 to its end (its days run from {case.dates[0]} to "
        f"{case.dates[-1]}); choose other dates."
    )
    wide = train(case, "wide.smapmodel", FOOTPRINT="20")
    assert refusal("downscale", {**parameters, "FORESTS": wide, "CONSISTENCY": "exact"}) == (
        f"CONSISTENCY is 'exact', but the footprint of {wide} is 20 km: SMAP then is no mean over its cells, "
        "and to return it would sharpen its noise; set it to 'none'."
    )


def test_fillgaps_refuses_it(refusal, case, pooled, tmp_path):
    given = {"SMAP": case.inputs["SMAP"], "FORESTS": pooled, "OUTPUT": str(tmp_path / "filled")}
    assert refusal("fillgaps", given) == (
        f"{pooled}: its models are pooled, and a gap is filled by the forest of its cell; train forests with "
        "MODE 'by cell'."
    )


def test_a_model_of_a_filled_series_marks_its_maps(run, case, parameters, tmp_path):
    for path in Path(case.inputs["SMAP"]).iterdir():
        values = read_band(open_dataset(path), 1)
        tags = {"SMAP_DOWNSCALER_FILLED": "yes"}
        write_geotiff(tmp_path / "filled" / path.name, CELLS, values, [Band("soil_moisture", "m3 m-3")], tags)
    path = train(case, "filled.smapmodel", SMAP=str(tmp_path / "filled"))
    outputs = run("downscale", {**parameters, "FORESTS": path, "END": str(case.dates[0])})
    assert tag(map_file(tmp_path / "maps", case.dates[0]), "SMAP_DOWNSCALER_FILLED") == "yes"
    assert tag(outputs["SERIES"], "SMAP_DOWNSCALER_FILLED") == "yes"


def test_a_cascade_takes_larger_pixels_as_they_are(run, case, pooled, parameters, tmp_path):
    """The covariates keep the mean and the spread that the model has of the stack's own pixels."""
    side = 2 * PIXELS.cell_width
    given = {**parameters, "DATE": str(case.dates[0]), "RESOLUTIONS": f"{side!r}, {PIXELS.cell_width!r}"}
    assert run("cascade", given)["COUNT"] == 2
    for number in (1, 2):
        name = f"soil_moisture_{case.dates[0]:%Y%m%d}_{number * PIXELS.cell_width:g}m.tif"
        values = read_band(open_dataset(tmp_path / "maps" / name), 1)
        expected = predicted(pooled, case, case.dates[0], side=number)
        assert np.allclose(values, expected, rtol=0, atol=1e-5)


@pytest.mark.parametrize("more", [{"INTERVALS": True, "EVERY_DAY": True}, {"CONSISTENCY": "exact"}])
def test_a_run_that_is_cancelled_leaves_whole_maps_and_goes_on(
    run, said, feedback, case, parameters, tmp_path, monkeypatch, more
):
    monkeypatch.setattr("smap_downscaler.base.progress.Counter.LEAST_INTERVAL", 0.0)
    feedback.cancel_when = lambda text: " blocks mapped" in text and len(written(said)) == 2
    assert run("downscale", {**parameters, **more}) == {}
    assert feedback.isCanceled()
    folder = tmp_path / "maps"
    kept = sorted(path.name for path in folder.iterdir())
    # What another thread had just finished is there too, though nobody was told.
    assert set(kept) >= set(written(said)) != set()
    assert len(kept) < 7
    stamps = {name: (folder / name).stat().st_mtime_ns for name in kept}
    assert all(np.isfinite(read_band(open_dataset(str(folder / name)), 1)).all() for name in kept)
    import processing

    made = processing.run("smapdownscaler:downscale", {**parameters, **more})
    assert made["COUNT"] == (19 if "EVERY_DAY" in more else 7)
    assert {name: (folder / name).stat().st_mtime_ns for name in kept} == stamps


def written(said):
    return [line.split()[1] for line in said.info if line.endswith(" written")]


def test_days_far_from_those_of_the_model_are_warned_of(run, said, case, parameters):
    begin, end = (case.dates[-1] + dt.timedelta(days) for days in (399, 400))
    run("downscale", {**parameters, "START": str(begin), "END": str(end), "EVERY_DAY": True})
    assert said.warnings == [
        f"2 days are beyond the dates of the model ({case.dates[0]} to {case.dates[-1]}), from {begin} to "
        f"{end}, and mapped with the mean of its nearest date; train it on a series that reaches them"
    ]


def test_days_that_lack_rain_are_counted(run, said, tmp_path):
    case = make_area_case(tmp_path, dates=7, with_rain=True)
    model = train(case, "rain.smapmodel", DYNAMIC=[case.rain])
    given = {"FORESTS": model, "COVARIATES": case.inputs["COVARIATES"], "DYNAMIC": [case.rain]}
    outputs = run("downscale", {**given, "OUTPUT": str(tmp_path / "maps"), "EVERY_DAY": True})
    assert outputs["COUNT"] == 7
    assert said.warnings == [
        f"EVERY_DAY: 12 days from {case.dates[0]} to {case.dates[-1]} will have no map: not all dated "
        "covariates (rain) have a raster for them"
    ]


def test_pixels_without_rain_have_no_value_and_change_no_other(run, tmp_path):
    """With intervals and without, of which only the one takes them out before."""
    case = make_area_case(tmp_path, dates=7, with_rain=True)
    model = train(case, "rain.smapmodel", DYNAMIC=[case.rain])
    given = {"FORESTS": model, "COVARIATES": case.inputs["COVARIATES"], "DYNAMIC": [case.rain]}
    given["END"] = str(case.dates[0])

    def mapped(name, **more):
        run("downscale", {**given, "OUTPUT": str(tmp_path / name), **more})
        return read_band(open_dataset(map_file(tmp_path / name, case.dates[0])), 1)

    whole = mapped("a")
    path = Path(case.rain) / f"rain_{case.dates[0]:%Y%m%d}.tif"
    rain = read_band(open_dataset(path), 1)
    rain[2:4, 3] = np.nan
    write_geotiff(path, CELLS, rain, [Band("rain", "mm/d")])
    for name, intervals in (("b", False), ("c", True)):
        found = mapped(name, INTERVALS=intervals)
        gone = np.isnan(found) & np.isfinite(whole)
        assert gone.sum() == 2 * PARTS**2
        # Beside them, rain is interpolated without them.
        alike = np.isclose(found, whole, rtol=1e-6, atol=0)
        assert (alike | gone | np.isnan(whole)).mean() > 0.7
        if name == "b":
            first = found
        np.testing.assert_allclose(found, first, rtol=1e-6)


def test_what_has_no_effect_is_warned_of(run, said, case, parameters):
    run("downscale", {**parameters, "NOISE": 0.03, "END": str(case.dates[0])})
    assert said.warnings == [
        "FOOTPRINT and NOISE are for RESIDUAL, which is off: they change nothing; for area-to-point models "
        "give them where these are trained"
    ]


def test_maps_far_from_smap_are_warned_of(run, said, case, parameters, tmp_path):
    """Covariates in other units give maps that nobody should trust."""
    with_values = read_band(open_dataset(case.inputs["COVARIATES"]), 2)
    layers = np.stack([read_band(open_dataset(case.inputs["COVARIATES"]), 1), with_values / 3])
    stack = tmp_path / "feet.tif"
    write_geotiff(stack, PIXELS, layers, [Band("clay", "g/kg"), Band("elevation", "m")])
    outputs = run("downscale", {**parameters, "COVARIATES": str(stack), "DETAIL": "all"})
    assert outputs["COUNT"] == 7
    far = [line for line in said.warnings if line.startswith("The means of ")]
    assert len(far) == 1
    assert "cells lie farther from it than its noise explains (RMS, m3 m-3): 2021-01-01 (0." in far[0]
    assert far[0].endswith("; check that covariates, their units and SMAP are those of the training")


def test_a_stack_beyond_the_cells_of_the_model(run, said, refusal, case, parameters, tmp_path):
    layers = np.stack([read_band(open_dataset(case.inputs["COVARIATES"]), band) for band in (1, 2)])
    bands = [Band("clay", "g/kg"), Band("elevation", "m")]
    for name, moved in (("part", PIXELS.width // 2), ("all", 3 * PIXELS.width)):
        grid = replace(PIXELS, left=PIXELS.left + moved * PIXELS.cell_width)
        write_geotiff(tmp_path / f"{name}.tif", grid, layers, bands)
    run("downscale", {**parameters, "COVARIATES": str(tmp_path / "part.tif"), "END": str(case.dates[0])})
    # One cell beyond those of the training still belongs to the model.
    beyond = "part.tif: 42 % of its pixels lie beyond the cells of the model, and get no value"
    assert any(line.endswith(beyond) for line in said.warnings)
    model = parameters["FORESTS"]
    assert refusal("downscale", {**parameters, "COVARIATES": str(tmp_path / "all.tif")}).endswith(
        f"all.tif: its pixels lie beyond the cells that {model} was trained on; train a model on SMAP of "
        "this area."
    )
