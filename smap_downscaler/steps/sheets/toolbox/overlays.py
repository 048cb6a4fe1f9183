"""Vector layers of parameters as lines and points to draw."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import numpy as np
from qgis.core import (
    Qgis,
    QgsApplication,
    QgsFeature,
    QgsFeatureRequest,
    QgsFeatureSource,
    QgsGeometry,
    QgsRectangle,
    QgsVectorLayer,
    QgsWkbTypes,
)

from ....base.progress import Progress
from ....geo.grid import Bounds
from ....report.map_parts import Overlay
from ....toolbox.values import Values
from ....toolbox.vectors import check_shapes, features_of, layer_source, qgis_crs

WORLD_MAP = "world_map.gpkg"


def overlay(values: Values, name: str, label: str, crs: str, progress: Progress) -> list[Overlay]:
    """The layer of a parameter over the maps; nothing where none is given."""
    if not values.given(name):
        return []
    source = _source(values, name)
    request = QgsFeatureRequest()
    request.setDestinationCrs(qgis_crs(crs), values.context.transformContext())
    points = QgsWkbTypes.geometryType(source.wkbType()) == Qgis.GeometryType.Point
    parts = _parts(features_of(source, request, progress), points)
    if not parts:
        progress.warn(
            f"{name}: the layer {source.sourceName()} has no shape, so that nothing of it is drawn."
        )
    return [Overlay(label, parts, "points" if points else "line")]


def borders(values: Values, name: str, bounds: Bounds, progress: Progress) -> list[np.ndarray]:
    """Lines in degrees, shape (n, 2) each, over `bounds`, of a parameter's layer or else QGIS's world map."""
    source = _source(values, name) if values.given(name) else world_map()
    if source is None:
        return []
    request = QgsFeatureRequest()
    request.setDestinationCrs(qgis_crs("EPSG:4326"), values.context.transformContext())
    request.setFilterRect(QgsRectangle(bounds.left, bounds.bottom, bounds.right, bounds.top))
    request.setNoAttributes()
    return _parts(features_of(source, request, progress), False)


def world_map() -> QgsVectorLayer | None:
    """The countries of QGIS's own world map, where it has one."""
    path = Path(QgsApplication.pkgDataPath()) / "resources" / "data" / WORLD_MAP
    if not path.is_file():
        return None
    layer = QgsVectorLayer(f"{path}|layername=countries", "Countries", "ogr")
    return layer if layer.isValid() else None


def _source(values: Values, name: str) -> QgsFeatureSource:
    source = layer_source(values, name)
    check_shapes(source, name)
    return source


def _parts(features: Iterable[QgsFeature], points: bool) -> list[np.ndarray]:
    return [part for feature in features for part in lines_of(feature.geometry(), points)]


def lines_of(geometry: QgsGeometry, points: bool) -> list[np.ndarray]:
    """Rings and lines of a geometry, or its points, each of shape (n, 2); of collections all parts."""
    if geometry.isEmpty():
        return []
    kind = geometry.type()
    if kind == Qgis.GeometryType.Unknown:
        return [line for part in geometry.asGeometryCollection() for line in lines_of(part, points)]
    geometry.convertToMultiType()
    if kind == Qgis.GeometryType.Polygon:
        found = [ring for polygon in geometry.asMultiPolygon() for ring in polygon]
    elif kind == Qgis.GeometryType.Line:
        found = geometry.asMultiPolyline()
    else:
        # Points beside polygons would be joined by lines.
        found = [geometry.asMultiPoint()] if points else []
    return [np.array([(point.x(), point.y()) for point in part]) for part in found]
