"""AOI, the study area as polygons: the parameter, how it is read, and what logs and reports say of it."""

from __future__ import annotations

from collections.abc import Sequence

from qgis.core import (
    Qgis,
    QgsFeature,
    QgsFeatureSource,
    QgsProcessing,
    QgsProcessingParameterFeatureSource,
    QgsWkbTypes,
)

from ..base.errors import InputError
from ..base.progress import Progress
from ..base.words import text
from ..geo.area import Area
from ..geo.placing import Shapes, read_shapes
from .values import Values, crs_text
from .vectors import check_shapes, layer_source, read_features

AOI = "AOI"
_NO_POLYGONS = (Qgis.GeometryType.Point, Qgis.GeometryType.Line)


def area_parameter(description: str = "Study area (polygons)") -> QgsProcessingParameterFeatureSource:
    """AOI: the layer whose polygons, or those selected, are the study area; see `read_area`."""
    return QgsProcessingParameterFeatureSource(
        AOI, description, types=[QgsProcessing.SourceType.TypeVectorPolygon], optional=True
    )


def check_area(values: Values) -> None:
    """Raise `InputError` for an AOI that is no layer of polygons with a CRS; features are not looked at."""
    if values.given(AOI):
        check_polygon_layer(layer_source(values, AOI), AOI)


def read_area(values: Values, progress: Progress) -> Area | None:
    """The polygons of AOI (those selected, where so asked), which count as their union; None without them.

    Raises
    ------
    InputError
        If the layer holds no polygon with an area, or has no CRS.
    """
    if not values.given(AOI):
        return None
    source, features = read_features(values, AOI, progress)
    shapes = polygons_of(source, features, AOI, "left out", progress)
    if len(shapes.empty) == shapes.count:
        raise InputError(
            f"{AOI}: no polygon of the layer {source.sourceName()} has an area; choose another one."
        )
    return Area(shapes, source.sourceName(), AOI)


def area_used(area: Area | None) -> dict[str, object]:
    """The study area, for a manifest; nothing where there is none."""
    return {} if area is None else {"study area (AOI)": area.tag}


def check_polygon_layer(source: QgsFeatureSource, name: str) -> None:
    """Raise `InputError` for a layer of points or lines, a table, and a layer without a CRS."""
    # QGIS does not hold scripts and models to the kind of layer that is asked for.
    if QgsWkbTypes.geometryType(source.wkbType()) in _NO_POLYGONS:
        raise InputError(
            f"{name}: the layer {source.sourceName()} holds no polygons; choose a layer of polygons."
        )
    check_shapes(source, name)


def polygons_of(
    source: QgsFeatureSource, features: Sequence[QgsFeature], name: str, fate: str, progress: Progress
) -> Shapes:
    """The polygons of features of the parameter `name`, with a warning of those repaired and without area.

    Parameters
    ----------
    source, features
        As `read_features` gives them.
    name : str
    fate : str
        What becomes of those without area: "left out".
    progress : Progress

    Raises
    ------
    InputError
        As `check_polygon_layer`.
    """
    check_polygon_layer(source, name)
    geometries = [bytes(feature.geometry().asWkb()) for feature in features]
    shapes = read_shapes(geometries, crs_text(source.sourceCrs()), progress)
    if len(shapes.repaired):
        progress.warn(text("{}: {} invalid; repaired", name, shapes.of_all(len(shapes.repaired))))
    if len(shapes.empty):
        progress.warn(text("{}: {} without area, and {}", name, shapes.of_all(len(shapes.empty)), fate))
    return shapes
