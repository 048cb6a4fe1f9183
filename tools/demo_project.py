"""A QGIS project of the demo, with the maps in the Temporal Controller."""

from __future__ import annotations

from pathlib import Path

from qgis.core import Qgis, QgsHillshadeRenderer, QgsProject, QgsRasterLayer, QgsReferencedRectangle

from smap_downscaler.series.series import open_series
from smap_downscaler.toolbox.layers import Dated, series_name, style_series, write_dated


def write_project(path: Path, data: Path, paths: dict[str, Path]) -> Path:
    """Write a project with maps, SMAP and terrain; paths in it are relative."""
    project = QgsProject()
    project.setTitle("SMAP Downscaler demo")
    project.setFilePathStorage(Qgis.FilePathType.Relative)
    maps = open_series(paths["maps"])
    layer = _series_layer(paths["maps"] / "series.vrt", series_name(maps.dates), maps.dates)
    smap = open_series(paths["smap"])
    smap_vrt = paths["smap"] / "series.vrt"
    write_dated(str(smap_vrt), smap.grid, smap.dates, [entry.path for entry in smap.entries], Dated("m3 m-3"))
    cells = _series_layer(smap_vrt, "SMAP 9 km", smap.dates)
    terrain = QgsRasterLayer(str(data / "dem.tif"), "Terrain")
    terrain.setRenderer(QgsHillshadeRenderer(terrain.dataProvider(), 1, 315, 45))
    project.setCrs(layer.crs())
    for added in (terrain, cells, layer):
        project.addMapLayer(added)
    project.layerTreeRoot().findLayer(cells.id()).setItemVisibilityChecked(False)
    project.timeSettings().setTemporalRange(layer.temporalProperties().allTemporalRanges(layer)[0])
    project.viewSettings().setDefaultViewExtent(QgsReferencedRectangle(layer.extent(), layer.crs()))
    if not project.write(str(path)):
        raise OSError(f"{path} could not be written: {project.error()}")
    project.clear()
    return path


def _series_layer(path, name, dates):
    layer = QgsRasterLayer(str(path), name)
    style_series(layer, dates)
    return layer
