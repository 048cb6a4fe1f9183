"""The kind of parameter that takes a series: folders, files and loaded layers, one or several.

QGIS's own kinds take files or folders, not both, are not offered the folders that steps of a model make, and
open every file as a layer to check it, to write it down, and to compare its CRS: for years of daily files
that freezes the window. Here values are texts, and nothing is opened before the work begins.
"""

from __future__ import annotations

from typing import Any

from qgis.core import (
    Qgis,
    QgsApplication,
    QgsMapLayer,
    QgsProcessingContext,
    QgsProcessingParameterDefinition,
    QgsProcessingParameterMultipleLayers,
    QgsProcessingParameterType,
    QgsProcessingUtils,
    QgsProperty,
)
from qgis.PyQt import sip

from ..series.series import series_name
from .given import SERIES, several_of
from .values import gdal_name, layer_called

_Base = QgsProcessingParameterMultipleLayers
#: Parameters that C++ has asked for: it calls their methods as long as it holds them, and does not say when
#: it no longer does.
_MADE: list[SeriesParameter] = []
#: The type that is registered, while it is: QGIS owns it, and forgets it by this reference.
_REGISTERED: list[SeriesParameterType] = []


class SeriesParameter(QgsProcessingParameterMultipleLayers):
    """A series of dated rasters, or several (`several`), each a folder, files or layers.

    Of QGIS's own class it has the ways to fill in a batch.

    Where QGIS's modeler, which is Python, makes one through C++, it gets a new Python object for it, and the
    one made here is as good as deleted: C++ still calls its methods. They ask C++ through `_live`.
    """

    def __init__(
        self,
        name: str,
        description: str = "",
        optional: bool = False,
        several: bool = False,
        defaultValue: Any = None,
    ):
        super().__init__(name, description, Qgis.ProcessingSourceType.Raster, defaultValue, optional)
        self.several, self._address = several, sip.unwrapinstance(self)

    def _live(self) -> QgsProcessingParameterMultipleLayers:
        """What speaks for this parameter in Python now."""
        return sip.wrapinstance(self._address, _Base) if sip.isdeleted(self) else self

    def _is_optional(self) -> bool:
        return bool(_Base.flags(self._live()) & Qgis.ProcessingParameterFlag.Optional)

    def type(self) -> str:
        return SERIES

    def clone(self) -> SeriesParameter:
        copy = made_for_qgis(SeriesParameter(""))
        copy.fromVariantMap(self.toVariantMap())
        return copy

    def toVariantMap(self) -> dict[str, Any]:
        return {**_Base.toVariantMap(self._live()), "several": self.several}

    def fromVariantMap(self, entries: dict[str, Any]) -> bool:
        self.several = bool(entries.get("several"))
        return bool(_Base.fromVariantMap(self._live(), {**_Base.toVariantMap(self._live()), **entries}))

    def checkValueIsAcceptable(self, value: Any, context: QgsProcessingContext | None = None) -> bool:
        if isinstance(value, QgsProperty) or self._is_optional():
            return True
        return any(True for _ in several_of(_Base.defaultValue(self._live()) if value is None else value))

    def valueAsPythonString(self, value: Any, context: QgsProcessingContext) -> str:
        if isinstance(value, QgsProperty):
            return str(_Base.valueAsPythonString(self._live(), value, context))
        texts = [QgsProcessingUtils.stringToPythonLiteral(text) for text in self._texts(value, context)]
        if isinstance(value, list) or len(texts) > 1:
            return f"[{','.join(texts)}]"
        return texts[0] if texts else "None"

    def valueAsJsonObject(self, value: Any, context: QgsProcessingContext) -> Any:
        if isinstance(value, QgsProperty):
            return _Base.valueAsJsonObject(self._live(), value, context)
        texts = self._texts(value, context)
        return texts if isinstance(value, list) or len(texts) > 1 else "".join(texts) or None

    def valueAsString(self, value: Any, context: QgsProcessingContext) -> tuple[str, bool]:
        if isinstance(value, QgsProperty):
            return _Base.valueAsString(self._live(), value, context)
        return ";".join(self._texts(value, context)), True

    def valueAsStringList(self, value: Any, context: QgsProcessingContext) -> tuple[list[str], bool]:
        if isinstance(value, QgsProperty):
            return _Base.valueAsStringList(self._live(), value, context)
        return self._texts(value, context), True

    def asScriptCode(self) -> str:
        live = self._live()
        default, _ = self.valueAsString(_Base.defaultValue(live), QgsProcessingContext())
        return f"##{live.name()}={'optional ' if self._is_optional() else ''}{SERIES} {default}".strip()

    def asPythonString(self, outputType: Any = None) -> str:
        live, literal = self._live(), QgsProcessingUtils.stringToPythonLiteral
        default = self.valueAsPythonString(_Base.defaultValue(live), QgsProcessingContext())
        return (
            f"SeriesParameter({literal(live.name())}, {literal(live.description())}, "
            f"optional={self._is_optional()}, several={self.several}, defaultValue={default})"
        )

    def _texts(self, value: Any, context: QgsProcessingContext) -> list[str]:
        """Paths; of layers their files, but where that would change what a covariate is called, their ids."""
        return [self._text(item, layer_called(item, context)) for item in several_of(value)]

    def _text(self, item: Any, layer: QgsMapLayer | None) -> str:
        if layer is None:
            return str(item)
        path = gdal_name(layer)
        return layer.id() if self.several and layer.name() != series_name(path) else path


def made_for_qgis(parameter: SeriesParameter) -> SeriesParameter:
    """A parameter that lives on where C++ alone holds it."""
    _MADE.append(parameter)
    return parameter


class SeriesParameterType(QgsProcessingParameterType):
    """What QGIS has to know of the kind, to make one for a model and to tell of it."""

    def id(self) -> str:
        return SERIES

    def name(self) -> str:
        return "Series of dated rasters"

    def description(self) -> str:
        return "A folder, a file or a loaded layer that holds dated rasters, or several of these."

    def create(self, name: str) -> QgsProcessingParameterDefinition:
        return made_for_qgis(SeriesParameter(name))

    def className(self) -> str:
        return SeriesParameter.__name__

    def pythonImportString(self) -> str:
        return f"from {__name__} import {SeriesParameter.__name__}"

    def acceptedPythonTypes(self) -> list[str]:
        return ["str: path of a folder or file, or id or name of a layer", "QgsRasterLayer", "list of these"]

    def acceptedStringValues(self) -> list[str]:
        return ["Path of a folder or file, or id of a layer, or several of these with ; between them"]


def register_series_parameter() -> None:
    """Let models load parameters of the kind; before the provider, at which QGIS loads all models anew."""
    kind = SeriesParameterType()
    if QgsApplication.processingRegistry().addParameterType(kind):
        _REGISTERED.append(kind)


def unregister_series_parameter() -> None:
    """Take the kind away."""
    while _REGISTERED:
        QgsApplication.processingRegistry().removeParameterType(_REGISTERED.pop())
