"""REPORT, STATISTICS and the numbers of terrainindices, against the rasters that were written."""

from __future__ import annotations

import base64
import csv
import re
from pathlib import Path

import numpy as np
import pytest

from raster_cases import listing
from report_reader import FigureTexts, check_numbers
from smap_downscaler.geo.datasets import open_dataset, read_band
from smap_downscaler.geo.geotiff import write_geotiff
from smap_downscaler.geo.grid import Grid
from terrain_cases import rough_dem

ID = "terrainindices"
INDICES = ["twi_mtfd", "twi_fd8", "twi_mfdmd"]


@pytest.fixture(scope="module")
def dem(tmp_path_factory):
    return rough_dem(tmp_path_factory.mktemp("dem"))


def values(path):
    return read_band(open_dataset(path), 1).astype(float)


def rows_of(path):
    with Path(path).open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


@pytest.mark.parametrize("engine", ["built-in", "SAGA"])
def test_all_numbers_are_those_of_the_rasters(run, said, dem, tmp_path, engine):
    from smap_downscaler.steps.terrain.toolbox.saga_program import find_saga_cmd

    if engine == "SAGA" and not find_saga_cmd():
        pytest.skip("SAGA is not installed")
    names = [*INDICES, "sca_fd8", "filled", "slope"]
    outputs = {name.upper(): str(tmp_path / f"{name}.tif") for name in names}
    reports = {"STATISTICS": str(tmp_path / "s.csv"), "REPORT": str(tmp_path / "r.html")}
    made = run(ID, {"INPUT": dem, "ENGINE": engine, **outputs, **reports})
    assert {name: made[name] for name in (*outputs, *reports)} == {**outputs, **reports}
    rise = values(outputs["FILLED"]) - values(dem)
    assert made["CELLS"] == np.isfinite(values(dem)).sum()
    assert made["RAISED_CELLS"] == (rise > 0).sum()
    assert made["MOST_RAISED"] == pytest.approx(np.nanmax(rise), rel=1e-6)
    page = Path(reports["REPORT"]).read_text(encoding="utf-8")
    rows = rows_of(reports["STATISTICS"])
    assert [row["raster"] for row in rows] == names
    for row in rows:
        seen = values(outputs[row["raster"].upper()])
        seen = seen[np.isfinite(seen)]
        expected = [seen.min(), seen.mean(), seen.max(), seen.std()]
        numbers = [float(row[name]) for name in ("minimum", "mean", "maximum", "sd")]
        assert numbers == pytest.approx(expected, rel=1e-6)
        assert int(row["cells"]) == seen.size
        assert (row["water_kept"] != "") == (row["raster"] in {*INDICES, "sca_fd8"})
        cells = "".join(f'<td class="number">{number:.5g}</td>' for number in expected)
        assert cells in page
    # The log has the same shares.
    for row in rows[:3]:
        router = row["raster"].partition("_")[2]
        share = f"{float(row['water_kept']):.2%}"
        assert any(line.startswith(f"{router}: {share} of the water") for line in said.info)
    name = open_dataset(outputs["SLOPE"]).GetMetadata()["ENGINE"]
    assert f"<dt>Engine</dt><dd>{name}</dd>" in page
    assert "Made for this report only" not in page
    pictures = re.findall(r'src="data:image/png;base64,([^"]+)"', page)
    assert len(pictures) == 2
    assert all(base64.b64decode(picture).startswith(b"\x89PNG") for picture in pictures)


def test_the_report_alone_shows_the_three_indices(run, dem, tmp_path):
    from qgis.core import QgsProcessingUtils

    report = tmp_path / "out" / "r.html"
    made = run(ID, {"INPUT": dem, "ENGINE": "built-in", "REPORT": str(report)})
    assert set(made) == {"REPORT", "REPORT_NUMBERS", "CELLS", "RAISED_CELLS", "MOST_RAISED"}
    assert listing(tmp_path / "out") == ["r.html", "r_numbers.csv"]
    page = report.read_text(encoding="utf-8")
    assert f"<dt>Made for this report only</dt><dd>{', '.join(INDICES)}</dd>" in page
    assert all(f"<td>{name}</td>" in page for name in INDICES)
    assert not list(Path(QgsProcessingUtils.tempFolder()).glob("terrain_*"))


def test_without_a_report_nothing_more_is_made(run, said, dem, tmp_path):
    given = {"TWI_FD8": str(tmp_path / "t.tif"), "STATISTICS": str(tmp_path / "s.csv")}
    run(ID, {"INPUT": dem, "ENGINE": "built-in", **given})
    assert [row["raster"] for row in rows_of(given["STATISTICS"])] == ["twi_fd8"]
    assert not any(line.startswith(("mtfd", "mfdmd")) for line in said.info)


def test_warnings_are_in_the_report(run, said, tmp_path, monkeypatch):
    path = tmp_path / "mercator.tif"
    z = np.random.default_rng(1).normal(size=(20, 20)).cumsum(axis=0).astype(np.float32)
    write_geotiff(path, Grid("EPSG:3857", -8e6, -1.8e6, 90.0, 90.0, 20, 20), z)
    report = tmp_path / "r.html"
    figures = FigureTexts(monkeypatch)
    done = run(ID, {"INPUT": str(path), "ENGINE": "built-in", "REPORT": str(report)})
    (warning,) = said.warnings
    assert f"<li>{warning}</li>" in report.read_text(encoding="utf-8")
    check_numbers(done, figures)


def test_refusals(refusal, dem, tmp_path, monkeypatch):
    given = {"INPUT": dem, "ENGINE": "built-in", "STATISTICS": str(tmp_path / "s.csv")}
    assert refusal(ID, given) == (
        "No output is chosen; choose at least one of TWI_MTFD, TWI_FD8, TWI_MFDMD, SCA_MTFD, SCA_FD8, "
        "SCA_MFDMD, FILLED, SLOPE, REPORT."
    )
    from smap_downscaler.toolbox import dependencies

    found = dependencies.is_installed
    monkeypatch.setattr(dependencies, "is_installed", lambda module: module != "matplotlib" and found(module))
    given["REPORT"] = str(tmp_path / "r.html")
    assert refusal(ID, given).startswith("REPORT: Missing Python package: matplotlib. ")
    assert listing(tmp_path) == []
