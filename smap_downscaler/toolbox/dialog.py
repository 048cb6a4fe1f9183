"""The dialog of an algorithm: QGIS's own, with headings among the advanced parameters, and short numbers."""

from __future__ import annotations

from processing.gui.AlgorithmDialog import AlgorithmDialog
from processing.gui.ParametersPanel import ParametersPanel
from qgis.core import QgsProcessingAlgorithm
from qgis.gui import QgsFileWidget
from qgis.PyQt import sip
from qgis.PyQt.QtCore import QEvent, QObject, QTimer
from qgis.PyQt.QtGui import QShowEvent
from qgis.PyQt.QtWidgets import (
    QDoubleSpinBox,
    QFileDialog,
    QGroupBox,
    QLabel,
    QLineEdit,
    QScrollArea,
    QToolButton,
    QWidget,
)

from .parameter_groups import grouped
from .parameters import FOLDER_TOO

#: Pixels above a heading.
_ABOVE = 8
#: Pixels that QGIS's own width lacks for the widest of QGIS's widgets with a scroll bar beside it.
_WIDER = 100


class OwnPanel(ParametersPanel):
    """The page with the parameters."""

    def initWidgets(self) -> None:
        super().initWidgets()
        box = self.findChild(QGroupBox, "grpAdvanced")
        if box is not None:
            self._group(box)
        for definition in self.algorithm().parameterDefinitions():
            if definition.metadata().get(FOLDER_TOO):
                _add_folder_button(self.wrappers[definition.name()].wrappedWidget())
        for number in self.findChildren(QDoubleSpinBox):
            _keep_short(number)
            number.installEventFilter(self)

    def _group(self, box: QGroupBox) -> None:
        """Put the advanced parameters, and outputs, which QGIS never folds away, below their headings."""
        groups = grouped(self.algorithm().parameterDefinitions())
        for heading, definitions in groups.items():
            label = QLabel(f"<b>{heading}</b>", box)
            label.setContentsMargins(0, _ABOVE, 0, 0)
            box.layout().addWidget(label)
            for definition in definitions:
                wrapper = self.wrappers[definition.name()]
                for widget in (wrapper.wrappedLabel(), wrapper.wrappedWidget()):
                    if widget is not None:
                        box.layout().addWidget(widget)
        box.setVisible(bool(groups))

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() == QEvent.Type.Show:
            # A spin box writes its number anew as it is shown.
            QTimer.singleShot(0, lambda: _shorten(watched))
        return bool(super().eventFilter(watched, event))


class OwnDialog(AlgorithmDialog):
    """The dialog; it opens as large as its first page, where the user has not made dialogs another size."""

    def __init__(
        self, alg: QgsProcessingAlgorithm, in_place: bool = False, parent: QWidget | None = None
    ) -> None:
        super().__init__(alg, in_place, parent)
        self._default = self.size()

    def getParametersPanel(self, alg: QgsProcessingAlgorithm, parent: QWidget) -> OwnPanel:
        return OwnPanel(parent, alg, self.in_place, self.active_layer)

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        area = self.mainWidget().findChild(QScrollArea)
        if area is not None and self.size() == self._default:
            lacking = area.widget().sizeHint().height() - area.height()
            self.resize(self.width() + _WIDER, self.height() + max(0, lacking))


def _add_folder_button(file: QgsFileWidget) -> None:
    """Beside the button that chooses a file, which folders cannot be chosen with."""
    button = QToolButton(file)
    button.setText("Folder\N{HORIZONTAL ELLIPSIS}")
    button.setToolTip("Choose a folder")
    button.clicked.connect(lambda: _choose_folder(file))
    file.layout().addWidget(button)


def _choose_folder(file: QgsFileWidget) -> None:
    folder = QFileDialog.getExistingDirectory(file, "Folder", file.filePath() or file.defaultRoot())
    if folder:
        file.setFilePath(folder)


def _keep_short(number: QDoubleSpinBox) -> None:
    """Show a number as it is written: 0.5, where the spin box of six decimals says 0.500000."""
    for changed in (number.valueChanged, number.editingFinished):
        changed.connect(lambda *_value: _shorten(number))


def _shorten(number: QDoubleSpinBox) -> None:
    if sip.isdeleted(number):
        return
    line, point = number.findChild(QLineEdit), number.locale().decimalPoint()
    whole, _, decimals = line.text().partition(point)
    if decimals.isdigit():
        # Qt reads the number anew whenever it hears of another text.
        blocked = line.blockSignals(True)
        line.setText(f"{whole}{point}{decimals}".rstrip("0").removesuffix(point))
        line.blockSignals(blocked)
