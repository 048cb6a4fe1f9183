"""Outputs that cannot be written, or would overwrite inputs or each other, are refused before any work."""

from __future__ import annotations

import os
import re
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from qgis.core import (
    QgsMapLayer,
    QgsProcessingAlgorithm,
    QgsProcessingContext,
    QgsProcessingFeatureSourceDefinition,
    QgsProcessingParameterDefinition,
    QgsProcessingParameterFileDestination,
)

from ..base.errors import InputError
from ..tables.geopackage import has_table_format
from .destinations import destination_text, file_and_table, is_database, is_plain_file
from .given import SERIES, several_of

#: The endings in a file filter, as "PNG files (*.png)".
_ENDING = re.compile(r"\*(\.\w+)")
#: Kinds of parameters whose values are no files.
_NO_FILES = frozenset({"string", "number", "enum", "boolean", "extent", "crs", "datetime", "matrix"})


def check_outputs(
    algorithm: QgsProcessingAlgorithm, parameters: dict[str, Any], context: QgsProcessingContext
) -> None:
    """Raise `InputError` where an output is an input or another output, lies in an input series' folder, or
    cannot be written.

    Links are followed, and the letters of Windows' paths compared as Windows does.
    """
    inputs, outputs = [], []
    for definition in algorithm.parameterDefinitions():
        value = parameters.get(definition.name())
        if definition.isDestination():
            path, table = _file_of(definition, destination_text(value, context))
            outputs += [(definition, path, table)] if path else []
        elif definition.type() not in _NO_FILES:
            for source, source_table in _texts(value, context):
                inputs += [(definition, source, source_table)] if os.path.exists(source) else []
    for number, (output, path, table) in enumerate(outputs):
        for other, other_path, other_table in outputs[:number]:
            if _same(path, other_path) and not (table and other_table and table != other_table):
                raise InputError(
                    f"{other.name()} and {output.name()} are both {path}; give two different files."
                )
        for source, source_path, source_table in inputs:
            # Tables of a database live beside each other.
            if not (table and source_table and table != source_table):
                _check_pair(output, path, source, source_path)
        _check_writable(output, path)


def _file_of(output: QgsProcessingParameterDefinition, text: str) -> tuple[str, str]:
    """The file that a destination is, and the table in it; empty where it is neither.

    Raises
    ------
    InputError
        If it must be a file and is none, or names no table of a database.
    """
    if output.type() == "sink":
        found = file_and_table(text)
        if (text.startswith("ogr:") and not any(found)) or (found[1] and not is_database(found[0])):
            raise InputError(
                f"{output.name()} is {text}, which names no table of a GeoPackage; give a file, or a "
                "table as ogr:dbname='file.gpkg' table=\"name\" (geom)."
            )
        return found
    if output.type() in ("vectorDestination", "rasterDestination") and not is_plain_file(text):
        raise InputError(f"{output.name()} is {text}, which is no file; give a file of its own.")
    return text, ""


def _check_pair(
    output: QgsProcessingParameterDefinition,
    path: str,
    source: QgsProcessingParameterDefinition,
    source_path: str,
) -> None:
    if _same(path, source_path):
        raise InputError(
            f"{output.name()} and {source.name()} are both {path}; choose another {output.name()}."
        )
    if os.path.isdir(source_path) and _same(os.path.dirname(path), source_path):
        raise InputError(
            f"{output.name()} ({path}) lies in the folder given as {source.name()}, which would then hold "
            "what does not belong to it; choose another folder."
        )
    if (
        output.type() == "folderDestination"
        and _is_series(source)
        and _same(path, os.path.dirname(source_path))
    ):
        raise InputError(
            f"{output.name()} ({path}) is the folder of a file given as {source.name()}; choose "
            "a folder of its own."
        )


def _check_writable(output: QgsProcessingParameterDefinition, path: str) -> None:
    """Refuse what would be found out after hours of work; folders that are missing are made when it ends."""
    target = Path(path).absolute()
    _check_ending(output, target)
    is_folder = output.type() == "folderDestination"
    if target.exists() and target.is_dir() != is_folder:
        kinds = ("file", "folder") if is_folder else ("folder", "file")
        raise InputError(f"{output.name()}: {path} is a {kinds[0]}; choose a {kinds[1]}.")
    reason = _why_unwritable(target if is_folder else target.parent)
    if reason:
        raise InputError(f"{output.name()}: {path} cannot be written ({reason}); choose another place.")


def _check_ending(output: QgsProcessingParameterDefinition, target: Path) -> None:
    """Refuse a file of another kind than the output's, and a table of a format that holds none."""
    if isinstance(output, QgsProcessingParameterFileDestination):
        endings = _ENDING.findall(output.fileFilter().lower())
        if endings and target.suffix.lower() not in endings:
            some, last = ", ".join(endings[:-1]), endings[-1]
            allowed = f"{some} or {last}" if some else last
            raise InputError(f"{output.name()} is {target}; give it the ending {allowed}.")
    elif output.type() == "vectorDestination" and not has_table_format(target):
        raise InputError(
            f"{output.name()} is {target}, a format that holds no such table; give it the ending .gpkg or "
            ".csv."
        )


def _why_unwritable(folder: Path) -> str:
    """Why no file can be made in a folder, or in the nearest one above it that exists; empty where it can."""
    while not os.path.lexists(folder) and folder != folder.parent:
        folder = folder.parent
    if not folder.is_dir():
        return f"{folder} is no folder"
    try:
        # Nothing else is sure on all systems; the file has no name, or is gone at once.
        with tempfile.TemporaryFile(dir=folder):
            return ""
    except OSError as error:
        return f"{folder}: {error.strerror or error}"


def _is_series(source: QgsProcessingParameterDefinition) -> bool:
    """Whether a file of a parameter stands for its folder: a granule, or years of days given one by one."""
    return source.type() in (SERIES, "multilayer")


def _same(first: str, second: str) -> bool:
    return _real_path(first) == _real_path(second)


def _real_path(path: str) -> str:
    return os.path.normcase(os.path.realpath(path))


def _texts(value: Any, context: QgsProcessingContext) -> Iterator[tuple[str, str]]:
    """The paths in a raw value, and what table of them it is; layers by their source."""
    if isinstance(value, QgsProcessingFeatureSourceDefinition):
        value = value.source.staticValue()
    for item in several_of(value):
        if isinstance(item, QgsMapLayer):
            yield _split(item.source())
        elif isinstance(item, str):
            layer = None if os.path.exists(item) or Path(item).is_absolute() else context.getMapLayer(item)
            # A layer of a file may be named as FILE|layername=NAME.
            yield (item, "") if os.path.exists(item) else _split(item if layer is None else layer.source())


def _split(source: str) -> tuple[str, str]:
    path, _, options = source.partition("|")
    return path, options.partition("layername=")[2].split("|")[0]
