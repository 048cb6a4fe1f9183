"""Layers that QGIS shows: soil moisture with its colours and dates, and the one file of dated maps."""

from __future__ import annotations

import contextlib
import datetime as dt
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from qgis.core import (
    Qgis,
    QgsContrastEnhancement,
    QgsCoordinateReferenceSystem,
    QgsDateTimeRange,
    QgsProcessingContext,
    QgsProcessingParameterRasterDestination,
    QgsRasterLayer,
    QgsReadWriteContext,
    QgsSingleBandGrayRenderer,
)
from qgis.PyQt.QtCore import QDate, QDateTime, QTime
from qgis.PyQt.QtXml import QDomDocument

from ..base.progress import Progress
from ..geo.datasets import whole_file
from ..geo.grid import Grid
from ..series.one_file import check_series_suffix, write_series_file
from .algorithm import RESOURCES
from .values import Values

#: The one temporal layer in the folder of maps.
SERIES_FILE = "series.vrt"
STYLE = RESOURCES / "styles" / "soil_moisture.qml"


def style_soil_moisture(layer: QgsRasterLayer, dates: Sequence[dt.date]) -> None:
    """Give a layer the soil moisture ramp and each of its bands a day, for the Temporal Controller."""
    layer.loadNamedStyle(str(STYLE))
    properties = layer.temporalProperties()
    properties.setMode(Qgis.RasterTemporalMode.FixedRangePerBand)
    properties.setFixedRangePerBand({band: _day(date) for band, date in enumerate(dates, start=1)})
    properties.setIsActive(True)


def _day(date: dt.date) -> QgsDateTimeRange:
    # An open end keeps neighbouring days from showing together.
    day = QDate(date.year, date.month, date.day)
    return QgsDateTimeRange(
        QDateTime(day, QTime(0, 0)), QDateTime(day.addDays(1), QTime(0, 0)), includeEnd=False
    )


def write_series_style(path: str | Path, dates: Sequence[dt.date]) -> None:
    """Write the .qml beside a series file that QGIS loads with it, whoever opens it.

    It is made with an empty stand-in of as many bands: opening the series itself would read
    all cells for their range, and leave .aux.xml files with it beside the maps.
    """
    with _stand_in(len(dates), Path(path).stem) as layer:
        style_soil_moisture(layer, dates)
        with whole_file(Path(path).with_suffix(".qml")) as part:
            layer.saveNamedStyle(str(part))


def unread_layer(
    path: str,
    name: str,
    bands: int,
    crs: QgsCoordinateReferenceSystem,
    style: Callable[[QgsRasterLayer], Any],
) -> QgsRasterLayer:
    """A styled layer of a raster that QGIS does not look into.

    Opened in the plain way, it would be read for the range of its cells, and an .aux.xml with it
    left beside; read from XML, as in a project file, it is not.

    Parameters
    ----------
    path : str
    name : str
    bands : int
        Of the raster.
    crs : QgsCoordinateReferenceSystem
    style : callable
        Given a stand-in of as many bands, to which it gives the style.
    """
    document = QDomDocument("qgis")
    element = document.createElement("maplayer")
    document.appendChild(element)
    with _stand_in(bands, name) as layer:
        layer.setCrs(crs)
        style(layer)
        layer.writeLayerXml(element, document, QgsReadWriteContext())
    source = document.createElement("datasource")
    source.appendChild(document.createTextNode(path))
    element.replaceChild(source, element.firstChildElement("datasource"))
    made = QgsRasterLayer()
    made.readLayerXml(element, QgsReadWriteContext())
    return made


@contextlib.contextmanager
def _stand_in(bands: int, name: str) -> Iterator[QgsRasterLayer]:
    """An empty layer of one pixel."""
    # It has a NoData value, so that the layer heeds that of its file.
    listed = "".join(
        f'<VRTRasterBand dataType="Float32" band="{number}"><NoDataValue>-9999</NoDataValue></VRTRasterBand>'
        for number in range(1, bands + 1)
    )
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "bands.vrt"
        file.write_text(
            '<VRTDataset rasterXSize="1" rasterYSize="1"><GeoTransform>0, 1, 0, 0, 0, -1</GeoTransform>'
            f"{listed}</VRTDataset>",
            encoding="utf-8",
        )
        options = QgsRasterLayer.LayerOptions()
        # It has no CRS, and nobody should be asked for one.
        options.skipCrsValidation = True
        layer = QgsRasterLayer(str(file), name, "gdal", options)
        yield layer
        # Windows removes no file that is open.
        del layer


