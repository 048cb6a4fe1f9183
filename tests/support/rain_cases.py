"""Made-up rain on disk: dated GeoTIFFs without a NoData tag, and NetCDF with a time axis."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import numpy as np
from osgeo import gdal, osr

ORIGIN = (-80.0, -5.0)
CELL = 0.1


def _georeference(dataset, origin, epsg):
    reference = osr.SpatialReference()
    reference.ImportFromEPSG(epsg)
    dataset.SetProjection(reference.ExportToWkt())
    dataset.SetGeoTransform((origin[0], CELL, 0, origin[1], 0, -CELL))


def write_raster(path, bands, descriptions=(), nodata=None, unit="", origin=ORIGIN, epsg=4326):
    """Bands of shape (rows, columns) as float32, without a NoData tag unless asked for; returns the path."""
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    bands = (
        np.atleast_3d(np.asarray(bands, np.float32))
        if np.ndim(bands) == 3
        else np.asarray(bands, np.float32)[None]
    )
    dataset = gdal.GetDriverByName("GTiff").Create(
        str(path), bands.shape[2], bands.shape[1], len(bands), gdal.GDT_Float32
    )
    _georeference(dataset, origin, epsg)
    for number, values in enumerate(bands, start=1):
        band = dataset.GetRasterBand(number)
        if nodata is not None:
            band.SetNoDataValue(nodata)
        if unit:
            band.SetUnitType(unit)
        if descriptions:
            band.SetDescription(descriptions[number - 1])
        band.WriteArray(values)
    dataset.FlushCache()
    return Path(path)


def days_from(first, count):
    """`count` dates in a row."""
    return [dt.date.fromisoformat(first) + dt.timedelta(days=number) for number in range(count)]


def write_days(folder, dates, rasters, name="chirps-v2.0.{:%Y.%m.%d}.tif", **more):
    """A file a date, named as CHIRPS names them; returns the folder."""
    for date, values in zip(dates, rasters, strict=True):
        write_raster(Path(folder) / name.format(date), values, **more)
    return Path(folder)


def rain(count, shape=(4, 5), seed=1):
    """Rain as float32, shape (count, rows, columns); about half of it dry."""
    random = np.random.default_rng(seed)
    values = random.gamma(0.5, 6, (count, *shape))
    values[random.random(values.shape) < 0.4] = 0
    return values.astype(np.float32)


def write_netcdf(path, rasters, numbers, units, calendar="standard", unit="mm"):
    """A NetCDF of one variable with a time axis; returns the path."""
    count, height, width = rasters.shape
    memory = gdal.GetDriverByName("MEM").Create("", width, height, count, gdal.GDT_Float32)
    _georeference(memory, ORIGIN, 4326)
    memory.SetMetadata(
        {
            "NETCDF_DIM_EXTRA": "{time}",
            "NETCDF_DIM_time_DEF": f"{{{count},6}}",
            "NETCDF_DIM_time_VALUES": "{" + ",".join(map(str, numbers)) + "}",
            "time#units": units,
            "time#calendar": calendar,
        }
    )
    for number, values in enumerate(rasters, start=1):
        band = memory.GetRasterBand(number)
        band.WriteArray(values)
        band.SetNoDataValue(-9999)
        band.SetMetadata(
            {"NETCDF_DIM_time": str(numbers[number - 1]), "NETCDF_VARNAME": "precip", "units": unit}
        )
    gdal.GetDriverByName("netCDF").CreateCopy(str(path), memory).FlushCache()
    return Path(path)


def raw(path, band=1):
    """Cells as GDAL gives them."""
    dataset = gdal.Open(str(path))
    return dataset.GetRasterBand(band).ReadAsArray()


def tags_of(path):
    """The metadata of a file."""
    dataset = gdal.Open(str(path))
    return dataset.GetMetadata()
