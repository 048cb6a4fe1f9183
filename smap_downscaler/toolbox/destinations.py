"""What the destination of an output says: a file, a table in the file of a database, or neither."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from qgis.core import (
    QgsDataSourceUri,
    QgsProcessing,
    QgsProcessingContext,
    QgsProcessingOutputLayerDefinition,
    QgsProperty,
    QgsVectorFileWriter,
)

#: Endings of databases in a file, which may hold other tables too.
_DATABASES = (".gpkg", ".sqlite", ".db")
_OGR, _LAYER = "ogr:", "|layername="
#: What QGIS takes for the name of a provider, as memory: or postgis:, and GDAL's virtual files.
_NO_FILE = re.compile(r"[^/\\:]{3,}:|/vsi")


def destination_text(value: Any, context: QgsProcessingContext) -> str:
    """What a destination's raw value says in words; empty for none and for a temporary one."""
    if isinstance(value, QgsProcessingOutputLayerDefinition):
        value = value.sink
    if isinstance(value, QgsProperty):
        value, _good = value.value(context.expressionContext(), "")
    return value if isinstance(value, str) and value != QgsProcessing.TEMPORARY_OUTPUT else ""


def is_plain_file(destination: str) -> bool:
    """Whether it is a file and nothing else."""
    return _LAYER not in destination and not _NO_FILE.match(destination)


def file_and_table(destination: str) -> tuple[str, str]:
    """The file of a destination of a layer, and the table in it; empty where there is none."""
    if destination.startswith(_OGR):
        uri = QgsDataSourceUri(destination[len(_OGR) :])
        known = uri.table() and Path(uri.database()).suffix.lower() in _DATABASES
        return (uri.database(), uri.table()) if known else ("", "")
    path, _, table = destination.partition(_LAYER)
    if not path or _NO_FILE.match(path):
        return "", ""
    if not QgsVectorFileWriter.driverForExtension(Path(path).suffix):
        # As QGIS does.
        path += ".gpkg"
    return path, table


def table_destination(file: str | Path, table: str) -> str:
    """The destination that is a table of a database."""
    uri = QgsDataSourceUri()
    uri.setDatabase(str(file))
    uri.setTable(table)
    uri.setGeometryColumn("geom")
    return f"{_OGR}{uri.uri()}"


def layer_of_table(file: str | Path, table: str) -> str:
    """What QGIS calls the layer of a file, or of a table of one."""
    return f"{file}{_LAYER}{table}" if table else str(file)


def is_database(file: str) -> bool:
    """Whether a file may hold other tables."""
    return Path(file).suffix.lower() in _DATABASES
