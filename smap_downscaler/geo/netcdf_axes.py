"""Which way the rows and columns of a NetCDF variable run, by what its axes say of themselves.

GDAL takes the last two axes for rows and columns, whatever they are: of (time, lon, lat), as IMERG
and TRMM are stored, the latitudes become x.
"""

from __future__ import annotations

import weakref
from dataclasses import dataclass

import numpy as np
from osgeo import gdal

from .texts import OF_GDAL, tag_of, text_of

_NORTH = frozenset({"degrees_north", "degree_north", "degrees_n", "degree_n", "degreesn", "degreen"})
_EAST = frozenset({"degrees_east", "degree_east", "degrees_e", "degree_e", "degreese", "degreee"})
_UNNAMED_DEGREES = frozenset({"", "degree", "degrees", "deg"})
_STANDARD_NAMES = {
    **dict.fromkeys(("longitude", "grid_longitude", "projection_x_coordinate"), "X"),
    **dict.fromkeys(("latitude", "grid_latitude", "projection_y_coordinate"), "Y"),
    **dict.fromkeys(("time", "forecast_reference_time"), "T"),
}
_LONGITUDES = frozenset({"lon", "lons", "long", "longitude", "longitudes", "nav_lon"})
_LATITUDES = frozenset({"lat", "lats", "latitude", "latitudes", "nav_lat"})
_NAMES = {
    **dict.fromkeys((*_LONGITUDES, "x", "xc", "rlon", "easting", "west_east", "xdim"), "X"),
    **dict.fromkeys((*_LATITUDES, "y", "yc", "rlat", "northing", "south_north", "ydim"), "Y"),
    **dict.fromkeys(("time", "t", "date", "day", "month"), "T"),
}


@dataclass(frozen=True)
class Axes:
    """How an open raster is stored.

    Attributes
    ----------
    transposed : bool
        Whether GDAL's columns are rows, and its rows columns.
    degrees : bool
        Whether the axes are degrees of latitude and longitude by their own words.
    order : str
        The names of the axes where these are no rows and columns of a map; else empty.
    """

    transposed: bool = False
    degrees: bool = False
    order: str = ""


_PLAIN = Axes()
#: Asked for each window that is read.
_known: weakref.WeakKeyDictionary[gdal.Dataset, Axes] = weakref.WeakKeyDictionary()


def axes_of(dataset: gdal.Dataset) -> Axes:
    """The axes of an open raster; those of other formats than NetCDF are rows and columns."""
    if dataset.GetDriver() is None or dataset.GetDriver().ShortName != "netCDF" or not dataset.RasterCount:
        return _PLAIN
    if dataset not in _known:
        _known[dataset] = _look(dataset)
    return _known[dataset]


def _look(dataset: gdal.Dataset) -> Axes:
    array = _array(dataset)
    axes = [] if array is None else [_Axis(one) for one in array.GetDimensions()]
    if len(axes) < 2:
        return _PLAIN
    down, right = axes[-2:]
    if (down.kind, right.kind) == ("X", "Y"):
        return Axes(True, right.is_latitude and down.is_longitude)
    if down.kind in ("Y", "") and right.kind in ("X", ""):
        return Axes(False, down.is_latitude and right.is_longitude)
    return Axes(order=", ".join(axis.name for axis in axes))


def lost_nan(dataset: gdal.Dataset, band_number: int, place: tuple[int, int, int, int]) -> np.ndarray | None:
    """Where a band holds NaN that GDAL reads as 0: of floats without a NoData value, as h5py writes them.

    Parameters
    ----------
    dataset : gdal.Dataset
    band_number : int
    place : tuple of int
        First column and row of GDAL's, columns, rows.

    Returns
    -------
    bool array, shape (rows, columns), or None where nothing is lost.
    """
    band = dataset.GetRasterBand(band_number)
    if band.DataType not in (gdal.GDT_Float32, gdal.GDT_Float64) or band.GetNoDataValue() is not None:
        return None
    array = None if axes_of(dataset) is _PLAIN else _array(dataset)
    transform = dataset.GetGeoTransform(can_return_null=True)
    if array is None or transform is None:
        return None
    dimensions = array.GetDimensions()
    rows = dimensions[-2].GetIndexingVariable()
    if rows is None:
        return None
    sizes = [one.GetSize() for one in dimensions]
    col, row, width, height = place
    ends = rows.ReadAsArray()[[0, -1]] - (transform[3] + transform[5] / 2)
    # GDAL shows the north first.
    turned = abs(ends[0]) > abs(ends[1])
    start = [*np.unravel_index(band_number - 1, sizes[:-2]), sizes[-2] - row - height if turned else row, col]
    count = [1] * (len(sizes) - 2) + [height, width]
    lost = np.isnan(array.ReadAsArray([int(one) for one in start], count).reshape(height, width))
    return lost[::-1] if turned else lost


def _array(dataset: gdal.Dataset) -> gdal.MDArray | None:
    """The variable that a dataset shows with all its dimensions; None where GDAL does not tell."""
    # The tag does not say in which group it is.
    name = (
        dataset.GetDescription().rpartition(":")[2] if dataset.GetDescription().startswith("NETCDF:") else ""
    )
    variable = tag_of(dataset.GetRasterBand(1), "NETCDF_VARNAME")
    files = dataset.GetFileList()
    gdal.PushErrorHandler("CPLQuietErrorHandler")
    try:
        whole = gdal.OpenEx(files[0], gdal.OF_MULTIDIM_RASTER, allowed_drivers=["netCDF"]) if files else None
        group = None if whole is None else whole.GetRootGroup()
        if group is None:
            return None
        return group.OpenMDArrayFromFullname(name) if "/" in name else group.ResolveMDArray(variable, "/")
    except OF_GDAL:
        return None
    finally:
        gdal.PopErrorHandler()


class _Axis:
    """A dimension, and what its coordinate variable says of it: X, Y, T (time), Z, or nothing."""

    def __init__(self, dimension: gdal.Dimension):
        self.name = text_of(dimension.GetName())
        variable = dimension.GetIndexingVariable()
        tags = (
            {}
            if variable is None
            else {text_of(one.GetName()): one.Read() for one in variable.GetAttributes()}
        )
        units = "" if variable is None else text_of(variable.GetUnit())
        self._units = units.strip().lower().replace(" ", "_")
        self._standard = str(tags.get("standard_name", "")).lower()
        self._long = self.name.lower()
        axis = str(tags.get("axis", "")).upper()
        found = "Y" if self._units in _NORTH else "X" if self._units in _EAST else ""
        if not found and " since " in units:
            found = "T"
        found = found or _STANDARD_NAMES.get(self._standard, "")
        found = found or (axis if axis in ("X", "Y", "T", "Z") else "")
        self.kind = found or _NAMES.get(self._long, "")

    @property
    def is_latitude(self) -> bool:
        return self._is(_NORTH, "latitude", _LATITUDES)

    @property
    def is_longitude(self) -> bool:
        return self._is(_EAST, "longitude", _LONGITUDES)

    def _is(self, units: frozenset[str], standard: str, names: frozenset[str]) -> bool:
        if self._units in units:
            return True
        return self._units in _UNNAMED_DEGREES and (self._standard == standard or self._long in names)
