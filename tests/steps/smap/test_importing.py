"""SMAP to a GeoTIFF series: sources, windows, report, resuming, refusals."""

from __future__ import annotations

import csv
import datetime as dt
import os
import time

import numpy as np
import pytest
from osgeo import gdal

from areas import box as rings
from areas import geometries_of
from granules import LOGIN_PAGE, granule_name, truncate, write_granule
from raster_cases import EAST, NORTH, Listener, stored_netcdf
from smap_downscaler.base.errors import Cancelled, InputError
from smap_downscaler.geo.area import Area
from smap_downscaler.geo.datasets import check_folders, dataset_grid, open_dataset, read_band
from smap_downscaler.geo.geotiff import Band, write_geotiff
from smap_downscaler.geo.grid import EASE2_CRS, Bounds, Grid, Window, ease2_grid
from smap_downscaler.geo.placing import read_shapes
from smap_downscaler.steps.smap.importing import ease2_bounds, import_smap
from smap_downscaler.steps.smap.numbers.screening import Choices
from smap_downscaler.steps.smap.source import open_source

WINDOW = Window(100, 200, 4, 5)
WORLD = ease2_grid("36 km")
NAN = np.nan


def extent_of(window, world=WORLD, inset=0.25):
    """Edges that lie within the outer cells of `window`, so that only touching cells make it whole."""
    box = world.crop(window).bounds
    step = inset * world.cell_width
    return Bounds(box.left + step, box.bottom + step, box.right - step, box.top - step), EASE2_CRS


def cells_at(day):
    """Soil moisture that differs from day to day; one value of each is out of range, one failed."""
    return {
        (100, 200): (0.1 + day / 100, 0),
        (101, 204): (0.2 + day / 100, 1),
        (103, 202): (0.7, 0),
        (103, 203): (0.3, 5),
    }


def granules(folder, days=(1, 2, 3)):
    for day in days:
        write_granule(folder, {"AM": cells_at(day)}, f"202001{day:02d}")
    return folder


def report_of(result):
    with result.report.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def refusal(function, *arguments, **named):
    with pytest.raises(InputError) as caught:
        function(*arguments, **named)
    return str(caught.value)


def test_granules_end_at_the_polygons(tmp_path):
    source = granules(tmp_path / "in", [1])
    box, crs = extent_of(Window(100, 200, 1, 5))
    corner, _ = extent_of(Window(103, 203, 1, 1))
    shapes = [f"POLYGON {rings(one.left, one.bottom, one.right, one.top)}" for one in (box, corner)]
    wkb = [bytes(geometry.ExportToWkb()) for geometry in geometries_of(*shapes)]
    result = import_smap(source, tmp_path / "out", area=Area(read_shapes(wkb, crs), "basin"))
    values = read_band(open_dataset(tmp_path / "out" / "soil_moisture_20200101.tif"), 1)
    expected = np.full((4, 5), NAN, np.float32)
    # Of the other cells one is beside the polygons, and so is the one out of range; the last one has failed.
    expected[0, 0] = 0.11
    np.testing.assert_array_equal(values, expected)
    row = report_of(result)[0]
    assert [row[name] for name in ("valid_cells", "retrieved", "out_of_range", "failed_quality")] == [
        "1", "2", "0", "1",
    ]  # fmt: skip


def test_a_folder_of_granules(tmp_path):
    source = granules(tmp_path / "in")
    (source / f"{granule_name()}.iso.xml").write_text("<x/>")
    (source / "._hidden.h5").write_text("no granule")
    (source / "readme.txt").write_text("no granule")
    before = names(source)
    listener = Listener()
    result = import_smap(source, tmp_path / "out", extent=extent_of(WINDOW), progress=listener)
    assert result.count == 3
    assert names(source) == before
    assert names(tmp_path / "out") == [
        "report.csv",
        "soil_moisture_20200101.tif",
        "soil_moisture_20200102.tif",
        "soil_moisture_20200103.tif",
    ]
    dataset = open_dataset(tmp_path / "out" / "soil_moisture_20200102.tif")
    assert dataset_grid(dataset, "") == WORLD.crop(WINDOW)
    expected = np.full((4, 5), NAN, np.float32)
    expected[0, 0], expected[1, 4] = 0.12, 0.22
    np.testing.assert_array_equal(read_band(dataset, 1), expected)
    band = dataset.GetRasterBand(1)
    assert (band.GetDescription(), band.GetUnitType(), band.GetNoDataValue()) == (
        "soil_moisture",
        "m3 m-3",
        -9999,
    )
    assert band.DataType == gdal.GDT_Float32
    tags = dataset.GetMetadata()
    assert {
        name: tags[name] for name in ("DATE", "SOURCE", "OVERPASS", "QUALITY", "PRODUCT", "ALGORITHM")
    } == {
        "DATE": "2020-01-02",
        "SOURCE": granule_name("20200102"),
        "OVERPASS": "AM",
        "QUALITY": "successful",
        "PRODUCT": "SPL3SMP",
        "ALGORITHM": "default",
    }
    assert listener.texts[-1].startswith("3 of 3 dates imported")


