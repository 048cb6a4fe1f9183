"""principalcomponents: PCA of fields of a layer, scores joined to it, and a biplot."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from qgis.core import (
    NULL,
    Qgis,
    QgsFeature,
    QgsFields,
    QgsProcessing,
    QgsProcessingOutputNumber,
    QgsProcessingParameterFeatureSink,
    QgsProcessingParameterFeatureSource,
    QgsProcessingParameterField,
)

from ...base.covariate_names import nearest_names
from ...base.errors import InputError
from ...base.nodata import Look
from ...base.progress import Progress
from ...base.words import counted, text
from ...toolbox.algorithm import SmapAlgorithm
from ...toolbox.feedback import WarningKeeper
from ...toolbox.parameters import advanced, whole_number
from ...toolbox.reports import footer, layer_used, manifest, report_parameter, table_output, write_report
from ...toolbox.values import Values
from ...toolbox.vectors import REAL, Column, add_columns, read_features
from .numbers.components import Components, principal_components
from .report import components_page
from .tables import write_eigenvalues, write_loadings


class PrincipalComponents(SmapAlgorithm):
    """The principal component analysis (paper 2.3.6)."""

    ID = "principalcomponents"
    GROUP = "analysis"
    TAGS = (*SmapAlgorithm.TAGS, "PCA", "biplot", "eigenvalues", "loadings", "scores", "multivariate")

    def define(self) -> Iterable[Any]:
        yield QgsProcessingParameterFeatureSource(
            "INPUT", "Polygons with statistics (or any table)", types=[QgsProcessing.SourceType.TypeVector]
        )
        yield _fields_parameter("FIELDS", "Fields to analyse", optional=False)
        yield _fields_parameter("SUPPLEMENTARY", "Supplementary fields, projected only", optional=True)
        yield advanced(
            whole_number("COMPONENTS", "Maximum number of components in OUTPUT (empty: all)", None, 1)
        )
        yield QgsProcessingParameterFeatureSink("OUTPUT", "Scores")
        yield table_output("LOADINGS", "Loadings")
        yield table_output("EIGENVALUES", "Eigenvalues")
        yield report_parameter()

    def define_outputs(self) -> Iterable[Any]:
        yield QgsProcessingOutputNumber("COUNT", "Rows used")
        yield QgsProcessingOutputNumber("SHARE", "Share explained by the first two components")

    def validate(self, values: Values) -> None:
        fields, others = _distinct(values, "FIELDS"), _distinct(values, "SUPPLEMENTARY")
        if len(fields) < 2:
            raise InputError("FIELDS holds fewer than two fields; a principal component analysis needs more.")
        small = {name.lower() for name in fields}
        twice = [name for name in others if name.lower() in small]
        if twice:
            raise InputError(f"SUPPLEMENTARY: {twice[0]} is one of FIELDS too; leave it out of one of them.")

    def work(self, values: Values, progress: Progress) -> dict[str, Any]:
        listener = WarningKeeper(progress)
        fields, others = _distinct(values, "FIELDS"), _distinct(values, "SUPPLEMENTARY")
        source, features = read_features(values, "INPUT", listener)
        table = _numbers(features, source.fields(), fields, "FIELDS", listener.part(0.0, 0.3))
        other = _numbers(features, source.fields(), others, "SUPPLEMENTARY", listener.part(0.3, 0.4))
        found = principal_components(table, fields, other, others)
        used = int(found.rows.sum())
        if used < len(features):
            listener.warn(
                text(
                    "INPUT: {lacking:,} of {rows:,} rows lack a value of FIELDS; they have no scores",
                    lacking=len(features) - used,
                    rows=len(features),
                )
            )
        most = values.optional_integer("COMPONENTS")
        columns = _scores(found, most)
        outputs: dict[str, Any] = {
            "OUTPUT": add_columns(values, "OUTPUT", source, features, columns, listener),
            "COUNT": used,
            "SHARE": float(found.shares[:2].sum()),
        }
        for name, write in (("LOADINGS", write_loadings), ("EIGENVALUES", write_eigenvalues)):
            if values.given(name):
                outputs[name] = values.output(name)
                write(outputs[name], found)
        if values.given("REPORT"):
            listener.set_text("Drawing the report")
            inputs = {"layer": source.sourceName(), "rows": len(features)}
            inputs |= layer_used(values, "file", "INPUT", listener)
            sections = manifest(
                inputs, {"fields": ", ".join(fields), "supplementary fields": ", ".join(others)}
            )
            page = components_page(found, listener.warnings, sections, footer("Principal components"), most)
            outputs.update(write_report(values.output_file("REPORT"), page))
        count = len(found.eigenvalues)
        progress.log(
            f"{counted(used, 'row')}, {counted(len(fields), 'variable')}: "
            f"the first {min(2, count)} of {counted(count, 'component')} "
            f"explain{'s' if count == 1 else ''} {100 * outputs['SHARE']:.1f} % of the variance"
        )
        return outputs


def _fields_parameter(name: str, description: str, optional: bool) -> QgsProcessingParameterField:
    return QgsProcessingParameterField(
        name,
        description,
        parentLayerParameterName="INPUT",
        type=Qgis.ProcessingFieldParameterDataType.Numeric,
        allowMultiple=True,
        optional=optional,
    )


def _distinct(values: Values, parameter: str) -> list[str]:
    """The fields of a parameter, each once: one given twice would count double; QGIS takes A for a."""
    return list({name.lower(): name for name in reversed(values.texts(parameter))}.values())[::-1]


def _numbers(
    features: Sequence[QgsFeature], known: QgsFields, names: Sequence[str], parameter: str, progress: Progress
) -> np.ndarray:
    """The values of fields, float64, shape (features, fields); NaN where NULL."""
    numbers = [known.lookupField(name) for name in names]
    if -1 in numbers:
        lacking = names[numbers.index(-1)]
        raise InputError(
            f"{parameter}: INPUT has no field {lacking} (it has {nearest_names(lacking, known.names())}); "
            "choose another one."
        )
    table = np.full((len(features), len(names)), np.nan)
    counter = progress.counter(len(features), "rows read")
    for row, feature in enumerate(features):
        for column, place in enumerate(numbers):
            value = feature.attribute(place)
            if value is not None and value != NULL and value != "":
                table[row, column] = _number(value, names[column], parameter)
        counter.advance()
    for name, column in zip(names, table.T):
        look = Look(parameter, f"the field {name}", advice="make it NULL there, or leave the field out")
        look.add(column)
        look.check()
    return table


def _number(value: Any, name: str, parameter: str) -> float:
    try:
        return float(value)
    except (TypeError, ValueError):
        raise InputError(
            f"{parameter}: the field {name} holds '{value}', which is no number; choose numeric fields."
        ) from None


def _scores(found: Components, most: int | None) -> list[Column]:
    scores = np.full((len(found.rows), found.scores.shape[1]), np.nan)
    scores[found.rows] = found.scores
    return [Column(f"pc{index + 1}", REAL, column.tolist()) for index, column in enumerate(scores.T[:most])]
