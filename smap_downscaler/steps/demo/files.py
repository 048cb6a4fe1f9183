"""The files of a demo basin: made by `core.demo`, written here."""

from __future__ import annotations

import contextlib
import datetime as dt
import os
import re
import sqlite3
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from osgeo import gdal, ogr

from ...base.errors import InputError
from ...base.part_files import remove_all_leftovers
from ...base.progress import SILENT, Progress
from ...geo.blocks import row_blocks
from ...geo.datasets import gdal_errors, spatial_reference, whole_file
from ...geo.geotiff import Band, create_geotiff
from ...geo.grid import EASE2_CRS, Grid
from ...geo.lattice import Transformation
from .numbers import readme
from .numbers.basin import Basin, Day, WithinCells, make_basin, simulate
from .numbers.observations import Stations, model_moisture, place_stations, read_stations, retrieval
from .numbers.settings import BLOCK, PIXEL, DemoSettings
from .numbers.shape import FINE_CRS, GEOGRAPHIC_CRS

#: Cells of the soil maps (about 250 m) and of the model (about 11 km), degrees.
SOIL_CELL, MODEL_CELL = 0.00225, 0.1
_MODEL_CELL_M = 11_000.0
#: All that a run may write, as a pattern of paths inside the folder.
_OWN = re.compile(
    r"(smap/smap|precipitation/precipitation|truth/soil_moisture|model/model)_\d{8}\.tif"
    r"|(smap|precipitation|truth)/series\.(vrt|qml)|dem\.tif|mask\.tif|soil/(clay|sand|soc)\.tif"
    r"|aoi\.gpkg|stations\.csv"
)
_MODEL = "model"
_FOLDERS = ("smap", "precipitation", "soil", "truth", _MODEL)
_README = "README.txt"
_STATIC_SHARE = 0.25
# A GeoPackage holds the time of its making, which would make every run's file another one.
_GPKG_TIME = "2021-01-01T00:00:00.000Z"
_UNIT = "m3 m-3"
_SOURCE = {"SOURCE": "smapdownscaler:createdemodata, made up"}


@dataclass(frozen=True)
class DemoFiles:
    """What a run made: the folder, and the numbers of SMAP files and of SMAP cells in the basin."""

    folder: Path
    dates: int
    cells: int
    explained: float


def check_folder(folder: str | Path, year: bool = True) -> None:
    """Raise `InputError` if writing demo data to `folder` would overwrite or mingle with other files.

    The model's folder is written to for a year only.
    """
    folder = Path(folder)
    if folder.exists() and not folder.is_dir():
        raise InputError(f"OUTPUT: {folder} is a file; choose a folder.")
    if not folder.is_dir():
        return
    own = _is_demo(folder)
    for path in _present(folder):
        name = path.relative_to(folder).as_posix()
        if _OWN.fullmatch(name) or name == _README:
            if not own:
                raise InputError(
                    f"OUTPUT: {folder} already holds a {name} that is not demo data; choose another folder."
                )
        elif (
            path.suffix.lower() in (".tif", ".tiff")
            and path.parent != folder
            and (year or path.parent.name != _MODEL)
        ):
            raise InputError(
                f"OUTPUT: {folder} already holds {name}, which would mingle with the demo data; "
                "choose another folder."
            )


def _make_folder(folder: Path) -> None:
    """Find out before the work that nothing can be written."""
    reason = ""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        reason = error.strerror or str(error)
    if not reason and not os.access(folder, os.W_OK):
        reason = "no right to write"
    if reason:
        raise InputError(f"OUTPUT: {folder} cannot be written to ({reason}); choose another folder.")


def _present(folder: Path) -> list[Path]:
    """The files of a folder and of those of its sub-folders that a run writes to; hidden ones are none."""
    paths = (path for one in _folders(folder) for path in sorted(one.iterdir()) if path.is_file())
    return [path for path in paths if not path.name.startswith(".")]


def _folders(folder: Path) -> list[Path]:
    """A folder, and those of its sub-folders that a run writes to, as far as they are there."""
    return [one for one in (folder, *(folder / name for name in _FOLDERS)) if one.is_dir()]


def _is_demo(folder: Path) -> bool:
    try:
        with (folder / _README).open(encoding="utf-8") as file:
            return file.readline().rstrip("\n") == readme.TITLE
    except (OSError, UnicodeDecodeError):
        return False


def _remove_others(folder: Path, written: set[Path]) -> None:
    """Take away what is left of an earlier demo: its other dates would look like part of the new one."""
    for path in _present(folder):
        name = path.relative_to(folder).as_posix()
        if path not in written and _OWN.fullmatch(name.removesuffix(".aux.xml")):
            try:
                path.unlink()
            except OSError as error:
                raise InputError(
                    f"{path}: the earlier demo data cannot be removed ({error.strerror}); close the programs "
                    "that hold them, or choose another folder."
                ) from None


