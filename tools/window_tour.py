"""Inside QGIS: the steps of the window test, as a user would take them."""

from __future__ import annotations

import os
import tempfile
import time
from pathlib import Path
from typing import Any

from osgeo import gdal, ogr
from qgis.core import (
    Qgis,
    QgsApplication,
    QgsDateTimeRange,
    QgsInterval,
    QgsLayoutExporter,
    QgsProcessingAlgorithm,
    QgsProject,
    QgsRasterLayer,
)
from qgis.PyQt.QtCore import QModelIndex, QRect, Qt
from qgis.PyQt.QtGui import QImage
from qgis.PyQt.QtWidgets import QAction, QDockWidget, QTreeView

from window_inside import Step, StepError, Wait, Window
from window_run import PROVIDER, DialogRun, left_in, loaded, message_box, open_dialog, timed_run

NAME = "SMAP Downscaler"
SOIL = ("clay", "sand", "soc")
HEIGHT = 780
_MARGIN = 1


def toolbox(window: Window) -> Step:
    """The Processing toolbox with the provider unfolded; its groups are in the order of the data flow."""
    dock = window.main.findChild(QDockWidget, "ProcessingToolbox")
    if dock is None:
        raise StepError("QGIS has no Processing toolbox")
    dock.show()
    window.main.resizeDocks([dock], [430], Qt.Orientation.Horizontal)
    yield 1.0
    tree = next(view for view in dock.findChildren(QTreeView) if view.model() and view.isVisible())
    tree.collapseAll()
    index = _child(tree, QModelIndex(), NAME)
    tree.expandRecursively(index)
    tree.scrollTo(index, QTreeView.ScrollHint.PositionAtTop)
    yield 1.0
    groups = {text: _texts(tree, child) for text, child in _children(tree, index)}
    window.notes["groups"] = groups
    tree.viewport().grab(_area(tree, index)).save(str(window.output / "toolbox.png"))
    if list(groups) != sorted(groups):
        raise StepError(f"the groups are not in their order: {list(groups)}")
    provider = QgsApplication.processingRegistry().providerById(PROVIDER)
    shown, there = sum(len(names) for names in groups.values()), len(provider.algorithms())
    if shown != there:
        raise StepError(f"the toolbox shows {shown} of {there} algorithms")
    dock.hide()


def _area(tree: QTreeView, top: QModelIndex) -> QRect:
    """Where an unfolded item and all below it stand in the view."""
    last = top
    while tree.model().rowCount(last):
        last = tree.model().index(tree.model().rowCount(last) - 1, 0, last)
    begin, end = tree.visualRect(top).top(), tree.visualRect(last).bottom()
    return QRect(0, begin - _MARGIN, tree.viewport().width(), end - begin + 2 * _MARGIN)


def _children(tree: QTreeView, parent: QModelIndex) -> list[tuple[str, QModelIndex]]:
    model = tree.model()
    rows = (model.index(row, 0, parent) for row in range(model.rowCount(parent)))
    return [(str(index.data()), index) for index in rows]


def _child(tree: QTreeView, parent: QModelIndex, name: str) -> QModelIndex:
    found = dict(_children(tree, parent))
    if name not in found:
        raise StepError(f"the toolbox does not show {name}, only {', '.join(found)}")
    return found[name]


def _texts(tree: QTreeView, parent: QModelIndex) -> list[str]:
    return [text for text, _ in _children(tree, parent)]


def harmonise(window: Window) -> Step:
    """Covariates to two stacks."""
    data = window.data / "data"
    layers = [data / "dem.tif", *(data / "soil" / f"{name}.tif" for name in SOIL)]
    parameters = {
        "INPUT": [str(layer) for layer in layers],
        "SMAP": str(window.data / "smap"),
        "MASK": str(data / "mask.tif"),
        "NAMES": ",".join(("elevation", *SOIL)),
        "RESOLUTION": 100,
        "OUTPUT_COARSE": str(window.output / "coarse.tif"),
        "OUTPUT_FINE": str(window.output / "fine.tif"),
    }
    yield from timed_run(window, "harmonisecovariates", parameters, HEIGHT)