def test_the_report_has_a_row_a_date(tmp_path):
    source = granules(tmp_path / "in", (1,))
    write_granule(source, {"AM": {}}, "20200102")
    write_granule(source, {"AM": {(100, 200): (0.9, 0), (100, 201): (0.3, 7)}}, "20200103")
    listener = Listener()
    result = import_smap(source, tmp_path / "out", extent=extent_of(WINDOW), progress=listener)
    assert result.count == 1
    first, second, third = report_of(result)
    assert first == {
        "date": "2020-01-01",
        "file": granule_name("20200101"),
        "status": "written",
        "reason": "",
        "valid_cells": "2",
        "min": "0.11",
        "mean": "0.16",
        "max": "0.21",
        "retrieved": "4",
        "out_of_range": "1",
        "failed_quality": "1",
    }
    assert (second["status"], second["reason"]) == ("skipped", "no retrieval in the study area")
    assert (second["valid_cells"], second["min"], second["mean"]) == ("0", "", "")
    why = "no valid cell in the study area: of 2 retrievals 1 are out of range and 1 of too low quality"
    assert (third["status"], third["reason"]) == ("skipped", why)
    assert names(tmp_path / "out") == ["report.csv", "soil_moisture_20200101.tif"]
    assert f"2020-01-03: skipped, {why}" in listener.lines


def test_granules_in_a_folder_a_day_and_the_period(tmp_path):
    for day in (1, 2, 3, 4):
        granules(tmp_path / "in" / f"2020.01.{day:02d}", (day,))
    (tmp_path / "in" / ".hidden").mkdir()
    (tmp_path / "in" / ".hidden" / "a.h5").write_text(LOGIN_PAGE)
    result = import_smap(
        tmp_path / "in",
        tmp_path / "out",
        start=dt.date(2020, 1, 2),
        end=dt.date(2020, 1, 3),
        extent=extent_of(WINDOW),
    )
    assert [row.date.day for row in result.rows] == [2, 3]


def test_one_granule_and_all_its_cells(tmp_path):
    path = write_granule(tmp_path, {"AM": {(0, 0): (0.3, 0)}})
    result = import_smap(path, tmp_path / "out")
    assert result.grid == WORLD
    assert result.rows[0].summary.valid == 1


def test_the_extent_keeps_every_cell_it_touches(tmp_path):
    path = write_granule(tmp_path / "in", {"AM": {(100, 200): (0.3, 0)}})
    grid = WORLD.crop(Window(100, 200, 1, 1))
    centre = Bounds(grid.left + 100, grid.bounds.bottom + 100, grid.left + 200, grid.bounds.bottom + 200)
    assert import_smap(path, tmp_path / "one", extent=(centre, EASE2_CRS)).grid == grid
    over = Bounds(grid.left - 1, grid.top - 10, grid.left + 10, grid.top + 1)
    assert import_smap(path, tmp_path / "four", extent=(over, EASE2_CRS)).grid == WORLD.crop(
        Window(99, 199, 2, 2)
    )
    exact = extent_of(WINDOW, inset=0.0)
    assert import_smap(path, tmp_path / "exact", extent=exact).grid == WORLD.crop(WINDOW)


def test_the_sides_of_an_extent_are_densified():
    from osgeo import osr

    box = Bounds(200_000, 8_300_000, 800_000, 9_500_000)
    found = ease2_bounds(box, "EPSG:32719")
    source, target = osr.SpatialReference(), osr.SpatialReference()
    source.ImportFromEPSG(32719), target.ImportFromEPSG(6933)
    transform = osr.CoordinateTransformation(source, target)
    share = np.linspace(0, 1, 2001)
    xs, ys = box.left + share * 600_000, box.bottom + share * 1_200_000
    edges = [(x, y) for x in xs for y in (box.bottom, box.top)] + [
        (x, y) for y in ys for x in (box.left, box.right)
    ]
    points = np.array(transform.TransformPoints(edges))[:, :2]
    np.testing.assert_allclose((found.left, found.bottom), points.min(axis=0), atol=1)
    np.testing.assert_allclose((found.right, found.top), points.max(axis=0), atol=1)
    corners = np.array(transform.TransformPoints([(x, y) for x in xs[[0, -1]] for y in ys[[0, -1]]]))[:, :2]
    # The corners alone would miss what bulges.
    assert corners[:, 1].min() - found.bottom > 1000


def test_extents_that_are_refused(tmp_path):
    path = write_granule(tmp_path / "in", {"AM": {(100, 200): (0.3, 0)}})
    north = Bounds(0, 8e6, 1e5, 9e6), EASE2_CRS
    assert refusal(import_smap, path, tmp_path / "out", extent=north) == (
        f"EXTENT: it does not meet the cells of {path}; choose an extent over them."
    )
    lost = Bounds(1e12, 1e12, 2e12, 2e12)
    assert refusal(ease2_bounds, lost, "EPSG:32719") == (
        "EXTENT: 1e+12, 2e+12, 1e+12, 2e+12 cannot be transformed from its CRS to SMAP's (EPSG:6933); "
        "draw it again within the area of its CRS."
    )