def create_demo_data(folder: str | Path, settings: DemoSettings, progress: Progress = SILENT) -> DemoFiles:
    """Make a basin and write its files (see `README.txt` there); an earlier demo is replaced file by file.

    Raises
    ------
    InputError
        If a setting is out of range, or the folder holds other files of these names or cannot be written.
    Cancelled
        If the user asked to stop; what is there then is whole, and `README.txt` says that it is not all.
    """
    folder = Path(folder)
    settings.validate()
    check_folder(folder, settings.year)
    _make_folder(folder)
    for own in _folders(folder):
        remove_all_leftovers(own)
    basin = make_basin(
        settings, Transformation(FINE_CRS, EASE2_CRS), Transformation(FINE_CRS, GEOGRAPHIC_CRS),
        progress.part(0.0, 0.8 * _STATIC_SHARE),
    )  # fmt: skip
    progress.check()
    _write_text(folder / _README, readme.begun(settings))
    out = _Folder(folder, progress)
    _write_land(out, basin, progress)
    progress.set_fraction(_STATIC_SHARE)
    figures = _write_days(out, basin, progress.part(_STATIC_SHARE, 1.0))
    _remove_others(folder, out.written)
    _write_text(folder / _README, readme.finished(basin, figures))
    files = sum(seen > 0 for seen in figures.seen.values())
    return DemoFiles(folder, files, figures.cells, float(np.mean(list(figures.share.values()))))


class _Folder:
    """Writes the files of a run, each in the place of an earlier one, and keeps their paths."""

    def __init__(self, path: Path, progress: Progress):
        self._path, self._progress = path, progress
        self.written: set[Path] = set()

    def place(self, name: str) -> Path:
        """The path of a file that is to be written."""
        path = self._path / name
        self.written.add(path)
        return path

    def raster(self, name: str, grid: Grid, values: np.ndarray, band: Band) -> None:
        """Write a GeoTIFF, in rows of tiles so that a cancel is seen between them."""
        with create_geotiff(self.place(name), grid, [band], _SOURCE) as tiff:
            for window in row_blocks(grid.whole):
                self._progress.check()
                tiff.write(values[window.slices], window)

    def moisture(self, kind: str, date: dt.date, grid: Grid, values: np.ndarray) -> None:
        """Write the soil moisture of a day; `kind` is a folder and the beginning of a name."""
        band = Band("soil_moisture", _UNIT, {"DATE": str(date)})
        self.raster(f"{kind}_{date:%Y%m%d}.tif", grid, values, band)


def _write_land(out: _Folder, basin: Basin, progress: Progress) -> None:
    counter = progress.part(0.8 * _STATIC_SHARE, _STATIC_SHARE).counter(6, "maps of the land written")
    out.raster("dem.tif", basin.grid, basin.terrain.elevation, Band("elevation", "m"))
    counter.advance()
    mask = Band("mask", "", {"MEANING": "1 = lake or town, left out; 0 = land"})
    out.raster("mask.tif", basin.grid, basin.masked, mask)
    counter.advance()
    _write_outline(out.place("aoi.gpkg"), basin)
    counter.advance()
    soil = DegreeCells(basin, SOIL_CELL)
    for name, values in (("clay", basin.soil.clay), ("sand", basin.soil.sand), ("soc", basin.soil.soc)):
        out.raster(f"soil/{name}.tif", soil.grid, soil.mean(values), Band(name, "g/kg"))
        counter.advance()


class DegreeCells:
    """Means of pixels over the cells, of a side in degrees, of a grid that holds them all."""

    def __init__(self, basin: Basin, side: float):
        lon, lat = basin.lon, basin.lat
        left, top = np.floor(lon.min() / side), np.ceil(lat.max() / side)
        col = np.floor(lon / side - left).astype(np.int32)
        row = np.floor(top - lat / side).astype(np.int32)
        width, height = int(col.max()) + 1, int(row.max()) + 1
        self.grid = Grid(GEOGRAPHIC_CRS, float(left * side), float(top * side), side, side, width, height)
        self._cell_of = (row * width + col).ravel()

    def mean(self, values: np.ndarray) -> np.ndarray:
        """float32, shape of `grid`; NaN in cells without a pixel that has a value."""
        size, valid = self.grid.width * self.grid.height, np.isfinite(values).ravel()
        where = self._cell_of[valid]
        count = np.bincount(where, minlength=size)
        total = np.bincount(where, values.ravel()[valid], size)
        mean = np.where(count > 0, total / np.maximum(count, 1), np.nan)
        return mean.reshape(self.grid.shape).astype(np.float32)


