"""What the manifest of a run says of its parameters, and the calls that do the same again."""

from __future__ import annotations

import json
import os
import platform
from collections.abc import Mapping
from typing import Any

from qgis.core import (
    Qgis,
    QgsCoordinateReferenceSystem,
    QgsMapLayer,
    QgsProcessing,
    QgsProcessingAlgorithm,
    QgsProcessingFeatureSourceDefinition,
    QgsProcessingParameterDefinition,
    QgsProcessingUtils,
    QgsProviderRegistry,
    QgsRasterLayer,
    QgsVectorLayer,
)

from ..base.errors import InputError
from ..base.progress import Progress
from ..geo.packed import file_of
from ..runs.fingerprint import is_handed_on
from ..runs.manifest import MODEL_FILES, files_told, write_manifest
from ..runs.provenance import versions
from .destinations import destination_text, is_plain_file
from .given import SERIES, is_null, several_of
from .values import Values, layer_called, loaded_layer, name_of_file

#: Kinds of parameters whose values are plain: no files, folders or layers, no places, no dates.
_PLAIN = frozenset({"string", "number", "enum", "boolean", "matrix", "distance", "field", "band", "range"})
_WORD = "END"


class RunManifest:
    """What a run is made from, looked at before it begins, and told where it leaves a folder or model file.

    Parameters
    ----------
    algorithm : QgsProcessingAlgorithm
    values : Values
        Of the run.
    progress : Progress

    Raises
    ------
    Cancelled
    """

    def __init__(self, algorithm: QgsProcessingAlgorithm, values: Values, progress: Progress):
        self._algorithm, self._values = algorithm, values
        self._places: dict[str, list[str]] = {}
        self._doubts: list[str] = []
        self._settings: dict[str, Any] = {}
        self._inputs: dict[str, list[dict[str, object]]] = {}
        if not any(_may_have_manifest(one) for one in algorithm.destinationParameterDefinitions()):
            return
        for definition in algorithm.parameterDefinitions():
            value = self._destination(definition) if definition.isDestination() else self._input(definition)
            if value is not None:
                # In both calls numbers are those of JSON.
                self._settings[definition.name()] = json.loads(json.dumps(value, default=_text))
        self._inputs = {name: files_told(places, progress) for name, places in self._places.items()}

    def write(self, outputs: Mapping[str, Any], progress: Progress) -> None:
        """Write it into the folders, and beside the model files, that a run which succeeded has left."""
        for definition in self._algorithm.destinationParameterDefinitions():
            made = outputs.get(definition.name())
            if isinstance(made, str) and _may_have_manifest(definition) and os.path.exists(made):
                try:
                    write_manifest(made, self._content())
                except InputError as error:
                    progress.warn(f"{error} The results are whole; only what they came from is not told.")

    def _content(self) -> dict[str, Any]:
        name, settings = self._algorithm.id(), self._settings
        given = json.dumps({"inputs": settings}, ensure_ascii=False)
        return {
            "about": "What made these results. The two calls do the same again: the first in a POSIX shell, "
            "which hands the text between the lines to it; the second in QGIS's Python console.",
            "algorithm": name,
            "title": self._algorithm.displayName(),
            "qgis_process": f"qgis_process run {name} - <<'{_WORD}'\n{given}\n{_WORD}",
            "python": f"processing.run({name!r}, {settings!r})",
            "repeatable": not self._doubts,
            "not repeatable because": self._doubts,
            "inputs": self._inputs,
            "settings": settings,
            "versions": {**versions(), "QGIS": Qgis.version(), "operating system": platform.platform()},
        }

    def _destination(self, definition: QgsProcessingParameterDefinition) -> str | None:
        name = definition.name()
        raw = self._values.parameters.get(name)
        if not self._values.given(name):
            return None
        text = destination_text(raw, self._values.context)
        if not text or is_handed_on(text):
            return str(QgsProcessing.TEMPORARY_OUTPUT)
        return os.path.abspath(text) if is_plain_file(text) else text

    def _input(self, definition: QgsProcessingParameterDefinition) -> Any:
        """A value as JSON and both calls take it; None where there is none, and no default."""
        name, values = definition.name(), self._values
        if not values.given(name):
            default = definition.defaultValue()
            return None if is_null(default) else default
        value, kind = values.parameters[name], definition.type()
        if kind in _PLAIN:
            return value if isinstance(value, (str, int, float, list, tuple)) else values.text(name)
        if kind == "datetime":
            return str(values.date(name))
        if kind == "crs":
            return _crs(values.algorithm.parameterAsCrs(values.parameters, name, values.context))
        if kind == "extent":
            return self._extent(name, value)
        # Of several rasters QGIS's names tell which is which.
        named = kind not in ("raster", "source", "vector")
        places = [self._place(name, item, named, kind == SERIES) for item in several_of(value)]
        return places if isinstance(value, (list, tuple)) or len(places) != 1 else places[0]

    def _extent(self, name: str, value: Any) -> Any:
        if isinstance(value, str) and value.count(",") == 3:
            return value
        found = self._values.extent(name)
        if found is None:
            return None
        box, crs = found
        edges = ",".join(map(repr, (box.left, box.right, box.bottom, box.top)))
        return f"{edges} [{_crs(QgsCoordinateReferenceSystem(crs))}]"

    def _place(self, name: str, item: Any, named: bool, series: bool) -> str:
        """A file, folder or layer in words that name it in any session; what it reads is looked at later."""
        if isinstance(item, QgsProcessingFeatureSourceDefinition):
            if item.selectedFeaturesOnly or item.filterExpression or item.featureLimit >= 0:
                self._doubts.append(
                    f"{name}: only some features of a layer were taken; save these to a file."
                )
            item = item.source.staticValue()
        layer = (layer_called if series else loaded_layer)(item, self._values.context)
        if layer is not None:
            text, path = self._layer(name, layer, named)
        else:
            text = path = str(item)
        file = path if os.path.exists(path) else file_of(path.split("|")[0])
        if os.path.exists(file):
            if is_handed_on(file):
                self._doubts.append(f"{name}: {file} is a temporary file, which QGIS removes; keep it.")
            self._places.setdefault(name, []).append(path if os.path.isdir(path) else file)
            text = text.replace(file, os.path.abspath(file), 1) if not os.path.isabs(file) else text
        return text

    def _layer(self, name: str, layer: QgsMapLayer, named: bool) -> tuple[str, str]:
        """A layer's source, and the file behind it."""
        provider, source = layer.providerType(), layer.source()
        path = str(QgsProviderRegistry.instance().decodeUri(provider, source).get("path") or "")
        why = _unlike_its_file(layer) if path else "has no file; save it to one"
        if why:
            self._doubts.append(f"{name}: the layer {layer.name()} {why}.")
        if named and path and layer.name() != name_of_file(path):
            self._doubts.append(
                f"{name}: the layer of {path} was called {layer.name()}, by which results may be called too; "
                "give the file that name."
            )
        if provider in ("gdal", "ogr"):
            return source, path
        return QgsProcessingUtils.encodeProviderKeyAndUri(provider, source), path