def test_a_second_run_keeps_what_is_there(tmp_path):
    source, out = granules(tmp_path / "in"), tmp_path / "out"
    first = import_smap(source, out, extent=extent_of(WINDOW))
    kept = out / "soil_moisture_20200101.tif"
    os.utime(kept, (1, 1))
    (out / "soil_moisture_20200102.tif").write_bytes(b"II*\0 cut off")
    (out / "soil_moisture_20200103.tif").unlink()
    second = import_smap(source, out, extent=extent_of(WINDOW))
    assert [row.status for row in second.rows] == ["kept", "written", "written"]
    assert kept.stat().st_mtime == 1
    assert [row[4:] for row in map(astuple, second.rows)] == [row[4:] for row in map(astuple, first.rows)]


def astuple(row):
    return (
        row.date,
        row.source,
        row.status,
        row.reason,
        row.summary,
        row.retrieved,
        row.out_of_range,
        row.failed_quality,
    )


def test_what_was_made_otherwise_is_made_again(tmp_path):
    source, out = granules(tmp_path / "in", (1,)), tmp_path / "out"
    import_smap(source, out, extent=extent_of(WINDOW))
    assert import_smap(source, out, extent=extent_of(WINDOW)).rows[0].status == "kept"
    assert import_smap(source, out, Choices(quality="all"), extent_of(WINDOW)).rows[0].status == "written"
    wider = extent_of(Window(99, 199, 6, 7))
    assert import_smap(source, out, Choices(quality="all"), wider).rows[0].status == "written"
    write_granule(source, {"AM": {**cells_at(1), (100, 201): (0.33, 0)}}, "20200101")
    os.utime(source / granule_name("20200101"), (1e9, 1e9))
    again = import_smap(source, out, Choices(quality="all"), wider).rows[0]
    assert (again.status, again.summary.valid) == ("written", 4)
    os.utime(source / granule_name("20200101"), (2e9, 2e9))
    assert import_smap(source, out, Choices(quality="all"), wider).rows[0].status == "written"


def test_a_date_that_lost_its_cells_loses_its_file(tmp_path):
    source, out = granules(tmp_path / "in", (1, 2)), tmp_path / "out"
    import_smap(source, out, extent=extent_of(WINDOW))
    write_granule(source, {"AM": {}}, "20200101")
    os.utime(source / granule_name("20200101"), (1e9, 1e9))
    assert import_smap(source, out, extent=extent_of(WINDOW)).count == 1
    assert names(out) == ["report.csv", "soil_moisture_20200102.tif"]


def test_other_dates_of_another_run_are_refused(tmp_path):
    source, out = granules(tmp_path / "in"), tmp_path / "out"
    import_smap(source, out, extent=extent_of(WINDOW))
    same = import_smap(source, out, extent=extent_of(WINDOW), start=dt.date(2020, 1, 2))
    assert [row.status for row in same.rows] == ["kept", "kept"]
    stranger = out / "soil_moisture_20200101.tif"
    named = {"extent": extent_of(WINDOW), "start": dt.date(2020, 1, 2)}
    end = "and its date is not among those imported now; choose an empty folder, or remove it."
    assert refusal(import_smap, source, out, Choices(quality="all"), **named) == (
        f"OUTPUT: {stranger} is from another run (QUALITY successful instead of all) {end}"
    )
    named["extent"] = extent_of(Window(99, 200, 5, 5))
    assert (
        refusal(import_smap, source, out, **named)
        == f"OUTPUT: {stranger} is from another run (other cells) {end}"
    )


def test_no_valid_cell_on_any_date_is_no_empty_result(tmp_path):
    source = granules(tmp_path / "in")
    out = tmp_path / "out"
    assert refusal(import_smap, source, out, extent=extent_of(Window(10, 10, 2, 2))) == (
        f"{source}: none of its 3 dates has a valid cell in the study area (2020-01-01: no retrieval in the "
        f"study area); choose another EXTENT, AOI, QUALITY or OVERPASS (see {out / 'report.csv'})."
    )
    assert names(out) == ["report.csv"]


def test_cancelling_leaves_whole_files_only(tmp_path):
    source, out = granules(tmp_path / "in", range(1, 9)), tmp_path / "out"
    asked = []

    class Asking(Listener):
        def set_text(self, text):
            if self.words in text and not asked:
                asked.append(time.monotonic())
            super().set_text(text)

    with pytest.raises(Cancelled):
        import_smap(source, out, extent=extent_of(WINDOW), progress=Asking(words="dates imported"))
    assert time.monotonic() - asked[0] < 2
    made = names(out)
    assert 1 <= len(made) < 8
    for name in made:
        assert name.startswith("soil_moisture_202001")
        assert np.isfinite(read_band(open_dataset(out / name), 1)).any()
    again = import_smap(source, out, extent=extent_of(WINDOW))
    assert [row.status for row in again.rows] == ["kept"] * len(made) + ["written"] * (8 - len(made))


def test_cancelling_while_looking_at_granules(tmp_path):
    with pytest.raises(Cancelled):
        import_smap(
            granules(tmp_path / "in"), tmp_path / "out", progress=Listener(words="granules looked at")
        )
    assert not (tmp_path / "out").exists()


