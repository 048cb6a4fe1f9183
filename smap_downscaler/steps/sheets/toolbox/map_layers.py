"""The print layout of 'Map sheet': the maps, overlays and legend of the picture as QGIS's own items."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from qgis.core import (
    Qgis,
    QgsFillSymbol,
    QgsHillshadeRenderer,
    QgsLineSymbol,
    QgsMapLayer,
    QgsMarkerSymbol,
    QgsRasterLayer,
    QgsSingleSymbolRenderer,
    QgsVectorLayer,
)
from qgis.PyQt.QtCore import QCoreApplication

from ....base.errors import InputError
from ....base.progress import Progress
from ....geo.datasets import dataset_grid, open_dataset
from ....geo.grid import Grid
from ....series.series import open_series
from ....toolbox.layers import STYLE, unread_layer
from ....toolbox.values import Values
from ....toolbox.vectors import qgis_crs
from ..locator import locator_boxes
from ..maps import SheetMap
from ..page_layout import A4_WIDTH, LEGEND, MARGIN
from .make import MadeLocator, MadeSheet
from .overlays import world_map
from .print_layout import SheetLayout

_OUTLINE = {"style": "no", "outline_color": "0,0,0", "outline_width": "0.3"}
_BORDER = {"style": "no", "outline_color": "85,85,85", "outline_width": "0.15"}
_LINE = {"color": "85,85,85", "width": "0.15"}
_STATION = {"name": "triangle", "color": "255,255,255", "outline_color": "0,0,0", "size": "2"}


@dataclass(frozen=True)
class SheetLayers:
    """The layers of a layout, those above first.

    Parameters
    ----------
    over : list of QgsMapLayer
        Stations and study area.
    maps : list of QgsRasterLayer or None
        One a panel of a sheet.
    countries, terrain : list of QgsMapLayer
        Of a locator.
    cells : Grid, optional
        SMAP's, in a locator.
    """

    over: list[QgsMapLayer]
    maps: list[QgsRasterLayer | None] = field(default_factory=list)
    countries: list[QgsMapLayer] = field(default_factory=list)
    terrain: list[QgsMapLayer] = field(default_factory=list)
    cells: Grid | None = None

    def give_to_main_thread(self) -> SheetLayers:
        """For the thread that made them: layouts and their layers live in the main thread."""
        main = QCoreApplication.instance().thread()
        for layer in (*self.over, *self.maps, *self.countries, *self.terrain):
            if layer is not None and layer.thread() != main:
                layer.moveToThread(main)
        return self


def sheet_layers(made: MadeSheet, values: Values, progress: Progress) -> SheetLayers:
    """The layers of a sheet of maps; opening many takes a while, so not in the main thread.

    Raises
    ------
    InputError
        If QGIS cannot show a map.
    """
    maps: list[QgsRasterLayer | None] = []
    for panel, one in zip(made.sheet.panels, made.maps):
        progress.check()
        maps.append(None if one is None else _map_layer(one, panel.title))
    return SheetLayers(_overlay_layers(values, progress), maps)


def locator_layers(values: Values, progress: Progress) -> SheetLayers:
    """The layers of a locator.

    Raises
    ------
    InputError
        If QGIS cannot show a layer.
    """
    over, terrain, countries = _overlay_layers(values, progress), _terrain(values), _countries(values)
    given = values.given("SMAP")
    cells = open_series(values.path("SMAP"), progress=progress).grid if given else None
    return SheetLayers(over, countries=countries, terrain=terrain, cells=cells)


def sheet_layout(made: MadeSheet, given: SheetLayers) -> SheetLayout:
    """The layout of a sheet of maps; in the main thread."""
    sheet, plan, over, maps = made.sheet, made.sheet.arrangement(), given.over, given.maps
    out = SheetLayout(sheet.title, made.crs)
    shown = [layer for layer in maps if layer is not None]
    out.add_layers([*over, *shown])
    for first in range(0, len(maps), plan.capacity):
        page = first // plan.capacity
        out.page(page)
        items = []
        for number, layer in enumerate(maps[first : first + plan.capacity]):
            panel, box = sheet.panels[first + number], plan.panel(number)
            left, top, wide, _high = box
            out.label(page, (left, top - 0.2, wide, 0.18), f"{panel.title}   {panel.note}", 7)
            layers = [*over, *([layer] if layer is not None else [])]
            items.append(out.map(page, box, sheet.frame, made.crs, layers, panel.title))
        rows = -(-len(items) // plan.columns)
        _beside(out, page, plan.legend_top(rows), items[0], made, shown[0])
        if over:
            out.legend(page, (MARGIN + 3.3, plan.legend_top(rows) + 0.15, 2.0, LEGEND), items[0], over)
    return out


def _beside(out: SheetLayout, page: int, top: float, item, made: MadeSheet, layer: QgsRasterLayer) -> None:
    """Title, scale, north and CRS of a page."""
    sheet, right = made.sheet, A4_WIDTH - MARGIN
    out.label(page, (MARGIN, MARGIN, A4_WIDTH - 2 * MARGIN, 0.25), sheet.title, 11, "centre")
    out.colour_bar(page, (MARGIN, top, 3.2, 0.5), item, layer, "soil moisture, m³ m⁻³")
    out.no_value(page, (MARGIN + 3.4, top + 0.05, 1.4, 0.14))
    out.scale_bar(page, (right - 2.4, top + 0.05, 1.6, 0.4), item, sheet.frame)
    out.north_arrow(page, (right - 0.5, top, 0.45, 0.45), item)
    told = ", ".join(text for text in (sheet.frame.crs, sheet.footer) if text)
    out.label(page, (right - 3.6, top + 0.7, 3.6, 0.18), told, 6.5, "right")


def locator_layout(made: MadeLocator, given: SheetLayers) -> SheetLayout:
    """The layout of a locator; in the main thread."""
    locator, over, terrain, countries = made.locator, given.over, given.terrain, given.countries
    out = SheetLayout(locator.title, made.crs)
    out.add_layers([*over, *countries, *terrain])
    first, second, height = locator_boxes(locator.area, locator.overview)
    shown = [*over, *terrain]
    area = out.map(0, second, locator.area, made.crs, shown, "study area", hatched=bool(terrain))
    around = out.map(0, first, locator.overview, "EPSG:4326", countries, "overview", hatched=False)
    out.overview(around, area)
    if given.cells is not None:
        out.cells(area, given.cells)
    right = A4_WIDTH - MARGIN
    out.label(0, (MARGIN, MARGIN, A4_WIDTH - 2 * MARGIN, 0.25), locator.title, 11, "centre")
    top = height - MARGIN - LEGEND
    out.scale_bar(0, (right - 2.4, top, 1.6, 0.4), area, locator.area)
    out.north_arrow(0, (right - 0.5, top, 0.45, 0.45), area)
    out.label(0, (right - 3.6, top + 0.6, 3.6, 0.18), locator.area.crs, 6.5, "right")
    if over:
        out.legend(0, (MARGIN, top, 2.0, LEGEND), area, over)
    return out


def _map_layer(one: SheetMap, name: str) -> QgsRasterLayer:
    def style(layer: QgsRasterLayer) -> None:
        layer.loadNamedStyle(str(STYLE))
        layer.renderer().setInputBand(one.entry.band)

    return _raster(one.entry.path, name, style)


def _raster(path: str, name: str, style: Callable[[QgsRasterLayer], None]) -> QgsRasterLayer:
    dataset = open_dataset(path)
    crs = qgis_crs(dataset_grid(dataset, path).crs)
    layer = unread_layer(path, name, dataset.RasterCount, crs, style)
    if not layer.isValid():
        raise InputError(f"{path}: QGIS cannot show it as a layer; leave out PROJECT and LAYOUT.")
    return layer


def _terrain(values: Values) -> list[QgsMapLayer]:
    if not values.given("DEM"):
        return []

    def style(layer: QgsRasterLayer) -> None:
        layer.setRenderer(QgsHillshadeRenderer(layer.dataProvider(), 1, 315, 45))

    return [_raster(values.raster_path("DEM"), "Terrain", style)]


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
    return layers


def _countries(values: Values) -> list[QgsMapLayer]:
    layer = _copy(values, "BORDERS", "borders", Progress()) if values.given("BORDERS") else world_map()
    if layer is None:
        return []
    lines = layer.geometryType() == Qgis.GeometryType.Line
    symbol = QgsLineSymbol.createSimple(_LINE) if lines else QgsFillSymbol.createSimple(_BORDER)
    layer.setRenderer(QgsSingleSymbolRenderer(symbol))
    return [layer]


def _copy(values: Values, name: str, label: str, progress: Progress) -> QgsVectorLayer | None:
    """A layer of its own on the file of a parameter's layer; None where there is none."""
    if not values.given(name):
        return None
    given = values.algorithm.parameterAsVectorLayer(values.parameters, name, values.context)
    if given is None or given.dataProvider().name() != "ogr":
        progress.warn(f"{name} is no file, so that PROJECT and LAYOUT cannot hold it; save the layer first.")
        return None
    return QgsVectorLayer(given.source(), label, "ogr")