def _may_have_manifest(definition: QgsProcessingParameterDefinition) -> bool:
    """Whether a destination is a folder or a model file."""
    if definition.type() == "fileDestination":
        return any(ending in definition.fileFilter() for ending in MODEL_FILES)
    return bool(definition.type() == "folderDestination")


def _text(value: Any) -> str:
    """A cell of a matrix that is empty, or what else JSON does not know."""
    return "" if is_null(value) else str(value)


def _unlike_its_file(layer: QgsMapLayer) -> str:
    """What a layer of QGIS has that its file lacks; empty where they are alike."""
    if isinstance(layer, QgsVectorLayer):
        if layer.isModified():
            return "has edits that are not saved; save them"
        if layer.vectorJoins() or layer.fields().size() != layer.dataProvider().fields().size():
            return "has joins or virtual fields, which its file lacks; save it as a file"
    elif isinstance(layer, QgsRasterLayer):
        provider = layer.dataProvider()
        if any(provider.userNoDataValues(band) for band in range(1, provider.bandCount() + 1)):
            return "has additional no data values, which its file lacks; save it anew with them"
    return ""


def _crs(crs: QgsCoordinateReferenceSystem) -> str:
    """A CRS as QGIS reads it from a text."""
    return crs.authid() or f"WKT:{crs.toWkt(Qgis.CrsWktVariant.Preferred)}"
