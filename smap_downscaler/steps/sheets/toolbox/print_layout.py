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
    QgsLegendStyle,
    QgsMapLayer,
    QgsMapLayerLegendUtils,
    QgsPrintLayout,
    QgsProject,
    QgsRasterLayer,
    QgsReadWriteContext,
    QgsRectangle,
    QgsTextFormat,
)
from qgis.PyQt.QtCore import QSizeF, Qt
from qgis.PyQt.QtGui import QColor, QFont

from ....base.errors import InputError
from ....geo.datasets import whole_file
from ....geo.graticule import MapFrame, decimals
from ....geo.grid import Grid
from ....report.map_parts import round_length
from ....toolbox.vectors import qgis_crs
from ..page_layout import Box

_MM = 25.4
#: Place of the ramp among what QGIS makes of a raster in a legend, after the name of its band.
_RAMP = 1
_ARROW = ":/images/north_arrows/layout_default_north_arrow.svg"
#: What lies under the maps: hatched, where they have no value.
_NO_VALUE = {"style": "b_diagonal", "color": "140,140,140", "outline_style": "no"}
_ACROSS = {
    "left": Qt.AlignmentFlag.AlignLeft,
    "centre": Qt.AlignmentFlag.AlignHCenter,
    "right": Qt.AlignmentFlag.AlignRight,
}
_AREA = {"color": "213,94,0,70", "outline_color": "213,94,0", "outline_width": "0.5"}


