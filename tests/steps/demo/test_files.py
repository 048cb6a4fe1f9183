"""The files of the demo basin, read back and held against each other."""

from __future__ import annotations

import csv
import datetime as dt
import hashlib
import shutil
from pathlib import Path

import numpy as np
import pytest
from osgeo import gdal, ogr, osr

from smap_downscaler.base.errors import Cancelled, InputError
from smap_downscaler.base.progress import Progress
from smap_downscaler.geo.datasets import dataset_grid, open_dataset, read_band
from smap_downscaler.geo.grid import ease2_grid
from smap_downscaler.steps.demo.files import check_folder, create_demo_data
from smap_downscaler.steps.demo.numbers.readme import TITLE
from smap_downscaler.steps.demo.numbers.settings import DemoSettings

QUIET = DemoSettings(cells=30, days=8, noise=0.0)
NOISY = DemoSettings(cells=30, days=2)


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    return create_demo_data(tmp_path_factory.mktemp("demo") / "quiet", QUIET)


@pytest.fixture(scope="module")
def noisy(tmp_path_factory):
    return create_demo_data(tmp_path_factory.mktemp("demo") / "noisy", NOISY)


def grid_of(path):
    return dataset_grid(open_dataset(path), str(path))


def values_of(path):
    return read_band(open_dataset(path), 1)


def names(folder):
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())


def hashes(folder):
    return {name: hashlib.sha256((folder / name).read_bytes()).hexdigest() for name in names(folder)}


def test_files(made):
    found = names(made.folder)
    days = [QUIET.start + dt.timedelta(day) for day in range(-20, 8)]
    assert [name for name in found if "precipitation" in name] == [
        f"precipitation/precipitation_{day:%Y%m%d}.tif" for day in days
    ]
    assert [name for name in found if "truth" in name] == [
        f"truth/soil_moisture_{day:%Y%m%d}.tif" for day in days[20:]
    ]
    smap = [name for name in found if "smap/" in name]
    assert len(smap) == made.dates
    assert 4 <= len(smap) <= 8
    assert {name for name in found if name not in smap and "/" not in name} == {
        "README.txt", "aoi.gpkg", "dem.tif", "mask.tif", "stations.csv",
    }  # fmt: skip
    assert [name for name in found if "soil/" in name] == ["soil/clay.tif", "soil/sand.tif", "soil/soc.tif"]


def test_units_names_and_dates(made):
    date = f"{QUIET.start:%Y%m%d}"
    expected = {
        "dem.tif": ("elevation", "m"),
        "mask.tif": ("mask", ""),
        "soil/clay.tif": ("clay", "g/kg"),
        "soil/sand.tif": ("sand", "g/kg"),
        "soil/soc.tif": ("soc", "g/kg"),
        f"truth/soil_moisture_{date}.tif": ("soil_moisture", "m3 m-3"),
        f"smap/smap_{date}.tif": ("soil_moisture", "m3 m-3"),
        f"precipitation/precipitation_{date}.tif": ("precipitation", "mm/d"),
    }
    for name, (description, unit) in expected.items():
        dataset = open_dataset(made.folder / name)
        band = dataset.GetRasterBand(1)
        assert (band.GetDescription(), band.GetUnitType(), band.GetNoDataValue()) == (
            description,
            unit,
            -9999,
        )
        assert dataset.GetMetadataItem("SOURCE") == "smapdownscaler:createdemodata, made up"
        assert band.GetMetadataItem("DATE") == (str(QUIET.start) if date in name else None)


def test_smap_lies_on_the_ease_grid(made):
    whole = ease2_grid("9 km")
    for path in (made.folder / "smap").iterdir():
        grid = grid_of(path)
        assert grid.crs == "EPSG:6933"
        assert grid.cell_width == grid.cell_height == whole.cell_width
        row, col = grid.offset_in(whole)
        assert abs(row - round(row)) < 1e-6
        assert abs(col - round(col)) < 1e-6
        assert np.isfinite(values_of(path)).any()


def exact_cells(truth_grid, smap_grid):
    """The SMAP cell of every pixel's centre, all through PROJ."""
    frames = []
    for crs in (truth_grid.crs, smap_grid.crs):
        frame = osr.SpatialReference()
        frame.SetFromUserInput(crs)
        frame.SetAxisMappingStrategy(osr.OAMS_TRADITIONAL_GIS_ORDER)
        frames.append(frame)
    x, y = np.meshgrid(truth_grid.x_centres(), truth_grid.y_centres())
    points = np.array(
        osr.CoordinateTransformation(*frames).TransformPoints(
            np.column_stack([x.ravel(), y.ravel()]).tolist()
        )
    )
    col = np.floor((points[:, 0] - smap_grid.left) / smap_grid.cell_width).astype(int)
    row = np.floor((smap_grid.top - points[:, 1]) / smap_grid.cell_height).astype(int)
    return (row * smap_grid.width + col).reshape(x.shape)


