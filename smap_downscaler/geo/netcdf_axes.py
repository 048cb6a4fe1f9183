"""Which way the rows and columns of a NetCDF variable run, by what its axes say of themselves.

GDAL takes the last two axes for rows and columns, whatever they are: of (time, lon, lat), as IMERG
and TRMM are stored, the latitudes become x.
"""

from __future__ import annotations

import weakref
from dataclasses import dataclass

from osgeo import gdal

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
    axes = [_Axis(one) for one in _dimensions(dataset)]
    if len(axes) < 2:
        return _PLAIN
    down, right = axes[-2:]
    if (down.kind, right.kind) == ("X", "Y"):
        return Axes(True, right.is_latitude and down.is_longitude)
    if down.kind in ("Y", "") and right.kind in ("X", ""):
        return Axes(False, down.is_latitude and right.is_longitude)
    return Axes(order=", ".join(axis.name for axis in axes))


def _dimensions(dataset: gdal.Dataset) -> list[gdal.Dimension]:
    """The dimensions of the variable that a dataset shows; none where GDAL does not tell."""
    variable = dataset.GetRasterBand(1).GetMetadataItem("NETCDF_VARNAME")
    files = dataset.GetFileList()
    gdal.PushErrorHandler("CPLQuietErrorHandler")
    try:
        whole = gdal.OpenEx(files[0], gdal.OF_MULTIDIM_RASTER, allowed_drivers=["netCDF"]) if files else None
        group = None if whole is None else whole.GetRootGroup()
        name = f"/{variable or ''}".replace("//", "/")
        array = None if group is None else group.OpenMDArrayFromFullname(name)
        return [] if array is None else list(array.GetDimensions())
    except RuntimeError:
        return []
    finally:
        gdal.PopErrorHandler()


class _Axis:
    """A dimension, and what its coordinate variable says of it: X, Y, T (time), Z, or nothing."""

    def __init__(self, dimension: gdal.Dimension):
        self.name = dimension.GetName()
        variable = dimension.GetIndexingVariable()
        tags = {} if variable is None else {one.GetName(): one.Read() for one in variable.GetAttributes()}
        units = "" if variable is None else str(variable.GetUnit() or "")
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
