"""What holds for every algorithm of the provider: names, help, parameters, models."""

from __future__ import annotations

import re

import pytest

from promised import PROMISED, Promise
from smap_downscaler.toolbox.help import as_html, load_help, parse_help


@pytest.fixture
def algorithms(qgis_provider):
    return {algorithm.name(): algorithm for algorithm in qgis_provider.algorithms()}


def written(algorithms):
    """The algorithms that are not models."""
    from smap_downscaler.toolbox.algorithm import SmapAlgorithm

    return {name: algorithm for name, algorithm in algorithms.items() if isinstance(algorithm, SmapAlgorithm)}


def test_ids_parameters_and_outputs_are_those_promised_and_no_others(algorithms):
    from qgis.core import QgsProcessingDestinationParameter

    assert set(algorithms) == set(PROMISED)
    for name, algorithm in algorithms.items():
        definitions = algorithm.parameterDefinitions()
        asked = {d.name() for d in definitions if isinstance(d, QgsProcessingDestinationParameter)}
        outputs = {output.name() for output in algorithm.outputDefinitions()}
        assert asked <= outputs, name
        given = {definition.name() for definition in definitions} - asked
        assert Promise(given, asked, outputs - asked) == PROMISED[name], name


def test_help_has_a_text_for_every_parameter_and_output_and_no_other(algorithms):
    from qgis.core import QgsProcessingDestinationParameter

    for name, algorithm in written(algorithms).items():
        text = load_help(name)
        definitions = algorithm.parameterDefinitions()
        inputs = [d.name() for d in definitions if not isinstance(d, QgsProcessingDestinationParameter)]
        assert sorted(text.parameters) == sorted(inputs), name
        assert sorted(text.outputs) == sorted(output.name() for output in algorithm.outputDefinitions()), name
        assert all(text.parameters.values()), name
        assert all(text.outputs.values()), name


def test_every_algorithm_says_what_it_is(algorithms):
    for name, algorithm in written(algorithms).items():
        assert algorithm.displayName() not in ("", name)
        assert algorithm.shortDescription().endswith("."), name
        assert algorithm.shortDescription() in algorithm.shortHelpString().replace("<code>", "`")
        assert algorithm.displayName() == f"{load_help(name).title} ({load_help(name).result})"
        assert load_help(name).result
        assert algorithm.group()[0].isdigit()
        assert all(definition.help() for definition in algorithm.parameterDefinitions()), name


def test_parameters_are_as_qgis_expects(algorithms):
    from qgis.core import QgsProcessingParameterEnum

    for name, algorithm in written(algorithms).items():
        for definition in algorithm.parameterDefinitions():
            assert definition.name() == definition.name().upper(), name
            if isinstance(definition, QgsProcessingParameterEnum):
                assert definition.usesStaticStrings(), (name, definition.name())


def test_files_and_folders_of_any_name_are_let_through(algorithms):
    from qgis.core import QgsProcessingParameterFile

    for name, algorithm in algorithms.items():
        for definition in algorithm.parameterDefinitions():
            if isinstance(definition, QgsProcessingParameterFile):
                # QGIS's own filter, *.*, refuses these before the algorithm is asked.
                for path in ("/usr/bin/saga_cmd", "/data/stations", "/data/v1.2/ismn"):
                    assert definition.checkValueIsAcceptable(path), (name, definition.name(), path)


def test_what_is_not_given_reads_the_same_however_it_is_said(algorithms):
    from qgis.core import (
        NULL,
        Qgis,
        QgsCoordinateReferenceSystem,
        QgsProcessingContext,
        QgsProcessingFeatureSourceDefinition,
        QgsProperty,
        QgsRectangle,
    )
    from qgis.PyQt.QtCore import QDate, QDateTime, QVariant

    from smap_downscaler.toolbox.values import Values

    nulls = [QVariant(kind) for kind in (QVariant.String, QVariant.Int, QVariant.Double, QVariant.List)]
    nothing = [NULL, None, "", "  ", [], [None], [NULL, ""], *nulls, QVariant(), QDate(), QDateTime()]
    nothing += [QgsCoordinateReferenceSystem(), QgsRectangle(), QgsProperty(), QgsProperty.fromValue(None)]
    nothing += [QgsProperty.fromExpression("NULL"), QgsProcessingFeatureSourceDefinition("", True)]
    readers = ("text", "texts", "path", "paths", "optional_integer", "date", "extent", "crs", "raster_path")
    for name, algorithm in written(algorithms).items():

        def read(values, parameter, used):
            values = Values(used, values, QgsProcessingContext())
            return values.given(parameter), [getattr(values, reader)(parameter) for reader in readers]

        for definition in algorithm.parameterDefinitions():
            if definition.isDestination() or not definition.flags() & Qgis.ProcessingParameterFlag.Optional:
                continue
            parameter = definition.name()
            missing = read({}, parameter, algorithm)
            assert not missing[0]
            for value in nothing:
                assert read({parameter: value}, parameter, algorithm) == missing, (name, parameter, value)


def test_cells_of_a_matrix_that_are_empty_keep_their_places(algorithms):
    from qgis.core import NULL, QgsProcessingContext

    from smap_downscaler.toolbox.values import Values

    cells = ["a.tif", NULL, "", "slope"]
    values = Values(algorithms["harmonisecovariates"], {"LAYERS": cells}, QgsProcessingContext())
    assert values.parameters["LAYERS"] == cells


def test_algorithms_run_in_the_background(algorithms):
    from qgis.core import Qgis

    for name, algorithm in algorithms.items():
        assert not algorithm.flags() & Qgis.ProcessingAlgorithmFlag.NoThreading, name


def test_a_new_instance_is_of_the_same_kind(algorithms):
    for name, algorithm in written(algorithms).items():
        other = algorithm.create()
        assert type(other) is type(algorithm)
        assert other.name() == name


def test_help_files_belong_to_algorithms(algorithms):
    from smap_downscaler.toolbox.help import help_folder

    assert {path.stem for path in help_folder().glob("*.md")} <= set(algorithms)


def test_help_names_other_algorithms_as_the_toolbox_does(algorithms):
    from smap_downscaler.toolbox.help import help_folder

    known = {load_help(name).title for name in algorithms}
    for path in help_folder().rglob("*.md"):
        named = set(re.findall(r"(?<!\w)'([A-Z][A-Za-z -]+)'(?!\w)", path.read_text(encoding="utf-8")))
        assert named <= known, (path.name, named - known)


def test_markdown_becomes_html():
    text = parse_help(
        "# Title (a table)\n\nOne & only `sentence`.\n\nA **bold** word.\n\n- first\n- second\n  line\n\n"
        "## Parameters\n\n### INPUT\nThe <input>.\n\n## Outputs\n\n### OUTPUT\nOut.\n"
    )
    assert (text.title, text.result, text.name) == ("Title", "a table", "Title (a table)")
    assert text.summary == "One & only `sentence`."
    assert text.parameters == {"INPUT": "The <input>."}
    assert as_html(text) == (
        "<p><b>One &amp; only <code>sentence</code>.</b></p><p>A <b>bold</b> word.</p>"
        "<ul><li>first</li><li>second line</li></ul>"
        "<h3>Input parameters</h3><p><b>INPUT</b></p><p>The &lt;input&gt;.</p>"
        "<h3>Outputs</h3><p><b>OUTPUT</b></p><p>Out.</p>"
    )
