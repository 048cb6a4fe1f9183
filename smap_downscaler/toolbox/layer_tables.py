"""The table of a layer as what steps read: rows in a GeoPackage, as they are on the screen."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any

from qgis.core import (
    Qgis,
    QgsFeatureRequest,
    QgsField,
    QgsProcessingFeatureSourceDefinition,
    QgsProcessingUtils,
    QgsProviderRegistry,
)
from qgis.PyQt.QtCore import QDate, QDateTime, QMetaType, Qt, QTime, QVariant

from ..base.errors import InputError
from ..base.progress import Progress
from ..tables.geopackage import DATE, INTEGER, MOST_FIELDS, REAL, TEXT, create_table, read_notes
from .values import Values
from .vectors import beside_the_file, features_of, layer_source

_TABLE = "rows"
_WHOLE = (QMetaType.Type.Int, QMetaType.Type.UInt, QMetaType.Type.LongLong, QMetaType.Type.ULongLong)
_WHOLE += (QMetaType.Type.Bool, QMetaType.Type.Short, QMetaType.Type.UShort)
_PLAIN = (int, float, str, type(None))


def layer_table(
    values: Values, name: str, progress: Progress, needed: Sequence[str] = ()
) -> tuple[str, str, str]:
    """A table as GeoPackage path, layer name, and what to call it in messages.

    A GeoPackage is read where it is.  Of anything else a copy is made: of other formats, memory layers and
    selections, and where the screen shows more than the file: unsaved edits, joined and virtual fields.

    Parameters
    ----------
    values : Values
    name : str
        The parameter.
    progress : Progress
    needed : sequence of str
        The fields that are kept where a GeoPackage cannot hold all.

    Raises
    ------
    InputError
        If there is no such layer, or it has too many fields.
    """
    label, layer = values.layer_label(name), values.vector_layer(name)
    if layer is None:
        raise InputError(f"{name}: there is no table; choose one.")
    of_some = isinstance(values.parameters.get(name), QgsProcessingFeatureSourceDefinition)
    package = layer.storageType() == "GPKG" and QgsProviderRegistry.instance().decodeUri(
        "ogr", layer.source()
    )
    beside = beside_the_file(layer)
    if package and os.path.isfile(package["path"]) and not (beside or of_some or layer.subsetString()):
        return package["path"], package.get("layerName") or "", label
    if beside:
        progress.log(f"{name}: the rows of {layer.name()} are taken as the screen shows them, {beside}.")
        # What is read is not what the file holds, and must not be called so.
        label = layer.name()
    notes = read_notes(package["path"], package.get("layerName") or "") if package else None
    path = QgsProcessingUtils.generateTempFilename(f"{_TABLE}.gpkg", values.context)
    _copy(values, name, label, (path, notes[1] if notes else {}), needed, progress)
    return path, _TABLE, label


def _copy(
    values: Values,
    name: str,
    label: str,
    target: tuple[str, dict[str, Any]],
    needed: Sequence[str],
    progress: Progress,
) -> None:
    source = layer_source(values, name)
    fields = source.fields()
    names = fields.names()
    doubled = [one for one, times in Counter(map(str.lower, names)).items() if times > 1]
    if doubled:
        pair = [one for one in names if one.lower() == doubled[0]]
        raise InputError(f"{label}: its fields {' and '.join(pair)} differ by capitals only; rename one.")
    kept = list(range(len(names)))
    if len(kept) > MOST_FIELDS:
        wanted = {one.lower() for one in needed}
        kept = [index for index in kept if names[index].lower() in wanted]
        if not kept or len(kept) > MOST_FIELDS:
            raise InputError(
                f"{name}: {label} has {len(names):,} fields, more than the {MOST_FIELDS:,} that a table can "
                "hold here; name fewer covariates (FIELDS), or remove fields."
            )
    kinds = {names[index]: _kind(fields.at(index)) for index in kept}
    path, notes = target
    request = QgsFeatureRequest().setFlags(Qgis.FeatureRequestFlag.NoGeometry)
    progress.set_text(f"Reading {label}")

    def rows() -> Iterator[list[Any]]:
        for feature in features_of(source, request, progress):
            found = feature.attributes()
            yield [
                value if isinstance(value, _PLAIN) else _plain(value)
                for value in (found if len(kept) == len(found) else [found[index] for index in kept])
            ]

    with create_table(path, _TABLE, kinds, notes, progress=progress) as table:
        table.write(rows())


def _kind(field: QgsField) -> int:
    if field.type() in _WHOLE:
        return INTEGER
    if field.isNumeric():
        return REAL
    return DATE if field.type() == QMetaType.Type.QDate else TEXT


def _plain(value: Any) -> Any:
    """A value of a field as SQLite takes it; dates and times in ISO 8601."""
    if isinstance(value, QVariant):
        return None if value.isNull() else str(value.value())
    if isinstance(value, (QDate, QDateTime, QTime)):
        return value.toString(Qt.DateFormat.ISODate) if value.isValid() else None
    return str(value)
