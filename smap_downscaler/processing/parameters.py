"""Kinds of parameters that several algorithms have."""

from __future__ import annotations

from qgis.core import (
    Qgis,
    QgsProcessingParameterDateTime,
    QgsProcessingParameterDefinition,
    QgsProcessingParameterNumber,
)


def date_parameter(name: str, description: str) -> QgsProcessingParameterDateTime:
    """An optional date."""
    return QgsProcessingParameterDateTime(
        name, description, type=Qgis.ProcessingDateTimeParameterDataType.Date, optional=True
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


def advanced(definition: QgsProcessingParameterDefinition) -> QgsProcessingParameterDefinition:
    """The same parameter, folded away in the dialog."""
    definition.setFlags(definition.flags() | Qgis.ProcessingParameterFlag.Advanced)
    return definition
