"""A sheet as a QGIS print layout: a template, and a small project that holds it with its layers.

Layouts are graphics scenes of Qt, which belong to the main thread: call these there.  The project is a
private one; the user's own is never touched.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from qgis.core import (
    Qgis,
    QgsColorRampLegendNodeSettings,
    QgsFillSymbol,
    QgsLayoutItem,
    QgsLayoutItemLabel,
    QgsLayoutItemLegend,
    QgsLayoutItemMap,
    QgsLayoutItemMapGrid,
    QgsLayoutItemMapOverview,
    QgsLayoutItemPage,
    QgsLayoutItemPicture,
    QgsLayoutItemScaleBar,
    QgsLayoutItemShape,
    QgsLayoutMeasurement,
    QgsLayoutPoint,
    QgsLayoutSize,
    QgsLegendRenderer,
    QgsLegendStyle,
    QgsMapLayer,
    QgsMapLayerLegendUtils,
    QgsMapThemeCollection,
    QgsPrintLayout,
    QgsProject,
    QgsReadWriteContext,
    QgsRectangle,
    QgsReferencedRectangle,
    QgsTextBufferSettings,
    QgsTextFormat,
)
from qgis.PyQt.QtCore import QSizeF, Qt
from qgis.PyQt.QtGui import QColor, QFont

from ....base.errors import InputError
from ....geo.datasets import whole_file
from ....geo.graticule import decimals
from ....geo.grid import Grid
from ....report.map_parts import NO_VALUE_SIGN, bar_length
from ....toolbox.vectors import qgis_crs
from ..page_layout import Box, ColourBar, MapItem, Page, Text
from .map_layers import NO_VALUE, SheetLayers

_MM = 25.4
#: Place of the ramp among what QGIS makes of a raster in a legend, after the name of its band.
_RAMP = 1
_EMPTY = "no layer"
_ARROW = ":/images/north_arrows/layout_default_north_arrow.svg"
#: What is no layer, by the kinds of signs.
_SIGNS = {
    NO_VALUE_SIGN: NO_VALUE,
    "area": {"color": "213,94,0,70", "outline_color": "213,94,0", "outline_width": "0.5"},
    "thin": {"style": "no", "outline_color": "0,0,0", "outline_width": "0.1"},
}
_ACROSS = {
    "left": Qt.AlignmentFlag.AlignLeft,
    "centre": Qt.AlignmentFlag.AlignHCenter,
    "right": Qt.AlignmentFlag.AlignRight,
}


class SheetLayout:
    """A print layout in the making, in a project of its own, with their title, CRS and layers."""

    def __init__(self, title: str, crs: str, layers: SheetLayers):
        self.project = QgsProject()
        self.project.setTitle(title)
        self.project.setFilePathStorage(Qgis.FilePathType.Relative)
        self.project.setCrs(qgis_crs(crs))
        self.project.setEllipsoid("EPSG:7030")
        self.layout = QgsPrintLayout(self.project)
        self.layout.setName(title)
        self.project.layoutManager().addLayout(self.layout)
        self._layers = layers
        self._page = -1
        self._maps = iter(layers.maps)
        # For maps without a layer: they would show those of the project's canvas.
        self.project.mapThemeCollection().insert(_EMPTY, QgsMapThemeCollection.MapThemeRecord())
        root, first = self.project.layerTreeRoot(), next(filter(None, layers.maps), [])
        for layer in layers.all():
            self.project.addMapLayer(layer, False)
            # In the canvas the first map is seen.
            shown = layer in first or layer.type() != Qgis.LayerType.Raster
            root.addLayer(layer).setItemVisibilityChecked(shown)

    def add_page(self, page: Page) -> None:
        """Draw a page, on A4."""
        paper = QgsLayoutItemPage(self.layout)
        paper.setPageSize("A4", QgsLayoutItemPage.Orientation.Portrait)
        self.layout.pageCollection().addPage(paper)
        self._page += 1
        items = [self._map(one) for one in page.maps]
        if not self._page:
            self._look_at(page.maps[0])
        first, named = items[0], {one.name: item for one, item in zip(page.maps, items)}
        for one, item in zip(page.maps, items):
            if one.marks:
                extent = QgsLayoutItemMapOverview(one.marks, item)
                extent.setLinkedMap(named[one.marks])
                extent.setFrameSymbol(QgsFillSymbol.createSimple(_SIGNS["area"]))
                item.overviews().addOverview(extent)
        for text in page.texts:
            self._label(text)
        if page.colour_bar is not None:
            self._colour_bar(page.colour_bar, first)
        self._legend(page, first)
        shown, wide = page.maps[0], page.scale_bar[2]
        self._scale_bar(page.scale_bar, first, bar_length(shown.frame, wide, shown.box[2]))
        self._north_arrow(page.north_arrow, first)

    def _map(self, one: MapItem) -> QgsLayoutItemMap:
        """A map that shows its layers and no others, hatched where they have no value."""
        if one.values is not None:
            self._shape(one.box, f"no value, {one.name}", _SIGNS[NO_VALUE_SIGN] | {"outline_style": "no"})
        item = QgsLayoutItemMap(self.layout)
        item.setId(one.name)
        self._put(item, one.box)
        item.setCrs(qgis_crs("EPSG:4326") if one.marks else self.project.crs())
        layers = next(self._maps)
        layers = layers if one.marks else [*self._layers.over, *layers]
        item.setLayers(layers)
        item.setKeepLayerSet(True)
        if not layers:
            item.setFollowVisibilityPreset(True)
            item.setFollowVisibilityPresetName(_EMPTY)
        bounds = one.frame.bounds
        item.zoomToExtent(QgsRectangle(bounds.left, bounds.bottom, bounds.right, bounds.top))
        item.setBackgroundEnabled(False)
        item.setFrameEnabled(True)
        item.setFrameStrokeWidth(QgsLayoutMeasurement(0.2, Qgis.LayoutUnit.Millimeters))
        self._degrees(item, one)
        if one.cells is not None:
            self._cells(item, one.cells)
        return item

    def _look_at(self, one: MapItem) -> None:
        """Let the project open on a map."""
        bounds = one.frame.bounds
        place = QgsRectangle(bounds.left, bounds.bottom, bounds.right, bounds.top)
        crs = qgis_crs("EPSG:4326") if one.marks else self.project.crs()
        self.project.viewSettings().setDefaultViewExtent(QgsReferencedRectangle(place, crs))

    def _degrees(self, item: QgsLayoutItemMap, one: MapItem) -> None:
        grid = QgsLayoutItemMapGrid("degrees", item)
        grid.setCrs(qgis_crs("EPSG:4326"))
        grid.setIntervalX(one.frame.steps[0])
        grid.setIntervalY(one.frame.steps[1])
        if not one.marks:
            grid.setStyle(QgsLayoutItemMapGrid.GridStyle.FrameAnnotationsOnly)
        grid.setGridLineWidth(0.1)
        grid.setGridLineColor(QColor("#bbbbbb"))
        grid.setAnnotationEnabled(True)
        grid.setAnnotationFormat(QgsLayoutItemMapGrid.AnnotationFormat.DecimalWithSuffix)
        grid.setAnnotationPrecision(max(map(decimals, one.frame.steps)))
        grid.setAnnotationTextFormat(_text_format(6))
        left, below = one.left, one.below
        for side, shown, what in (
            (QgsLayoutItemMapGrid.BorderSide.Left, left, QgsLayoutItemMapGrid.DisplayMode.LatitudeOnly),
            (QgsLayoutItemMapGrid.BorderSide.Bottom, below, QgsLayoutItemMapGrid.DisplayMode.LongitudeOnly),
            (QgsLayoutItemMapGrid.BorderSide.Right, False, None),
            (QgsLayoutItemMapGrid.BorderSide.Top, False, None),
        ):
            grid.setAnnotationDisplay(what if shown else QgsLayoutItemMapGrid.DisplayMode.HideAll, side)
        grid.setAnnotationDirection(
            QgsLayoutItemMapGrid.AnnotationDirection.Vertical, QgsLayoutItemMapGrid.BorderSide.Left
        )
        item.grids().addGrid(grid)

    def _cells(self, item: QgsLayoutItemMap, grid: Grid) -> None:
        """The edges of a grid's cells over a map, thin lines."""
        lines = QgsLayoutItemMapGrid("SMAP cells", item)
        lines.setCrs(qgis_crs(grid.crs))
        lines.setIntervalX(grid.cell_width)
        lines.setIntervalY(grid.cell_height)
        lines.setOffsetX(grid.left % grid.cell_width)
        lines.setOffsetY(grid.top % grid.cell_height)
        lines.setGridLineWidth(0.1)
        item.grids().addGrid(lines)

    def _label(self, text: Text) -> None:
        if not text.text:
            return
        item = QgsLayoutItemLabel(self.layout)
        item.setText(text.text)
        item.setTextFormat(_text_format(text.size, text.halo))
        item.setHAlign(_ACROSS[text.across])
        item.setVAlign(Qt.AlignmentFlag.AlignVCenter)
        item.setMarginX(0)
        item.setMarginY(0)
        self._put(item, text.box)

    def _scale_bar(self, box: Box, item: QgsLayoutItemMap, metres: float) -> None:
        """A bar of so many metres, true on the ground, linked to a map."""
        bar = QgsLayoutItemScaleBar(self.layout)
        bar.setStyle("Single Box")
        bar.setLinkedMap(item)
        kilometres = metres >= 1000
        bar.setUnits(Qgis.DistanceUnit.Kilometers if kilometres else Qgis.DistanceUnit.Meters)
        bar.setUnitLabel("km" if kilometres else "m")
        bar.setUnitsPerSegment(metres / 1000 if kilometres else metres)
        bar.setNumberOfSegments(1)
        bar.setNumberOfSegmentsLeft(0)
        bar.setHeight(1.2)
        bar.setTextFormat(_text_format(6.5))
        bar.update()
        self._put(bar, box)

    def _north_arrow(self, box: Box, item: QgsLayoutItemMap) -> None:
        """An arrow to true north, linked to a map."""
        arrow = QgsLayoutItemPicture(self.layout)
        arrow.setId("north arrow")
        arrow.setPicturePath(_ARROW)
        arrow.setNorthMode(QgsLayoutItemPicture.NorthMode.TrueNorth)
        arrow.setLinkedMap(item)
        self._put(arrow, box)

    def _legend(self, page: Page, item: QgsLayoutItemMap) -> None:
        """Signs of what is no layer, above a legend of the layers over the maps."""
        left, top, wide, high = page.legend
        drawn = [(label, _SIGNS[kind]) for label, kind in page.signs().items() if kind in _SIGNS]
        for label, look in drawn:
            self._shape((left, top + 0.05, 0.27, 0.12), label, look)
            self._label(Text((left + 0.36, top + 0.05, wide - 0.36, 0.12), label, 7))
            top += 0.17
        if self._layers.over:
            legend = self._legend_of("legend", item, self._layers.over, 1.5)
            self._put(legend, (left, top + 0.06, wide, high))
            legend.adjustBoxSize()

    def _colour_bar(self, bar: ColourBar, item: QgsLayoutItemMap) -> None:
        """The colour ramp of a layer, lying; it follows the layer's style."""
        layer, (left, top, wide, high) = self._layers.coloured(), bar.box
        if layer is None:
            return
        legend = self._legend_of("colours", item, [layer], 0)
        (node,) = legend.model().rootGroup().findLayers()
        QgsLegendRenderer.setNodeLegendStyle(node, QgsLegendStyle.Style.Hidden)
        settings = QgsColorRampLegendNodeSettings(
            layer.renderer().shader().rasterShaderFunction().legendSettings()
        )
        settings.setOrientation(Qt.Orientation.Horizontal)
        settings.setSuffix("")
        QgsMapLayerLegendUtils.setLegendNodeColorRampSettings(node, _RAMP, settings)
        QgsMapLayerLegendUtils.setLegendNodeSymbolSize(node, _RAMP, QSizeF(wide * _MM, high * _MM))
        # The name of the band stays out.
        QgsMapLayerLegendUtils.setLegendNodeOrder(node, [_RAMP])
        legend.model().refreshLayerLegend(node)
        self._put(legend, bar.box)
        legend.adjustBoxSize()
        # QGIS labels the ends, so far below.
        below = top + high + 0.085
        for tick in bar.ticks[1:-1]:
            middle = left + wide * (tick - bar.ticks[0]) / (bar.ticks[-1] - bar.ticks[0])
            self._label(Text((middle - 0.2, below, 0.4, 0.12), f"{tick:g}", 7, "centre"))
        self._label(Text((left, below + 0.14, wide, 0.14), bar.label, 7.5, "centre"))

    def _legend_of(
        self, name: str, item: QgsLayoutItemMap, layers: Sequence[QgsMapLayer], gap: float
    ) -> QgsLayoutItemLegend:
        legend = QgsLayoutItemLegend(self.layout)
        legend.setId(name)
        legend.setLinkedMap(item)
        legend.setAutoUpdateModel(False)
        root = legend.model().rootGroup()
        wanted = {layer.id() for layer in layers}
        for node in root.findLayers():
            if node.layerId() not in wanted:
                node.parent().removeChildNode(node)
        legend.rstyle(QgsLegendStyle.Style.SymbolLabel).setTextFormat(_text_format(7))
        legend.rstyle(QgsLegendStyle.Style.Symbol).setMargin(QgsLegendStyle.Side.Top, gap)
        # Of a title that is not there.
        legend.rstyle(QgsLegendStyle.Style.Title).setMargin(QgsLegendStyle.Side.Bottom, 0)
        legend.setBoxSpace(0)
        legend.setResizeToContents(True)
        legend.setBackgroundEnabled(False)
        return legend

    def _shape(self, box: Box, name: str, look: Mapping[str, str]) -> None:
        shape = QgsLayoutItemShape(self.layout)
        shape.setShapeType(QgsLayoutItemShape.Shape.Rectangle)
        shape.setSymbol(QgsFillSymbol.createSimple(dict(look)))
        shape.setId(name)
        self._put(shape, box)

    def _put(self, item: QgsLayoutItem, box: Box) -> None:
        left, top, wide, high = (side * _MM for side in box)
        unit = Qgis.LayoutUnit.Millimeters
        self.layout.addLayoutItem(item)
        item.attemptMove(QgsLayoutPoint(left, top, unit), page=self._page)
        item.attemptResize(QgsLayoutSize(wide, high, unit))

    def write(self, template: str, project: str) -> None:
        """Write the layout as a .qpt, and the project with it and its layers, whose paths are relative.

        Raises
        ------
        InputError
            If a file cannot be written.
        """
        if template:
            with whole_file(template) as part:
                if not self.layout.saveAsTemplate(str(part), QgsReadWriteContext()):
                    raise InputError(f"LAYOUT: {template} cannot be written; choose another place.")
        if project:
            with whole_file(project) as part:
                if not self.project.write(str(part)):
                    raise InputError(f"PROJECT: {project} cannot be written ({self.project.error()}).")

    def close(self) -> None:
        """Let go of all layers."""
        self.project.clear()


def _text_format(size: float, halo: bool = False) -> QgsTextFormat:
    made = QgsTextFormat()
    made.setFont(QFont("Open Sans"))
    made.setSize(size)
    made.setSizeUnit(Qgis.RenderUnit.Points)
    made.setColor(QColor("#1a1a1a"))
    if halo:
        rim = QgsTextBufferSettings()
        rim.setEnabled(True)
        rim.setSize(0.5)
        rim.setColor(QColor("white"))
        rim.setOpacity(1)
        made.setBuffer(rim)
    return made