def one_dialog(window: Window) -> Step:
    """From raw files to the maps of three days on the canvas, with one dialog."""
    data = window.data / "data"
    parameters = {
        "SMAP": str(data / "smap"),
        "DEM": str(data / "dem.tif"),
        "SOIL": [str(data / "soil" / f"{name}.tif") for name in SOIL],
        "RAIN": str(data / "precipitation"),
        "METHOD": "random forest",
        "END": "2021-01-07",
        "RESOLUTION": 500,
        "CROSS_VALIDATION": False,
        "OUTPUT": str(window.output / "one_dialog"),
    }
    yield from timed_run(window, "downscalesmap", parameters)
    yield from _map_alone(window, "one_dialog")


def own_area(window: Window) -> Step:
    """The guide "Your own area": the same dialog as it opens, on ten days at 100 m and a DEM in degrees."""
    data, dem = window.data / "data", window.output / "dem_degrees.tif"
    gdal.Warp(str(dem), str(data / "dem.tif"), dstSRS="EPSG:4326")
    parameters = {
        "SMAP": str(data / "smap"),
        "DEM": str(dem),
        "SOIL": [str(data / "soil" / f"{name}.tif") for name in SOIL],
        "RAIN": str(data / "precipitation"),
        "OUTPUT": str(window.output / "own_area"),
    }
    yield from timed_run(window, "downscalesmap", parameters)
    yield from _map_alone(window, "own_area")


def _map_alone(window: Window, picture: str) -> Step:
    """The window with the run's maps and without dialogs, as `picture`."""
    window.tidy()
    layer = [one for one in loaded() if one.name().startswith("Soil moisture")][-1]
    window.iface.mapCanvas().setExtent(layer.extent())
    window.iface.mapCanvas().refresh()
    yield 1.0
    yield Wait(window.drawn, "the map")
    window.picture(picture)


def example(window: Window) -> Step:
    """The menu's "Open example": the demo's year is made and lies in the project."""
    before = {layer.id() for layer in loaded()}
    (action,) = [one for one in window.main.findChildren(QAction) if one.text() == "Open example"]
    action.trigger()

    def new() -> list[Any]:
        return [layer for layer in loaded() if layer.id() not in before]

    yield Wait(lambda: any(layer.name().startswith("SMAP soil") for layer in new()), "the example", 900)
    yield 1.0
    yield Wait(window.drawn, "the map")
    window.picture("example")
    window.notes["layers"] = sorted(layer.name() for layer in new())
    broken = [layer.name() for layer in new() if not layer.isValid()]
    if broken:
        raise StepError(f"layers of the example do not open: {broken}")


def first_map(window: Window) -> Step:
    """What the guide "A first map, in two minutes" tells, step by step."""
    demo, maps = window.output / "demo", window.output / "first_maps"
    yield from timed_run(window, "createdemodata", {"DAYS": 10, "OUTPUT": str(demo)})
    parameters = {
        "SMAP": str(demo / "smap"),
        "COVARIATES": [str(demo / "dem.tif"), *(str(demo / "soil" / f"{name}.tif") for name in SOIL)],
        "PRECIPITATION": str(demo / "precipitation"),
        "maps": str(maps),
    }
    yield from timed_run(window, "mapeveryday", parameters)
    yield from _map_alone(window, "first_map")
    truth = {"INPUT": str(maps), "REFERENCE": str(demo / "truth"), "SMAP": str(demo / "smap")}
    yield from timed_run(window, "comparemaps", truth)
    window.tidy()
    yield 0.5
    window.picture("first_map_compared")


def train(window: Window) -> Step:
    """Forests by date."""
    parameters = {
        "INPUT": str(window.data / "matrix.gpkg"),
        "OUTPUT": str(window.output / "forests.smapforest"),
        "SCORES": str(window.output / "scores.gpkg"),
    }
    yield from timed_run(window, "trainforests", parameters, HEIGHT)


def _maps(window: Window, folder: str) -> dict[str, Any]:
    """Parameters of `downscale`; independent of the steps before."""
    return {
        "FORESTS": str(window.data / "forests.smapforest"),
        "COVARIATES": str(window.data / "covariates_100m.tif"),
        "DYNAMIC": [str(path) for path in sorted((window.data / "p_antecedent").glob("*.tif"))],
        "OUTPUT": str(window.output / folder),
    }


