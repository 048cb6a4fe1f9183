"""Vector layers of any format, memory too: read whole, and written when all features are known."""

from __future__ import annotations

import itertools
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from osgeo import gdal
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
    QgsProcessingContext,
    QgsProcessingException,
    QgsProcessingFeatureSource,
    QgsProcessingFeatureSourceDefinition,
    QgsProcessingOutputLayerDefinition,
    QgsProcessingUtils,
    QgsProperty,
    QgsProviderRegistry,
    QgsVectorFileWriter,
    QgsVectorLayer,
    QgsWkbTypes,
)
from qgis.PyQt.QtCore import QMetaType

from ..base.errors import InputError
from ..base.progress import Progress
from ..base.spreadsheet import inert, opens_in_spreadsheet
from ..base.words import Text, text
from ..geo.datasets import gdal_errors, reason_of, stored_crs, successor, whole_file
from ..tables.csv_lines import check_lines
from ..tables.geopackage import count_features, put_table
from .destinations import destination_text, file_and_table, layer_of_table, table_destination
from .values import Values, is_known

#: Most bytes of a field's name in a shapefile.
_SHAPEFILE_NAME = 10
#: Fields, kind of geometry and CRS.
Layer = tuple[QgsFields, Qgis.WkbType, QgsCoordinateReferenceSystem]
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
    _check_file(values, name, source)
    return source


def _check_file(values: Values, name: str, source: QgsFeatureSource) -> None:
    """Raise `InputError` where QGIS reads less than a file says: a CSV line in part, an old EPSG code."""
    layer = values.vector_layer(name)
    if layer is None or layer.dataProvider().name() != "ogr":
        return
    parts = QgsProviderRegistry.instance().decodeUri("ogr", layer.source())
    path = parts.get("path") or ""
    check_lines(path)
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


def beside_the_file(layer: QgsVectorLayer) -> str:
    """What the screen shows of a layer that its file does not hold, in words; empty where nothing."""
    found = ["with unsaved edits"] if layer.isModified() else []
    if layer.vectorJoins():
        found.append("with joined fields")
    if any(layer.expressionField(index) for index in range(layer.fields().count())):
        found.append("with virtual fields")
    return ", ".join(found)


def check_shapes(source: QgsFeatureSource, name: str) -> None:
    """Raise `InputError` for a table, a layer in which no feature has a geometry, and one without a CRS."""
    if source.wkbType() == Qgis.WkbType.NoGeometry:
        raise InputError(
            f"{name}: {source.sourceName()} is a table without geometry; choose a layer of shapes."
        )
    if QgsWkbTypes.flatType(source.wkbType()) == Qgis.WkbType.GeometryCollection:
        # QGIS takes them for layers without a place, and so without a CRS.
        raise InputError(
            f"{name}: {source.sourceName()} holds collections of shapes, which QGIS cannot draw; export it "
            "with one geometry type (Export > Save Features As > Geometry type)."
        )
    if not is_known(source.sourceCrs()):
        raise InputError(
            f"{name}: {source.sourceName()} has no coordinate reference system; assign one "
            "(Vector > Data Management Tools > Define Layer Projection)."
        )


def features_of(
    source: QgsFeatureSource, request: QgsFeatureRequest, progress: Progress
) -> Iterator[QgsFeature]:
    """The features that a request asks for, those of invalid geometry too, as they are.

    QGIS, where it is set to stop at the first invalid geometry, throws an exception from C++ through Python,
    which the session does not survive.
    """
    if isinstance(source, QgsProcessingFeatureSource):
        skip = Qgis.ProcessingFeatureSourceFlag.SkipGeometryValidityChecks
        features = source.getFeatures(request, skip)
    else:
        # A layer knows of no setting.
        features = source.getFeatures(request)
    for feature in features:
        progress.check()
        yield feature


def read_features(
    values: Values, name: str, progress: Progress
) -> tuple[QgsProcessingFeatureSource, list[QgsFeature]]:
    """The layer of a parameter and all its features (those selected, where so asked), invalid ones too.

    Raises
    ------
    InputError
        If there is no such layer, or it has no feature, or none that is selected where those are asked for.
    """
    source, layer = layer_source(values, name), values.vector_layer(name)
    beside = beside_the_file(layer) if layer is not None else ""
    if beside:
        progress.log(f"{name}: {source.sourceName()} is taken as the screen shows it, {beside}.")
    features = list(features_of(source, QgsFeatureRequest(), progress))
    asked = values.parameters.get(name)
    of_selected = isinstance(asked, QgsProcessingFeatureSourceDefinition) and asked.selectedFeaturesOnly
    if not features and of_selected and layer is not None and layer.featureCount():
        raise InputError(
            f"{name}: no feature of the layer {source.sourceName()} is selected; select some, or untick "
            "'Selected features only'."
        )
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
    layer: Layer = fields, source.wkbType(), source.sourceCrs()
    made = _extended(features, kept, columns)
    if opens_in_spreadsheet(destination_text(values.parameters.get(name), values.context)):
        made = map(_inert, made)
    return write_layer(values, name, layer, made, progress)


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