def test_without_noise_smap_is_the_mean_of_the_true_pixels(made):
    smap = sorted((made.folder / "smap").iterdir())
    cell_of = exact_cells(grid_of(made.folder / "dem.tif"), grid_of(smap[0]))
    compared = 0
    for path in smap[:3]:
        truth = values_of(made.folder / "truth" / path.name.replace("smap", "soil_moisture"))
        seen = values_of(path)
        for cell in np.flatnonzero(np.isfinite(seen)):
            pixels = truth[cell_of == cell].astype(np.float64)
            pixels = pixels[np.isfinite(pixels)]
            assert pixels.size >= 0.95 * ease2_grid("9 km").cell_width ** 2 / 1e4
            assert seen.ravel()[cell] == pytest.approx(pixels.mean(), abs=1e-6)
            compared += 1
    assert compared > 60


def test_truth_has_no_value_in_lakes_and_towns(made):
    mask = values_of(made.folder / "mask.tif")
    assert set(np.unique(mask)) == {0, 1}
    for path in (made.folder / "truth").iterdir():
        assert grid_of(path) == grid_of(made.folder / "dem.tif")
        np.testing.assert_array_equal(np.isnan(values_of(path)), mask == 1)


def test_soil_maps_cover_the_land_with_its_means(made):
    dem = grid_of(made.folder / "dem.tif")
    clay = grid_of(made.folder / "soil" / "clay.tif")
    assert clay.crs == "EPSG:4326"
    assert clay.cell_width == clay.cell_height == 0.00225
    values = values_of(made.folder / "soil" / "clay.tif")
    inner = values[40:-40, 40:-40]
    assert np.isfinite(inner).all()
    assert 50 <= inner.min() < inner.max() <= 600
    # As many pixels of about 250 m as the land has of 100 m, but for the size: 243 m x 249 m.
    share = np.isfinite(values).sum() * 2.43 * 2.49 / (dem.width * dem.height)
    assert share == pytest.approx(1, abs=0.03)


def test_rain_covers_the_land(made):
    dem = grid_of(made.folder / "dem.tif")
    rain = grid_of(made.folder / "precipitation" / f"precipitation_{QUIET.start:%Y%m%d}.tif")
    corners = dem.bounds
    frame, geographic = osr.SpatialReference(), osr.SpatialReference()
    frame.SetFromUserInput(dem.crs)
    geographic.SetFromUserInput("EPSG:4326")
    geographic.SetAxisMappingStrategy(osr.OAMS_TRADITIONAL_GIS_ORDER)
    change = osr.CoordinateTransformation(frame, geographic)
    for x in (corners.left, corners.right):
        for y in (corners.bottom, corners.top):
            lon, lat, _ = change.TransformPoint(x, y)
            assert rain.bounds.left + 0.05 < lon < rain.bounds.right - 0.05
            assert rain.bounds.bottom + 0.05 < lat < rain.bounds.top - 0.05
    assert (rain.left / 0.05) == pytest.approx(round(rain.left / 0.05), abs=1e-6)
    for path in (made.folder / "precipitation").iterdir():
        values = values_of(path)
        assert np.isfinite(values).all()
        assert values.min() >= 0


def test_outline(made):
    dataset = gdal.OpenEx(str(made.folder / "aoi.gpkg"), gdal.OF_VECTOR)
    layer = dataset.GetLayer(0)
    assert (layer.GetName(), layer.GetFeatureCount()) == ("aoi", 1)
    feature = layer.GetNextFeature()
    outline = feature.GetGeometryRef()
    assert outline.GetGeometryType() == ogr.wkbPolygon
    assert outline.GetGeometryCount() == 1
    assert layer.GetSpatialRef().GetAuthorityCode(None) == "32719"
    assert feature.GetField("area_km2") == pytest.approx(outline.GetArea() / 1e6, abs=0.01)
    assert outline.Contains(outline.PointOnSurface())
    inside = [contains(outline, x, y) for x, y in cell_centres(made.folder)]
    # Cells at the border of the data, or with a lake, have no value.
    assert 30 <= made.cells <= sum(inside) <= made.cells + 12


def cell_centres(folder):
    """Centres of all SMAP cells in the CRS of the outline."""
    grid = grid_of(next((folder / "smap").iterdir()))
    x, y = np.meshgrid(grid.x_centres(), grid.y_centres())
    ease, utm = osr.SpatialReference(), osr.SpatialReference()
    ease.SetFromUserInput("EPSG:6933")
    utm.SetFromUserInput("EPSG:32719")
    points = np.column_stack([x.ravel(), y.ravel()]).tolist()
    return [point[:2] for point in osr.CoordinateTransformation(ease, utm).TransformPoints(points)]