def downscale(window: Window) -> Step:
    """Maps."""
    yield from timed_run(window, "downscale", _maps(window, "maps"), HEIGHT)


def temporal(window: Window) -> Step:
    """The maps in the Temporal Controller: each date shows its own band, styled."""
    layer = _series_layer()
    canvas, controller = window.iface.mapCanvas(), window.iface.mapCanvas().temporalController()
    dock = next(
        dock for dock in window.main.findChildren(QDockWidget) if dock.windowTitle() == "Temporal Controller"
    )
    dock.show()
    for panel in window.main.findChildren(QDockWidget):
        if panel.objectName() in ("Browser", "ProcessingToolbox"):
            panel.hide()
        if panel.objectName() == "Layers":
            window.main.resizeDocks([panel], [410], Qt.Orientation.Horizontal)
    _only(layer)
    window.iface.setActiveLayer(layer)
    window.iface.zoomToActiveLayer()
    window.iface.layerTreeView().expandAll()
    controller.setNavigationMode(Qgis.TemporalNavigationMode.Animated)
    controller.setFrameDuration(QgsInterval(1, Qgis.TemporalUnit.Days))
    controller.setTemporalExtents(_whole_time(layer))
    window.main.resizeDocks([dock], [90], Qt.Orientation.Vertical)
    yield 1.0
    images, bands = {}, {}
    for frame in range(controller.totalFrameCount()):
        controller.setCurrentFrameNumber(frame)
        yield 0.5
        yield Wait(window.drawn, "the map")
        yield 0.3
        span = controller.dateTimeRangeForFrameNumber(frame)
        date = span.begin().date().toString("yyyy-MM-dd")
        shown = layer.temporalProperties().filteredBandsForTemporalRange(layer, span)
        bands[date] = [layer.bandName(band) for band in shown]
        if shown:
            window.picture("temporal_map")
            images[date] = _pixels(canvas.grab().toImage())
    window.notes["bands"] = bands
    wrong = {
        date: names for date, names in bands.items() if names and not (len(names) == 1 and date in names[0])
    }
    if wrong:
        raise StepError(f"dates that show other bands: {wrong}")
    if len(images) < 2 or len(set(images.values())) < len(images):
        raise StepError(f"the maps of {len(images)} dates look alike")


def series(window: Window) -> Step:
    """Open the series of maps as a file: its style and its dates come with it."""
    from smap_downscaler.series.series import open_series
    from smap_downscaler.toolbox.layers import series_name

    maps = window.data / "maps"
    layer = window.iface.addRasterLayer(str(maps / "series.vrt"), series_name(open_series(maps).dates))
    if not layer or not layer.isValid():
        raise StepError(f"QGIS does not open {maps / 'series.vrt'}")
    yield Wait(window.drawn, "the map")


def tool_dialogs(window: Window) -> Step:
    """The dialog of each tool with the values of its help's example, for the page behind its Help button."""
    from smap_downscaler.toolbox.help import load_help
    from smap_downscaler.toolbox.help_page import example_values

    # Relative paths: a picture does not tell where it was made.
    before = os.getcwd()
    os.chdir(tempfile.mkdtemp())
    for algorithm in QgsApplication.processingRegistry().providerById(PROVIDER).algorithms():
        name = algorithm.name()
        values = example_values(load_help(name).example)
        _stand_ins(algorithm, values)
        run = open_dialog(window, name, values)
        yield 0.7
        window.picture(f"dialog_{name}", run.dialog)
        run.dialog.close()
        yield 0.2
    os.chdir(before)


def _stand_ins(algorithm: QgsProcessingAlgorithm, values: dict[str, str | list[str]]) -> None:
    """Write what the inputs of an example are called, as small as can be: QGIS shows only what is there."""
    inputs = {one.name(): one for one in algorithm.parameterDefinitions() if not one.isDestination()}
    fields = [values[name] for name, one in inputs.items() if one.type() == "field" and name in values]
    for name in inputs.keys() & values.keys():
        for path in map(Path, [values[name]] if isinstance(values[name], str) else values[name]):
            if path.parts[0] not in ("demo", "work") or path.exists():
                continue
            path.parent.mkdir(parents=True, exist_ok=True)
            if path.suffix == ".tif":
                gdal.GetDriverByName("GTiff").Create(str(path), 1, 1).FlushCache()
            elif path.suffix == ".gpkg":
                made = gdal.GetDriverByName("GPKG").Create(str(path), 0, 0, 0, gdal.GDT_Unknown)
                layer = made.CreateLayer(path.stem, None, ogr.wkbPolygon)
                for field in [one for own in fields for one in ([own] if isinstance(own, str) else own)]:
                    layer.CreateField(ogr.FieldDefn(field, ogr.OFTReal))


