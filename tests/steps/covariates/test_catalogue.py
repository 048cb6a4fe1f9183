"""The table of covariates (the paper's Tables 1 to 3): what is known of each, and nothing that is not."""

from __future__ import annotations

import csv

import numpy as np
import pytest
from pyproj import Geod, Transformer

from report_reader import FigureTexts, check_numbers
from small_case import CELLS, PIXELS, make_small_case
from smap_downscaler.base.covariate_names import covariate_name
from smap_downscaler.geo.geotiff import Band, write_geotiff
from smap_downscaler.geo.grid import Grid
from smap_downscaler.steps.covariates.numbers.known import known_name
from smap_downscaler.steps.covariates.numbers.ranges import QUANTITIES
from smap_downscaler.steps.covariates.numbers.sources import DESCRIPTIONS, describe, reference_of

ID = "harmonisecovariates"
#: Degrees a pixel of the rain, over the cells.
DEGREES = 0.05


@pytest.fixture
def given(tmp_path):
    case = make_small_case(tmp_path / "case")
    folder, rng = tmp_path / "layers", np.random.default_rng(3)
    seasons = [
        Band("p_djf", "mm/d", {"MONTHS": "12,1,2", "DAYS": "90"}),
        Band("p_jja", "mm/d", {"MONTHS": "6,7,8", "DAYS": "92"}),
    ]
    rain = Grid("EPSG:4326", -72.5, -12.4, DEGREES, DEGREES, 32, 22)
    values = rng.uniform(1, 9, (2, *rain.shape)).astype(np.float32)
    tags = {"SOURCE": "pisco_daily", "KIND": "daily", "PERIOD": "1981-01-01 to 2016-12-31"}
    write_geotiff(folder / "seasons.tif", rain, values, seasons, tags)
    terrain = {"ENGINE": "built-in", "MINIMUM_SLOPE": "0.1", "AREA": "specific"}
    for name, band, low, high, tags in (
        ("clay_0-5cm_mean", Band(), 100, 600, {}),
        ("clip_soc_5-15cm_mean", Band(), 5, 90, {}),
        ("Global_Ksat_1Km_s0....0cm_v1.0", Band(), 0.5, 2.5, {}),
        ("merit_dem", Band("elevation", "m"), 3000, 4000, {}),
        ("wet", Band("twi_fd8", "ln m"), 2, 9, terrain),
        ("mystery", Band(), 0, 1, {}),
    ):
        values = rng.uniform(low, high, PIXELS.shape).astype(np.float32)
        write_geotiff(folder / f"{name}.tif", PIXELS, values, [band], tags)
    layers = sorted(folder.iterdir())
    names = {"wet": "twi_fd8", "merit_dem": "elevation"}
    rows = [[layer.stem, names.get(layer.stem, ""), "", "", ""] for layer in layers if layer.stem in names]
    return {
        "INPUT": [str(layer) for layer in layers],
        "SMAP": case.smap_folder,
        "CRS": "EPSG:6933",
        "RESOLUTION": PIXELS.cell_width,
        "LAYERS": [cell for row in rows for cell in row],
        "OUTPUT_COARSE": str(tmp_path / "out" / "coarse.tif"),
        "OUTPUT_FINE": str(tmp_path / "out" / "fine.tif"),
        "COVARIATES_TABLE": str(tmp_path / "out" / "covariates.csv"),
    }


def table_of(given):
    with open(given["COVARIATES_TABLE"], newline="", encoding="utf-8") as stream:
        return {row["covariate"]: row for row in csv.DictReader(stream)}


def test_each_covariate_has_what_is_known_of_it(run, given, tmp_path, monkeypatch):
    figures = FigureTexts(monkeypatch)
    outputs = run(ID, {**given, "REPORT": str(tmp_path / "out" / "report.html")})
    rows = table_of(given)

    def told(name):
        row = rows[name]
        return tuple(row[column] for column in ("description", "unit", "source", "cited", "rests_on"))

    assert told("clay") == (
        "Clay in the fine earth, 0-5 cm",
        "g/kg",
        "SoilGrids 2.0 (ISRIC)",
        "Poggio et al. 2021",
        "file name",
    )
    assert rows["clay"]["citation"].endswith("SOIL 7, 217-240.")
    # A name that somebody changed: no conversion is made by it, and the source is told with a doubt.
    assert told("clip_soc_5_15cm_mean")[2:] == (
        "SoilGrids 2.0 (ISRIC)",
        "Poggio et al. 2021",
        "file name, changed",
    )
    assert told("ksat") == (
        "Saturated hydraulic conductivity, 0 cm",
        "cm/d",
        "Soil saturated hydraulic conductivity (Zenodo 3935359)",
        "Gupta et al. 2021",
        "file name",
    )
    assert told("elevation") == (
        "Height above sea level",
        "m",
        "MERIT DEM",
        "Yamazaki et al. 2017",
        "file name",
    )
    assert told("p_djf") == (
        "Mean daily precipitation, December, January, February",
        "mm/d",
        "PISCO (SENAMHI), pisco_daily, daily, 1981-01-01 to 2016-12-31",
        "Aybar et al. 2020",
        "tags",
    )
    assert told("twi_fd8") == (
        "Topographic wetness index, multiple flow direction FD8",
        "ln m",
        "Terrain indices (built-in)",
        "Freeman 1991",
        "tags",
    )
    # Nothing is made up.
    assert told("mystery") == ("", "", "", "", "")
    assert rows["mystery"]["citation"] == ""
    assert rows["mystery"]["file"] == given["INPUT"][[*map(covariate_name, stems(given))].index("mystery")]
    assert (rows["p_djf"]["resolution"], rows["clay"]["resolution"]) == ("0.05°", "900 m")
    # The widths on the ground in the middle of the cells.
    east, north = (CELLS.bounds.left + CELLS.bounds.right) / 2, (CELLS.bounds.bottom + CELLS.bounds.top) / 2
    to_degrees = Transformer.from_crs("EPSG:6933", "EPSG:4326", always_xy=True).transform
    (west, south), (other, _) = to_degrees(east, north), to_degrees(east + PIXELS.cell_width, north)
    earth = Geod(ellps="WGS84")
    for name, lon in (("clay", other), ("p_djf", west + DEGREES)):
        assert float(rows[name]["resolution_m"]) == pytest.approx(
            earth.inv(west, south, lon, south)[2], rel=1e-5
        )
    check_numbers(outputs, figures)
    page = (tmp_path / "out" / "report.html").read_text(encoding="utf-8")
    assert "<h2>Covariates and their sources (the paper&#39;s Tables 1-3)</h2>" in page
    assert page.index("References") > page.index("How these numbers came about")
    assert "Remote Sensing" not in page
    assert "Freeman, T. G. (1991)" in page


def stems(given):
    return [path.rsplit("/", 1)[-1].removesuffix(".tif") for path in given["INPUT"]]


def test_all_quantities_and_products_are_described():
    assert set(DESCRIPTIONS) == set(QUANTITIES)
    for name in (
        "nitrogen_100-200cm_Q0.5",
        "cfvo_5-15cm_mean_30s",
        "PHIKCL_M_sl2_250m_ll",
        "Global_alpha_vG_parameter_1Km_s30....30cm_v1.0",
    ):
        known = known_name(name)
        assert describe(known.quantity, known.quantity, known.depth).endswith(" cm")
        assert all((reference_of(known).source, reference_of(known).cited, reference_of(known).citation))