class SheetLayout:
    """A print layout in the making, in a project of its own.

    Parameters
    ----------
    title : str
        Of project and layout.
    crs : str
        Of the project.
    """

    def __init__(self, title: str, crs: str):
        self.project = QgsProject()
        self.project.setTitle(title)
        self.project.setFilePathStorage(Qgis.FilePathType.Relative)
        self.project.setCrs(qgis_crs(crs))
        self.project.setEllipsoid("EPSG:7030")
        self.layout = QgsPrintLayout(self.project)
        self.layout.initializeDefaults()
        self.layout.setName(title)
        self.project.layoutManager().addLayout(self.layout)
        self.layout.pageCollection().page(0).setPageSize("A4", QgsLayoutItemPage.Orientation.Portrait)

    def add_layers(self, layers: Sequence[QgsMapLayer]) -> None:
        """Take layers into the project, the first on top; all but the first raster hidden in its canvas."""
        root = self.project.layerTreeRoot()
        shown = False
        for layer in layers:
            self.project.addMapLayer(layer, False)
            node = root.addLayer(layer)
            raster = layer.type() == Qgis.LayerType.Raster
            node.setItemVisibilityChecked(not (raster and shown))
            shown = shown or raster

    def page(self, number: int) -> None:
        """Make sure that the page (from 0) is there."""
        pages = self.layout.pageCollection()
        while pages.pageCount() <= number:
            page = QgsLayoutItemPage(self.layout)
            page.setPageSize("A4", QgsLayoutItemPage.Orientation.Portrait)
            pages.addPage(page)

    def map(
        self,
        page: int,
        box: Box,
        frame: MapFrame,
        crs: str,
        layers: Sequence[QgsMapLayer],
        name: str,
        hatched: bool = True,
    ) -> QgsLayoutItemMap:
        """A map that shows these layers and no others, with degrees along its left and lower edge.

        Hatched, it shows where its layers have no value.
        """
        if hatched:
            self._hatched(page, box, f"no value, {name}", _NO_VALUE)
        item = QgsLayoutItemMap(self.layout)
        item.setId(name)
        self._put(item, page, box)
        item.setCrs(qgis_crs(crs))
        item.setLayers(list(layers))
        item.setKeepLayerSet(True)
        bounds = frame.bounds
        item.zoomToExtent(QgsRectangle(bounds.left, bounds.bottom, bounds.right, bounds.top))
        item.setBackgroundEnabled(False)
        item.setFrameEnabled(True)
        item.setFrameStrokeWidth(QgsLayoutMeasurement(0.2, Qgis.LayoutUnit.Millimeters))
        self._degrees(item, frame)
        return item

    def _degrees(self, item: QgsLayoutItemMap, frame: MapFrame) -> None:
        grid = QgsLayoutItemMapGrid("degrees", item)
        grid.setCrs(qgis_crs("EPSG:4326"))
        grid.setIntervalX(frame.steps[0])
        grid.setIntervalY(frame.steps[1])
        grid.setStyle(QgsLayoutItemMapGrid.GridStyle.FrameAnnotationsOnly)
        grid.setAnnotationEnabled(True)
        grid.setAnnotationFormat(QgsLayoutItemMapGrid.AnnotationFormat.DecimalWithSuffix)
        grid.setAnnotationPrecision(max(map(decimals, frame.steps)))
        grid.setAnnotationTextFormat(_text_format(5.5))
        for side, what in (
            (QgsLayoutItemMapGrid.BorderSide.Left, QgsLayoutItemMapGrid.DisplayMode.LatitudeOnly),
            (QgsLayoutItemMapGrid.BorderSide.Bottom, QgsLayoutItemMapGrid.DisplayMode.LongitudeOnly),
            (QgsLayoutItemMapGrid.BorderSide.Right, QgsLayoutItemMapGrid.DisplayMode.HideAll),
            (QgsLayoutItemMapGrid.BorderSide.Top, QgsLayoutItemMapGrid.DisplayMode.HideAll),
        ):
            grid.setAnnotationDisplay(what, side)
        grid.setAnnotationDirection(
            QgsLayoutItemMapGrid.AnnotationDirection.Vertical, QgsLayoutItemMapGrid.BorderSide.Left
        )
        item.grids().addGrid(grid)

    def cells(self, item: QgsLayoutItemMap, grid: Grid) -> None:
        """The edges of a grid's cells over a map, thin lines."""
        lines = QgsLayoutItemMapGrid("SMAP cells", item)
        lines.setCrs(qgis_crs(grid.crs))
        lines.setIntervalX(grid.cell_width)
        lines.setIntervalY(grid.cell_height)
        lines.setOffsetX(grid.left % grid.cell_width)
        lines.setOffsetY(grid.top % grid.cell_height)
        lines.setGridLineWidth(0.1)
        item.grids().addGrid(lines)

    def overview(self, item: QgsLayoutItemMap, area: QgsLayoutItemMap) -> None:
        """Where the area of a map lies in another."""
        frame = QgsLayoutItemMapOverview("area", item)
        frame.setLinkedMap(area)
        frame.setFrameSymbol(QgsFillSymbol.createSimple(_AREA))
        item.overviews().addOverview(frame)

    def label(self, page: int, box: Box, text: str, size: float, across: str = "left") -> None:
        """A line of text, at the left, centre or right of its box."""
        item = QgsLayoutItemLabel(self.layout)
        item.setText(text)
        item.setTextFormat(_text_format(size))
        item.setHAlign(_ACROSS[across])
        item.setVAlign(Qt.AlignmentFlag.AlignVCenter)
        item.setMarginX(0)
        item.setMarginY(0)
        self._put(item, page, box)

    def scale_bar(self, page: int, box: Box, item: QgsLayoutItemMap, frame: MapFrame) -> None:
        """A bar of a round length, true on the ground, linked to a map."""
        ground = (frame.bounds.right - frame.bounds.left) * frame.metres_a_unit
        metres = round_length(ground / 3)
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
        self._put(bar, page, box)

    def north_arrow(self, page: int, box: Box, item: QgsLayoutItemMap) -> None:
        """An arrow to true north, linked to a map."""
        arrow = QgsLayoutItemPicture(self.layout)
        arrow.setId("north arrow")
        arrow.setPicturePath(_ARROW)
        arrow.setNorthMode(QgsLayoutItemPicture.NorthMode.TrueNorth)
        arrow.setLinkedMap(item)
        self._put(arrow, page, box)

    def legend(self, page: int, box: Box, item: QgsLayoutItemMap, layers: Sequence[QgsMapLayer]) -> None:
        """A legend of some of the layers, with their ramps."""
        legend = self._legend_of("legend", item, layers)
        legend.setResizeToContents(True)
        self._put(legend, page, box)
        legend.adjustBoxSize()

    def colour_bar(
        self, page: int, box: Box, item: QgsLayoutItemMap, layer: QgsRasterLayer, title: str
    ) -> None:
        """The colour ramp of a layer, lying; it follows the layer's style."""
        legend = self._legend_of("colours", item, [layer])
        (node,) = legend.model().rootGroup().findLayers()
        node.setCustomProperty("cached_name", title)
        node.setCustomProperty("legend/title-label", title)
        settings = QgsColorRampLegendNodeSettings(
            layer.renderer().shader().rasterShaderFunction().legendSettings()
        )
        settings.setOrientation(Qt.Orientation.Horizontal)
        settings.setSuffix("")
        QgsMapLayerLegendUtils.setLegendNodeColorRampSettings(node, _RAMP, settings)
        QgsMapLayerLegendUtils.setLegendNodeSymbolSize(node, _RAMP, QSizeF(0.9 * box[2] * _MM, 3.5))
        # The name of the band stays out.
        QgsMapLayerLegendUtils.setLegendNodeOrder(node, [_RAMP])
        legend.model().refreshLayerLegend(node)
        legend.setResizeToContents(True)
        self._put(legend, page, box)
        legend.adjustBoxSize()

    def _legend_of(
        self, name: str, item: QgsLayoutItemMap, layers: Sequence[QgsMapLayer]
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
        for style, size in (
            (QgsLegendStyle.Style.Title, 8.0),
            (QgsLegendStyle.Style.Subgroup, 7.0),
            (QgsLegendStyle.Style.SymbolLabel, 6.5),
        ):
            changed = legend.style(style)
            changed.setTextFormat(_text_format(size))
            legend.setStyle(style, changed)
        legend.setBackgroundEnabled(False)
        return legend

    def no_value(self, page: int, box: Box) -> None:
        """What the hatching means."""
        left, top, _wide, high = box
        self._hatched(page, (left, top, 0.3, high), "no value", {**_NO_VALUE, "outline_style": "solid"})
        self.label(page, (left + 0.36, top, 1.0, high), "no value", 6.5)

    def _hatched(self, page: int, box: Box, name: str, look: Mapping[str, str]) -> None:
        shape = QgsLayoutItemShape(self.layout)
        shape.setShapeType(QgsLayoutItemShape.Shape.Rectangle)
        shape.setSymbol(QgsFillSymbol.createSimple(dict(look)))
        shape.setId(name)
        self._put(shape, page, box)

    def _put(self, item: QgsLayoutItem, page: int, box: Box) -> None:
        left, top, wide, high = (side * _MM for side in box)
        unit = Qgis.LayoutUnit.Millimeters
        self.layout.addLayoutItem(item)
        item.attemptMove(QgsLayoutPoint(left, top, unit), page=page)
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


def _text_format(size: float) -> QgsTextFormat:
    made = QgsTextFormat()
    made.setFont(QFont("Open Sans"))
    made.setSize(size)
    made.setSizeUnit(Qgis.RenderUnit.Points)
    made.setColor(QColor("#1a1a1a"))
    return made
