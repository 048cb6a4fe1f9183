"""Layers that QGIS shows: soil moisture with its colours and dates, and the one file of dated maps."""

from __future__ import annotations

import contextlib
import datetime as dt
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from qgis.core import (
    Qgis,
    QgsCoordinateReferenceSystem,
    QgsDateTimeRange,
    QgsMapLayer,
    QgsProcessingAlgorithm,
    QgsProcessingContext,
    QgsProcessingParameterBoolean,
    QgsProcessingParameterDefinition,
    QgsProcessingParameterRasterDestination,
    QgsRasterLayer,
    QgsReadWriteContext,
    QgsVectorLayer,
)
from qgis.PyQt.QtCore import QDate, QDateTime, QTime
from qgis.PyQt.QtXml import QDomDocument

from ..base.progress import SILENT, Progress
from ..geo.datasets import dataset_grid, open_dataset, whole_file
from ..geo.grid import Grid
from ..geo.texts import band_name
from ..series.one_file import check_series_suffix, write_series_file
from ..series.series import open_series
from .landing import COVARIATE, DATED, MAP, SHAPES, SMAP, TABLE, add_layer, hand_over
from .looks import Look, look_of, soil_moisture
from .values import Values
from .vectors import qgis_crs

#: The one temporal layer in the folder of maps.
SERIES_FILE = "series.vrt"
#: Rasters of a series that tell the ends of its colours.
_LOOKED_AT = 12
#: What of a style is the same each time: symbols of elevation profiles have colours and ids by chance.
_ALIKE = QgsMapLayer.StyleCategories(
    QgsMapLayer.StyleCategory.AllStyleCategories & ~QgsMapLayer.StyleCategory.Elevation
)


def style_series(layer: QgsRasterLayer, dates: Sequence[dt.date], look: Look = soil_moisture) -> None:
    """Give a layer its colours, and each of its bands a day, for the Temporal Controller."""
    layer.setRenderer(look())
    layer.setCustomProperty(DATED, "new")
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


def write_series_style(path: str | Path, dates: Sequence[dt.date], look: Look = soil_moisture) -> None:
    """Write the .qml beside a series file that QGIS loads with it, whoever opens it.

    It is made with an empty stand-in of as many bands: opening the series itself would read
    all cells for their range, and leave .aux.xml files with it beside the maps.
    """
    with _stand_in(len(dates), Path(path).stem) as layer:
        style_series(layer, dates, look)
        with whole_file(Path(path).with_suffix(".qml")) as part:
            layer.saveNamedStyle(str(part), _ALIKE)


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


def raster_layer(path: str, name: str, style: Callable[[QgsRasterLayer], Any]) -> QgsRasterLayer:
    """`unread_layer` of a file."""
    dataset = open_dataset(path)
    return unread_layer(path, name, dataset.RasterCount, qgis_crs(dataset_grid(dataset, path).crs), style)


def _drawn_by(look: Look) -> Callable[[QgsRasterLayer], None]:
    return lambda layer: layer.setRenderer(look())


def hand_over_raster(context: QgsProcessingContext, path: str, kind: str, known: str = "") -> None:
    """Let QGIS show a raster in the colours of its first band, not three of them as red, green and blue.

    A layer of one covariate is named after it, unless it has another name than `known`.
    """
    if not context.willLoadLayerOnCompletion(path):
        return
    details = context.layerToLoadOnCompletionDetails(path)
    look, dataset = look_of(path), open_dataset(path)
    name = band_name(dataset.GetRasterBand(1)) if dataset.RasterCount == 1 and details.name == known else ""

    layer = raster_layer(path, name or details.name or Path(path).stem, _drawn_by(look))
    hand_over(context, path, layer, kind, name)


def hand_over_vector(
    context: QgsProcessingContext, asked: str, dress: Callable[[QgsVectorLayer], None]
) -> None:
    """Let QGIS show a vector layer or table, with looks where it has a geometry."""
    if not context.willLoadLayerOnCompletion(asked):
        return
    layer = context.temporaryLayerStore().mapLayer(asked)
    if layer is None:
        details = context.layerToLoadOnCompletionDetails(asked)
        layer = QgsVectorLayer(asked, details.name or Path(asked).stem, "ogr")
    if layer.isValid():
        if layer.isSpatial():
            dress(layer)
        hand_over(context, asked, layer, SHAPES if layer.isSpatial() else TABLE)


def hand_over_outputs(
    algorithm: QgsProcessingAlgorithm,
    context: QgsProcessingContext,
    outputs: Mapping[str, Any],
    kind_of: Callable[[str], str],
    dress: Callable[[QgsVectorLayer], None],
) -> None:
    """Hand QGIS the layers of all outputs that it is to load.

    Parameters
    ----------
    algorithm, context
    outputs : mapping
        Of the run.
    kind_of : callable
        What the raster of an output is.
    dress : callable
        Gives features their looks.
    """
    for definition in algorithm.destinationParameterDefinitions():
        name = definition.name()
        path = outputs.get(name)
        if not path or not isinstance(path, str):
            continue
        if definition.type() == QgsProcessingParameterRasterDestination.typeName():
            hand_over_raster(context, path, kind_of(name), definition.description())
        else:
            hand_over_vector(context, path, dress)


