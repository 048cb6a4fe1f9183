"""Vector layers of parameters as lines and points to draw."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import numpy as np
from qgis.core import (
    NULL,
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

from ....base.errors import InputError
from ....base.progress import Progress
from ....geo.grid import Bounds
from ....report.map_parts import Overlay
from ....toolbox.values import Values
from ....toolbox.vectors import check_shapes, features_of, layer_source, qgis_crs
from ..locator import room_for_name

WORLD_MAP = "world_map.gpkg"
#: The field of its countries' names.
_COUNTRY = "NAME"
#: What fields with the names of stations are called, the likeliest first.
_NAME_FIELDS = ("station", "name", "site", "label", "code")
#: How well the place of a country's name is worked out.
_PLACE_DEGREES = 0.5


def overlay(
    values: Values, name: str, label: str, crs: str, seen: Bounds, progress: Progress, field: str = ""
) -> list[Overlay]:
    """The layer of a parameter over the maps, its points named by a field; nothing where none is given.

    A warning tells where nothing of it lies within `seen`, in `crs`.
    """
    if not values.given(name):
        return []
    source = _source(values, name)
    request = QgsFeatureRequest()
    request.setDestinationCrs(qgis_crs(crs), values.context.transformContext())
    points = QgsWkbTypes.geometryType(source.wkbType()) == Qgis.GeometryType.Point
    parts, names = [], []
    for feature in features_of(source, request, progress):
        for part in lines_of(feature.geometry(), points):
            parts.append(part)
            names += [_text_of(feature[field])] * len(part) if field else []
    if not parts:
        progress.warn(
            f"{name}: the layer {source.sourceName()} has no shape, so that nothing of it is drawn."
        )
    elif not any(_meets(part, seen) for part in parts):
        progress.warn(
            f"{name}: no shape of the layer {source.sourceName()} lies on the maps, so that nothing of it is "
            "seen; check its CRS, or choose one of the same area."
        )
    return [Overlay(label, parts, "points" if points else "line", names)]


def _meets(part: np.ndarray, seen: Bounds) -> bool:
    """Whether the box around a line or points meets that of the maps, be it in one point."""
    (left, bottom), (right, top) = part.min(axis=0), part.max(axis=0)
    return left <= seen.right and seen.left <= right and bottom <= seen.top and seen.bottom <= top


def name_field(values: Values, name: str, parameter: str) -> str:
    """The field that names the features of the layer `name`: that of `parameter`, or one called so; or empty.

    Raises
    ------
    InputError
        If the layer has no field of that name.
    """
    if not values.given(name):
        return ""
    fields = _source(values, name).fields().names()
    asked = values.text(parameter)
    if asked and asked not in fields:
        raise InputError(
            f"{parameter}: the layer of {name} has no field {asked} (it has {', '.join(fields)}); choose one "
            "of these."
        )
    known = {field.lower(): field for field in fields}
    return asked or next((known[word] for word in _NAME_FIELDS if word in known), "")


def surroundings(values: Values, name: str, bounds: Bounds, inner: bool, progress: Progress) -> list[Overlay]:
    """Borders in degrees over `bounds`, of a parameter's layer or else of QGIS's world map with its names.

    Parameters
    ----------
    values : Values
    name : str
        The parameter.
    bounds : Bounds
        Degrees.
    inner : bool
        Whether the world map's provinces are drawn too.
    progress : Progress
    """
    if values.given(name):
        found = _within(values, _source(values, name), bounds, progress)
        return [Overlay("", [part for feature in found for part in _lines(feature)], "border")]
    overlays = []
    provinces = world_map("states_provinces") if inner else None
    if provinces is not None:
        lines = [part for one in _within(values, provinces, bounds, progress) for part in _lines(one)]
        overlays.append(Overlay("", lines, "inner"))
    countries = world_map("countries")
    if countries is None:
        return overlays
    features = list(_within(values, countries, bounds, progress))
    overlays.append(Overlay("", [part for one in features for part in _lines(one)], "border"))
    if countries.fields().indexOf(_COUNTRY) >= 0:
        overlays.append(_country_names(features, bounds))
    return overlays


def _country_names(features: Iterable[QgsFeature], bounds: Bounds) -> Overlay:
    """Each name at a place within the part that is seen, where this is wide enough; large countries first."""
    seen, parts, names = QgsGeometry.fromRect(_rectangle(bounds)), [], []
    # French Guiana alone is not named France.
    mainlands = [
        (max(feature.geometry().asGeometryCollection(), key=QgsGeometry.area), _text_of(feature[_COUNTRY]))
        for feature in features
    ]
    for mainland, name in sorted(mainlands, key=lambda one: -one[0].area()):
        geometry = mainland.intersection(seen)
        if geometry.isEmpty() or not room_for_name(bounds, geometry.boundingBox().width(), name):
            continue
        place = geometry.poleOfInaccessibility(_PLACE_DEGREES)[0]
        if not place.isEmpty():
            parts += lines_of(place, points=True)
            names.append(name)
    return Overlay("", parts, "places", names)


def _text_of(value: object) -> str:
    return "" if value is None or value == NULL else str(value)


def _within(
    values: Values, source: QgsFeatureSource, bounds: Bounds, progress: Progress
) -> Iterable[QgsFeature]:
    """The features over bounds in degrees, in degrees."""
    request = QgsFeatureRequest()
    request.setDestinationCrs(qgis_crs("EPSG:4326"), values.context.transformContext())
    request.setFilterRect(_rectangle(bounds))
    return features_of(source, request, progress)


def _rectangle(bounds: Bounds) -> QgsRectangle:
    return QgsRectangle(bounds.left, bounds.bottom, bounds.right, bounds.top)


def world_map(layer: str) -> QgsVectorLayer | None:
    """A layer of QGIS's own world map, where there is one."""
    path = Path(QgsApplication.pkgDataPath()) / "resources" / "data" / WORLD_MAP
    if not path.is_file():
        return None
    found = QgsVectorLayer(f"{path}|layername={layer}", layer, "ogr")
    return found if found.isValid() else None


def _source(values: Values, name: str) -> QgsFeatureSource:
    source = layer_source(values, name)
    check_shapes(source, name)
    return source


def _lines(feature: QgsFeature) -> list[np.ndarray]:
    return lines_of(feature.geometry(), points=False)


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
