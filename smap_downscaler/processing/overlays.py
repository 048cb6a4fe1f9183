"""Vector layers of parameters as lines and points to draw."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import numpy as np
from qgis.core import (
    Qgis,
    QgsApplication,
    QgsFeatureRequest,
    QgsFeatureSource,
    QgsGeometry,
    QgsRectangle,
    QgsVectorLayer,
    QgsWkbTypes,
)

from ..core.errors import InputError
from ..core.grid import Bounds
from ..core.progress import Progress
from ..report.furniture import Overlay
from .values import Values
from .vectors import layer_source, qgis_crs

WORLD_MAP = "world_map.gpkg"


def overlay(values: Values, name: str, label: str, crs: str, progress: Progress) -> list[Overlay]:
    """The layer of a parameter over the maps; nothing where none is given."""
    if not values.given(name):
        return []
    source = _source(values, name)
    request = QgsFeatureRequest()
    request.setDestinationCrs(qgis_crs(crs), values.context.transformContext())
    points = QgsWkbTypes.geometryType(source.wkbType()) == Qgis.GeometryType.Point
    return [Overlay(label, _parts(source.getFeatures(request), progress), points)]


def borders(values: Values, name: str, bounds: Bounds, progress: Progress) -> list[np.ndarray]:
    """Lines in degrees over `bounds`: of a parameter's layer, else of the world map that QGIS brings."""
    source = _source(values, name) if values.given(name) else world_map()
    if source is None:
        return []
    request = QgsFeatureRequest()
    request.setDestinationCrs(qgis_crs("EPSG:4326"), values.context.transformContext())
    request.setFilterRect(QgsRectangle(bounds.left, bounds.bottom, bounds.right, bounds.top))
    request.setNoAttributes()
    return _parts(source.getFeatures(request), progress)


def world_map() -> QgsVectorLayer | None:
    """The countries of QGIS's own world map, where it has one."""
    path = Path(QgsApplication.pkgDataPath()) / "resources" / "data" / WORLD_MAP
    if not path.is_file():
        return None
    layer = QgsVectorLayer(f"{path}|layername=countries", "Countries", "ogr")
    return layer if layer.isValid() else None


def _source(values: Values, name: str) -> QgsFeatureSource:
    source = layer_source(values, name)
    if source.wkbType() == Qgis.WkbType.NoGeometry:
        raise InputError(
            f"{name}: {source.sourceName()} is a table without geometry; choose a layer of shapes."
        )
    # Its shapes would be drawn as if they were in the CRS of the maps.
    if not source.sourceCrs().isValid():
        raise InputError(
            f"{name}: {source.sourceName()} has no coordinate reference system; assign one "
            "(Vector > Data Management Tools > Define Layer Projection)."
        )
    return source


def _parts(features: Iterable, progress: Progress) -> list[np.ndarray]:
    parts: list[np.ndarray] = []
    for feature in features:
        progress.check()
        parts += _lines(feature.geometry())
    return parts


def _lines(geometry: QgsGeometry) -> list[np.ndarray]:
    """Rings, lines or points of a geometry, each of shape (n, 2)."""
    if geometry.isEmpty():
        return []
    kind = geometry.type()
    geometry.convertToMultiType()
    if kind == Qgis.GeometryType.Polygon:
        found = [ring for polygon in geometry.asMultiPolygon() for ring in polygon]
    elif kind == Qgis.GeometryType.Line:
        found = geometry.asMultiPolyline()
    else:
        found = [geometry.asMultiPoint()]
    return [np.array([(point.x(), point.y()) for point in part]) for part in found]