def _series_layer() -> QgsRasterLayer:
    for layer in QgsProject.instance().mapLayers().values():
        if isinstance(layer, QgsRasterLayer) and layer.temporalProperties().isActive():
            return layer
    raise StepError("no layer of the project is temporal")


def _only(layer: QgsRasterLayer) -> None:
    for node in QgsProject.instance().layerTreeRoot().findLayers():
        node.setItemVisibilityChecked(node.layerId() == layer.id())


def _whole_time(layer: QgsRasterLayer) -> QgsDateTimeRange:
    ranges = layer.temporalProperties().allTemporalRanges(layer)
    return QgsDateTimeRange(min(one.begin() for one in ranges), max(one.end() for one in ranges), True, False)


def _pixels(image: Any) -> bytes:
    pointer = image.constBits()
    pointer.setsize(image.sizeInBytes())
    return bytes(pointer)


def cancel(window: Window) -> Step:
    """Cancel in the midst of mapping: the task ends at once, and only whole maps are left."""
    folder = window.output / "cancelled"
    run = open_dialog(window, "downscale", {**_maps(window, folder.name), "THREADS": 0}, HEIGHT)
    yield 0.5
    run.click()
    yield Wait(lambda: len(left_in(folder)) > 1 or run.ended, "the first map and the second under way")
    yield 0.5
    under_way = left_in(folder)
    window.picture("cancel", run.dialog)
    if not run.working():
        raise StepError("the run ended before it could be cancelled; use more cells")
    pressed = time.perf_counter()
    run.dialog.cancelButton().click()
    yield run.wait(30)
    window.notes["cancel_seconds"] = time.perf_counter() - pressed
    window.notes["work_seconds"] = window.worked[-1][1] - pressed
    yield 0.5
    window.picture("cancelled", run.dialog)
    window.notes["under_way"], window.notes["left"] = under_way, left_in(folder)
    window.notes["log"] = run.log
    wrong = [name for name in left_in(folder) if not _whole_map(folder / name)]
    if wrong or not left_in(folder):
        raise StepError(f"only the whole maps should be left of {under_way}, not {left_in(folder)}")
    if window.notes["cancel_seconds"] > 2:
        raise StepError(f"cancelling took {window.notes['cancel_seconds']:.1f} s")


def _whole_map(path: Path) -> bool:
    """Whether a map was finished: all of it can be read, and it has the statistics written last."""
    try:
        dataset = gdal.Open(str(path))
        whole = dataset is not None and dataset.ReadAsArray() is not None
    except RuntimeError:
        return False
    return whole and dataset.GetRasterBand(1).GetMetadataItem("STATISTICS_MEAN") is not None


def batch(window: Window) -> Step:
    """Two rows of `importsmap` in the batch dialog."""
    from processing.gui.BatchAlgorithmDialog import BatchAlgorithmDialog

    algorithm = QgsApplication.processingRegistry().createAlgorithmById(f"{PROVIDER}:importsmap")
    dialog = BatchAlgorithmDialog(algorithm, window.main)
    window.show(dialog)
    panel = dialog.mainWidget()
    folders = [window.output / f"batch_{number}" for number in (1, 2)]
    rows = [
        {
            panel.PARAMETERS: {"INPUT": str(window.data / "data" / "smap"), "START": start},
            panel.OUTPUTS: {"OUTPUT": str(folder)},
        }
        for folder, start in zip(folders, (None, "2021-01-08"))
    ]
    panel.load_batch_file_3_40_version({panel.ROWS: rows})
    yield 1.0
    window.picture("batch", dialog)
    run = DialogRun(window, dialog)
    run.click()
    yield Wait(lambda: run.ended or all(left_in(folder) for folder in folders), "the two rows")
    yield 1.5
    window.notes["log"] = run.log
    window.picture("batch_log", dialog)
    counts = {
        folder.name: len([name for name in left_in(folder) if name.endswith(".tif")]) for folder in folders
    }
    window.notes["maps"] = counts
    if not counts["batch_1"] > counts["batch_2"] > 0:
        raise StepError(f"the second row should have made fewer maps than the first: {counts}\n{run.log}")


