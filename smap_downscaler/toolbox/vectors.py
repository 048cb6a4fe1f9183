"""Vector layers of any format, memory too: read whole, and written when all features are known."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from qgis.core import (
    NULL,
    Qgis,
    QgsCoordinateReferenceSystem,
    QgsFeature,
    QgsFeatureRequest,
    QgsFeatureSink,
    QgsFeatureSource,
    QgsField,
    QgsFields,
    QgsProcessingException,
    QgsProcessingFeatureSource,
    QgsProcessingOutputLayerDefinition,
    QgsProviderRegistry,
    QgsVectorFileWriter,
)
from qgis.PyQt.QtCore import QMetaType

from ..base.errors import Cancelled, InputError
from ..base.progress import Progress
from ..geo.datasets import stored_crs, successor
from .values import Values

#: Most bytes of a field's name in a shapefile.
_SHAPEFILE_NAME = 10
INTEGER, REAL = QMetaType.Type.LongLong, QMetaType.Type.Double


@dataclass(frozen=True)
class Column:
    """A new field: its name, its type (INTEGER or REAL), and one value per feature."""

    name: str
    kind: Any
    values: Sequence[Any]


def fields_of(kinds: Iterable[tuple[str, Any]]) -> QgsFields:
    """Fields by name and type."""
    fields = QgsFields()
    for name, kind in kinds:
        fields.append(QgsField(name, kind))
    return fields


def layer_source(values: Values, name: str) -> QgsProcessingFeatureSource:
    """The layer of a parameter (those features that are selected, where so asked).

    Raises
    ------
    InputError
        If there is no such layer.
    """
    source = values.algorithm.parameterAsSource(values.parameters, name, values.context)
    if source is None:
        raise InputError(f"{name}: there is no layer {values.parameters.get(name)!r}; check the path.")
    _check_code(values, name, source)
    return source


def _check_code(values: Values, name: str, source: QgsFeatureSource) -> None:
    """Raise `InputError` where QGIS took the successor of a superseded EPSG code for that of a file."""
    layer = values.vector_layer(name)
    if layer is None or layer.dataProvider().name() != "ogr":
        return
    parts = QgsProviderRegistry.instance().decodeUri("ogr", layer.source())
    path = parts.get("path") or ""
    # Of other formats QGIS reads the code itself.
    if not path.lower().endswith(".gpkg"):
        return
    stored = stored_crs(path, parts.get("layerName") or "")
    taken = successor(stored)
    if taken and source.sourceCrs().authid() == taken:
        raise InputError(
            f"{name}: {source.sourceName()} is in {stored}, which QGIS takes for its successor {taken}, a "
            f"different place; set the CRS of the layer to {stored} (Layer > Set CRS of Layer)."
        )


def check_shapes(source: QgsFeatureSource, name: str) -> None:
    """Raise `InputError` for a table, a layer in which no feature has a geometry, and one without a CRS."""
    if source.wkbType() == Qgis.WkbType.NoGeometry:
        raise InputError(
            f"{name}: {source.sourceName()} is a table without geometry; choose a layer of shapes."
        )
    crs = source.sourceCrs()
    # GeoPackages name what they do not know "Undefined geographic (or Cartesian) SRS".
    if not crs.isValid() or "Undefined" in crs.toWkt()[:20]:
        raise InputError(
            f"{name}: {source.sourceName()} has no coordinate reference system; assign one "
            "(Vector > Data Management Tools > Define Layer Projection)."
        )


def read_features(
    values: Values, name: str, progress: Progress
) -> tuple[QgsProcessingFeatureSource, list[QgsFeature]]:
    """The layer of a parameter and all its features (those selected, where so asked), invalid ones too.

    Raises
    ------
    InputError
        If there is no such layer, or it has no feature.
    """
    source = layer_source(values, name)
    # QGIS would stop at the first invalid geometry.
    skip = Qgis.ProcessingFeatureSourceFlag.SkipGeometryValidityChecks
    features = []
    for feature in source.getFeatures(QgsFeatureRequest(), skip):
        progress.check()
        features.append(feature)
    if not features:
        raise InputError(f"{name}: the layer {source.sourceName()} has no feature; choose another one.")
    return source, features


def add_columns(
    values: Values,
    name: str,
    source: QgsProcessingFeatureSource,
    features: Sequence[QgsFeature],
    columns: Sequence[Column],
    progress: Progress,
) -> str:
    """Write features with their geometry, attributes and new fields to the destination `name`.

    Old fields of the name of a new one are replaced; NaN becomes NULL.  A field `fid` that does not number
    the features gets another name, since a GeoPackage takes it for its key.

    Raises
    ------
    InputError
        As `write_layer`.
    """
    names = {column.name.lower() for column in columns}
    old = source.fields()
    kept = [index for index in range(old.count()) if old.at(index).name().lower() not in names]
    if len(kept) < old.count():
        replaced = [old.at(index).name() for index in range(old.count()) if index not in kept]
        progress.log(f"Fields of {source.sourceName()} replaced by new ones: {', '.join(replaced)}")
    fields = QgsFields()
    for index in kept:
        field = QgsField(old.at(index))
        if field.name().lower() == "fid" and not _is_key(field, [one.attribute(index) for one in features]):
            taken = names | {one.lower() for one in old.names()}
            field.setName(next(one for one in map("fid_{}".format, itertools.count(1)) if one not in taken))
            progress.log(
                f"Field fid of {source.sourceName()} is called {field.name()} in {name}: it does not number "
                "the rows one by one, as GeoPackages ask for"
            )
        fields.append(field)
    for column in columns:
        fields.append(QgsField(column.name, column.kind))
    layer = fields, source.wkbType(), source.sourceCrs()
    return write_layer(values, name, layer, _extended(features, kept, columns), progress)


def _is_key(field: QgsField, found: Sequence[Any]) -> bool:
    """Whether values are whole numbers, each once and none missing."""
    whole = field.type() in (QMetaType.Type.Int, INTEGER)
    return whole and NULL not in found and None not in found and len(set(found)) == len(found)


def _extended(
    features: Sequence[QgsFeature], kept: Sequence[int], columns: Sequence[Column]
) -> Iterator[QgsFeature]:
    for feature, *numbers in zip(features, *(column.values for column in columns)):
        made = QgsFeature()
        made.setGeometry(feature.geometry())
        known = [None if isinstance(number, float) and number != number else number for number in numbers]
        made.setAttributes([*(feature.attribute(index) for index in kept), *known])
        yield made


def qgis_crs(text: str) -> QgsCoordinateReferenceSystem:
    """A CRS of `EPSG:code` or WKT, as `raster` names it."""
    crs = QgsCoordinateReferenceSystem(text)
    return crs if crs.isValid() else QgsCoordinateReferenceSystem.fromWkt(text)


def write_layer(
    values: Values,
    name: str,
    layer: tuple[QgsFields, Qgis.WkbType, QgsCoordinateReferenceSystem],
    features: Iterable[QgsFeature],
    progress: Progress,
) -> str:
    """Write features to the destination `name` and return the layer's id or path.

    Raises
    ------
    InputError
        If the layer cannot be written; what was written of a file is removed, as on cancelling.
    """
    fields, geometry, crs = layer
    progress.check()
    text = _destination_text(values.parameters.get(name))
    long = [field for field in fields.names() if len(field.encode()) > _SHAPEFILE_NAME]
    if long and text.lower().endswith(".shp"):
        progress.warn(
            f"{name}: a shapefile cuts the names of fields to {_SHAPEFILE_NAME} letters ({long[0]} and "
            f"{len(long) - 1} more); give the file the ending .gpkg to keep them."
        )
    _make_folder(text, name)
    reason = "unknown reason"
    try:
        sink, destination = values.algorithm.parameterAsSink(
            values.parameters, name, values.context, fields, geometry, crs
        )
    except QgsProcessingException as error:
        sink, destination, reason = None, "", " ".join(str(error).split()).rstrip(".") or reason
    if sink is None:
        raise InputError(
            f"{name}: {text} cannot be written ({reason}); choose another place or another format, such as "
            ".gpkg."
        )
    try:
        for feature in features:
            progress.check()
            _check(sink.addFeature(feature, QgsFeatureSink.Flag.FastInsert), name, sink)
        _check(sink.flushBuffer(), name, sink)
    except (Cancelled, InputError):
        # Closes the file.
        del sink
        _remove(str(destination))
        raise
    return str(destination)


def _check(good: bool, name: str, sink: QgsFeatureSink) -> None:
    if not good:
        raise InputError(
            f"{name}: the layer cannot be written ({sink.lastError()}); check the free space, or take "
            "another format."
        )


def _remove(destination: str) -> None:
    """Take away a half-written file; a table in a database stays with the user's other tables."""
    path = Path(destination)
    if path.is_absolute() and path.is_file():
        QgsVectorFileWriter.deleteShapeFile(destination)
        path.unlink(missing_ok=True)


def _destination_text(destination: Any) -> str:
    """What a destination's value says in words."""
    if isinstance(destination, QgsProcessingOutputLayerDefinition):
        destination = destination.sink.staticValue()
    return destination if isinstance(destination, str) else ""


def _make_folder(target: str, name: str) -> None:
    """Make the folder of a file to be written: QGIS itself makes none."""
    path = Path(target)
    # Neither memory: nor a table of a database (ogr:, postgis:).
    if not path.is_absolute():
        return
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(
            f"{name}: the folder {path.parent} cannot be made ({error.strerror}); choose another one."
        ) from None
