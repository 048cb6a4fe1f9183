"""Kinds of parameters that several algorithms have."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from qgis.core import (
    Qgis,
    QgsProcessingContext,
    QgsProcessingParameterDateTime,
    QgsProcessingParameterDefinition,
    QgsProcessingParameterMultipleLayers,
    QgsProcessingParameterNumber,
    QgsProcessingParameterString,
)


def date_parameter(name: str, description: str) -> QgsProcessingParameterDateTime:
    """An optional date."""
    return QgsProcessingParameterDateTime(
        name, description, type=Qgis.ProcessingDateTimeParameterDataType.Date, optional=True
    )


class SeriesParameter(QgsProcessingParameterMultipleLayers):
    """Dated covariates: folders, or files of one or several series.

    QGIS's own class opens every file as a layer when it writes the call into
    the history; for years of daily files that would freeze the window.
    """

    def __init__(self, name: str, description: str):
        super().__init__(name, description, layerType=Qgis.ProcessingSourceType.File, optional=True)

    def clone(self) -> SeriesParameter:
        return SeriesParameter(self.name(), self.description())

    def valueAsJsonObject(self, value: Any, context: QgsProcessingContext) -> Any:
        return value if isinstance(value, (list, str)) else super().valueAsJsonObject(value, context)

    def valueAsStringList(self, value: Any, context: QgsProcessingContext) -> tuple[list[str], bool]:
        if isinstance(value, list) and all(isinstance(item, str) for item in value):
            return value, True
        return super().valueAsStringList(value, context)


def dated_covariates() -> Iterator[QgsProcessingParameterDefinition]:
    """The dated covariates and their names."""
    yield SeriesParameter("DYNAMIC", "Dated covariates (series)")
    yield QgsProcessingParameterString(
        "DYNAMIC_NAMES", "Names of the dated covariates, by comma", optional=True
    )


def whole_number(
    name: str, description: str, default: int | None, least: int, most: int = 2**31 - 1
) -> QgsProcessingParameterNumber:
    """A whole number; optional where there is no default."""
    return QgsProcessingParameterNumber(
        name,
        description,
        type=Qgis.ProcessingNumberParameterType.Integer,
        defaultValue=default,
        optional=default is None,
        minValue=least,
        maxValue=most,
    )


def minimum_covered() -> QgsProcessingParameterNumber:
    """The share of a cell that a dated covariate must cover."""
    return QgsProcessingParameterNumber(
        "MINIMUM_COVERED",
        "Least share of a cell that a dated covariate covers",
        type=Qgis.ProcessingNumberParameterType.Double,
        defaultValue=0.5,
        minValue=0.0,
        maxValue=1.0,
    )


def advanced(definition: QgsProcessingParameterDefinition) -> QgsProcessingParameterDefinition:
    """The same parameter, folded away in the dialog."""
    definition.setFlags(definition.flags() | Qgis.ProcessingParameterFlag.Advanced)
    return definition