def wrong_table(window: Window) -> Step:
    """A table without the needed fields: the sentence stands in the log."""
    parameters = {
        "INPUT": str(window.data / "data" / "aoi.gpkg"),
        "OUTPUT": str(window.output / "never.smapforest"),
    }
    run = open_dialog(window, "trainforests", parameters, HEIGHT)
    yield 0.5
    run.click()
    yield Wait(lambda: run.ended or message_box(), "the refusal")
    yield 1.0
    window.picture("error_in_log")
    window.notes["said"] = run.log
    if "aoi.gpkg" not in run.log or run.successful or (window.output / "never.smapforest").exists():
        raise StepError(f"the wrong table is not refused by name:\n{run.log}")


def wrong_dates(window: Window) -> Step:
    """Exchanged dates: seen before any work, told in a message box."""
    parameters = {**_maps(window, "never"), "START": "2021-02-01", "END": "2021-01-01"}
    run = open_dialog(window, "downscale", parameters, HEIGHT)
    yield 0.5
    run.click()
    yield Wait(lambda: run.ended or message_box(), "the refusal")
    yield 1.0
    window.picture("error_in_box")
    box = message_box()
    window.notes["said"] = box.text() if box else run.log
    if box is None or "START (2021-02-01) is after END (2021-01-01)" not in box.text():
        raise StepError(f"exchanged dates are not refused in a message box: {window.notes['said']}")
    box.accept()
    yield 0.5


def dialogs(window: Window) -> Step:
    """A picture of the empty dialog of every algorithm and model of the provider."""
    for algorithm in QgsApplication.processingRegistry().providerById(PROVIDER).algorithms():
        run = open_dialog(window, algorithm.name(), {}, HEIGHT)
        yield 0.7
        window.picture(f"empty_{algorithm.name()}", run.dialog)
        run.dialog.close()
        yield 0.2


def sheet(window: Window) -> Step:
    """A map sheet from its dialog; its print layout opens anew and shows the maps."""
    project, template = window.output / "sheet.qgz", window.output / "sheet.qpt"
    before = QgsProject.instance().layoutManager().layouts(), list(QgsProject.instance().mapLayers())
    parameters = {
        "SERIES": str(window.data / "maps"),
        "SMAP": str(window.data / "smap"),
        "AOI": str(window.data / "data" / "aoi.gpkg"),
        "OUTPUT": str(window.output / "sheet.png"),
        "PROJECT": str(project),
        "LAYOUT": str(template),
    }
    yield from timed_run(window, "mapsheet", parameters, HEIGHT)
    if before != (QgsProject.instance().layoutManager().layouts(), list(QgsProject.instance().mapLayers())):
        raise StepError("the user's project has changed")
    opened = QgsProject()
    if not opened.read(str(project)):
        raise StepError(f"{project} does not open: {opened.error()}")
    (layout,) = opened.layoutManager().printLayouts()
    settings = QgsLayoutExporter.ImageExportSettings()
    settings.dpi = 100
    picture = window.output / "sheet_layout.png"
    QgsLayoutExporter(layout).exportToImage(str(picture), settings)
    image = QImage(str(picture))
    colours = {image.pixel(x, y) for x in range(0, image.width(), 3) for y in range(0, image.height(), 3)}
    opened.clear()
    window.notes["colours"] = len(colours)
    if len(colours) < 200:
        raise StepError(f"the print layout shows {len(colours)} colours only: {picture}")


STEPS = {
    step.__name__: step
    for step in (
        toolbox,
        dialogs,
        one_dialog,
        own_area,
        example,
        first_map,
        harmonise,
        train,
        downscale,
        temporal,
        cancel,
        batch,
        wrong_table,
        wrong_dates,
        series,
        tool_dialogs,
        sheet,
    )
}
