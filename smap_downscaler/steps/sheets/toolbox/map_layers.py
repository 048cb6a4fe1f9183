"""The layers of a print layout: those of the maps, and what is drawn over them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from qgis.core import (
    Qgis,
    QgsColorRampShader,
    QgsFillSymbol,
    QgsGradientColorRamp,
    QgsGradientStop,
    QgsHillshadeRenderer,
    QgsInvertedPolygonRenderer,
    QgsLineSymbol,
    QgsMapLayer,
    QgsMarkerSymbol,
    QgsProcessingFeatureSourceDefinition,
    QgsRasterLayer,
    QgsSimpleFillSymbolLayer,
    QgsSingleBandPseudoColorRenderer,
    QgsSingleSymbolRenderer,
    QgsVectorLayer,
)
from qgis.PyQt.QtCore import QCoreApplication
from qgis.PyQt.QtGui import QColor

from ....base.errors import InputError
from ....base.progress import Progress
from ....geo.bands import ELEVATION, one_band
from ....geo.datasets import open_dataset
from ....report.atlas import ramp_of
from ....toolbox.layers import raster_layer
from ....toolbox.looks import soil_moisture
from ....toolbox.values import Values
from ..maps import SheetMap
from ..page_layout import ColourBar
from .make import MadeSheet
from .overlays import world_map

_OUTLINE = {"style": "no", "outline_color": "0,0,0", "outline_width": "0.3"}
_BORDER = {"style": "no", "outline_color": "85,85,85", "outline_width": "0.15"}
_INNER = {"style": "no", "outline_color": "154,154,154", "outline_width": "0.1"}
_LINE = {"color": "85,85,85", "width": "0.15"}
#: The hatching of what has no value; over white it hides the maps outside the study area.
NO_VALUE = {"style": "b_diagonal", "color": "140,140,140", "outline_width": "0.1"}
_COVER = {"color": "255,255,255", "outline_style": "no"}
_STATION = {"name": "triangle", "color": "255,255,255", "outline_color": "0,0,0", "size": "2"}


@dataclass(frozen=True)
class SheetLayers:
    """Stations and study area, and below them those of each map of a sheet; the upper first."""

    over: list[QgsMapLayer]
    maps: list[list[QgsMapLayer]]

    def all(self) -> list[QgsMapLayer]:
        """Each once, those above first."""
        return list(dict.fromkeys([*self.over, *(layer for layers in self.maps for layer in layers)]))

    def coloured(self) -> QgsRasterLayer | None:
        """The first that has a ramp of colours."""
        rasters = (layer for layer in self.all() if isinstance(layer, QgsRasterLayer))
        return next((one for one in rasters if one.renderer().type() == "singlebandpseudocolor"), None)

    def give_to_main_thread(self) -> SheetLayers:
        """For the thread that made them: layouts and their layers live in the main thread."""
        main = QCoreApplication.instance().thread()
        for layer in self.all():
            if layer.thread() != main:
                layer.moveToThread(main)
        return self


def sheet_layers(made: MadeSheet, values: Values, progress: Progress) -> SheetLayers:
    """The layers of a sheet; opening many takes a while, so not in the main thread.

    Raises
    ------
    InputError
        If QGIS cannot show a map.
    """
    over = _overlay_layers(values, progress)
    if not made.maps:
        area = made.pages[0].maps[0]
        countries, provinces = _countries(values), _provinces(values)
        return SheetLayers(over, [_terrain(values, area.values), [*countries, *provinces], countries])
    maps: list[list[QgsMapLayer]] = []
    items = [(item.name, page.colour_bar) for page in made.pages for item in page.maps]
    for (name, bar), one in zip(items, made.maps):
        progress.check()
        maps.append([] if one is None else [_map_layer(one, name, bar)])
    return SheetLayers(over, maps)


def _map_layer(one: SheetMap, name: str, bar: ColourBar | None) -> QgsRasterLayer:
    def style(layer: QgsRasterLayer) -> None:
        layer.setRenderer(soil_moisture(one.entry.band))
        if bar is not None:
            _stretch(layer.renderer(), bar.ticks[0], bar.ticks[-1])

    return _raster(one.entry.path, name, style)


def _stretch(renderer: QgsSingleBandPseudoColorRenderer, low: float, high: float) -> None:
    """Lay the colours of a renderer between other ends."""
    ramp = renderer.shader().rasterShaderFunction()
    items = ramp.colorRampItemList()
    first, last = items[0].value, items[-1].value
    for item in items:
        item.value = low + (item.value - first) / (last - first) * (high - low)
        item.label = f"{item.value:.4g}"
    ramp.setColorRampItemList(items)
    renderer.setClassificationMin(low)
    renderer.setClassificationMax(high)


def _raster(path: str, name: str, style: Callable[[QgsRasterLayer], None]) -> QgsRasterLayer:
    layer = raster_layer(path, name, style)
    if not layer.isValid():
        raise InputError(f"{path}: QGIS cannot show it as a layer; leave out PROJECT and LAYOUT.")
    return layer


def _terrain(values: Values, elevation: np.ndarray | None) -> list[QgsMapLayer]:
    """A shade over the colours that the picture has."""
    if elevation is None:
        return []
    path = values.raster_path("DEM")
    band = one_band(open_dataset(path), f"DEM ({path})", ELEVATION)

    def shade(layer: QgsRasterLayer) -> None:
        layer.setRenderer(QgsHillshadeRenderer(None, band, 315, 45))
        layer.setOpacity(0.35)

    def colours(layer: QgsRasterLayer) -> None:
        from matplotlib import colormaps

        shares = np.linspace(0, 1, 11).tolist()
        first, *between, last = (QColor.fromRgbF(*colormaps[ramp_of("elevation")](share)) for share in shares)
        ramp = QgsGradientColorRamp(first, last, False, list(map(QgsGradientStop, shares[1:-1], between)))
        renderer = QgsSingleBandPseudoColorRenderer(None, band)
        renderer.setClassificationMin(round(np.nanmin(elevation)))
        renderer.setClassificationMax(round(np.nanmax(elevation)))
        renderer.createShader(ramp, QgsColorRampShader.Type.Interpolated)
        layer.setRenderer(renderer)

    return [_raster(path, "Terrain", shade), _raster(path, "Elevation", colours)]


def _overlay_layers(values: Values, progress: Progress) -> list[QgsMapLayer]:
    layers = []
    for name, label, symbol in (
        ("STATIONS", "stations", QgsMarkerSymbol.createSimple(_STATION)),
        ("AOI", "study area", QgsFillSymbol.createSimple(_OUTLINE)),
    ):
        layer = _copy(values, name, label, progress)
        if layer is not None:
            layer.setRenderer(QgsSingleSymbolRenderer(symbol))
            layers.append(layer)
    cover = _copy(values, "AOI", "outside the study area", Progress()) if values.flag("CUT") else None
    if cover is not None:
        symbol = QgsFillSymbol.createSimple(_COVER)
        symbol.appendSymbolLayer(QgsSimpleFillSymbolLayer.create(NO_VALUE | {"outline_style": "no"}))
        renderer = QgsInvertedPolygonRenderer(QgsSingleSymbolRenderer(symbol))
        # Or places of two polygons would count as outside of both.
        renderer.setPreprocessingEnabled(True)
        cover.setRenderer(renderer)
        layers.append(cover)
    return layers


def _countries(values: Values) -> list[QgsMapLayer]:
    if values.given("BORDERS"):
        return _lines(_copy(values, "BORDERS", "borders", Progress()), _BORDER, _LINE)
    return _lines(world_map("countries"), _BORDER, _LINE)


def _provinces(values: Values) -> list[QgsMapLayer]:
    return _lines(None if values.given("BORDERS") else world_map("states_provinces"), _INNER, _LINE)


def _lines(
    layer: QgsVectorLayer | None, area: Mapping[str, str], line: Mapping[str, str]
) -> list[QgsMapLayer]:
    """A layer with its edges, or its lines, alone; nothing for None."""
    if layer is None:
        return []
    lines = layer.geometryType() == Qgis.GeometryType.Line
    symbol = QgsLineSymbol.createSimple(dict(line)) if lines else QgsFillSymbol.createSimple(dict(area))
    layer.setRenderer(QgsSingleSymbolRenderer(symbol))
    return [layer]


def _copy(values: Values, name: str, label: str, progress: Progress) -> QgsVectorLayer | None:
    """A layer of its own on the file of a parameter's layer; None where there is none."""
    if not values.given(name):
        return None
    given, asked = values.vector_layer(name), values.parameters.get(name)
    if given is None or given.dataProvider().name() != "ogr":
        progress.warn(f"{name} is no file, so that PROJECT and LAYOUT cannot hold it; save the layer first.")
        return None
    if isinstance(asked, QgsProcessingFeatureSourceDefinition) and asked.selectedFeaturesOnly:
        progress.warn(
            f"{name}: the sheet shows the selected features of the layer {given.name()}, PROJECT and LAYOUT "
            "all of them; save the selection as a layer first."
        )
    if given.isModified():
        progress.warn(
            f"{name}: the layer {given.name()} has unsaved edits, which the sheet shows, but not PROJECT "
            "and LAYOUT; save them first."
        )
    return QgsVectorLayer(given.source(), label, "ogr")
