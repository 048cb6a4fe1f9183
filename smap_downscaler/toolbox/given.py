"""What "not given" means, for all kinds of parameters: decided here, before anyone reads a value."""

from __future__ import annotations

from typing import Any

from qgis.core import (
    Qgis,
    QgsCoordinateReferenceSystem,
    QgsProcessingAlgorithm,
    QgsProcessingContext,
    QgsProcessingFeatureSourceDefinition,
    QgsProcessingOutputLayerDefinition,
    QgsProperty,
)


def given_parameters(
    algorithm: QgsProcessingAlgorithm, parameters: dict[str, Any], context: QgsProcessingContext
) -> dict[str, Any]:
    """The parameters that have a value; what a property or a list of several has is looked into.

    Scripts say None for what they do not give, dialogs QGIS's NULL or, for an optional parameter, an empty
    text: QGIS's readers would turn NULL into the current directory, the text NULL, or 0.
    """
    given = {}
    for name, value in parameters.items():
        definition = algorithm.parameterDefinition(name)
        if definition is None or not definition.isDestination():
            value = _evaluated(value, context)
        # The cells of a matrix, empty ones too, are known by their places.
        found = value if definition is not None and definition.type() == "matrix" else _without_gaps(value)
        optional = definition is not None and bool(definition.flags() & Qgis.ProcessingParameterFlag.Optional)
        if not (_is_null(found) or (optional and _is_empty(found))):
            given[name] = found
    return given


def _evaluated(value: Any, context: QgsProcessingContext) -> Any:
    return value.value(context.expressionContext(), None)[0] if isinstance(value, QgsProperty) else value


def _without_gaps(value: Any) -> Any:
    """Of several those that are any."""
    if isinstance(value, (list, tuple)):
        return [item for item in value if not (_is_null(item) or _is_blank(item))]
    return value


def _is_null(value: Any) -> bool:
    """Whether a value is None, QGIS's NULL, a null date or extent, no CRS, or the choice of no layer."""
    if value is None:
        return True
    if isinstance(value, QgsCoordinateReferenceSystem):
        return not value.isValid()
    if isinstance(value, QgsProcessingFeatureSourceDefinition):
        return _of_nothing(value.source)
    if isinstance(value, QgsProcessingOutputLayerDefinition):
        return _of_nothing(value.sink)
    is_null = getattr(value, "isNull", None)
    return bool(is_null()) if callable(is_null) else False


def _of_nothing(source: QgsProperty) -> bool:
    if source.propertyType() != Qgis.PropertyType.Static:
        return source.propertyType() == Qgis.PropertyType.Invalid
    return _is_null(source.staticValue()) or _is_blank(source.staticValue())


def _is_blank(value: Any) -> bool:
    return isinstance(value, str) and not value.strip()


def _is_empty(value: Any) -> bool:
    if isinstance(value, (list, tuple)):
        return all(_is_null(item) or _is_blank(item) for item in value)
    return _is_blank(value)