# Refusals before any work.


@pytest.mark.parametrize("damage", ["truncated", "login page", "product"])
def test_one_bad_granule_among_many(tmp_path, damage):
    source, out = granules(tmp_path / "in"), tmp_path / "out"
    bad = source / granule_name("20200103")
    if damage == "truncated":
        truncate(bad)
        said = "the HDF5 file is truncated"
    elif damage == "login page":
        bad.write_text(LOGIN_PAGE)
        said = "it is a web page, not a granule"
    else:
        write_granule(source, {"AM": {}}, "20200103", short_name="SPL3FTP")
        said = "it is of the product SPL3FTP"
    assert refusal(import_smap, source, out).startswith(f"{bad}: {said}")
    assert not out.exists()
    assert import_smap(source, out, end=dt.date(2020, 1, 2)).count == 2


def test_empty_folder(tmp_path):
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "notes.txt").write_text("nothing")
    (tmp_path / "in" / "map.tif.aux.xml").write_text("<x/>")
    assert refusal(open_source, tmp_path / "in") == (
        f"{tmp_path / 'in'}: the folder holds no SMAP granule (.h5) and no dated raster; choose the folder "
        "that holds them."
    )


def test_missing_input_and_bad_output(tmp_path):
    missing = tmp_path / "none"
    assert (
        refusal(import_smap, missing, tmp_path / "out") == f"INPUT: {missing} does not exist; check the path."
    )
    path = write_granule(tmp_path / "in", {"AM": {}})
    assert refusal(check_folders, path, path) == f"OUTPUT: {path} is a file; choose a folder."


def test_two_granules_of_one_date(tmp_path):
    first = write_granule(tmp_path, {"AM": {}}, release="R18290")
    second = write_granule(tmp_path, {"AM": {}}, release="R19240")
    assert refusal(open_source, tmp_path) == (
        f"{first} and {second} have the same date 2020-01-05; they are releases R18290 and R19240 of one "
        "product: keep one release for all dates."
    )
    second.unlink()
    copy = write_granule(tmp_path, {"AM": {}}, name="copy_20200105.h5")
    assert refusal(open_source, tmp_path) == (
        f"{first} and {copy} have the same date 2020-01-05; keep one of them."
    )


def test_two_products_in_one_folder(tmp_path):
    coarse = write_granule(tmp_path, {"AM": {}}, "20200101")
    fine = write_granule(tmp_path, {"AM": {}}, "20200102", product="SPL3SMP_E")
    first, other = sorted([(str(coarse), "SPL3SMP"), (str(fine), "SPL3SMP_E")])
    assert refusal(open_source, tmp_path) == (
        f"{other[0]} is {other[1]} but {first[0]} is {first[1]}; import each product from a folder of its "
        "own."
    )


def test_no_granule_in_the_period(tmp_path):
    granules(tmp_path)
    assert refusal(open_source, tmp_path, start=dt.date(2021, 1, 1)) == (
        f"{tmp_path}: it holds no granule from 2021-01-01 to its end (its granules run from 2020-01-01 to "
        "2020-01-03); choose other dates."
    )


# Rasters.

GRID = WORLD.crop(WINDOW)
VALUES = np.array([[0.02, 0.51, NAN, 0.3, 0.4]] * 4, np.float32)


ONE_BAND = (Band("soil_moisture cm3/cm3"),)


def rasters(folder, grid=GRID, values=VALUES, days=(1, 2), bands=ONE_BAND):
    for day in days:
        write_geotiff(folder / f"SMAP_2020-01-{day:02d}.tif", grid, values, bands)
    return folder


def test_dated_geotiffs(tmp_path):
    listener = Listener()
    source = rasters(tmp_path / "in")
    result = import_smap(
        source, tmp_path / "out", extent=extent_of(Window(101, 201, 2, 4)), progress=listener
    )
    assert result.grid == WORLD.crop(Window(101, 201, 2, 4))
    assert [row.date for row in result.rows] == [dt.date(2020, 1, 1), dt.date(2020, 1, 2)]
    dataset = open_dataset(tmp_path / "out" / "soil_moisture_20200102.tif")
    np.testing.assert_array_equal(read_band(dataset, 1), VALUES[1:3, 1:])
    assert (dataset.GetMetadataItem("SOURCE"), dataset.GetMetadataItem("PRODUCT")) == (
        "SMAP_2020-01-02.tif",
        "SPL3SMP",
    )
    said = f"{source}: it has no band retrieval_qual_flag; the quality of its values is not checked."
    assert said in listener.lines
    assert listener.warnings == []


def test_a_raster_slightly_off_the_grid_is_put_on_it(tmp_path):
    off = Grid(EASE2_CRS, round(GRID.left), round(GRID.top), 36032.22, 36032.22, GRID.width, GRID.height)
    assert off != GRID
    assert import_smap(rasters(tmp_path / "in", off), tmp_path / "out").grid == GRID


