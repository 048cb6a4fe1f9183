"""Raster files behind layer parameters, without loading them as layers.

QGIS loads a file as a layer to resolve a parameter, and may then leave an
``.aux.xml`` beside the user's raster.  Here only what the project has loaded
already is looked up; a path stays a path.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from qgis.core import QgsMapLayer, QgsProcessingContext, QgsProcessingUtils, QgsProperty, QgsProviderRegistry

from ..base.errors import InputError


def raster_sources(value: Any, name: str, context: QgsProcessingContext) -> list[tuple[str, str]]:
    """Path (or GDAL name) and layer name of each raster in the raw `value` of the parameter `name`.

    Raises
    ------
    InputError
        If a layer does not exist or is no raster that GDAL reads.
    """
    return [_source(item, name, context) for item in _items(value, context)]


def _items(value: Any, context: QgsProcessingContext) -> Iterator[Any]:
    """Layers and texts of a parameter's raw value, in order."""
    if isinstance(value, QgsProperty):
        value, _good = value.value(context.expressionContext(), "")
    if isinstance(value, (list, tuple)):
        for item in value:
            yield from _items(item, context)
    elif isinstance(value, str) and ";" in value and not Path(value).exists():
        yield from (part.strip() for part in value.split(";") if part.strip())
    elif value is not None and value != "":
        yield value


def _source(item: Any, name: str, context: QgsProcessingContext) -> tuple[str, str]:
    layer = item
    if not isinstance(item, QgsMapLayer):
        layer = QgsProcessingUtils.mapLayerFromString(str(item), context, False)
    if layer is None:
        return str(item), _name_of(str(item))
    if layer.providerType() != "gdal":
        raise InputError(f"{name}: the layer {layer.name()} is no raster file; save it as a GeoTIFF first.")
    path = QgsProviderRegistry.instance().decodeUri("gdal", layer.source()).get("path") or layer.source()
    return path, layer.name()


def _name_of(path: str) -> str:
    """The file's stem, or the variable of a NETCDF:"file":variable."""
    if ":" in path[2:] and not Path(path).exists():
        return path.rpartition(":")[2].strip('"/')
    return Path(path).stem
