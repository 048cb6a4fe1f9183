"""What "not given" means, for all kinds of parameters: decided here, before anyone reads a value."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from pathlib import Path
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

from ..base.covariate_names import nearest_names
from ..base.errors import InputError
from .help import load_help

#: The kind of parameter that takes series; see `series_parameter.SeriesParameter`.
SERIES = "smapseries"
#: Kinds of parameters whose values are files, folders and layers.
_FILES = frozenset(
    {SERIES, "file", "raster", "multilayer", "source", "vector", "sink", "vectorDestination"}
    | {"rasterDestination", "fileDestination", "folderDestination"}
)
#: How a tick is written; QGIS takes any other word for a tick too, such as "no".
_TICKS = frozenset({"true", "yes", "on", "1", "false", "0"})
#: Bytes that the name of a file or folder may have, on all systems; and those that a file under way has more.
_LONGEST_NAME, _UNDER_WAY = 255, 45


def check_file_names(algorithm: QgsProcessingAlgorithm, parameters: dict[str, Any]) -> None:
    """Raise `InputError` for a name of a file or folder that no system can have."""
    for definition in algorithm.parameterDefinitions():
        if definition.type() not in _FILES:
            continue
        most = _LONGEST_NAME - (_UNDER_WAY if definition.isDestination() else 0)
        for text in texts_in(parameters.get(definition.name())):
            longest = max(re.split(r"[\\/|;]", text), key=_bytes_of)
            # Layers in memory say in one long text what they are.
            if _bytes_of(longest) > most and "?" not in text:
                raise InputError(
                    f"{definition.name()}: the name {longest[:30]}... has {len(longest)} letters, more than "
                    f"the {most} that the name of a file or folder can have here; shorten it."
                )


def check_plain_values(algorithm: QgsProcessingAlgorithm, parameters: dict[str, Any]) -> None:
    """Raise `InputError` for a number, choice or tick that is none.

    QGIS takes what it cannot read for 0 where a number is optional, any word for a tick, and in models an
    unknown choice for the default.
    """
    for definition in algorithm.parameterDefinitions():
        name, kind = definition.name(), definition.type()
        value = parameters.get(name)
        if value is None:
            continue
        if kind == "number" and isinstance(value, str) and not _is_number(value):
            raise InputError(f"{name}: '{value}' is no number; write numbers as 10 or 0.5.")
        if kind == "boolean" and isinstance(value, str) and value.strip().lower() not in _TICKS:
            raise InputError(f"{name}: '{value}' is neither true nor false; write one of these.")
        if kind == "enum" and definition.usesStaticStrings():
            options, several = definition.options(), definition.allowMultiple()
            # QGIS writes several into one text with commas.
            chosen = value.split(",") if several and isinstance(value, str) else value if several else [value]
            unknown = [one for one in chosen if one not in options]
            if unknown:
                raise InputError(
                    f"{name}: there is no choice '{unknown[0]}'; choose {'some' if several else 'one'} of "
                    f"{', '.join(options)}."
                )


def _is_number(text: str) -> bool:
    try:
        return math.isfinite(float(text))
    except ValueError:
        return False


def texts_in(value: Any) -> Iterator[str]:
    """The texts of a raw value: of one, of several, and where a source or an output lies."""
    if isinstance(value, QgsProcessingOutputLayerDefinition):
        value = value.sink.staticValue()
    elif isinstance(value, QgsProcessingFeatureSourceDefinition):
        value = value.source.staticValue()
    if isinstance(value, (list, tuple)):
        for item in value:
            yield from texts_in(item)
    elif isinstance(value, str):
        yield value


def _bytes_of(name: str) -> int:
    return len(name.encode("utf-8", "surrogateescape"))


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
        if not (is_null(found) or (optional and _is_empty(found))):
            given[name] = found
    return given


def ignored_parameters(
    algorithm: QgsProcessingAlgorithm, parameters: dict[str, Any], context: QgsProcessingContext
) -> list[str]:
    """A sentence for each value under a name that is no parameter: QGIS passes over those in silence."""
    known = [definition.name() for definition in algorithm.parameterDefinitions()]
    unknown = [name for name in given_parameters(algorithm, parameters, context) if name not in known]
    title = load_help(algorithm.name()).title
    return [
        f"{name} is no parameter of '{title}' and is ignored; leave it out, or correct its "
        f"name (there are {nearest_names(name, known)})."
        for name in unknown
    ]


def several_of(value: Any) -> Iterator[Any]:
    """Texts and layers of a raw value, in order: of one, of several, or of texts with `;` between them."""
    if isinstance(value, (list, tuple)):
        for item in value:
            yield from several_of(item)
    elif isinstance(value, QgsProcessingOutputLayerDefinition):
        yield from several_of(value.sink.staticValue())
    elif isinstance(value, str) and ";" in value and not Path(value).exists():
        yield from (part.strip() for part in value.split(";") if part.strip())
    elif not (is_null(value) or _is_blank(value)):
        yield value


def _evaluated(value: Any, context: QgsProcessingContext) -> Any:
    if isinstance(value, (list, tuple)):
        return [_evaluated(item, context) for item in value]
    return value.value(context.expressionContext(), None)[0] if isinstance(value, QgsProperty) else value


def _without_gaps(value: Any) -> Any:
    """Of several those that are any."""
    if isinstance(value, (list, tuple)):
        return [item for item in value if not (is_null(item) or _is_blank(item))]
    return value


def is_null(value: Any) -> bool:
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
    return is_null(source.staticValue()) or _is_blank(source.staticValue())


def _is_blank(value: Any) -> bool:
    return isinstance(value, str) and not value.strip()


def _is_empty(value: Any) -> bool:
    if isinstance(value, (list, tuple)):
        return all(is_null(item) or _is_blank(item) for item in value)
    return _is_blank(value)