def test_geotiffs_with_a_quality_band(tmp_path):
    flags = np.array([[0, 1, 0, 5, NAN]] * 4, np.float32)
    bands = (Band("soil_moisture"), Band("retrieval_qual_flag"))
    source = rasters(tmp_path / "in", values=np.stack([VALUES, flags]), bands=bands)
    counts = {}
    for quality in ("recommended", "successful", "all"):
        row = import_smap(source, tmp_path / quality, Choices(quality=quality)).rows[0]
        counts[quality] = (row.summary.valid, row.retrieved, row.out_of_range, row.failed_quality)
    assert counts == {"recommended": (4, 16, 0, 12), "successful": (8, 16, 0, 8), "all": (16, 16, 0, 0)}


#: Bands of both overpasses in no good order, as Earth Engine and others export them; the flag of the
#: morning refuses the first column, that of the evening the last.
BOTH = (
    "albedo_am",
    "retrieval_qual_flag_pm",
    "soil_moisture_error",
    "soil_moisture_am",
    "retrieval_qual_flag_am",
    "soil_moisture_pm",
)
MORNING = np.linspace(0.1, 0.2, 20, dtype=np.float32).reshape(4, 5)
AM_FLAGS, PM_FLAGS = (np.repeat([np.arange(5) == column], 4, axis=0).astype(np.float32) for column in (0, 4))
LAYERS = [np.full_like(MORNING, 0.06), PM_FLAGS, MORNING / 9, MORNING, AM_FLAGS, MORNING + 0.1]


def imported(source, folder, **choices):
    """The first date of an import."""
    result = import_smap(source, folder, Choices(**choices))
    return read_band(open_dataset(folder / f"soil_moisture_{result.rows[0].date:%Y%m%d}.tif"), 1)


@pytest.mark.parametrize("dated", ["by name", "by bands"])
def test_bands_of_both_overpasses(tmp_path, dated):
    source = tmp_path / "in"
    if dated == "by name":
        rasters(source, values=np.stack(LAYERS), bands=[Band(name) for name in BOTH])
    else:
        bands = [Band(f"2020_01_0{day}_{name}") for day in (1, 2) for name in BOTH]
        source = source / "stack.tif"
        write_geotiff(source, GRID, np.stack(LAYERS * 2), bands)
    right = {"AM": MORNING, "PM": MORNING + 0.1, "both": MORNING + 0.05}
    for overpass, values in right.items():
        got = imported(source, tmp_path / overpass, overpass=overpass, quality="all")
        np.testing.assert_allclose(got, values, atol=1e-6)
    am, pm = (
        imported(source, tmp_path / f"q{one}", overpass=one, quality="recommended") for one in ("AM", "PM")
    )
    np.testing.assert_array_equal(np.isnan(am), AM_FLAGS == 1)
    np.testing.assert_array_equal(np.isnan(pm), PM_FLAGS == 1)
    both = imported(source, tmp_path / "q", overpass="both", quality="recommended")
    np.testing.assert_allclose(both[:, 0], MORNING[:, 0] + 0.1, atol=1e-6)
    np.testing.assert_allclose(both[:, 4], MORNING[:, 4], atol=1e-6)


@pytest.mark.parametrize(
    ("names", "choices", "band"),
    [
        (("soil_moisture_dca_am", "soil_moisture_dca_pm"), {"overpass": "PM"}, 2),
        (("soil_moisture_pm", "soil_moisture"), {}, 2),
        (("soil_moisture", "soil_moisture_pm"), {"overpass": "PM"}, 2),
        (
            (
                "Soil_Moisture_Retrieval_Data_AM_albedo",
                "Soil_Moisture_Retrieval_Data_PM_soil_moisture_pm",
                "Soil_Moisture_Retrieval_Data_AM_soil_moisture",
            ),
            {"overpass": "AM"},
            3,
        ),
        (("soil_moisture_am", "soil_moisture_scav_am", "soil_moisture_dca_am"), {"algorithm": "SCA-V"}, 2),
        (("soil_moisture_scav_am", "soil_moisture_am"), {}, 2),
        (("retrieval_qual_flag", "b1"), {"quality": "all"}, 2),
        (("soil_moisture_am_anomaly", "soil_moisture_am"), {}, 2),
    ],
)
def test_names_of_bands_say_overpass_and_algorithm(tmp_path, names, choices, band):
    values = np.stack([MORNING / number for number in range(1, len(names) + 1)])
    source = rasters(tmp_path / "in", values=values, bands=[Band(name) for name in names], days=(1,))
    np.testing.assert_array_equal(imported(source, tmp_path / "out", **choices), values[band - 1])


