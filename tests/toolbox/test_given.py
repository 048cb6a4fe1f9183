"""What is given that is no parameter."""

from __future__ import annotations

import pytest


def test_names_that_are_no_parameter_are_told(qgis_provider):
    from qgis.core import QgsApplication, QgsProcessingContext

    from smap_downscaler.toolbox.given import ignored_parameters

    algorithm = QgsApplication.processingRegistry().createAlgorithmById("smapdownscaler:createdemodata")
    given = {"EXTENT": "0,1,0,1", "days": 3, "SEED": 1, "AOI": None, "OUTPUT": "somewhere"}
    told = ignored_parameters(algorithm, given, QgsProcessingContext())
    assert [sentence.partition(" (there are ")[0] for sentence in told] == [
        "EXTENT is no parameter of 'Create demo data' and is ignored; leave it out, or correct its name",
        "days is no parameter of 'Create demo data' and is ignored; leave it out, or correct its name",
    ]
    # Those that are most like it.
    assert told[1].partition(" (there are ")[2].startswith("DAYS, SEED, ")
    assert told[1].endswith(" more).")


def test_a_model_tells_them_too(run, said, tmp_path):
    from qgis.core import QgsProcessingException

    (tmp_path / "empty").mkdir()
    inputs = dict.fromkeys(("SMAP", "PRECIPITATION"), str(tmp_path / "empty"))
    outputs = {"maps": str(tmp_path / "maps"), "forests": str(tmp_path / "f.smapforest")}
    with pytest.raises(QgsProcessingException):
        run("smaptomaps", {**inputs, "COVARIATES": [], "EXTENTS": "0,1,0,1", **outputs})
    (told,) = said.warnings
    assert told.startswith("EXTENTS is no parameter of 'From SMAP to maps' and is ignored; leave it out, or ")
    assert "(there are EXTENT, " in told


@pytest.mark.parametrize(
    ("name", "value", "sentence"),
    [
        # An optional one, which QGIS takes for 0 ...
        ("MAXIMUM", "0,5", "MAXIMUM: '0,5' is no number; write numbers as 10 or 0.5."),
        ("MINIMUM", "nan", "MINIMUM: 'nan' is no number; write numbers as 10 or 0.5."),
        # ... and one with a default.
        ("DPI", "fine", "DPI: 'fine' is no number; write numbers as 10 or 0.5."),
        ("CUT", "no", "CUT: 'no' is neither true nor false; write one of these."),
        ("KIND", "DAYS", "KIND: there is no choice 'DAYS'; choose one of days, cascade, locator."),
        ("KIND", 1, "KIND: there is no choice '1'; choose one of days, cascade, locator."),
    ],
)
@pytest.mark.parametrize("step", ["checkParameterValues", "prepare"])
def test_what_is_no_number_choice_or_tick_is_refused(
    qgis_provider, by_ids, tmp_path, step, name, value, sentence
):
    """Also in models, which skip the first look."""
    from qgis.core import QgsApplication, QgsProcessingContext, QgsProcessingException, QgsProcessingFeedback

    algorithm = QgsApplication.processingRegistry().createAlgorithmById("smapdownscaler:mapsheet")
    given = {"SERIES": str(tmp_path), "OUTPUT": str(tmp_path / "sheet.png"), name: value}
    context = QgsProcessingContext()
    if step == "checkParameterValues":
        good, told = algorithm.checkParameterValues(given, context)
        assert not good
    else:
        with pytest.raises(QgsProcessingException) as caught:
            algorithm.prepareAlgorithm(given, context, QgsProcessingFeedback())
        told = str(caught.value)
    assert by_ids(told) == sentence


@pytest.mark.parametrize(
    "given",
    [
        {"MAXIMUM": "0.5", "CUT": "False"},
        {"CUT": "yes"},
        {"MAXIMUM": 0.5, "CUT": False, "DPI": " 200 "},
        {"MINIMUM": ""},
    ],
)
def test_numbers_and_ticks_are_written_in_any_usual_way(qgis_provider, given):
    from qgis.core import QgsApplication, QgsProcessingContext

    from smap_downscaler.toolbox.given import check_plain_values, given_parameters

    algorithm = QgsApplication.processingRegistry().createAlgorithmById("smapdownscaler:mapsheet")
    check_plain_values(algorithm, given_parameters(algorithm, given, QgsProcessingContext()))