def _write_days(out: _Folder, basin: Basin, progress: Progress) -> readme.Figures:
    settings = basin.settings
    figures = readme.Figures(cells=int(basin.cell_in_basin.sum()))
    within = WithinCells(basin)
    inside = basin.cell_in_basin.ravel()[basin.cells.cell_of]
    stations = place_stations(settings, inside & ~basin.masked)
    model = DegreeCells(basin, MODEL_CELL) if settings.year else None
    readings = ["station,date,replicate,lon,lat,x,y,soil_moisture"]
    counter = progress.counter(len(settings.rain_dates), "days simulated")
    for day in simulate(basin, progress):
        band = Band("precipitation", "mm/d", {"DATE": str(day.date)})
        out.raster(f"precipitation/precipitation_{day.date:%Y%m%d}.tif", basin.rain_grid, day.rain, band)
        if day.moisture is not None:
            out.moisture("truth/soil_moisture", day.date, basin.grid, day.moisture)
            _write_smap(out, basin, day.moisture, day, figures)
            if model is not None:
                seen = model_moisture(settings, day.date, model.mean(day.moisture), _MODEL_CELL_M)
                out.moisture("model/model", day.date, model.grid, seen)
            figures.share[day.date] = within.explained_share(day.moisture)
            readings += _reading_lines(basin, day.moisture, day, stations)
        counter.advance()
    _write_text(out.place("stations.csv"), "\n".join(readings) + "\n")
    return figures


def _write_smap(out: _Folder, basin: Basin, moisture: np.ndarray, day: Day, figures: readme.Figures) -> None:
    seen = retrieval(basin.settings, day.date, basin.cells, moisture)
    figures.seen[day.date] = int(np.isfinite(seen).sum())
    truth = moisture[np.isfinite(moisture)]
    figures.ranges[day.date] = (float(truth.min()), float(truth.mean(dtype=float)), float(truth.max()))
    if figures.seen[day.date]:
        out.moisture("smap/smap", day.date, basin.cells.grid, seen)


def _reading_lines(basin: Basin, moisture: np.ndarray, day: Day, stations: Stations) -> list[str]:
    readings = read_stations(basin.settings, day.date, stations, moisture)
    x, y = basin.grid.x_centres()[stations.col], basin.grid.y_centres()[stations.row]
    lon, lat = basin.lon[stations.row, stations.col], basin.lat[stations.row, stations.col]
    return [
        f"S{number + 1:02d},{day.date},{replicate + 1},{lon[number]:.6f},{lat[number]:.6f},"
        f"{x[number]:.1f},{y[number]:.1f},{value:.4f}"
        for number, values in enumerate(readings)
        for replicate, value in enumerate(values)
    ]


def _write_text(path: Path, text: str) -> None:
    with whole_file(path) as part, part.open("w", encoding="utf-8", newline="\n") as file:
        file.write(text)


def _write_outline(path: Path, basin: Basin) -> None:
    polygon = _outline(basin)
    with whole_file(path) as part:
        with gdal_errors() as messages:
            try:
                _write_polygon(part, polygon, basin.settings)
            except RuntimeError as error:
                messages.append(str(error))
        if messages:
            raise InputError(f"{path}: it cannot be written ({messages[0]}); check the free space.")
        with contextlib.closing(sqlite3.connect(part)) as database, database:
            database.execute("UPDATE gpkg_contents SET last_change = ?", (_GPKG_TIME,))


def _write_polygon(path: Path, polygon: ogr.Geometry, settings: DemoSettings) -> None:
    dataset = gdal.GetDriverByName("GPKG").Create(str(path), 0, 0, 0, gdal.GDT_Unknown)
    layer = dataset.CreateLayer("aoi", spatial_reference(FINE_CRS), ogr.wkbPolygon)
    layer.CreateField(ogr.FieldDefn("name", ogr.OFTString))
    layer.CreateField(ogr.FieldDefn("area_km2", ogr.OFTReal))
    feature = ogr.Feature(layer.GetLayerDefn())
    feature.SetField("name", f"demo basin {settings.seed}")
    feature.SetField("area_km2", round(polygon.GetArea() / 1e6, 2))
    feature.SetGeometry(polygon)
    layer.CreateFeature(feature)


def _outline(basin: Basin) -> ogr.Geometry:
    """The largest polygon of the basin's blocks, without holes, in the CRS of the fine grid."""
    blocks = basin.outline[::BLOCK, ::BLOCK]
    grid = basin.grid
    raster = gdal.GetDriverByName("MEM").Create("", blocks.shape[1], blocks.shape[0], 1, gdal.GDT_Byte)
    raster.SetGeoTransform((grid.left, PIXEL * BLOCK, 0.0, grid.top, 0.0, -PIXEL * BLOCK))
    band = raster.GetRasterBand(1)
    band.WriteArray(blocks.astype(np.uint8))
    store = ogr.GetDriverByName("Memory").CreateDataSource("")
    layer = store.CreateLayer("", spatial_reference(FINE_CRS), ogr.wkbPolygon)
    gdal.Polygonize(band, band, layer, -1)
    polygons = [feature.GetGeometryRef().Clone() for feature in layer]
    largest = max(polygons, key=lambda polygon: polygon.GetArea())
    outline = ogr.Geometry(ogr.wkbPolygon)
    outline.AddGeometry(largest.GetGeometryRef(0))
    return outline
