"""What files hold, told by the libraries alone, without the plugin; in a process of its own: they crash."""

from __future__ import annotations

import csv
import hashlib
import io
import json
import multiprocessing
import re
import sqlite3
import zipfile
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

#: Written anew each time, or without meaning for the numbers.
_PASSED_OVER = {".qml", ".html", ".xml", ".png", ".work", ".json"}
#: Tables and columns of a GeoPackage that hold the time of its making.
_TIMES = ("last_change", "timestamp")


@dataclass(frozen=True)
class Look:
    """What was seen of a file.

    Parameters
    ----------
    content : str
        A hash of all that it holds; empty where it cannot be read.
    noticed : str
        What the library, or a checksum of the format, finds wrong with it.
    """

    content: str
    noticed: str = ""


def apart(function: Callable[..., Any], *arguments: Any, seconds: float = 60.0) -> tuple[str, Any]:
    """Call a function in a process of its own: ("ok", result), ("crash", exit code) or ("hang", None)."""
    context = multiprocessing.get_context("fork")
    receiver, sender = context.Pipe(duplex=False)
    process = context.Process(target=_answer, args=(sender, function, arguments))
    process.start()
    sender.close()
    try:
        if not receiver.poll(seconds):
            process.kill()
            return "hang", None
        return "ok", receiver.recv()
    except EOFError:
        process.join()
        return "crash", process.exitcode
    finally:
        process.join()
        receiver.close()


def _answer(sender: Any, function: Callable[..., Any], arguments: tuple[Any, ...]) -> None:
    sender.send(function(*arguments))


def look(path: str) -> Look:
    """What a file holds, and what is wrong with it."""
    parts: list[Any] = []
    noticed = ""
    try:
        for part in _parts(Path(path)):
            parts.append(part)
    except _Broken as error:
        noticed = str(error)
    except Exception as error:
        noticed = f"{type(error).__name__}: {error}"
    return Look(hashlib.sha256(repr(parts).encode()).hexdigest(), noticed[:200])


class _Broken(Exception):
    """A checksum or a rule of the format says that the file is damaged."""


def _parts(path: Path) -> Iterator[Any]:
    ending = path.suffix.lower()
    if ending in (".tif", ".vrt"):
        yield from _raster(str(path))
    elif ending in (".nc", ".h5"):
        yield from _netcdf(path)
    elif ending == ".gpkg":
        yield from _geopackage(path)
    elif ending in (".zip", ".smapforest", ".smapmodel"):
        yield from _zip(path)
    elif ending in (".csv", ".stm"):
        yield from _text(path.read_bytes(), ending == ".csv")
    elif ending == ".geojson":
        yield json.loads(path.read_bytes())
        yield from _shapes(str(path))
    elif ending in (".shp", ".dbf", ".shx", ".prj"):
        yield from _shapes(str(path.with_suffix(".shp")))
    else:
        yield path.read_bytes()


def _gdal() -> tuple[Any, list[str]]:
    """GDAL with exceptions, and the list to which its warnings go."""
    from osgeo import gdal, ogr

    gdal.UseExceptions()
    ogr.UseExceptions()
    messages: list[str] = []

    def handler(*told: Any) -> None:
        # Files of careless writers have that too, and are whole.
        if told and "tags are not sorted" in told[2]:
            return
        # GDAL tells nothing where a message is no UTF-8.
        if not told or told[0] >= gdal.CE_Warning:
            messages.append(told[2] if told else "a message that is no text")

    gdal.PushErrorHandler(handler)
    return gdal, messages


def _raster(path: str) -> Iterator[Any]:
    gdal, messages = _gdal()
    dataset = gdal.OpenEx(path, gdal.OF_RASTER)
    yield dataset.RasterXSize, dataset.RasterYSize, dataset.RasterCount
    yield dataset.GetGeoTransform(can_return_null=True), dataset.GetProjection(), dataset.GetMetadata()
    for number in range(1, min(dataset.RasterCount, 400) + 1):
        yield from _band(dataset.GetRasterBand(number))
    for name, _ in dataset.GetSubDatasets()[:20]:
        yield from _raster(name)
    if messages:
        raise _Broken(messages[0])


def _band(band: Any) -> Iterator[Any]:
    yield band.GetDescription(), band.DataType, band.GetNoDataValue(), band.GetScale(), band.GetOffset()
    yield band.GetUnitType(), band.GetColorInterpretation(), band.GetMaskFlags(), band.GetMetadata()
    if band.XSize * band.YSize > 50_000_000:
        raise _Broken(f"{band.XSize} x {band.YSize} cells in a small file")
    yield hashlib.sha256(band.ReadAsArray().tobytes()).hexdigest()
    yield hashlib.sha256(band.GetMaskBand().ReadAsArray().tobytes()).hexdigest()


def _netcdf(path: Path) -> Iterator[Any]:
    # GDAL crashes where h5py only finds an error.
    yield from _raster(str(path)) if path.suffix == ".nc" else _groups(str(path))
    if path.read_bytes()[:8].startswith(b"\x89HDF"):
        yield from _hdf5(path)


def _hdf5(path: Path) -> Iterator[Any]:
    import h5py

    found: list[Any] = []

    def visit(name: str, item: Any) -> None:
        attributes = {key: repr(item.attrs[key]) for key in sorted(item.attrs)}
        found.append((name, attributes))
        if isinstance(item, h5py.Dataset):
            if item.size > 50_000_000:
                raise _Broken(f"{name}: {item.shape} cells in a small file")
            found.append(
                (str(item.dtype), item.shape, hashlib.sha256(np.asarray(item[()]).tobytes()).hexdigest())
            )

    with h5py.File(path, "r") as file:
        found.append({key: repr(file.attrs[key]) for key in sorted(file.attrs)})
        file.visititems(visit)
    yield found