def contains(polygon, x, y):
    point = ogr.Geometry(ogr.wkbPoint)
    point.AddPoint_2D(x, y)
    return polygon.Contains(point)


def test_stations(made):
    with (made.folder / "stations.csv").open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 12 * 8 * 3
    assert {row["station"] for row in rows} == {f"S{n:02d}" for n in range(1, 13)}
    truth_grid = grid_of(made.folder / "dem.tif")
    differences = []
    for date in sorted({row["date"] for row in rows}):
        truth = values_of(made.folder / "truth" / f"soil_moisture_{date.replace('-', '')}.tif")
        for row in (row for row in rows if row["date"] == date):
            line = int((truth_grid.top - float(row["y"])) // 100)
            column = int((float(row["x"]) - truth_grid.left) // 100)
            differences.append(float(row["soil_moisture"]) - truth[line, column])
    assert np.isfinite(differences).all()
    assert np.std(differences) == pytest.approx(np.hypot(0.010, 0.015), rel=0.35)
    frame = osr.SpatialReference()
    frame.SetFromUserInput("EPSG:4326")
    frame.SetAxisMappingStrategy(osr.OAMS_TRADITIONAL_GIS_ORDER)
    utm = osr.SpatialReference()
    utm.SetFromUserInput("EPSG:32719")
    x, y, _ = osr.CoordinateTransformation(frame, utm).TransformPoint(
        float(rows[0]["lon"]), float(rows[0]["lat"])
    )
    assert (x, y) == (
        pytest.approx(float(rows[0]["x"]), abs=0.2),
        pytest.approx(float(rows[0]["y"]), abs=0.2),
    )


def test_readme(made):
    text = (made.folder / "README.txt").read_text(encoding="utf-8")
    lines = text.splitlines()
    assert lines[0] == TITLE
    assert "SEED       42" in lines
    assert "NOISE      0 m3 m-3" in lines
    assert f"{made.cells} SMAP cells with a value have their centre in the basin." in lines
    assert f"explain\n{made.explained:.2f} of" in text or f"explain {made.explained:.2f} of" in text
    row = next(line for line in lines if line.startswith(str(QUIET.start)))
    seen = np.isfinite(values_of(made.folder / "smap" / f"smap_{QUIET.start:%Y%m%d}.tif")).sum()
    assert int(row.split()[1]) == seen


def test_same_seed_same_bytes(noisy, tmp_path):
    again = create_demo_data(tmp_path / "again", NOISY)
    assert hashes(again.folder) == hashes(noisy.folder)


def test_some_days_are_those_of_0_1_0(noisy):
    """Mean and SD of files as version 0.1.0 made them."""
    for name, mean, sd in (
        ("dem.tif", 3404.6362119076343, 371.10510280344715),
        ("truth/soil_moisture_20210105.tif", 0.32377477880620925, 0.08610803738280595),
        ("truth/soil_moisture_20210106.tif", 0.3172095516679064, 0.09277564263204706),
        ("smap/smap_20210106.tif", 0.31442175039223264, 0.05879646729494801),
        ("precipitation/precipitation_20201216.tif", 3.1516666673382536, 5.216876932548761),
    ):
        values = values_of(noisy.folder / name).astype(float)
        assert (np.nanmean(values), np.nanstd(values)) == (
            pytest.approx(mean, rel=1e-6),
            pytest.approx(sd, rel=1e-6),
        )
    assert not (noisy.folder / "model").exists()


def test_another_seed_is_another_basin(noisy, tmp_path):
    other = create_demo_data(tmp_path / "other", DemoSettings(seed=7, cells=30, days=2))
    first, second = hashes(noisy.folder), hashes(other.folder)
    assert not {name for name in first if first[name] == second.get(name)}


# Folders.


def test_an_earlier_demo_is_replaced(tmp_path, noisy):
    shutil.copytree(noisy.folder, tmp_path, dirs_exist_ok=True)
    (tmp_path / "maps").mkdir()
    (tmp_path / "maps" / "mine.tif").write_text("mine")
    (tmp_path / "notes.txt").write_text("mine")
    (tmp_path / "dem.tif.aux.xml").write_text("by QGIS")
    create_demo_data(tmp_path, DemoSettings(cells=30, days=1, start=dt.date(2021, 2, 1)))
    assert [name for name in names(tmp_path) if "truth" in name] == ["truth/soil_moisture_20210201.tif"]
    assert {"maps/mine.tif", "notes.txt"} <= set(names(tmp_path))
    assert "dem.tif.aux.xml" not in names(tmp_path)


def test_an_earlier_demo_stays_until_it_is_replaced_and_what_killed_runs_left_goes(tmp_path, noisy):
    shutil.copytree(noisy.folder, tmp_path, dirs_exist_ok=True)
    earlier = hashes(tmp_path)
    with pytest.raises(Cancelled):
        create_demo_data(tmp_path, NOISY, StopsAt("days simulated"))
    found = hashes(tmp_path)
    assert found.pop("README.txt") != earlier.pop("README.txt")
    assert found == earlier
    # What killed runs left. No process has a number of nine digits.
    for name in (
        "truth/.soil_moisture_20210105.999999999-7f0aab3c.part.tif",
        "truth/.soil_moisture_20300101.999999999-7f0aab3c.part.tif",
        ".dem.999999999-7f0aab3c2e746966.part.tif.aux.xml",
        ".stations.999999999-7f0aab3c2e637376.part.csv",
    ):
        (tmp_path / name).write_text("half")
    (tmp_path / ".project.part").write_text("of somebody else")
    create_demo_data(tmp_path, NOISY)
    assert (tmp_path / ".project.part").read_text() == "of somebody else"
    (tmp_path / ".project.part").unlink()
    assert hashes(tmp_path) == hashes(noisy.folder)


@pytest.mark.parametrize("name", ["dem.tif", "README.txt", "smap/smap_20200101.tif", "aoi.gpkg"])
def test_files_of_others_are_not_overwritten(name, tmp_path):
    path = tmp_path / name
    path.parent.mkdir(exist_ok=True)
    path.write_text("precious")
    with pytest.raises(InputError) as caught:
        create_demo_data(tmp_path, NOISY)
    assert str(caught.value) == (
        f"OUTPUT: {tmp_path} already holds a {name} that is not demo data; choose another folder."
    )
    assert names(tmp_path) == [name]
    assert path.read_text() == "precious"


def test_rasters_of_others_are_not_mingled_with(tmp_path):
    (tmp_path / "smap").mkdir()
    (tmp_path / "smap" / "SMAP_L3_20200101.tif").write_text("precious")
    with pytest.raises(InputError) as caught:
        check_folder(tmp_path)
    assert str(caught.value) == (
        f"OUTPUT: {tmp_path} already holds smap/SMAP_L3_20200101.tif, which would mingle with the demo data; "
        "choose another folder."
    )


def test_a_file_is_no_folder(tmp_path):
    path = tmp_path / "file"
    path.write_text("")
    with pytest.raises(InputError) as caught:
        check_folder(path)
    assert str(caught.value) == f"OUTPUT: {path} is a file; choose a folder."


def test_a_new_or_empty_folder_will_do(tmp_path):
    check_folder(tmp_path)
    check_folder(tmp_path / "new")


# Cancel.


class StopsAt(Progress):
    """Cancelled from the first text on that holds `words`."""

    def __init__(self, words):
        self.words, self.stopped, self.checks = words, False, 0

    def set_text(self, text):
        self.stopped |= self.words in text

    def is_cancelled(self):
        self.checks += self.stopped
        return self.stopped


@pytest.mark.parametrize(
    "words", ["1 of 5 layers of the land", "2 of 6 maps of the land", "1 of 22 days", "21 of 22 days"]
)
def test_cancel_leaves_whole_files_only(words, tmp_path, monkeypatch):
    # Every day and map shows itself, however quick.
    monkeypatch.setattr("smap_downscaler.base.progress.Counter.LEAST_INTERVAL", 0.0)
    progress = StopsAt(words)
    with pytest.raises(Cancelled):
        create_demo_data(tmp_path, NOISY, progress)
    assert progress.checks == 1
    for name in names(tmp_path):
        assert ".part" not in name
        if name.endswith(".tif"):
            assert values_of(tmp_path / name).size
    if "layers" in words:
        assert names(tmp_path) == []
    else:
        assert "Not finished" in (tmp_path / "README.txt").read_text(encoding="utf-8")


def test_a_cancelled_run_may_be_repeated(tmp_path, noisy):
    with pytest.raises(Cancelled):
        create_demo_data(tmp_path, NOISY, StopsAt("days simulated"))
    create_demo_data(tmp_path, NOISY)
    assert hashes(tmp_path) == hashes(noisy.folder)


def test_an_unwritable_place(tmp_path):
    path = tmp_path / "file"
    path.write_text("")
    with pytest.raises(InputError) as caught:
        create_demo_data(Path(path) / "below", NOISY)
    assert str(caught.value) == (
        f"OUTPUT: {path / 'below'} cannot be written to (Not a directory); choose another folder."
    )
