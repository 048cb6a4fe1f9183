"""triplecollocation: a whole run against its arrays, what may not stand together, a stop, the report."""

from __future__ import annotations

import csv
import re
import time
from base64 import b64decode

import numpy as np
import pytest

from small_case import CELLS, make_small_case
from smap_downscaler.geo.geotiff import Band, write_geotiff
from smap_downscaler.series.one_file import write_series_file
from smap_downscaler.steps.field.numbers.collocation import collocation
from triple_case import DAYS, STATIONS, make_triple_case


@pytest.fixture(scope="module")
def case(tmp_path_factory):
    """The folder of a case, and its arrays by name."""
    folder = tmp_path_factory.mktemp("triples")
    return folder, make_triple_case(folder)


def inputs(folder, output, **more):
    return {
        "SERIES": str(folder / "maps"),
        "STATIONS": str(folder / "stations.csv"),
        "CRS": "EPSG:6933",
        "THIRD": str(folder / "third"),
        "OUTPUT": str(output / "out" / "triples.csv"),
        **more,
    }


def test_a_whole_run(run, said, case, tmp_path):
    folder, written = case
    report = tmp_path / "out" / "report.html"
    outputs = run("triplecollocation", inputs(folder, tmp_path, THIRD_NAME="model <x>", REPORT=str(report)))
    with (tmp_path / "out" / "triples.csv").open(encoding="utf-8", newline="") as stream:
        rows = {(row["station"], row["member"]): row for row in csv.DictReader(stream)}
    assert len(rows) == 3 * 3 + 1
    means = []
    for name, (row, col) in STATIONS.items():
        series = [written[which][:, row, col].astype(float) for which in ("maps", "field", "third")]
        expected = collocation(np.cov(np.vstack(series)), 1)
        means.append(expected)
        for number, member in enumerate(("source", "field", "third")):
            row = rows[name, member]
            assert int(row["n"]) == 130
            assert float(row["error_sd"]) == pytest.approx(expected["error_sd"][number], abs=1e-9)
            assert float(row["snr_db"]) == pytest.approx(expected["snr_db"][number], abs=1e-6)
            assert float(row["beta_lower"]) <= float(row["beta"]) <= float(row["beta_upper"])
            assert row["status"] == "collocated"
    assert [rows["A", member]["name"] for member in ("source", "field", "third")] == [
        "map",
        "field",
        "model <x>",
    ]
    assert rows["far", "source"]["status"] == "outside the maps"
    assert outputs["COUNT"] == 2
    for number, member in enumerate(("SOURCE", "FIELD", "THIRD")):
        for output, name in (
            ("SNR", "snr_db"),
            ("ERROR_SD", "error_sd"),
            ("CORRELATION", "truth_correlation"),
        ):
            mean = np.mean([expected[name][number] for expected in means])
            assert outputs[f"{member}_{output}"] == pytest.approx(mean, abs=1e-6)
    assert outputs["SOURCE_ERROR_SD"] == pytest.approx(0.02, abs=0.008)
    assert said.info[-1].startswith("2 stations were collocated: error SD, m3 m-3, of map 0.0")
    page = report.read_text(encoding="utf-8")
    assert "http" not in page
    assert "model &lt;x&gt;" in page
    assert f"{outputs['FIELD_ERROR_SD']:.4f}" in page
    pictures = re.findall(r'src="data:image/png;base64,([^"]+)"', page)
    assert [b64decode(data)[:4] for data in pictures] == [b"\x89PNG"]


def test_smap_in_place_of_the_map(run, case, tmp_path):
    folder, _ = case
    values = inputs(folder, tmp_path, REFERENCE="third", ANOMALIES="moving", BOOTSTRAP=100)
    values["SMAP"] = values.pop("SERIES")
    outputs = run("triplecollocation", {**values, "TC_SOURCE": "smap"})
    assert outputs["COUNT"] == 2
    lines = (tmp_path / "out" / "triples.csv").read_text(encoding="utf-8").splitlines()
    assert lines[1].startswith("A,source,SMAP,130,")


