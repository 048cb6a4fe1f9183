"""principalcomponents: PCA of fields of a layer, scores joined to it, and a biplot."""

from __future__ import annotations

import datetime as dt
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
    QgsProcessingParameterString,
    QgsVectorLayer,
)

from ...base.covariate_names import nearest_names
from ...base.dates import parse_dates
from ...base.errors import InputError
from ...base.nodata import Look
from ...base.progress import Progress
from ...base.words import counted
from ...report.number_text import UNIT
from ...toolbox.algorithm import SmapAlgorithm
from ...toolbox.feedback import WarningKeeper
from ...toolbox.looks import around_zero
from ...toolbox.parameters import choice, whole_number
from ...toolbox.reports import (
    footer,
    layer_used,
    manifest,
    report_parameter,
    table_output,
    write_report,
    write_tables,
)
from ...toolbox.values import Values
from ...toolbox.vectors import REAL, Column, add_columns, read_features
from .numbers.analyse import Analysis, analyse
from .numbers.fields import CHOSEN, FIELD_SETS, Plan, name_of, plans_of
from .report import components_page
from .tables import write_eigenvalues, write_loadings

#: What 'Moisture statistics' calls the mean of soil moisture.
_MEAN_MOISTURE = "mu_sm"


class PrincipalComponents(SmapAlgorithm):
    """The principal component analysis (paper 2.3.6)."""

    ID = "principalcomponents"
    GROUP = "analysis"
    FIRST = ("INPUT", "FIELD_SET", "FIELDS", "COLOUR", "OUTPUT")

    def define(self) -> Iterable[Any]:
        yield QgsProcessingParameterFeatureSource(
            "INPUT", "Polygons with statistics (or any table)", types=[QgsProcessing.SourceType.TypeVector]
        )
        yield choice("FIELD_SET", "Which fields to analyse", FIELD_SETS)
        yield _fields_parameter("FIELDS", "Chosen fields")
        yield _fields_parameter("SUPPLEMENTARY", "Supplementary fields, projected only")
        yield QgsProcessingParameterString("DATES", "Two dates side by side (a, b)", optional=True)
        yield _fields_parameter("COLOUR", "Field that colours the points, such as mu_sm", several=False)
        yield whole_number("COMPONENTS", "Components among the scores (empty: all)", None, 1)
        yield QgsProcessingParameterFeatureSink("OUTPUT", "Scores")
        yield table_output("LOADINGS", "Loadings")
        yield table_output("EIGENVALUES", "Eigenvalues")
        yield report_parameter()

    def define_outputs(self) -> Iterable[Any]:
        yield QgsProcessingOutputNumber("COUNT", "Rows used")
        yield QgsProcessingOutputNumber("SHARE", "Share explained by the first two components")

    def dress(self, layer: QgsVectorLayer) -> None:
        around_zero(layer, "pc1")

    def validate(self, values: Values) -> None:
        fields, others = _distinct(values, "FIELDS"), _distinct(values, "SUPPLEMENTARY")
        if len(fields) < 2 and values.choice("FIELD_SET") == CHOSEN:
            raise InputError("FIELDS holds fewer than two fields; a principal component analysis needs more.")
        dates = _dates(values)
        if len(dates) > 2:
            raise InputError("DATES holds more than two dates; give two, one or none.")
        # With dates mu_sm and mu_sm_20210115 are one.
        small = {name_of(name, bool(dates)).lower() for name in fields}
        twice = [name for name in others if name_of(name, bool(dates)).lower() in small]
        if twice:
            raise InputError(f"SUPPLEMENTARY: {twice[0]} is one of FIELDS too; leave it out of one of them.")

    def work(self, values: Values, progress: Progress) -> dict[str, Any]:
        listener = WarningKeeper(progress)
        source, features = read_features(values, "INPUT", listener)
        names, dates = _names(values), _dates(values)
        plans = plans_of(names, values.choice("FIELD_SET"), source.fields().names(), dates)
        columns = _read(features, source.fields(), list(plans.values()), listener.part(0.0, 0.4))
        analyses = analyse(plans, columns, values.choice("FIELD_SET"), listener)
        most = values.optional_integer("COMPONENTS")
        scores = [column for one in analyses for column in _scores(one, most)]
        outputs: dict[str, Any] = {
            "OUTPUT": add_columns(values, "OUTPUT", source, features, scores, listener),
            "COUNT": int(analyses[0].found.rows.sum()),
            "SHARE": float(analyses[0].found.shares[:2].sum()),
        }
        tables = {
            "LOADINGS": lambda path: write_loadings(path, analyses),
            "EIGENVALUES": lambda path: write_eigenvalues(path, analyses),
        }
        outputs |= write_tables(values, tables)
        if values.given("REPORT"):
            listener.set_text("Drawing the report")
            inputs = {"layer": source.sourceName(), "rows": len(features)}
            inputs |= layer_used(values, "file", "INPUT", listener)
            settings = {
                "fields": ", ".join(dict.fromkeys(name for one in analyses for name in one.found.names)),
                "supplementary fields": ", ".join(names["SUPPLEMENTARY"]),
                "dates": values.text("DATES"),
                "colour of the points": ", ".join(names["COLOUR"]),
            }
            sections = manifest(inputs, settings)
            label = _colour_label(names["COLOUR"][0] if names["COLOUR"] else "", bool(dates))
            page = components_page(
                analyses, listener.warnings, sections, footer("Principal components"), most, label
            )
            outputs.update(write_report(values.output_file("REPORT"), page))
        for one in analyses:
            _log_result(one, progress)
        return outputs


