"""Users read a parameter's label, with its id in brackets, wherever a sentence names it."""

from __future__ import annotations

import re

import pytest

from small_case import make_small_case
from smap_downscaler.base.errors import InputError


@pytest.fixture
def named(qgis_provider):
    """``named(id, sentence, given) -> sentence``."""
    from smap_downscaler.toolbox.naming import named

    def of(algorithm_id, sentence, **given):
        # Held: its definitions end with it.
        algorithm = qgis_provider.algorithm(algorithm_id)
        return named(sentence, algorithm, given)

    return of


@pytest.mark.parametrize(
    ("sentence", "told"),
    [
        (
            "START (2021-01-02) is after END (2021-01-01); exchange them.",
            "First date [START] (2021-01-02) is after Last date [END] (2021-01-01); exchange them.",
        ),
        # Where it comes first.
        (
            "WINDOW is -1; give WINDOW 0 or more.",
            "Maximum age of a dated covariate (days) [WINDOW] is -1; give WINDOW 0 or more.",
        ),
        # A word of every day, but where it begins the sentence.
        ("SMAP: it has no date of SMAP.", "SMAP series [SMAP]: it has no date of SMAP."),
        ("SMAP (/a/b) is empty.", "SMAP series [SMAP] (/a/b) is empty."),
        ("SMAP has no cell there.", "SMAP has no cell there."),
        # Or where only a parameter can be meant.
        (
            "It takes SMAP and COVARIATES, and SMAP is a word.",
            "It takes SMAP series [SMAP] and Coarse stack of covariates [COVARIATES], and SMAP is a word.",
        ),
        (
            "START and SMAP are both empty.",
            "First date [START] and SMAP series [SMAP] are both empty.",
        ),
        ("Give it as SMAP.", "Give it as SMAP series [SMAP]."),
        ("The map, as SMAP sees it, and SMAP and rain.", None),
        # Names of files, values, settings and other ids.
        ("/data/RAIN/RAIN.tif, C:\\RAIN\\x and 'RAIN' are no RAIN=1, RAINY, x_RAIN.", None),
        ("The date of START.", "The date of First date [START]."),
        (
            "Fine stack of covariates [START] and START.",
            "Fine stack of covariates [START] and First date [START].",
        ),
    ],
)
def test_parameters_are_named_by_their_labels(named, sentence, told):
    assert named("regressionmatrix", sentence) == (sentence if told is None else told)


def test_a_crs_is_a_parameter_where_its_value_stands_beside_it(named):
    assert named("harmonisecovariates", "But CRS EPSG:4326 is in degrees; the CRS of the layer is not.") == (
        "But CRS of the fine stack [CRS] EPSG:4326 is in degrees; the CRS of the layer is not."
    )


def test_what_the_user_gave_stays_as_it_is(named):
    sentence = "DYNAMIC: /my END/the START day/a.tif is wrong; see START."
    told = (
        "Dated covariates (series) [DYNAMIC]: /my END/the START day/a.tif is wrong; see First date [START]."
    )
    assert named("regressionmatrix", sentence, DYNAMIC=["/my END/the START day"]) == told
    assert named("regressionmatrix", "RAIN: no END is RAIN.", RAIN="END") == (
        "Dated covariates that are rain (a, b) [RAIN]: no Last date [END] is RAIN."
    )


def test_the_ids_come_back(named, qgis_provider, by_ids):
    from smap_downscaler.toolbox.naming import by_ids as of_algorithm

    sentence = "START (1) is after END (2), and NODATA (clay=3) is given with SMAP and WINDOW."
    told = named("regressionmatrix", sentence)
    assert told != sentence
    algorithm = qgis_provider.algorithm("regressionmatrix")
    assert of_algorithm(told, algorithm) == sentence
    assert by_ids(told) == sentence
    assert named("regressionmatrix", told) == told
    told = named("regressionmatrix", "START is after END; give START.")
    assert named("regressionmatrix", told) == told