def series_name(dates: Sequence[dt.date], what: str = "Soil moisture") -> str:
    """The name of a layer of a series, with its dates."""
    if len(dates) == 1:
        return f"{what} {dates[0]}"
    return f"{what} {dates[0]} to {dates[-1]}"


class SeriesDestination(QgsProcessingParameterRasterDestination):
    """A series as one temporal layer: a VRT unless the user names another format."""

    def __init__(self, name: str, description: str):
        super().__init__(name, description, None, True, True)

    def defaultFileExtension(self) -> str:
        return "vrt"

    def clone(self) -> SeriesDestination:
        copy = SeriesDestination(self.name(), self.description())
        copy.fromVariantMap(self.toVariantMap())
        return copy


def check_series(values: Values) -> None:
    """Raise `InputError` where SERIES names a file of a kind that no series is written as."""
    if values.given("SERIES") and not values.is_temporary("SERIES"):
        check_series_suffix(values.output("SERIES"))


@dataclass(frozen=True)
class Dated:
    """What a series of rasters in a folder is: its unit, its kind, what its layer is called, whether filled.

    `filled`: see `write_series_file`.
    """

    unit: str = "m3 m-3"
    kind: str = MAP
    name: str = "Soil moisture"
    filled: bool = False

    def look(self, files: Sequence[Path]) -> Look:
        """How its layer is drawn: soil moisture always between the same values."""
        if self.kind in (MAP, SMAP):
            return soil_moisture
        return look_of(str(files[0]), samples=[str(file) for file in files[:: -(-len(files) // _LOOKED_AT)]])


SMAP_SERIES = Dated(kind=SMAP, name="SMAP soil moisture")
RAIN_SERIES = Dated("mm/d", COVARIATE, "p_antecedent")


def write_series(
    values: Values,
    folder: str,
    grid: Grid,
    rasters: Mapping[dt.date, Path],
    what: Dated,
    progress: Progress,
) -> str:
    """Write SERIES: always in the folder of the rasters, and where the user names a file there too.

    Returns the file that QGIS shows.
    """
    dates = sorted(rasters)
    files = [rasters[date] for date in dates]
    path = asked = values.output("SERIES")
    beside = str(Path(folder) / SERIES_FILE)
    look = write_dated(beside, grid, dates, files, what)
    if asked and values.is_temporary("SERIES"):
        # A temporary file would vanish under a saved project, the one in the folder stays.
        path = beside
    elif asked:
        write_dated(asked, grid, dates, files, what, progress)
    if asked and values.context.willLoadLayerOnCompletion(asked):
        name = series_name(dates, what.name)
        layer = raster_layer(path, name, lambda layer: style_series(layer, dates, look))
        hand_over(values.context, asked, layer, what.kind, name)
    return path or beside


def write_folder_series(
    values: Values, folder: str | Path, what: Dated, progress: Progress
) -> dict[str, str]:
    """Write SERIES of a folder, where asked for or there from an earlier run; returns it as an output."""
    if not values.output("SERIES") and not (Path(folder) / SERIES_FILE).exists():
        return {}
    series = open_series(folder, progress=progress)
    rasters = {entry.date: Path(entry.path) for entry in series.entries}
    return {"SERIES": write_series(values, str(folder), series.grid, rasters, what, progress)}


def write_dated(
    path: str,
    grid: Grid,
    dates: Sequence[dt.date],
    files: Sequence[Path],
    what: Dated,
    progress: Progress = SILENT,
) -> Look:
    """Write a series as one file, with its style; returns how it is drawn."""
    write_series_file(path, grid, dates, files, what.unit, progress, what.filled)
    look = what.look(files)
    write_series_style(path, dates, look)
    return look


def load_parameter(description: str, default: bool = True) -> QgsProcessingParameterDefinition:
    """LOAD: whether QGIS shows what lies in a folder that is an output."""
    return QgsProcessingParameterBoolean("LOAD", description, defaultValue=default)


def add_raster(context: QgsProcessingContext, path: str | Path, kind: str, name: str = "") -> None:
    """Show a raster that no output asked for; a `kind` of soil moisture with its colours."""
    look = soil_moisture if kind in (MAP, SMAP) else look_of(str(path))
    if not name:
        dataset = open_dataset(path)
        name = band_name(dataset.GetRasterBand(1)) or Path(path).stem
    add_layer(context, raster_layer(str(path), name, _drawn_by(look)), kind)


def add_series(context: QgsProcessingContext, folder: str | Path, what: Dated, progress: Progress) -> None:
    """Show a folder of dated rasters that no output asked for; its one file is written into it."""
    series, path = open_series(folder, progress=progress), str(Path(folder) / SERIES_FILE)
    files = [Path(entry.path) for entry in series.entries]
    look = write_dated(path, series.grid, series.dates, files, what)
    name = series_name(series.dates, what.name)
    layer = raster_layer(path, name, lambda layer: style_series(layer, series.dates, look))
    add_layer(context, layer, what.kind)