@pytest.mark.parametrize(
    ("names", "choices", "sentence"),
    [
        (
            ("albedo", "roughness"),
            {},
            "it has 2 bands (albedo, roughness), and none is called soil_moisture (with _am or _pm); name "
            "the band of soil moisture so, or keep it in a file of its own (Raster > Conversion > "
            "Translate).",
        ),
        (
            ("B1", "B2"),
            {},
            "it has 2 bands (B1, B2), and none is called soil_moisture (with _am or _pm); name the band of "
            "soil moisture so, or keep it in a file of its own (Raster > Conversion > Translate).",
        ),
        (
            ("albedo_pm", "soil_moisture_pm"),
            {},
            "it has no soil moisture of the AM overpass (it has 2 bands (albedo_pm, soil_moisture_pm)); "
            "choose another OVERPASS.",
        ),
        (
            ("Soil_Moisture_Retrieval_Data_AM_albedo",),
            {},
            "it has 1 band (Soil_Moisture_Retrieval_Data_AM_albedo), and none is called soil_moisture (with "
            "_am or _pm); name the band of soil moisture so, or keep it in a file of its own (Raster > "
            "Conversion > Translate).",
        ),
        (
            ("soil_moisture_pm",),
            {},
            "it has no soil moisture of the AM overpass (it has 1 band (soil_moisture_pm)); choose another "
            "OVERPASS.",
        ),
        (
            ("soil_moisture_scav_am", "soil_moisture_scah_am"),
            {},
            "it cannot be told which one of its 2 bands (soil_moisture_scav_am, soil_moisture_scah_am) is "
            "soil moisture by ALGORITHM default; choose another ALGORITHM.",
        ),
    ],
)
def test_where_no_band_is_the_soil_moisture_asked_for(tmp_path, names, choices, sentence):
    values = np.stack([MORNING] * len(names))
    source = rasters(tmp_path / "in", values=values, bands=[Band(name) for name in names])
    with pytest.raises(InputError) as caught:
        import_smap(source, tmp_path / "out", Choices(**choices))
    assert str(caught.value) == f"{source}/SMAP_2020-01-01.tif: {sentence}"


def test_a_file_of_appeears_says_its_overpass(tmp_path):
    name = "SPL3SMP.008_Soil_Moisture_Retrieval_Data_PM_soil_moisture_pm_20200101T000000_aid0001.tif"
    write_geotiff(tmp_path / "in" / name, GRID, MORNING, [Band("")])
    np.testing.assert_array_equal(imported(tmp_path / "in", tmp_path / "out", overpass="PM"), MORNING)
    with pytest.raises(InputError, match="it has no soil moisture of the AM overpass"):
        import_smap(tmp_path / "in", tmp_path / "am")


def test_a_flag_of_the_other_overpass_is_none(tmp_path):
    bands = [Band("soil_moisture_pm"), Band("retrieval_qual_flag_am")]
    source = rasters(tmp_path / "in", values=np.stack([MORNING, AM_FLAGS]), bands=bands)
    with pytest.raises(InputError, match="it has no band retrieval_qual_flag, so QUALITY 'recommended'"):
        import_smap(source, tmp_path / "out", Choices("PM", "recommended"))
    assert np.isfinite(imported(source, tmp_path / "out", overpass="PM")).all()


def test_minus_9999_without_a_nodata_tag_is_missing(tmp_path):
    (tmp_path / "in").mkdir()
    path = tmp_path / "in" / "smap_20200101.tif"
    values = np.where(np.isnan(VALUES), -9999, VALUES).astype(np.float32)
    dataset = gdal.GetDriverByName("GTiff").Create(str(path), 5, 4, 1, gdal.GDT_Float32)
    dataset.SetGeoTransform(GRID.geotransform)
    from smap_downscaler.geo.datasets import spatial_reference

    dataset.SetSpatialRef(spatial_reference(EASE2_CRS))
    dataset.GetRasterBand(1).WriteArray(values)
    del dataset
    row = import_smap(path.parent, tmp_path / "out").rows[0]
    assert (row.summary.valid, row.retrieved, row.out_of_range) == (16, 16, 0)
    assert row.summary.minimum == np.float32(0.02)


def test_multi_band_raster_with_dated_bands(tmp_path):
    path = tmp_path / "in" / "stack.tif"
    days = [Band(f"2020-01-0{day}") for day in (1, 2, 3)]
    write_geotiff(path, GRID, np.stack([VALUES, VALUES / 2, np.full_like(VALUES, NAN)]), days)
    result = import_smap(path, tmp_path / "out")
    assert [row.status for row in result.rows] == ["written", "written", "skipped"]
    np.testing.assert_array_equal(
        read_band(open_dataset(tmp_path / "out" / "soil_moisture_20200102.tif"), 1), VALUES / 2
    )
    assert [row.status for row in import_smap(path, tmp_path / "out").rows] == ["kept", "kept", "skipped"]


def test_netcdf_with_a_time_axis(tmp_path):
    import h5py

    path = tmp_path / "in" / "smap.nc"
    path.parent.mkdir()
    with h5py.File(path, "w") as file:
        _netcdf(file)
    result = import_smap(path, tmp_path / "out")
    assert [row.date for row in result.rows] == [dt.date(2020, 1, 1), dt.date(2020, 1, 2)]
    assert result.grid == GRID
    np.testing.assert_array_equal(
        read_band(open_dataset(tmp_path / "out" / "soil_moisture_20200101.tif"), 1), VALUES
    )


def test_a_folder_of_netcdf_takes_the_variable_that_is_named(tmp_path):
    import h5py

    path = tmp_path / "in" / "smap.nc"
    path.parent.mkdir()
    with h5py.File(path, "w") as file:
        _netcdf(file)
    assert refusal(import_smap, path.parent, tmp_path / "out").startswith(
        f"{path}: it holds several variables with a time axis (soil_moisture, temperature); name one with "
        "VARIABLE"
    )
    import_smap(path.parent, tmp_path / "out", variables=["soil_moisture"])
    np.testing.assert_array_equal(
        read_band(open_dataset(tmp_path / "out" / "soil_moisture_20200101.tif"), 1), VALUES
    )


