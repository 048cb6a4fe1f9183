"""antecedentprecipitation and seasonalprecipitation as QGIS calls them: contract, refusals, runs."""

from __future__ import annotations

import datetime as dt
import re
from pathlib import Path

import numpy as np
import pytest

from rain_cases import days_from, rain, raw, write_days, write_netcdf, write_raster
from smap_downscaler.series.series import open_series
from smap_downscaler.series.stack import open_stack

ANTECEDENT, SEASONAL = "antecedentprecipitation", "seasonalprecipitation"
PARAMETERS = {
    ANTECEDENT: ["INPUT", "DAYS", "EXTENT", "START", "END", "LAG", "NODATA", "VARIABLE", "OUTPUT"],
    SEASONAL: [
        "INPUT",
        "KIND",
        "SEASONS",
        "EXTENT",
        "START",
        "END",
        "MINIMUM_SHARE",
        "NODATA",
        "VARIABLE",
        "OUTPUT",
    ],
}
EXTENT = "-79.85,-79.75,-5.25,-5.15 [EPSG:4326]"


@pytest.fixture
def refusal(run, said):
    """The sentence of a refusal: QGIS reports what `prepareAlgorithm` raises, and raises the rest."""
    from qgis.core import QgsProcessingException

    def sentence(algorithm_id, given):
        with pytest.raises((QgsProcessingException, RuntimeError)) as caught:
            run(algorithm_id, given)
        return said.errors[-1] if said.errors else str(caught.value)

    return sentence


@pytest.fixture
def chirps(tmp_path):
    return write_days(tmp_path / "chirps", days_from("2019-12-28", 10), rain(10))


def created(algorithm_id):
    from qgis.core import QgsApplication

    return QgsApplication.processingRegistry().createAlgorithmById(f"smapdownscaler:{algorithm_id}")


@pytest.mark.parametrize("algorithm_id", [ANTECEDENT, SEASONAL])
def test_contract_and_help(qgis_provider, algorithm_id):
    from qgis.core import Qgis

    algorithm = created(algorithm_id)
    definitions = algorithm.parameterDefinitions()
    layers = ["SERIES"] if algorithm_id == ANTECEDENT else []
    assert [definition.name() for definition in definitions] == PARAMETERS[algorithm_id] + layers
    assert {output.name() for output in algorithm.outputDefinitions()} == {"OUTPUT", *layers, "COUNT"}
    optional = {one.name() for one in definitions if one.flags() & Qgis.ProcessingParameterFlag.Optional}
    advanced = {one.name() for one in definitions if one.flags() & Qgis.ProcessingParameterFlag.Advanced}
    assert optional == {"EXTENT", "START", "END", "NODATA", "VARIABLE", *layers}
    own = "LAG" if algorithm_id == ANTECEDENT else "MINIMUM_SHARE"
    assert advanced == {own, "NODATA", "VARIABLE", *layers}
    assert algorithm.groupId() == "covariates"
    assert all(definition.help() for definition in definitions)
    text = (Path(__file__).parents[3] / "help" / f"{algorithm_id}.md").read_text(encoding="utf-8")
    head, outputs = text.split("## Outputs")
    assert re.findall(r"^### (\w+)", head, re.MULTILINE) == PARAMETERS[algorithm_id][:-1]
    assert re.findall(r"^### (\w+)", outputs, re.MULTILINE) == ["OUTPUT", *layers, "COUNT"]


def test_defaults(qgis_provider):
    antecedent, seasonal = created(ANTECEDENT), created(SEASONAL)
    assert antecedent.parameterDefinition("DAYS").defaultValue() == 3
    assert antecedent.parameterDefinition("LAG").defaultValue() == 1
    kind = seasonal.parameterDefinition("KIND")
    assert kind.usesStaticStrings()
    assert (kind.options(), kind.defaultValue()) == (["daily", "monthly", "climatology"], "daily")
    assert seasonal.parameterDefinition("SEASONS").defaultValue() == (
        "p_djf=12,1,2; p_mam=3,4,5; p_jja=6,7,8; p_son=9,10,11"
    )


def test_the_help_says_what_def_is(qgis_provider):
    assert "DEF is diciembre-enero-febrero" in created(SEASONAL).shortHelpString()
    assert "DYNAMIC_NAMES" in created(ANTECEDENT).shortHelpString()


# Antecedent precipitation.


def test_the_series_is_read_as_the_covariate(run, said, chirps, tmp_path):
    out = tmp_path / "p_antecedent"
    outputs = run(ANTECEDENT, {"INPUT": str(chirps), "OUTPUT": str(out)})
    assert outputs == {"OUTPUT": str(out), "COUNT": 8}
    series = open_series(out)
    assert (series.name, series.unit()) == ("p_antecedent", "mm/d")
    assert series.dates == tuple(days_from("2019-12-31", 8))
    values = rain(10)
    np.testing.assert_allclose(
        series.read(dt.date(2020, 1, 1)), values[1:4].astype("f8").mean(axis=0), rtol=1e-6
    )
    assert said.info[-1] == f"8 dates from 2019-12-31 to 2020-01-07, 5 x 4 cells each, in {out}."
    assert said.warnings == said.errors == []


