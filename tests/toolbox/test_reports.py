"""What a manifest says of files and series: path and SHA-256, and why there is none."""

from __future__ import annotations

import hashlib
import json

import numpy as np

from small_case import CELLS
from smap_downscaler.base.progress import SILENT
from smap_downscaler.geo.geotiff import write_geotiff
from smap_downscaler.geo.grid import Grid
from smap_downscaler.steps.field.numbers.readings import FieldData


def test_files(qgis_provider, tmp_path, monkeypatch):
    from smap_downscaler.toolbox import reports

    small, large = tmp_path / "ñ.csv", tmp_path / "large.tif"
    small.write_bytes(b"a,b\n")
    large.write_bytes(bytes(4097))
    monkeypatch.setattr(reports, "LARGEST_HASHED", 4096)
    files = {"table": str(small), "stack": str(large), "mask": "", "rain": 'NETCDF:"a.nc":p'}
    assert reports.files_used(files, SILENT) == {
        "table": str(small),
        "table, SHA-256": hashlib.sha256(b"a,b\n").hexdigest(),
        "stack": str(large),
        "stack, SHA-256": "not worked out: the file is large (0.0 GiB)",
        "mask": "",
        "rain": 'NETCDF:"a.nc":p',
    }


def test_series(qgis_provider, tmp_path):
    from smap_downscaler.runs.provenance import series_hash
    from smap_downscaler.series.dated import DatedCovariate
    from smap_downscaler.series.series import open_series
    from smap_downscaler.toolbox.reports import dated_covariates_used, series_used

    for date in ("20210101", "20210102"):
        write_geotiff(tmp_path / "smap" / f"s_{date}.tif", CELLS, np.zeros(CELLS.shape, np.float32))
    series = open_series(tmp_path / "smap")
    expected = {
        "smap": f"{tmp_path / 'smap'} (2, 2021-01-01 to 2021-01-02)",
        "smap, SHA-256 of contents": series_hash(series).digest,
    }
    assert series_used({"smap": series, "rain": None}, SILENT) == {**expected, "rain": ""}
    used = {**expected, "dated covariates that are rain": "none"}
    assert dated_covariates_used([DatedCovariate(series)], SILENT) == used
    used["dated covariates that are rain"] = "smap"
    assert dated_covariates_used([DatedCovariate(series, declared_rain=True)], SILENT) == used
    assert dated_covariates_used([], SILENT) == {}


def test_a_folder_of_stations(qgis_provider, tmp_path):
    from smap_downscaler.steps.field.toolbox.parameters import stations_used

    class Given:
        def path(self, name):
            return str(tmp_path)

    lines = []
    for name in ("a/one.stm", "b/ñ.stm"):
        file = tmp_path / name
        file.parent.mkdir()
        file.write_text(name, encoding="utf-8")
        digest = hashlib.sha256(name.encode()).hexdigest()
        lines.append([name, len(name.encode()), digest])
    (tmp_path / "readme.txt").write_text("no readings", encoding="utf-8")
    assert stations_used(Given(), FieldData("field", "EPSG:4326", ()), SILENT) == {
        "stations, folder": str(tmp_path),
        "stations, SHA-256 of contents": hashlib.sha256(json.dumps(lines).encode()).hexdigest(),
        "CRS of the stations": "EPSG:4326",
    }


def test_a_stack_of_other_files(qgis_provider, tmp_path):
    """The rasters behind a VRT count, not its text alone."""
    from osgeo import gdal

    from smap_downscaler.toolbox.reports import files_used

    band, stack = tmp_path / "clay.tif", str(tmp_path / "stack.vrt")
    write_geotiff(band, CELLS, np.zeros(CELLS.shape, np.float32))
    gdal.BuildVRT(stack, [str(band)]).FlushCache()
    before = files_used({"stack": stack}, SILENT)
    assert set(before) == {"stack", "stack, SHA-256 of contents"}
    assert files_used({"stack": stack}, SILENT) == before
    write_geotiff(band, CELLS, np.ones(CELLS.shape, np.float32))
    assert files_used({"stack": stack}, SILENT) != before
    tables = tmp_path / "tables.vrt"
    tables.write_text("<OGRVRTDataSource></OGRVRTDataSource>", encoding="utf-8")
    digest = hashlib.sha256(tables.read_bytes()).hexdigest()
    assert files_used({"polygons": str(tables)}, SILENT)["polygons, SHA-256"] == digest


def test_a_dialog_makes_a_report_which_the_results_viewer_lists_under_the_name_of_the_step(
    from_dialog, tmp_path
):
    dem = _slope(tmp_path / "dem.tif")
    shown = from_dialog("terrainindices", {"INPUT": dem, "ENGINE": "built-in"})
    assert shown.results == [("Terrain indices: report", shown.outputs["REPORT"])]
    with open(shown.outputs["REPORT"], encoding="utf-8") as report:
        assert "<h1>Terrain indices" in report.read()


def test_a_script_makes_no_report_that_it_does_not_ask_for(run, tmp_path):
    outputs = run(
        "terrainindices",
        {"INPUT": _slope(tmp_path / "dem.tif"), "ENGINE": "built-in", "SLOPE": str(tmp_path / "slope.tif")},
    )
    assert "SLOPE" in outputs
    assert "REPORT" not in outputs


def test_where_the_packages_that_draw_are_missing_no_dialog_makes_a_report(qgis_provider, monkeypatch):
    from smap_downscaler.toolbox import dependencies, reports

    assert reports.report_parameter().createByDefault()
    monkeypatch.setattr(dependencies, "is_installed", lambda module: module != "jinja2")
    assert not reports.report_parameter().createByDefault()


def _slope(path):
    rows, columns = np.mgrid[:20, :20]
    write_geotiff(path, Grid("EPSG:32719", 0, 2000, 100, 100, 20, 20), (100.0 - rows - 0.1 * columns))
    return str(path)