def test_netcdf_variables_of_both_overpasses(tmp_path):
    import h5py

    group = "Soil_Moisture_Retrieval_Data"
    variables = {
        f"{group}_AM_soil_moisture": MORNING,
        f"{group}_AM_retrieval_qual_flag": AM_FLAGS,
        f"{group}_PM_soil_moisture_pm": MORNING + 0.1,
        f"{group}_PM_retrieval_qual_flag_pm": PM_FLAGS,
    }
    path = tmp_path / "smap.nc"
    with h5py.File(path, "w") as file:
        _netcdf(file, {name: np.stack([values] * 2) for name, values in variables.items()})
    for overpass, values in (("AM", MORNING), ("PM", MORNING + 0.1), ("both", MORNING + 0.05)):
        got = imported(path, tmp_path / overpass, overpass=overpass, quality="all")
        np.testing.assert_allclose(got, values, atol=1e-6)
    pm = imported(path, tmp_path / "q", overpass="PM", quality="recommended")
    np.testing.assert_array_equal(np.isnan(pm), PM_FLAGS == 1)


DAYS_OF_NETCDF = {
    "soil_moisture": np.stack([VALUES, VALUES / 2]),
    "temperature": np.stack([VALUES, VALUES / 2]) + 280,
}


def _netcdf(file, variables=DAYS_OF_NETCDF):
    """A CF file of two days and several variables."""
    from smap_downscaler.geo.datasets import spatial_reference

    axes = {
        "time": (np.array([0.0, 1.0]), {"units": "days since 2020-01-01", "standard_name": "time"}),
        "y": (GRID.y_centres(), {"units": "m", "standard_name": "projection_y_coordinate"}),
        "x": (GRID.x_centres(), {"units": "m", "standard_name": "projection_x_coordinate"}),
    }
    for name, (numbers, attributes) in axes.items():
        file[name] = numbers
        file[name].make_scale(name)
        for key, text in attributes.items():
            file[name].attrs[key] = np.bytes_(text)
    crs = file.create_dataset("crs", data=np.int32(0))
    crs.attrs["grid_mapping_name"] = np.bytes_("lambert_cylindrical_equal_area")
    crs.attrs["crs_wkt"] = np.bytes_(spatial_reference(EASE2_CRS).ExportToWkt())
    crs.attrs["spatial_ref"] = np.bytes_(spatial_reference(EASE2_CRS).ExportToWkt())
    for name, data in variables.items():
        variable = file.create_dataset(name, data=np.where(np.isnan(data), -9999, data).astype(np.float32))
        variable.attrs["_FillValue"] = np.float32(-9999)
        variable.attrs["grid_mapping"] = np.bytes_("crs")
        for index, axis in enumerate(axes):
            variable.dims[index].attach_scale(file[axis])


NEVER = (
    "SMAP is never resampled: import the HDF5 granules of SPL3SMP_E (9 km) or SPL3SMP (36 km), or rasters in "
    "EPSG:6933 as they came, each product and area from a folder of its own."
)


def test_rasters_in_degrees_are_refused(tmp_path):
    source = rasters(tmp_path / "in", Grid("EPSG:4326", -72, -13, 0.09, 0.09, 5, 4))
    assert refusal(import_smap, source, tmp_path / "out") == (
        f"{source / 'SMAP_2020-01-01.tif'}: it is in EPSG:4326, not on the EASE-Grid 2.0 (EPSG:6933); {NEVER}"
    )


def test_resampled_rasters_are_refused(tmp_path):
    source = rasters(tmp_path / "in", Grid(EASE2_CRS, -7000000, -1500000, 9000, 9000, 5, 4))
    assert refusal(import_smap, source, tmp_path / "out") == (
        f"{source / 'SMAP_2020-01-01.tif'}: its cells (9000.000 m x 9000.000 m from -7000000.000, "
        f"-1500000.000) are not those of the EASE-Grid 2.0 of 9 or 36 km; {NEVER}"
    )


