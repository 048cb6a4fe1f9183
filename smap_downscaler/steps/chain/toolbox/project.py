"""A QGIS project that opens on the maps: day by day in the Temporal Controller, SMAP and terrain below."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from qgis.core import (
    Qgis,
    QgsHillshadeRenderer,
    QgsProject,
    QgsRasterLayer,
    QgsRectangle,
    QgsReferencedRectangle,
)

from ....base.errors import InputError
from ....geo.datasets import dataset_grid, open_dataset, whole_file
from ....geo.grid import Grid
from ....series.series import Series
from ....toolbox.layers import SERIES_FILE, SMAP_SERIES, series_name, style_series, unread_layer, write_dated
from ....toolbox.vectors import qgis_crs


def write_project(path: Path, title: str, maps: Series, smap: Series, dem: str) -> None:
    """Write a project of maps, SMAP and terrain; paths in it are relative.  In the main thread.

    Parameters
    ----------
    path : Path
        The .qgz; the one file of SMAP's dates is written beside it.
    title : str
    maps, smap : Series
        That of SMAP of a folder; that of the maps too, or the file of all dates in it.
    dem : str

    Raises
    ------
    InputError
        If it cannot be written.
    """
    cells = path.with_name("smap.vrt")
    write_dated(str(cells), smap.grid, smap.dates, [Path(entry.path) for entry in smap.entries], SMAP_SERIES)
    terrain = dataset_grid(open_dataset(dem), dem)
    project = QgsProject()
    try:
        project.setTitle(title)
        project.setFilePathStorage(Qgis.FilePathType.Relative)
        found = Path(maps.source)
        file = found / SERIES_FILE if found.is_dir() else found
        layer = _dated(file, series_name(maps.dates), maps)
        coarse = _dated(cells, "SMAP", smap)
        project.setCrs(layer.crs())
        for added in (_hillshade(dem, terrain), coarse, layer):
            project.addMapLayer(added)
        project.layerTreeRoot().findLayer(coarse.id()).setItemVisibilityChecked(False)
        times = project.timeSettings()
        times.setTemporalRange(layer.temporalProperties().allTemporalRanges(layer)[0])
        times.setTimeStepUnit(Qgis.TemporalUnit.Days)
        times.setTimeStep(1.0)
        bounds = maps.grid.bounds
        view = QgsRectangle(bounds.left, bounds.bottom, bounds.right, bounds.top)
        project.viewSettings().setDefaultViewExtent(QgsReferencedRectangle(view, layer.crs()))
        with whole_file(path) as part:
            # Paths are relative to where it lies in the end, which is the same folder.
            if not project.write(str(part)):
                raise InputError(f"{path} cannot be written ({project.error()}); choose another OUTPUT.")
    finally:
        project.clear()


def _dated(path: Path, name: str, series: Series) -> QgsRasterLayer:
    dates: Sequence = series.dates
    crs = qgis_crs(series.grid.crs)
    return unread_layer(str(path), name, len(dates), crs, lambda layer: style_series(layer, dates))


def _hillshade(dem: str, grid: Grid) -> QgsRasterLayer:
    def style(layer: QgsRasterLayer) -> None:
        layer.setRenderer(QgsHillshadeRenderer(None, 1, 315, 45))

    return unread_layer(dem, "Terrain", 1, qgis_crs(grid.crs), style)