def test_one_station_with_a_negative_error_variance(run, said, case, tmp_path):
    """Readings that share the map's error: table, outputs, log and report hold no SNR of that series."""
    folder, written = case
    row, col = STATIONS["A"]
    rng = np.random.default_rng(3)
    field = (written["maps"][:, row, col] + 0.004 * rng.standard_normal(len(DAYS))).round(6)
    x, y = CELLS.x_centres()[col], CELLS.y_centres()[row]
    lines = [f"A,{date},{x},{y},{value:.6f}" for date, value in zip(DAYS, field)]
    stations = tmp_path / "one.csv"
    stations.write_text("\n".join(["station,date,x,y,soil_moisture", *lines]), encoding="utf-8")
    series = [written["maps"][:, row, col].astype(float), field, written["third"][:, row, col].astype(float)]
    s = np.cov(np.vstack(series))
    places = {"source": (0, 1, 2), "field": (1, 0, 2), "third": (2, 0, 1)}
    variances = {name: s[i, i] - s[i, j] * s[i, k] / s[j, k] for name, (i, j, k) in places.items()}
    negative = [name for name, variance in variances.items() if variance < 0]
    assert negative == ["source"]
    report = tmp_path / "out" / "report.html"
    outputs = run("triplecollocation", inputs(folder, tmp_path, STATIONS=str(stations), REPORT=str(report)))
    with (tmp_path / "out" / "triples.csv").open(encoding="utf-8", newline="") as stream:
        rows = {row["member"]: row for row in csv.DictReader(stream)}
    for name in ("snr_db", "error_sd", "error_sd_scaled", "truth_correlation"):
        assert [rows["source"][name + end] for end in ("", "_lower", "_upper")] == ["", "", ""]
    for name, variance in variances.items():
        if name != "source":
            assert float(rows[name]["error_sd"]) == pytest.approx(np.sqrt(variance), abs=1e-9)
            assert outputs[f"{name.upper()}_SNR"] == pytest.approx(float(rows[name]["snr_db"]))
    assert rows["source"]["status"] == "negative error variance of source"
    assert not {"SOURCE_SNR", "SOURCE_ERROR_SD", "SOURCE_CORRELATION"} & set(outputs)
    assert "A: negative error variance of source" in said.warnings
    assert said.info[-1].startswith(
        "1 station was collocated: error SD, m3 m-3, of map not defined, field 0.0"
    )
    assert ", third 0.0" in said.info[-1]
    page = report.read_text(encoding="utf-8")
    cells = re.search(r"<tr><td>map</td>(.+?)</tr>", page).group(1)
    assert re.findall(r">([^<]*)</td>", cells)[:3] == ["", "", ""]
    assert "<li>A: negative error variance of source.</li>" in page


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"MINIMUM_DAYS": 2}, "MINIMUM_DAYS is 2; give 3 or more (100 are worth something)."),
        ({"BOOTSTRAP": 99}, "BOOTSTRAP is 99; give 100 samples or more."),
        (
            {"TC_SOURCE": "smap"},
            "SMAP: TC_SOURCE is smap, but no such series is given; give it, or choose map as TC_SOURCE.",
        ),
        (
            {"SERIES": None, "SMAP": "{folder}/third"},
            "SERIES: TC_SOURCE is map, but no such series is given; give it, or choose smap as TC_SOURCE.",
        ),
        (
            {"SMAP": "{folder}/third/"},
            "THIRD: {folder}/third is given as SERIES or SMAP too, and the errors of SMAP and of a map "
            "made from it are not independent; give an independent model or sensor.",
        ),
        (
            {"END": "2021-02-09"},
            "STATIONS: no station can be collocated (A: 40 days with all three, fewer than the 100 asked "
            "for); choose a longer period or other stations, or lower MINIMUM_DAYS.",
        ),
    ],
)
def test_refusals(refusal, case, tmp_path, change, sentence):
    folder, _ = case
    change = {
        key: value.format(folder=folder) if isinstance(value, str) else value for key, value in change.items()
    }
    assert refusal("triplecollocation", inputs(folder, tmp_path, **change)) == sentence.format(folder=folder)
    assert not (tmp_path / "out").exists()


