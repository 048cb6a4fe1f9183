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
