"""Small rasters of all kinds, made with GDAL and h5py alone, and a listener that takes notes."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from osgeo import gdal, osr

from smap_downscaler.base.progress import Progress
from smap_downscaler.geo.grid import EASE2_CRS, Grid, Window

ROOT = Path(__file__).resolve().parents[2]
#: Six rows of eight 9 km cells in the Andes, on the EASE-Grid 2.0.
CELLS = Grid(
    EASE2_CRS, -17367530.4451615 + 1150 * 9008.055210146, -1675000.0, 9008.055210146, 9008.055210146, 8, 6
)
UTM = "EPSG:32748"
_TYPES = {
    "uint8": gdal.GDT_Byte,
    "int16": gdal.GDT_Int16,
    "int32": gdal.GDT_Int32,
    "float32": gdal.GDT_Float32,
    "float64": gdal.GDT_Float64,
}


def part_of_world(values: np.ndarray, window: Window) -> np.ndarray:
    """A window of an array; of one around the whole earth it may reach beyond the last column."""
    rows, cols = window.slices
    return np.take(values[rows], np.arange(cols.start, cols.stop), axis=1, mode="wrap")


def raw_raster(
    path: Path,
    values: np.ndarray,
    *,
    transform: Sequence[float] | None = (500000.0, 100.0, 0.0, 9000000.0, 0.0, -100.0),
    crs: str = UTM,
    nodata: float | None = None,
    scale: float | None = None,
    offset: float | None = None,
    names: Sequence[str] = (),
    units: Sequence[str] = (),
    mask: np.ndarray | None = None,
) -> str:
    """A GeoTIFF as another program would write it; returns its path."""
    layers = values if values.ndim == 3 else values[None]
    dataset = gdal.GetDriverByName("GTiff").Create(
        str(path), layers.shape[2], layers.shape[1], layers.shape[0], _TYPES[str(values.dtype)]
    )
    if crs:
        reference = osr.SpatialReference()
        reference.SetFromUserInput(crs)
        dataset.SetProjection(reference.ExportToWkt())
    if transform is not None:
        dataset.SetGeoTransform(list(transform))
    for number, layer in enumerate(layers, start=1):
        band = dataset.GetRasterBand(number)
        if nodata is not None:
            # Before the cells: blocks of zeros that are not yet on disk would become NoData.
            band.SetNoDataValue(nodata)
        band.WriteArray(layer)
        if scale is not None:
            band.SetScale(scale)
        if offset is not None:
            band.SetOffset(offset)
        if names:
            band.SetDescription(names[number - 1])
        if units:
            band.SetUnitType(units[number - 1])
    if mask is not None:
        dataset.CreateMaskBand(gdal.GMF_PER_DATASET)
        dataset.GetRasterBand(1).GetMaskBand().WriteArray(mask)
    band = None
    dataset.FlushCache()
    return str(path)


def grid_raster(path: Path, grid: Grid, values: np.ndarray, **more: Any) -> str:
    """The same on a grid."""
    return raw_raster(path, values, transform=grid.geotransform, crs=grid.crs, **more)


def netcdf(
    path: Path,
    variables: dict[str, np.ndarray],
    times: Sequence[float],
    units: str = "days since 2000-01-01",
    calendar: str | None = "standard",
    fill: float | None = None,
    packing: tuple[float, float] | None = None,
) -> str:
    """A CF NetCDF-4 file on a half-degree grid whose first cell has its centre at 20 E, 10 N."""
    import h5py

    def text(attributes, **values):
        attributes.update({key: np.bytes_(value) for key, value in values.items() if value is not None})

    rows, cols = next(iter(variables.values())).shape[-2:]
    with h5py.File(path, "w") as file:
        text(file.attrs, Conventions="CF-1.8")
        axes = [
            file.create_dataset("time", data=np.array(times, np.float64)),
            file.create_dataset("lat", data=10 - 0.5 * np.arange(rows)),
            file.create_dataset("lon", data=20 + 0.5 * np.arange(cols)),
        ]
        text(axes[0].attrs, units=units, calendar=calendar, standard_name="time", axis="T")
        text(axes[1].attrs, units="degrees_north", standard_name="latitude")
        text(axes[2].attrs, units="degrees_east", standard_name="longitude")
        for axis in axes:
            axis.make_scale(axis.name[1:])
        for name, values in variables.items():
            variable = file.create_dataset(name, data=values)
            for number, axis in enumerate(axes[-values.ndim :]):
                variable.dims[number].attach_scale(axis)
            if fill is not None:
                variable.attrs["_FillValue"] = np.array([fill], values.dtype)
            if packing is not None:
                variable.attrs["scale_factor"] = np.array([packing[0]])
                variable.attrs["add_offset"] = np.array([packing[1]])
            text(variable.attrs, units="mm")
    return str(path)


#: What the axes of a map say of themselves by CF.
EAST = {"units": "degrees_east", "standard_name": "longitude"}
NORTH = {"units": "degrees_north", "standard_name": "latitude"}


def stored_netcdf(
    path: Path,
    axes: dict[str, tuple[Sequence[float], dict[str, str]]],
    variables: dict[str, tuple[str, np.ndarray, dict[str, Any]]],
) -> str:
    """A NetCDF-4 file of axes (numbers, attributes) and variables (axes by blank, values, attributes)."""
    import h5py

    def tagged(item, tags):
        item.attrs.update(
            {key: np.bytes_(one) if isinstance(one, str) else np.array([one]) for key, one in tags.items()}
        )

    path.parent.mkdir(parents=True, exist_ok=True)
    with h5py.File(path, "w") as file:
        tagged(file, {"Conventions": "CF-1.8"})
        for name, (numbers, tags) in axes.items():
            axis = file.create_dataset(name, data=np.asarray(numbers, np.float64))
            tagged(axis, tags)
            axis.make_scale(name)
        for name, (order, values, tags) in variables.items():
            variable = file.create_dataset(name, data=values)
            for number, axis in enumerate(order.split()):
                variable.dims[number].attach_scale(file[axis])
            tagged(variable, tags)
    return str(path)


def listing(folder: Path) -> list[str]:
    """All that lies in a folder and below, hidden files too."""
    return sorted(str(path.relative_to(folder)) for path in Path(folder).rglob("*"))


def in_own_process(code: str, *arguments: str) -> str:
    """What a program prints, errors included; for limits and modes that hold for a whole process."""
    done = subprocess.run(
        [sys.executable, "-c", code, *arguments],
        capture_output=True,
        text=True,
        timeout=120,
        env={**os.environ, "PYTHONPATH": str(ROOT), "PYTHONDONTWRITEBYTECODE": "1"},
        check=False,
    )
    return done.stdout + done.stderr


class Listener(Progress):
    """Keeps all messages; cancelled from the `calls`-th question, or a progress text with `words`, on."""

    def __init__(self, calls: int | None = None, words: str | None = None):
        self.calls, self.words, self.asked = calls, words, 0
        self.lines: list[str] = []
        self.warnings: list[str] = []
        self.texts: list[str] = []
        self.fractions: list[float] = []

    def is_cancelled(self) -> bool:
        self.asked += 1
        if self.words is not None and any(self.words in text for text in self.texts):
            return True
        return self.calls is not None and self.asked > self.calls

    def set_text(self, text: str) -> None:
        self.texts.append(text)

    def set_fraction(self, fraction: float) -> None:
        self.fractions.append(fraction)

    def log(self, text: str) -> None:
        self.lines.append(text)

    def warn(self, text: str) -> None:
        self.warnings.append(text)