def test_all_parameters(run, said, chirps, tmp_path):
    given = {
        "INPUT": str(chirps),
        "DAYS": 2,
        "LAG": 0,
        "EXTENT": EXTENT,
        "START": "2020-01-01",
        "END": "2020-01-02",
    }
    outputs = run(ANTECEDENT, {**given, "OUTPUT": str(tmp_path / "rain")})
    assert outputs["COUNT"] == 2
    expected = rain(10)[4:6, 1:3, 1:3].astype("f8").mean(axis=0)
    np.testing.assert_allclose(raw(tmp_path / "rain" / "p_antecedent_20200102.tif"), expected, rtol=1e-6)
    assert said.info[-1] == (
        "The folder is not named p_antecedent: its covariate is named after it; in 'Regression matrix' and "
        "'Downscale' give p_antecedent, or of several windows p_antecedent_3, p_antecedent_10 and so on, as "
        "DYNAMIC_NAMES, the same in both."
    )


def test_a_step_of_a_model_says_nothing_of_the_name_of_its_folder(run, said, chirps):
    from qgis.core import QgsProcessingUtils

    sentence = "The folder is not named p_antecedent"
    run(ANTECEDENT, {"INPUT": str(chirps), "OUTPUT": QgsProcessingUtils.generateTempFilename("OUTPUT")})
    assert not [line for line in said.info if line.startswith(sentence)]
    run(ANTECEDENT, {"INPUT": str(chirps), "OUTPUT": "TEMPORARY_OUTPUT"})
    assert said.info[-1].startswith(sentence)


def test_a_file_as_input(run, tmp_path):
    source = write_netcdf(tmp_path / "rain.nc", rain(5), range(5), "days since 2020-02-27")
    assert run(ANTECEDENT, {"INPUT": str(source), "OUTPUT": str(tmp_path / "out")})["COUNT"] == 3


def test_a_rerun_says_what_it_kept(run, said, chirps, tmp_path):
    for _ in range(2):
        run(ANTECEDENT, {"INPUT": str(chirps), "OUTPUT": str(tmp_path / "p_antecedent")})
    assert "8 of 8 rasters were there already, made from the same days; kept." in said.info


@pytest.mark.parametrize(
    ("more", "sentence"),
    [
        ({"DAYS": 0}, "DAYS is 0; give the number of days to average, 1 or more."),
        ({"LAG": -1}, "LAG is -1; give 1 (the days before), 0 (the day itself as well) or more than 1."),
        (
            {"START": "2020-01-05", "END": "2020-01-01"},
            "START (2020-01-05) is after END (2020-01-01); exchange them.",
        ),
        (
            {"EXTENT": "-79.85,-79.75,-5.25,-5.15"},
            "EXTENT: the extent has no CRS, so its place on earth is not known; give it as "
            "'xmin,xmax,ymin,ymax [EPSG:4326]'.",
        ),
        (
            {"START": "2021-01-01"},
            "{INPUT}: it runs from 2019-12-28 to 2020-01-06, so there are means of the 3 preceding days from "
            "2019-12-31 to 2020-01-07 only; choose START and END there.",
        ),
        ({"INPUT": "nowhere"}, "INPUT: nowhere does not exist; check the path."),
    ],
)
def test_antecedent_refusals(refusal, chirps, tmp_path, more, sentence):
    given = {"INPUT": str(chirps), "OUTPUT": str(tmp_path / "out"), **more}
    assert refusal(ANTECEDENT, given) == sentence.format(**given)
    assert not (tmp_path / "out").exists()


def test_the_input_folder_is_no_output(refusal, chirps):
    assert refusal(ANTECEDENT, {"INPUT": str(chirps), "OUTPUT": str(chirps)}) == (
        f"OUTPUT and INPUT are both {chirps}; choose another OUTPUT."
    )


def test_cancel_leaves_whole_files(run, feedback, tmp_path):
    source = write_days(tmp_path / "in", days_from("2020-01-01", 60), rain(60, (200, 200)))
    feedback.cancel_when = lambda text: "dates averaged" in text
    run(ANTECEDENT, {"INPUT": str(source), "OUTPUT": str(tmp_path / "out")})
    left = list((tmp_path / "out").iterdir())
    assert 0 < len(left) < 58
    assert all(re.fullmatch(r"p_antecedent_\d{8}\.tif", path.name) for path in left)
    assert all(raw(path).shape == (200, 200) for path in left)


# Seasonal precipitation.


