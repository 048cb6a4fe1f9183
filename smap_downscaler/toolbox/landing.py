"""Where results land: one group of layers a run, in order; days as steps in time; the first map in view."""

from __future__ import annotations

import datetime as dt
import itertools
import threading
from collections.abc import Iterable
from typing import NamedTuple, Protocol

from qgis.core import (
    Qgis,
    QgsMapLayer,
    QgsProcessingContext,
    QgsProcessingFeedback,
    QgsProcessingLayerPostProcessorInterface,
    QgsProject,
    QgsReferencedRectangle,
)
from qgis.PyQt import sip

#: Custom properties of a layer: what it is, and that its bands are days ("new" until QGIS shows it).
KIND, DATED = "smap_downscaler/kind", "smap_downscaler/dated"


class Kind(NamedTuple):
    """Where layers of a kind lie in the group of a run (higher above), and whether the view goes there."""

    place: int
    hidden: bool = False
    looked_at: bool = False


TABLE, STACK, COVARIATE, SMAP, MAP, SHAPES = "table", "stack", "covariate", "smap", "map", "shapes"
KINDS = {
    TABLE: Kind(1),
    STACK: Kind(2, hidden=True),
    COVARIATE: Kind(3),
    SMAP: Kind(4, looked_at=True),
    MAP: Kind(5, looked_at=True),
    SHAPES: Kind(6),
}
#: Layers of a run, at most.
_MANY = 1000


class Window(Protocol):
    """What a window does with layers; set by the plugin where there is one."""

    def sees(self, layer: QgsMapLayer) -> bool:
        """Whether some of a layer is in view."""

    def look_at(self, layer: QgsMapLayer) -> None:
        """Bring a layer into view."""

    def step_by_day(self, layer: QgsMapLayer) -> None:
        """Let the Temporal Controller go from day to day, over the days of a layer if over none so far."""


#: The windows that are open: one or none.
WINDOWS: list[Window] = []


class _Lander(QgsProcessingLayerPostProcessorInterface):
    """What is done to a layer when it is in the project, in the main thread."""

    def postProcessLayer(
        self, layer: QgsMapLayer, context: QgsProcessingContext, feedback: QgsProcessingFeedback
    ) -> None:
        project, kind = layer.project(), KINDS.get(layer.customProperty(KIND))
        if project is None or kind is None:
            return
        node = project.layerTreeRoot().findLayer(layer.id())
        if kind.hidden and node is not None:
            node.setItemVisibilityChecked(False)
            node.setExpanded(False)
        if layer.customProperty(DATED):
            step_by_day(project, layer)
        if kind.looked_at:
            _look_at(project, layer)


#: QGIS's contexts delete those of their layers, and nobody else may do so before.
_LANDERS: list[_Lander] = []


def _lander() -> _Lander:
    """A new one: two contexts, or two layers, must not have one together."""
    _LANDERS[:] = [one for one in _LANDERS if not sip.isdeleted(one)]
    _LANDERS.append(_Lander())
    return _LANDERS[-1]


def step_by_day(project: QgsProject, layer: QgsMapLayer) -> None:
    """Let the Temporal Controller go by days instead of QGIS's hours, unless other steps were chosen."""
    settings = project.timeSettings()
    if (settings.timeStepUnit(), settings.timeStep()) != (Qgis.TemporalUnit.Hours, 1.0):
        return
    settings.setTimeStepUnit(Qgis.TemporalUnit.Days)
    for window in _windows_of(project):
        window.step_by_day(layer)


def _look_at(project: QgsProject, layer: QgsMapLayer) -> None:
    """Bring the first layer of its kind into view, and others that would lie out of sight."""
    alike = [
        one for one in project.mapLayers().values() if one.customProperty(KIND) == layer.customProperty(KIND)
    ]
    windows = _windows_of(project)
    if not windows and len(alike) == 1:
        project.viewSettings().setDefaultViewExtent(QgsReferencedRectangle(layer.extent(), layer.crs()))
    for window in windows:
        if len(alike) == 1 or not window.sees(layer):
            window.look_at(layer)


def _windows_of(project: QgsProject) -> list[Window]:
    return WINDOWS if project is QgsProject.instance() else []


def wake(layers: Iterable[QgsMapLayer]) -> None:
    """Switch on the dates of series opened as files: QGIS switches them off after it has read their style.

    Each layer once: whoever switches them off in a project finds them so when it is opened again.
    """
    for layer in layers:
        if layer.customProperty(DATED) == "new":
            layer.setCustomProperty(DATED, "awake")
            layer.temporalProperties().setIsActive(True)
            if layer.project() is not None:
                step_by_day(layer.project(), layer)


def hand_over(
    context: QgsProcessingContext, asked: str, layer: QgsMapLayer, kind: str, name: str = ""
) -> None:
    """Hand QGIS a layer that is open already, in place of what it is to load from `asked`.

    Opening it in the main thread would make the user wait.  `name` is for layers that nobody named.
    """
    layers = context.layersToLoadOnCompletion()
    details = layers.pop(asked)
    if name:
        details.name = name
        details.forceName = True
    layer.setCustomProperty(KIND, kind)
    # The first of a kind lies above.
    placed = sum(bool(one.layerSortKey) for one in layers.values())
    details.layerSortKey = KINDS[kind].place * _MANY - placed
    details.setPostProcessor(_lander())
    if context.temporaryLayerStore().mapLayer(layer.id()) is None:
        context.temporaryLayerStore().addMapLayer(layer)
    layers[layer.id()] = details
    context.setLayersToLoadOnCompletion(layers)


def add_layer(context: QgsProcessingContext, layer: QgsMapLayer, kind: str) -> None:
    """Hand QGIS a layer that no output asked for."""
    details = QgsProcessingContext.LayerDetails(layer.name(), context.project())
    details.forceName = True
    context.addLayerToLoadOnCompletion(layer.id(), details)
    hand_over(context, layer.id(), layer, kind)


class Groups:
    """Names of groups, none of them twice."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._given: set[str] = set()

    def name(self, step: str, now: dt.datetime) -> str:
        """A name for the layers of a run of a step that ends now."""
        plain = f"{step}, {now:%Y-%m-%d %H:%M}"
        names = itertools.chain([plain], (f"{plain} ({number})" for number in itertools.count(2)))
        with self._lock:
            found = next(name for name in names if name not in self._given)
            self._given.add(found)
        return found


_GROUPS = Groups()


def group(context: QgsProcessingContext, step: str, whole: bool = False) -> None:
    """Put the layers that a run hands over into one group; `whole`: those of its steps too."""
    layers = context.layersToLoadOnCompletion()
    mine = [one for one in layers.values() if one.layerSortKey and (whole or not one.groupName)]
    if mine:
        name = _GROUPS.name(step, dt.datetime.now())
        for details in mine:
            details.groupName = name
        context.setLayersToLoadOnCompletion(layers)
