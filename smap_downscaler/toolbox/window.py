"""QGIS's window: the first map in view, days as steps in time, dates of series that are opened as files."""

from __future__ import annotations

from typing import Any

from qgis.core import Qgis, QgsInterval, QgsMapLayer, QgsProject, QgsRectangle

from .landing import WINDOWS, wake

#: Of the sides of a layer that is brought into view.
_MARGIN = 1.05


class MainWindow:
    """A `landing.Window` on QGIS's interface."""

    def __init__(self, interface: Any):
        self._interface = interface

    def open(self) -> None:
        """Begin to listen."""
        QgsProject.instance().layersAdded.connect(wake)
        WINDOWS.append(self)

    def close(self) -> None:
        """Listen no more."""
        QgsProject.instance().layersAdded.disconnect(wake)
        WINDOWS.remove(self)

    def _place(self, layer: QgsMapLayer) -> QgsRectangle:
        settings = self._interface.mapCanvas().mapSettings()
        return settings.layerExtentToOutputExtent(layer, layer.extent())

    def sees(self, layer: QgsMapLayer) -> bool:
        return bool(self._interface.mapCanvas().extent().intersects(self._place(layer)))

    def look_at(self, layer: QgsMapLayer) -> None:
        place, canvas = self._place(layer), self._interface.mapCanvas()
        place.scale(_MARGIN)
        canvas.setExtent(place)
        canvas.refresh()
        self._interface.setActiveLayer(layer)

    def step_by_day(self, layer: QgsMapLayer) -> None:
        controller = self._interface.mapCanvas().temporalController()
        controller.setFrameDuration(QgsInterval(1, Qgis.TemporalUnit.Days))
        if controller.temporalExtents().isInfinite():
            controller.setTemporalExtents(layer.temporalProperties().calculateTemporalExtent(layer))
