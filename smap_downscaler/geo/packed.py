"""Rasters in ZIP, tar and gzip files: the names by which GDAL reads them where they are."""

from __future__ import annotations

import os
import re
from pathlib import Path

from osgeo import gdal

from ..base.errors import InputError

#: Endings that count as rasters in a folder or a packed file; everything else there is passed over.
RASTER_SUFFIXES = frozenset(
    {
        *(".tif", ".tiff", ".cog", ".vrt", ".nc", ".nc4", ".img", ".asc", ".bil", ".flt", ".sdat", ".rst"),
        *(".grd", ".hgt", ".grib", ".grib2", ".grb", ".grb2"),
    }
)
#: GDAL's file systems by the ending of a file.
_HANDLERS = {".zip": "/vsizip/", ".tar": "/vsitar/", ".tgz": "/vsitar/", ".tar.gz": "/vsitar/"}
_GZIP = "/vsigzip/"
_PREFIX = re.compile(r"^(/vsi(?:zip|tar|gzip)/)+")


def packed_rasters(path: str | Path) -> list[str]:
    """GDAL's names of the rasters in a packed file, sorted; none for what is no packed file.

    Packed files of other kinds (7z, rar) are not read.
    """
    path = str(path)
    name = os.path.basename(path).lower()
    if not os.path.isfile(path):
        return []
    handler = next((handler for ending, handler in _HANDLERS.items() if name.endswith(ending)), "")
    if handler:
        # In braces, so that nothing takes the two slashes of an absolute path for one.
        folder = f"{handler}{{{os.path.abspath(path)}}}"
        members = gdal.ReadDirRecursive(folder) or []
        return [f"{folder}/{member}" for member in sorted(members) if _is_raster(member)]
    return [_GZIP + os.path.abspath(path)] if name.endswith(".gz") and _is_raster(path[:-3]) else []


def _is_raster(name: str) -> bool:
    """Whether a file counts by its name; what macOS adds to a ZIP does not."""
    path = Path(name)
    hidden = any(part.startswith(".") or part == "__MACOSX" for part in path.parts)
    return path.suffix.lower() in RASTER_SUFFIXES and not hidden


def unpacked_name(path: str) -> str:
    """The name by which GDAL reads a file: its own, or that of the one raster that a packed file holds.

    Raises
    ------
    InputError
        If a packed file holds several.
    """
    found = packed_rasters(path)
    if len(found) > 1:
        raise InputError(
            f"{path}: it holds {len(found)} rasters; unpack it, or name one of them, as {found[0]}."
        )
    return found[0] if found else path


def file_of(name: str) -> str:
    """The file of the file system behind a name of GDAL's, also of NETCDF:"file":variable; else the name."""
    if os.path.exists(name):
        return name
    inner = _PREFIX.sub("", name)
    if inner == name:
        inner = re.sub(r"^[A-Za-z]\w+:", "", name)
        quoted = inner.startswith('"')
        inner = inner.split('"')[1] if quoted else inner
        while not quoted and ":" in inner and not os.path.isfile(inner):
            inner = inner.rpartition(":")[0]
    braces = re.match(r"^\{(.+?)\}", inner)
    place = Path(braces[1] if braces else inner)
    return next((str(one) for one in (place, *place.parents) if one.is_file()), name)
