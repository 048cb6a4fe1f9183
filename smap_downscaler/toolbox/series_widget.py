"""The widget of a series parameter, in dialogs, batches and the modeler: a line, and a menu that fills it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from qgis.core import (
    Qgis,
    QgsMapLayer,
    QgsMimeDataUtils,
    QgsProcessingContext,
    QgsProcessingModelAlgorithm,
    QgsProcessingParameterDefinition,
    QgsProject,
    QgsProperty,
    QgsRasterLayer,
    QgsSettings,
)
from qgis.core import QgsProcessingModelChildParameterSource as Source
from qgis.gui import (
    QgsAbstractProcessingParameterWidgetWrapper,
    QgsFilterLineEdit,
    QgsGui,
    QgsProcessingParameterWidgetFactoryInterface,
)
from qgis.PyQt import sip
from qgis.PyQt.QtCore import QMimeData, QObject, pyqtSignal
from qgis.PyQt.QtGui import QDragEnterEvent, QDropEvent
from qgis.PyQt.QtWidgets import QFileDialog, QHBoxLayout, QMenu, QToolButton, QWidget

from .given import SERIES, several_of

#: Parameters and outputs of a model that a series can be.
_PARAMETERS = (SERIES, "multilayer", "file", "raster", "layer", "string", "folderDestination", "expression")
_OUTPUTS = (
    *("outputFolder", "outputRaster", "outputMultilayer", "outputLayer", "outputFile"),
    *("outputString", "outputVariant"),
)
#: So many inputs are told one by one, and can be edited as text; of more their number is told.
_MOST_TOLD = 8
#: Where QGIS's own dialogs remember the folder that was looked into last.
_LAST_FOLDER = "/Processing/LastInputPath"


class SeriesLine(QgsFilterLineEdit):
    """A line onto which files, folders and layers can be dropped."""

    dropped = pyqtSignal(list)

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        if _dropped(event.mimeData()):
            event.acceptProposedAction()
        else:
            super().dragEnterEvent(event)

    def dropEvent(self, event: QDropEvent) -> None:
        found = _dropped(event.mimeData())
        if found:
            event.acceptProposedAction()
            self.dropped.emit(found)
        else:
            super().dropEvent(event)


def _dropped(data: QMimeData) -> list[str]:
    """Ids of layers and paths of what is dragged from the layer tree, the browser or a file manager."""
    if QgsMimeDataUtils.isUriList(data):
        uris = QgsMimeDataUtils.decodeUriList(data)
        return [uri.layerId if QgsProject.instance().mapLayer(uri.layerId) else uri.uri for uri in uris]
    return [url.toLocalFile() for url in data.urls() if url.isLocalFile()]


class SeriesWidget(QWidget):
    """Folders, files and layers; in a model, where there may be several, also what steps make.

    Nothing is opened: what is given is looked at when the work begins.
    """

    changed = pyqtSignal()

    def __init__(self, several: bool, model: Callable[[], tuple[QgsProcessingModelAlgorithm | None, str]]):
        """`model` tells the model that is edited, if one is, and the step in it."""
        super().__init__()
        self._several, self._model = several, model
        self._items: list[Any] = []
        self.line = SeriesLine(self)
        self.line.setShowClearButton(True)
        self.line.setMaxLength(2**31 - 1)
        self.line.setPlaceholderText("Folders, files or layers" if several else "Folder, file or layer")
        self.line.textEdited.connect(self._read_text)
        self.line.cleared.connect(lambda: self._take([]))
        self.line.dropped.connect(self._add)
        self.button = QToolButton(self)
        self.button.setText("\N{HORIZONTAL ELLIPSIS}")
        self.button.setToolTip("Choose a folder, files or a loaded layer")
        self.button.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        self.menu = QMenu(self.button)
        self.menu.aboutToShow.connect(self.fill_menu)
        self.button.setMenu(self.menu)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self.line, 1)
        layout.addWidget(self.button)
        self.setFocusProxy(self.line)
        self._show()

    def value(self) -> Any:
        """None, one, or a list of several: texts, and sources where a model gives some of them."""
        items = self._items
        if any(isinstance(item, Source) for item in items):
            return [item if isinstance(item, Source) else Source.fromStaticValue(item) for item in items]
        return items[0] if len(items) == 1 else list(items) or None

    def set_value(self, value: Any) -> None:
        """Show what a parameter may have: texts, layers, lists of these, a property, sources in a model."""
        self._take([_as_item(item) for item in several_of(value)])

    def fill_menu(self) -> None:
        """List what can be chosen now."""
        self.menu.clear()
        add = "Add " if self._several else ""
        self.menu.addAction(f"{add}Folder\N{HORIZONTAL ELLIPSIS}".capitalize(), self._choose_folder)
        self.menu.addAction(f"{add}Files\N{HORIZONTAL ELLIPSIS}".capitalize(), self._choose_files)
        self._fill(f"{add}Layer".capitalize(), _loaded_layers())
        model, step = self._model()
        if self._several and model is not None and step is not None:
            self._fill("Add from the model", _sources_for(model, step))
        if len(self._items) > 1:
            remove = self.menu.addMenu("Remove")
            for item in self._items[:_MOST_TOLD]:
                remove.addAction(self._label(item), lambda *_, item=item: self._remove(item))
            remove.addAction("All", lambda *_: self._take([]))

    def _fill(self, title: str, choices: Sequence[tuple[str, Any]]) -> None:
        menu = self.menu.addMenu(title)
        menu.setEnabled(bool(choices))
        for label, item in choices:
            menu.addAction(label, lambda *_, item=item: self._add([item]))

    def _choose_folder(self) -> None:
        folder = QFileDialog.getExistingDirectory(self, "Folder of a series", self._start())
        if folder:
            QgsSettings().setValue(_LAST_FOLDER, folder)
            self._add([folder])

    def _choose_files(self) -> None:
        files, _ = QFileDialog.getOpenFileNames(self, "Files of a series", self._start(), "All files (*)")
        if files:
            QgsSettings().setValue(_LAST_FOLDER, str(Path(files[0]).parent))
            self._add(files)

    def _start(self) -> str:
        given = next((item for item in reversed(self._items) if isinstance(item, str)), "")
        for folder in (given, str(Path(given).parent) if given else ""):
            if folder and Path(folder).is_dir():
                return folder
        return str(QgsSettings().value(_LAST_FOLDER, str(Path.home())))

    def _add(self, items: Sequence[Any]) -> None:
        """One series is another then; of several there is one more."""
        before = self._items if self._several else []
        self._take([*before, *(item for item in items if item not in before)])

    def _remove(self, item: Any) -> None:
        self._take([other for other in self._items if other is not item])

    def _take(self, items: list[Any]) -> None:
        self._items = items
        self._show()
        self.changed.emit()

    def _read_text(self, text: str) -> None:
        # A label in the text still means what it stood for.
        meant = {self._label(item): item for item in self._items}
        self._items = [meant.get(part, part) for part in several_of(text)]
        self.changed.emit()

    def _show(self) -> None:
        labels = [self._label(item) for item in self._items[:_MOST_TOLD]]
        some = len(self._items) > _MOST_TOLD
        self.line.setText(
            f"{len(self._items):,} inputs: {labels[0]} \N{HORIZONTAL ELLIPSIS}" if some else "; ".join(labels)
        )
        self.line.setCursorPosition(0)
        self.line.setReadOnly(some or not all(isinstance(item, str) for item in self._items))
        self.line.setToolTip("\n".join([*labels, *(["\N{HORIZONTAL ELLIPSIS}"] if some else [])]))

    def _label(self, item: Any) -> str:
        if isinstance(item, Source):
            model, _ = self._model()
            return _source_label(item, model)
        if isinstance(item, QgsProperty):
            return str(item.asExpression())
        layer = QgsProject.instance().mapLayer(item)
        return str(layer.name() if layer is not None else item)


def _as_item(item: Any) -> Any:
    if isinstance(item, QgsMapLayer):
        known = QgsProject.instance().mapLayer(item.id()) is not None
        return item.id() if known else item.source()
    return item if isinstance(item, (QgsProperty, Source)) else str(item)


def _loaded_layers() -> list[tuple[str, str]]:
    """Names and ids of the layers that are raster files."""
    layers = QgsProject.instance().mapLayers().values()
    rasters = (one for one in layers if isinstance(one, QgsRasterLayer) and one.providerType() == "gdal")
    return sorted(((layer.name(), layer.id()) for layer in rasters), key=lambda pair: pair[0].casefold())


def _sources_for(model: QgsProcessingModelAlgorithm, step: str) -> list[tuple[str, Source]]:
    """Labels and sources of what a model has for a step: its own inputs, and what other steps make."""
    sources = model.availableSourcesForChild(step, _PARAMETERS, _OUTPUTS, [])
    return [(_source_label(source, model), source) for source in sources]


def _source_label(source: Source, model: QgsProcessingModelAlgorithm | None) -> str:
    if model is not None and source.source() == Qgis.ProcessingModelChildParameterSource.ModelParameter:
        definition = model.parameterDefinition(source.parameterName())
        return str(definition.description() if definition is not None else source.parameterName())
    return str(source.friendlyIdentifier(model))


class SeriesWidgetWrapper(QgsAbstractProcessingParameterWidgetWrapper):
    """What QGIS puts into a dialog, a cell of a batch, or a step of a model.

    Where it is Python that asks QGIS for a wrapper (dialogs and batches), or for its widget, it gets a new
    Python object for what C++ holds, and the one made here is as good as deleted: C++ still calls its
    methods, but it can call none of C++. So it asks C++ for nothing, the widget stands in one of Qt's own,
    and all three are kept (`_keep`) until C++ is done with them.
    """

    def __init__(self, parameter: QgsProcessingParameterDefinition, kind: Any):
        super().__init__(parameter, kind)
        self._several, self._tip = getattr(parameter, "several", False), parameter.toolTip()

    def createWidget(self) -> QWidget:
        holder = QWidget()
        holder.setToolTip(self._tip)
        layout = QHBoxLayout(holder)
        layout.setContentsMargins(0, 0, 0, 0)
        self._widget = SeriesWidget(self._several, self._model)
        # QGIS's Python gets another object for the holder; C++ still asks the first one and its children.
        for held in (holder, self._widget):
            _keep(held, self._widget)
        # No slot of the wrapper itself: PyQt would look at the Python object as it is destroyed.
        self._widget.changed.connect(lambda: self._tell())
        layout.addWidget(self._widget)
        holder.setFocusProxy(self._widget)
        return holder

    def setWidgetValue(self, value: Any, context: QgsProcessingContext) -> None:
        self._widget.set_value(value)

    def widgetValue(self) -> Any:
        return self._widget.value()

    def _tell(self) -> None:
        if not sip.isdeleted(self):
            self.widgetValueHasChanged.emit(self)

    def _model(self) -> tuple[QgsProcessingModelAlgorithm | None, str]:
        if sip.isdeleted(self):
            return None, ""
        context = self.widgetContext()
        return context.model(), context.modelChildAlgorithmId()


def _keep(held: QObject, mark: QObject) -> None:
    """Keep a Python object as long as C++ calls it: until the object that ends with it is gone.

    No signal tells that: C++ would hand a half destroyed object to Python.
    """
    _ALIVE[:] = [(one, end) for one, end in _ALIVE if not sip.isdeleted(end)]
    _ALIVE.append((held, mark))


class SeriesWidgetFactory(QgsProcessingParameterWidgetFactoryInterface):
    """Makes the widgets, and says what of a model a series can be."""

    def parameterType(self) -> str:
        return SERIES

    def createWidgetWrapper(
        self, parameter: QgsProcessingParameterDefinition, type: Any
    ) -> QgsAbstractProcessingParameterWidgetWrapper:
        wrapper = SeriesWidgetWrapper(parameter, type)
        _keep(wrapper, QObject(wrapper))
        return wrapper

    def compatibleParameterTypes(self) -> list[str]:
        return list(_PARAMETERS)

    def compatibleOutputTypes(self) -> list[str]:
        return list(_OUTPUTS)

    def modelerExpressionFormatString(self) -> str:
        return "path of a folder or file, or an array of several"


#: What C++ holds, each with an object that ends with it.
_ALIVE: list[tuple[QObject, QObject]] = []
#: The factory that is registered, while it is.
_REGISTERED: list[SeriesWidgetFactory] = []


def register_series_widget() -> None:
    """Show series parameters with this widget."""
    factory = SeriesWidgetFactory()
    if QgsGui.processingGuiRegistry().addParameterWidgetFactory(factory):
        _REGISTERED.append(factory)


def unregister_series_widget() -> None:
    """Take the widget away."""
    while _REGISTERED:
        QgsGui.processingGuiRegistry().removeParameterWidgetFactory(_REGISTERED.pop())