def _groups(path: str) -> Iterator[Any]:
    """The groups of an HDF5 file by GDAL, with a corner of each array."""
    gdal, _messages = _gdal()
    dataset = gdal.OpenEx(path, gdal.OF_MULTIDIM_RASTER, allowed_drivers=["HDF5"])
    groups = [dataset.GetRootGroup()]
    while groups:
        group = groups.pop()
        yield [(one.GetName(), repr(one.Read())) for one in group.GetAttributes()]
        for name in group.GetMDArrayNames() or ():
            if not isinstance(name, str):
                continue
            array = group.OpenMDArray(name)
            sizes = [dimension.GetSize() for dimension in array.GetDimensions()]
            yield name, sizes, [(one.GetName(), repr(one.Read())) for one in array.GetAttributes()]
            if array.GetDataType().GetClass() == gdal.GEDTC_NUMERIC and sizes:
                yield bytes(array.Read([0] * len(sizes), [min(size, 50) for size in sizes]))
        # A name that is no text opens nothing.
        groups.extend(group.OpenGroup(name) for name in group.GetGroupNames() or () if isinstance(name, str))


def _geopackage(path: Path) -> Iterator[Any]:
    with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as connection:
        (state,) = connection.execute("PRAGMA integrity_check(1)").fetchone()
        yield connection.execute("SELECT type, name, sql FROM sqlite_master ORDER BY name").fetchall()
        names = "SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name"
        for (name,) in connection.execute(names).fetchall():
            if name.startswith("rtree_"):
                continue
            columns = [row[1] for row in connection.execute(f'PRAGMA table_info("{name}")')]
            listed = ", ".join(f'"{column}"' for column in columns if column not in _TIMES)
            yield name, connection.execute(f'SELECT {listed} FROM "{name}" ORDER BY rowid').fetchall()
    if state != "ok":
        raise _Broken(state)
    yield from _contents_of(str(path))


def _contents_of(path: str) -> Iterator[Any]:
    """A GeoPackage by GDAL, which finds more."""
    gdal, messages = _gdal()
    dataset = gdal.OpenEx(path, gdal.OF_RASTER | gdal.OF_VECTOR)
    if dataset.RasterCount:
        yield from _raster(path)
    for index in range(dataset.GetLayerCount()):
        layer = dataset.GetLayer(index)
        yield layer.GetName(), sum(1 for _ in layer)
    if messages:
        raise _Broken(messages[0])


def _shapes(path: str) -> Iterator[Any]:
    gdal, _warnings = _gdal()
    # Warnings are of the values in a .dbf, which are no text here and there, and which are data.
    gdal.PushErrorHandler("CPLQuietErrorHandler")
    dataset = gdal.OpenEx(path, gdal.OF_VECTOR)
    for index in range(dataset.GetLayerCount()):
        layer = dataset.GetLayer(index)
        reference = layer.GetSpatialRef()
        yield layer.GetName(), reference.ExportToWkt() if reference else ""
        for feature in layer:
            yield feature.ExportToJson()


def _zip(path: Path) -> Iterator[Any]:
    with zipfile.ZipFile(path) as archive:
        for info in archive.infolist():
            if info.file_size > 100_000_000:
                raise _Broken(f"{info.filename}: {info.file_size} bytes in a small file")
            data = archive.read(info)
            yield info.filename, hashlib.sha256(data).hexdigest()
            if info.filename.endswith(".stm"):
                yield from _text(data, False)
    # What zipfile passes over: bytes before, between and after the members.
    yield ""


def _text(data: bytes, table: bool) -> Iterator[Any]:
    # In Latin-1, as the ISMN and many tables have it, all bytes but these are letters.
    text = data.decode("latin-1")
    yield text
    if re.search("[\0-\x08\x0e-\x1f]|\xff\xff", text):
        raise _Broken("characters that are no text")
    if table:
        rows = list(csv.reader(io.StringIO(text)))
        if any(any(row[len(rows[0]) :]) for row in rows):
            raise _Broken("a row with more values than the header has columns")


def results_in(folder: str) -> tuple[str, list[str]]:
    """A hash of all results in a folder, and the names of those that are half or left over."""
    root = Path(folder)
    contents: list[Any] = []
    broken: list[str] = []
    for path in sorted(root.rglob("*")):
        name = path.relative_to(root).as_posix()
        if path.is_dir() or path.suffix in _PASSED_OVER:
            continue
        if path.name.startswith(".") or ".part" in path.name:
            broken.append(f"{name} is left over")
            continue
        try:
            contents.append((name, list(_result(path))))
        except Exception as error:
            broken.append(f"{name}: {error}")
    return hashlib.sha256(repr(contents).encode()).hexdigest(), broken


def _result(path: Path) -> Iterator[Any]:
    """What a result says, without the files that it was made from and the time of its making."""
    if path.suffix in (".tif", ".vrt"):
        gdal, _warnings = _gdal()
        dataset = gdal.Open(str(path))
        yield dataset.GetGeoTransform(), dataset.GetProjection(), dataset.RasterCount
        for number in range(1, dataset.RasterCount + 1):
            band = dataset.GetRasterBand(number)
            yield band.GetDescription(), band.GetUnitType(), hashlib.sha256(band.ReadAsArray()).hexdigest()
    elif path.suffix == ".gpkg":
        yield [part for part in _geopackage(path) if not str(part[0]).startswith(("gpkg_", "sqlite_"))]
    elif path.suffix in (".smapforest", ".smapmodel"):
        with zipfile.ZipFile(path) as archive:
            for name in archive.namelist():
                data = archive.read(name)
                if name != "manifest.json":
                    yield name, hashlib.sha256(data).hexdigest()
    else:
        yield path.read_bytes()