def test_errors_warnings_and_lines_of_a_run_are_named(qgis_provider, monkeypatch, tmp_path):
    """In dialogs, which ask first, and in scripts, which do not."""
    import processing
    from qgis.core import QgsApplication, QgsProcessingContext, QgsProcessingException, QgsProcessingFeedback

    from smap_downscaler.steps.matrix.algorithm import RegressionMatrix

    said = []

    class Feedback(QgsProcessingFeedback):
        def pushInfo(self, info):
            said.append(info)

        def pushWarning(self, warning):
            said.append(warning)

    def work(_self, _values, progress):
        progress.log("WINDOW is 0.")
        progress.warn("RAIN: nothing is rain.")
        raise InputError("NODATA: it is wrong.")

    case = make_small_case(tmp_path / "SMAP START")
    given = {"SMAP": case.smap_folder, "COVARIATES": case.coarse_stack, "OUTPUT": str(tmp_path / "m.gpkg")}
    algorithm = QgsApplication.processingRegistry().createAlgorithmById("smapdownscaler:regressionmatrix")
    good, sentence = algorithm.checkParameterValues({**given, "WINDOW": -1}, QgsProcessingContext())
    assert not good
    assert sentence.startswith("Maximum age of a dated covariate (days) [WINDOW]"), sentence
    good, sentence = algorithm.checkParameterValues({**given, "START": "x"}, QgsProcessingContext())
    assert sentence == "First date [START]: 'x' is no date; give it as YYYY-MM-DD."
    monkeypatch.setattr(RegressionMatrix, "work", work)
    with pytest.raises(QgsProcessingException) as caught:
        processing.run("smapdownscaler:regressionmatrix", given, feedback=Feedback())
    assert str(caught.value).endswith("Numbers that stand for no value (a=-999) [NODATA]: it is wrong.")
    assert "Maximum age of a dated covariate (days) [WINDOW] is 0." in said
    assert "Dated covariates that are rain (a, b) [RAIN]: nothing is rain." in said


def test_report_pages_name_parameters_as_the_log_does(qgis_provider, feedback, said, monkeypatch, tmp_path):
    """With the numbers of the sentence, which its name does not take away."""
    import processing

    from smap_downscaler.base.words import text
    from smap_downscaler.report.page import Page
    from smap_downscaler.steps.matrix.algorithm import RegressionMatrix
    from smap_downscaler.toolbox.feedback import WarningKeeper
    from smap_downscaler.toolbox.reports import write_report

    report = tmp_path / "report.html"

    def work(_self, _values, progress):
        listener = WarningKeeper(progress)
        listener.warn(text("WINDOW is {:.1f}, and START says no more.", 2.25))
        return write_report(str(report), Page("A page").warnings(listener.warnings))

    case = make_small_case(tmp_path / "case")
    given = {"SMAP": case.smap_folder, "COVARIATES": case.coarse_stack, "OUTPUT": str(tmp_path / "m.gpkg")}
    monkeypatch.setattr(RegressionMatrix, "work", work)
    processing.run("smapdownscaler:regressionmatrix", given, feedback=feedback)
    sentence = "Maximum age of a dated covariate (days) [WINDOW] is 2.2, and First date [START] says no more."
    assert sentence in report.read_text(encoding="utf-8")
    numbers = report.with_name("report_numbers.csv").read_text(encoding="utf-8-sig")
    assert f'A page,warning,,,2.25,,"{sentence}"' in numbers
    assert said.warnings == ["WINDOW is 2.2, and START says no more."]


def test_help_names_parameters_as_sentences_do(qgis_provider):
    from smap_downscaler.toolbox.help_page import page

    algorithm = qgis_provider.algorithm("downscale")
    shown = algorithm.shortHelpString()
    assert "<b>Study area" not in shown
    assert "<p><b>Extent to map [EXTENT]</b></p>" in shown
    assert "every date from First date [<code>START</code>] to Last date [<code>END</code>] that" in shown
    model = qgis_provider.algorithm("mapeveryday").create().shortHelpString()
    assert model.startswith("<p><b>From SMAP files, covariates")
    assert "<p><b>Study area (polygons) [AOI]</b></p>" in model
    whole = page(algorithm)
    assert "<h3>Extent to map [EXTENT]</h3>" in whole
    tip = algorithm.parameterDefinition("WINDOW").help()
    assert tip.endswith("Give the number that 'Regression matrix' had.")
    assert "see Dated covariates that are rain (a, b) [RAIN]" in tip
    for one in qgis_provider.algorithms():
        labels = {d.name(): d.description() for d in one.parameterDefinitions()}
        for name in re.findall(r"<h3>([^<]*)</h3>", page(one)):
            told = name.replace("&#x27;", "'").rpartition(" [")
            if told[2].rstrip("]") in labels:
                assert told[0] == labels[told[2].rstrip("]")], (one.name(), name)