def test_no_refusal_advises_to_warp(tmp_path):
    source = rasters(tmp_path / "areas", days=[1])
    write_geotiff(source / "b_2020-01-09.tif", WORLD.crop(Window(30, 40, 3, 5)), VALUES[:3])
    assert refusal(import_smap, source, tmp_path / "out") == (
        f"{source / 'b_2020-01-09.tif'}: its grid differs from that of {source / 'SMAP_2020-01-01.tif'}, and "
        f"a series needs one for all dates; {NEVER}"
    )
    source = rasters(tmp_path / "rotated", days=[1])
    path = source / "SMAP_2020-01-01.tif"
    dataset = gdal.Open(str(path), gdal.GA_Update)
    dataset.SetGeoTransform((GRID.left, 9000, 900, GRID.top, 900, -9000))
    del dataset
    assert refusal(import_smap, source, tmp_path / "out") == (
        f"{path}: its grid is rotated or mirrored; {NEVER}"
    )
    # As a half-orbit: cells are counted along the axes, and tables hold their true places.
    tags = {"x": (np.arange(5), {}), "y": (np.arange(4), {})}
    tables = {
        "lon": ("y x", np.linspace(-75, -72, 20).reshape(4, 5), EAST),
        "lat": ("y x", np.linspace(-13, -12, 20).reshape(4, 5), NORTH),
        "soil_moisture": ("y x", VALUES, {"coordinates": "lon lat"}),
    }
    path = stored_netcdf(tmp_path / "swath_2020-01-01.nc", tags, tables)
    told = refusal(import_smap, f'NETCDF:"{path}":soil_moisture', tmp_path / "out")
    assert told == (
        f'NETCDF:"{path}":soil_moisture: its cells lie on no regular grid (their places are in lat and lon); '
        f"{NEVER}"
    )


def test_recommended_needs_flags(tmp_path):
    source = rasters(tmp_path / "in")
    assert refusal(import_smap, source, tmp_path / "out", Choices(quality="recommended")) == (
        f"{source / 'SMAP_2020-01-01.tif'}: it has no band retrieval_qual_flag, so QUALITY 'recommended' "
        "cannot be known; choose another QUALITY or import the HDF5 granules."
    )


def test_percent_is_not_taken_for_soil_moisture(tmp_path):
    source = rasters(tmp_path / "in", values=VALUES * 100)
    assert refusal(import_smap, source, tmp_path / "out") == (
        f"{source / 'SMAP_2020-01-01.tif'}: most of its values lie outside 0-1 (up to 51), so they are no "
        "soil moisture in m3 m-3; choose other rasters, or rescale them (percent: divide by 100)."
    )


def test_months_are_no_dates(tmp_path):
    write_geotiff(tmp_path / "in" / "01.tif", GRID, VALUES)
    assert refusal(import_smap, tmp_path / "in", tmp_path / "out").startswith(
        f"{tmp_path / 'in' / '01.tif'}: its name holds no date;"
    )


# Real data.


def test_the_real_granule_and_its_crop_agree(shared_data, tmp_path):
    folder = shared_data / "smap_l3_36km"
    area = Bounds(-72.30, -14.68, -70.83, -13.13), "EPSG:4326"
    granule = import_smap(folder / granule_name("20150402", release="R13080"), tmp_path / "a", extent=area)
    crop = import_smap(folder / "smap_l3_36km_20150402_S_Peru_epsg6933.tif", tmp_path / "b", extent=area)
    assert granule.grid == crop.grid
    assert granule.rows[0].summary == crop.rows[0].summary
    assert granule.rows[0].summary.valid == 30
    listener = Listener()
    best = import_smap(folder, tmp_path / "c", Choices(quality="recommended"), area, progress=listener)
    assert best.rows[0].summary.valid == 21
    assert f"{folder}: it holds granules and rasters; the rasters are left aside." in listener.lines


def test_western_australia(shared_data, tmp_path):
    path = shared_data / "smap_l3e_9km" / "smap_l3e_9km_W_Australia_epsg6933.tif"
    result = import_smap(path, tmp_path / "out")
    assert len(result.rows) == 45
    assert (result.rows[0].date, result.rows[-1].date) == (dt.date(2020, 1, 1), dt.date(2020, 2, 15))
    row, col = result.grid.offset_in(ease2_grid("9 km"))
    assert abs(row - round(row)) < 1e-9
    assert abs(col - round(col)) < 1e-9
    source = gdal.Open(str(path)).ReadAsArray()
    for band, found in enumerate(result.rows):
        if found.status == "skipped":
            assert (source[band] == -9999).all()
            continue
        written = gdal.Open(str(tmp_path / "out" / f"soil_moisture_{found.date:%Y%m%d}.tif")).ReadAsArray()
        np.testing.assert_array_equal(written.view(np.uint32), source[band].view(np.uint32))
    assert result.count == 45


def test_an_extent_across_the_180th_meridian_is_refused():
    with pytest.raises(InputError) as caught:
        ease2_bounds(Bounds(175, -20, 185, -10), "EPSG:4326")
    assert str(caught.value) == (
        "EXTENT: 175 to 185 degrees crosses the 180th meridian, where SMAP's grid ends; "
        "import each side by itself."
    )


def test_granules_without_one_of_both_overpasses_are_told(tmp_path):
    source = granules(tmp_path / "in")
    write_granule(source, {"AM": cells_at(4), "PM": cells_at(4)}, "20200104")
    write_granule(source, {"AM": cells_at(5)}, "20200105", layout="single")
    listener = Listener()
    import_smap(source, tmp_path / "out", Choices("both"), extent=extent_of(WINDOW), progress=listener)
    assert listener.warnings == [
        f"{source}: 3 of 5 granules hold one overpass alone (the first is {granule_name('20200101')}, "
        "without PM); their days are of that one."
    ]
    listener = Listener()
    import_smap(source, tmp_path / "am", Choices("AM"), extent=extent_of(WINDOW), progress=listener)
    assert not listener.warnings