def _dates(values: Values) -> tuple[dt.date, ...]:
    return parse_dates(values.text("DATES"), "DATES")


def _names(values: Values) -> dict[str, list[str]]:
    return {name: _distinct(values, name) for name in ("FIELDS", "SUPPLEMENTARY", "COLOUR")}


def _read(
    features: Sequence[QgsFeature], known: QgsFields, plans: Sequence[Plan], progress: Progress
) -> dict[str, np.ndarray]:
    """The values of all fields by their names, float64, shape (features,); NaN where NULL."""
    columns: dict[str, np.ndarray] = {}
    for place, parameter in enumerate(plans[0]):
        names = dict.fromkeys(name for plan in plans for name in plan[parameter].values())
        new = [name for name in names if name not in columns]
        if new:
            part = progress.part(place / len(plans[0]), (place + 1) / len(plans[0]))
            columns |= zip(new, _numbers(features, known, new, parameter, part).T)
    return columns


def _colour_label(field: str, dated: bool) -> str:
    """What colours the points, for a reader; the same on each date, if `dated`."""
    name = name_of(field, dated)
    is_moisture = name_of(name, True).lower() == _MEAN_MOISTURE
    return f"mean soil moisture ({name}), {UNIT}" if is_moisture else name


def _log_result(one: Analysis, progress: Progress) -> None:
    found = one.found
    count = len(found.eigenvalues)
    progress.log(
        f"{f'{one.date}: ' if one.date else ''}{counted(int(found.rows.sum()), 'row')}, "
        f"{counted(len(found.names), 'variable')}: the first {min(2, count)} of "
        f"{counted(count, 'component')} explain{'s' if count == 1 else ''} "
        f"{100 * float(found.shares[:2].sum()):.1f} % of the variance"
    )


def _fields_parameter(name: str, description: str, several: bool = True) -> QgsProcessingParameterField:
    return QgsProcessingParameterField(
        name,
        description,
        parentLayerParameterName="INPUT",
        type=Qgis.ProcessingFieldParameterDataType.Numeric,
        allowMultiple=several,
        optional=True,
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


def _scores(one: Analysis, most: int | None) -> list[Column]:
    found, day = one.found, f"_{one.date:%Y%m%d}" if one.date else ""
    scores = np.full((len(found.rows), found.scores.shape[1]), np.nan)
    scores[found.rows] = found.scores
    return [
        Column(f"pc{index + 1}{day}", REAL, column.tolist()) for index, column in enumerate(scores.T[:most])
    ]