def test_daily_record_to_stack(run, said, tmp_path):
    values = rain(366)
    source = write_netcdf(tmp_path / "pisco.nc", values, range(366), "days since 2020-01-01 12:00:00")
    out = tmp_path / "seasons.tif"
    assert run(SEASONAL, {"INPUT": str(source), "OUTPUT": str(out)}) == {"OUTPUT": str(out), "COUNT": 4}
    stack = open_stack(out)
    assert (stack.names, stack.units) == (("p_djf", "p_mam", "p_jja", "p_son"), ("mm/d",) * 4)
    djf = [date.month in (12, 1, 2) for date in days_from("2020-01-01", 366)]
    np.testing.assert_allclose(raw(out, 1), values[djf].astype("f8").mean(axis=0), rtol=1e-6)
    assert said.info[-1] == f"4 bands of 5 x 4 cells in {out}."
    assert said.warnings == said.errors == []


def test_monthly_with_all_parameters(run, tmp_path):
    totals = rain(24) * 30
    for number, values in enumerate(totals):
        write_raster(tmp_path / "in" / f"p_{2020 + number // 12}{number % 12 + 1:02d}.tif", values)
    given = {"KIND": "monthly", "SEASONS": "p_wet=1,2; p_dry=7", "EXTENT": EXTENT, "START": "2020-02-01"}
    out = tmp_path / "out" / "s.tif"
    assert run(SEASONAL, {"INPUT": str(tmp_path / "in"), "OUTPUT": str(out), **given})["COUNT"] == 2
    expected = (totals[1].astype("f8") + totals[12] + totals[13]) / (29 + 31 + 28)
    np.testing.assert_allclose(raw(out, 1), expected[1:3, 1:3], rtol=1e-6)


def test_temporary_output(run, tmp_path):
    from qgis.core import QgsProcessing

    source = write_raster(tmp_path / "c.tif", rain(12))
    given = {"INPUT": str(source), "KIND": "climatology", "OUTPUT": QgsProcessing.TEMPORARY_OUTPUT}
    assert raw(run(SEASONAL, given)["OUTPUT"], 4).shape == (4, 5)


@pytest.mark.parametrize(
    ("more", "sentence"),
    [
        ({"SEASONS": "p_djf"}, "SEASONS: 'p_djf' has no months; write it as p_djf=12,1,2."),
        ({"SEASONS": "a=1,1"}, "SEASONS: month 1 occurs twice in a; give it once."),
        ({"KIND": "yearly"}, "KIND: there is no choice 'yearly'; choose one of daily, monthly, climatology."),
        (
            {"KIND": "climatology", "START": "2020-01-01"},
            "START and END: a climatology has no dates; leave them empty.",
        ),
        (
            {},
            "{INPUT}: it holds no day of p_mam (March, April, May); leave this season out of SEASONS, or "
            "give a longer record.",
        ),
        (
            {"SEASONS": "p=1", "EXTENT": "10,11,10,11 [EPSG:4326]"},
            "EXTENT: it does not meet the cells of {INPUT}; choose an extent over them.",
        ),
        (
            {"SEASONS": "p=1", "START": "2021-01-01"},
            "{INPUT}: it holds no date from 2021-01-01 to its end (it runs from 2019-12-28 to 2020-01-06); "
            "choose other dates.",
        ),
        ({"INPUT": "nowhere"}, "INPUT: nowhere does not exist; check the path."),
    ],
)
def test_seasonal_refusals(refusal, chirps, tmp_path, more, sentence):
    given = {"INPUT": str(chirps), "OUTPUT": str(tmp_path / "s.tif"), **more}
    assert refusal(SEASONAL, given) == sentence.format(**given)
    assert not (tmp_path / "s.tif").exists()


def test_a_stack_harms_no_input(refusal, chirps, tmp_path):
    within = str(chirps / "s.tif")
    assert refusal(SEASONAL, {"INPUT": str(chirps), "SEASONS": "p=1", "OUTPUT": within}) == (
        f"OUTPUT ({within}) lies in the folder given as INPUT, which would then hold what does not belong to "
        "it; choose another folder."
    )
    bands = str(write_raster(tmp_path / "b.tif", rain(2), ["2020-01-01", "2020-01-02"]))
    assert refusal(SEASONAL, {"INPUT": bands, "SEASONS": "p=1", "OUTPUT": bands}) == (
        f"OUTPUT and INPUT are both {bands}; choose another OUTPUT."
    )


def test_cancel_leaves_no_stack(run, feedback, tmp_path):
    source = write_days(tmp_path / "in", days_from("2020-01-01", 60), rain(60, (200, 200)))
    feedback.cancel_when = lambda text: "rasters summed" in text
    given = {"INPUT": str(source), "SEASONS": "p=1,2", "OUTPUT": str(tmp_path / "out" / "s.tif")}
    run(SEASONAL, given)
    assert list((tmp_path / "out").iterdir()) == []