def test_series_made_from_smap_are_refused(refusal, case, tmp_path):
    """Whatever their folder: their files say what they are."""
    folder, written = case
    kinds = {
        "a map made from SMAP ('Downscale')": {"FORESTS": "f", "SMAP_DOWNSCALER_RUN": "r"},
        "SMAP ('Import SMAP soil moisture')": dict.fromkeys(
            ("PRODUCT", "OVERPASS", "QUALITY", "ALGORITHM"), "x"
        ),
    }
    for number, (kind, tags) in enumerate(kinds.items()):
        other = tmp_path / f"series {number}"
        for day, date in enumerate(DAYS[:3]):
            bands = [Band("soil_moisture", "m3 m-3")]
            write_geotiff(other / f"x_{date:%Y%m%d}.tif", CELLS, written["third"][day], bands, tags)
        assert refusal("triplecollocation", inputs(folder, tmp_path, THIRD=str(other))) == (
            f"THIRD: {other} is {kind}, and the errors of SMAP and of a map made from it are not "
            "independent; give an independent model or sensor."
        )


@pytest.mark.parametrize("ending", ["vrt", "tif"])
def test_maps_as_one_layer_are_refused(refusal, case, tmp_path, ending):
    folder, written = case
    files = [tmp_path / "maps" / f"x_{date:%Y%m%d}.tif" for date in DAYS[:3]]
    for day, file in enumerate(files):
        tags = {"FORESTS": "f", "SMAP_DOWNSCALER_RUN": "r"}
        write_geotiff(file, CELLS, written["third"][day], [Band("theta", "m3 m-3")], tags)
    layer = tmp_path / f"layer.{ending}"
    write_series_file(layer, CELLS, DAYS[:3], files, "m3 m-3")
    assert refusal("triplecollocation", inputs(folder, tmp_path, THIRD=str(layer))).startswith(
        f"THIRD: {layer} is a map made from SMAP ('Downscale'), and the errors of SMAP"
    )


def test_a_copy_is_refused(refusal, case, tmp_path):
    folder, written = case
    for number, date in enumerate(DAYS[:4]):
        bands = [Band("soil_moisture", "m3 m-3")]
        write_geotiff(tmp_path / "copy" / f"c_{date:%Y%m%d}.tif", CELLS, written["maps"][number], bands)
    assert refusal("triplecollocation", inputs(folder, tmp_path, THIRD=str(tmp_path / "copy"))) == (
        f"THIRD: {tmp_path / 'copy'} has the same values as the series it is compared with; give an "
        "independent model or sensor."
    )


def rain_series(folder, unit="mm"):
    """Rain that knows nothing of the moisture."""
    rng = np.random.default_rng(8)
    for date in DAYS:
        rain = rng.gamma(0.3, 20.0, CELLS.shape).astype(np.float32)
        write_geotiff(folder / f"rain_{date:%Y%m%d}.tif", CELLS, rain, [Band("rain", unit)])
    return str(folder)


def test_rain_is_no_third_estimate_of_soil_moisture(run, refusal, said, case, tmp_path):
    folder, _ = case
    rain = rain_series(tmp_path / "rain")
    sentence = refusal(
        "triplecollocation", inputs(folder, tmp_path, THIRD=rain, END="2021-01-30", MINIMUM_DAYS=30)
    )
    assert re.fullmatch(
        r"THIRD: no station can be collocated, since the three do not see one truth \(A: not correlated "
        r"beyond chance \(.+; 30 days\)\); give a third estimate of soil moisture, or a longer period\.",
        sentence,
    )
    assert not (tmp_path / "out").exists()
    assert said.warnings[-1] == (
        f"THIRD: {rain} is in mm, and so is its error SD; it must be another estimate of soil moisture: "
        "rain, temperature or a vegetation index breaks the method whatever its correlation."
    )


def test_a_third_series_of_other_days(refusal, case, tmp_path):
    folder, _ = case
    small = make_small_case(tmp_path / "small")
    assert refusal(
        "triplecollocation", inputs(folder, tmp_path, THIRD=small.rain_folder, START="2021-01-02")
    ) == (
        f"THIRD: {small.rain_folder} has no value at a station on a day that has the two others; choose "
        "series of the same area and days."
    )


def test_cancel_within_two_seconds(run, feedback, said, case, tmp_path):
    folder, _ = case
    asked = []

    def soon(text):
        if "stations collocated" in text:
            asked.append(time.monotonic())
            return True
        return False

    feedback.cancel_when = soon
    outputs = run("triplecollocation", inputs(folder, tmp_path, BOOTSTRAP=20_000))
    assert outputs == {}
    assert asked
    assert time.monotonic() - asked[0] < 2
    assert not (tmp_path / "out").exists()
    assert said.info[-1].startswith("Cancelled;")