def _inert(feature: QgsFeature) -> QgsFeature:
    feature.setAttributes([inert(value) for value in feature.attributes()])
    return feature


def qgis_crs(text: str) -> QgsCoordinateReferenceSystem:
    """A CRS of `EPSG:code` or WKT, as `raster` names it."""
    crs = QgsCoordinateReferenceSystem(text)
    return crs if crs.isValid() else QgsCoordinateReferenceSystem.fromWkt(text)


def write_layer(
    values: Values, name: str, layer: Layer, features: Iterable[QgsFeature], progress: Progress
) -> str:
    """Write features to the destination `name` and return the layer's id or path.

    A file, or a table in the file of a database, takes its place only when it is whole: a sink of QGIS ends
    its work when it is thrown away, and cannot tell then that this failed.

    Raises
    ------
    InputError
        If the layer cannot be written; what was there before stays, as on cancelling.
    """
    progress.check()
    asked = destination_text(values.parameters.get(name), values.context)
    long = [field for field in layer[0].names() if len(field.encode()) > _SHAPEFILE_NAME]
    if long and asked.lower().endswith(".shp"):
        progress.warn(_names_cut(name, long))
    file, table = file_and_table(asked)
    if not file:
        # A layer in memory, or a database that looks after itself.
        return _through_sink(values, name, "", layer, features, progress)
    target = Path(file)
    if table and target.exists():
        with tempfile.TemporaryDirectory() as folder:
            part = Path(folder) / target.name
            sent = _through_sink(values, name, table_destination(part, table), layer, features, progress)
            put_table(part, target, table)
    else:
        with whole_file(target, in_folder=True) as part:
            where = table_destination(part, table) if table else str(part)
            sent = _through_sink(values, name, where, layer, features, progress)
    made = layer_of_table(file, table)
    _load_from(values.context, sent, made)
    return made


def _through_sink(
    values: Values, name: str, where: str, layer: Layer, features: Iterable[QgsFeature], progress: Progress
) -> str:
    """Write features to `where`, or else to the destination `name`; returns what QGIS calls the layer."""
    value = values.parameters.get(name)
    if where and isinstance(value, QgsProcessingOutputLayerDefinition):
        # It knows of the project, and of options of the format.
        value = QgsProcessingOutputLayerDefinition(value)
        value.sink = QgsProperty.fromValue(where)
    elif where:
        value = where
    reason = "unknown reason"
    with gdal_errors() as messages:
        try:
            sink, made = values.algorithm.parameterAsSink({name: value}, name, values.context, *layer)
        except QgsProcessingException as error:
            sink, made, reason = None, "", " ".join(str(error).split()).rstrip(".") or reason
        if sink is None:
            asked = destination_text(values.parameters.get(name), values.context)
            raise InputError(
                f"{name}: {asked} cannot be written ({reason.replace(where or asked, asked)}); choose "
                "another place or another format, such as .gpkg."
            )
        count = 0
        try:
            for feature in features:
                progress.check()
                _check(sink.addFeature(feature, QgsFeatureSink.Flag.FastInsert), name, sink.lastError())
                count += 1
            _check(sink.flushBuffer(), name, sink.lastError())
        finally:
            # Closes the file.
            sink = None
    written = _count(where, made, values.context, progress)
    _check(
        not messages and written in (None, count),
        name,
        reason_of(messages, f"of {count:,} features {written or 0:,} arrived"),
    )
    return str(made)


def _names_cut(name: str, long: Sequence[str]) -> Text:
    return text(
        "{}: a shapefile cuts the names of fields to {letters} letters ({} and {others} more); give the file "
        "the ending .gpkg to keep them.",
        name,
        long[0],
        letters=_SHAPEFILE_NAME,
        others=len(long) - 1,
    )


def _count(where: str, made: str, context: QgsProcessingContext, progress: Progress) -> int | None:
    """The features of a layer that was written, each of which is read; None for what nobody can read."""
    file, table = file_and_table(where)
    if not file:
        layer = QgsProcessingUtils.mapLayerFromString(made, context)
        return 0 if layer is None else layer.featureCount()
    driver = gdal.GetDriverByName(QgsVectorFileWriter.driverForExtension(Path(file).suffix))
    if driver is None or driver.GetMetadataItem(gdal.DCAP_OPEN) != "YES":
        return None
    return count_features(file, table, progress)


def _check(good: bool, name: str, reason: str) -> None:
    if not good:
        raise InputError(
            f"{name}: the layer cannot be written ({reason}); check the free space, or take another format."
        )


def _load_from(context: QgsProcessingContext, old: str, new: str) -> None:
    """Let QGIS load a layer from the place that it has in the end, where it is to load it."""
    layers = context.layersToLoadOnCompletion()
    if old in layers:
        layers[new] = layers.pop(old)
        context.setLayersToLoadOnCompletion(layers)