def hand_over_series(
    context: QgsProcessingContext, asked: str, path: str, name: str, dates: Sequence[dt.date]
) -> None:
    """Let QGIS show the series at `path` in place of the destination it asked for, styled and dated."""
    if context.willLoadLayerOnCompletion(asked):
        layer = QgsRasterLayer(path, name)
        style_soil_moisture(layer, dates)
        _hand_over(context, asked, layer, name)


def hand_over_stack(context: QgsProcessingContext, path: str) -> None:
    """Let QGIS show the first covariate of a stack in grey, not three of them as red, green and blue."""
    if not context.willLoadLayerOnCompletion(path):
        return
    details = context.layerToLoadOnCompletionDetails(path)
    layer = QgsRasterLayer(path, details.name or Path(path).stem)
    renderer = QgsSingleBandGrayRenderer(layer.dataProvider(), 1)
    statistics = layer.dataProvider().bandStatistics(1)
    stretch = QgsContrastEnhancement(layer.dataProvider().dataType(1))
    stretch.setMinimumValue(statistics.minimumValue)
    stretch.setMaximumValue(statistics.maximumValue)
    stretch.setContrastEnhancementAlgorithm(
        QgsContrastEnhancement.ContrastEnhancementAlgorithm.StretchToMinimumMaximum
    )
    renderer.setContrastEnhancement(stretch)
    layer.setRenderer(renderer)
    _hand_over(context, path, layer, "")


def _hand_over(context: QgsProcessingContext, asked: str, layer: QgsRasterLayer, name: str) -> None:
    """Hand QGIS a layer that is open already: opening it in the main thread would make the user wait."""
    layers = context.layersToLoadOnCompletion()
    details = layers.pop(asked)
    if name:
        details.name = name
        details.forceName = True
    context.temporaryLayerStore().addMapLayer(layer)
    layers[layer.id()] = details
    context.setLayersToLoadOnCompletion(layers)


def series_name(dates: Sequence[dt.date]) -> str:
    """The name of a soil moisture layer, with its dates."""
    if len(dates) == 1:
        return f"Soil moisture {dates[0]}"
    return f"Soil moisture {dates[0]} to {dates[-1]}"


class SeriesDestination(QgsProcessingParameterRasterDestination):
    """A raster destination that is a VRT unless the user names another format."""

    def defaultFileExtension(self) -> str:
        return "vrt"

    def clone(self) -> SeriesDestination:
        return SeriesDestination(
            self.name(), self.description(), self.defaultValue(), True, self.createByDefault()
        )


def check_series(values: Values) -> None:
    """Raise `InputError` where SERIES names a file of a kind that no series is written as."""
    if values.given("SERIES") and not values.is_temporary("SERIES"):
        check_series_suffix(values.output("SERIES"))


def write_series(
    values: Values,
    folder: str,
    grid: Grid,
    maps: Mapping[dt.date, Path],
    unit: str,
    progress: Progress,
    filled: bool = False,
) -> str:
    """Write SERIES: always in the folder of maps, and where the user names a file there too.

    Returns the file that QGIS shows.  `filled`: see `write_series_file`.
    """
    dates = sorted(maps)
    files = [maps[date] for date in dates]
    path = asked = values.output("SERIES")
    beside = str(Path(folder) / SERIES_FILE)
    write_series_file(beside, grid, dates, files, unit, filled=filled)
    write_series_style(beside, dates)
    if asked and values.is_temporary("SERIES"):
        # A temporary file would vanish under a saved project, the one in the folder stays.
        path = beside
    elif asked:
        write_series_file(asked, grid, dates, files, unit, progress, filled)
        write_series_style(asked, dates)
    if asked:
        hand_over_series(values.context, asked, path, series_name(dates), dates)
    return path or beside
