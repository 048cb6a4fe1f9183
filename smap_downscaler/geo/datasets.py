"""Opening rasters whatever GDAL's exception mode, and writing files whole or not at all."""

from __future__ import annotations

import contextlib
import functools
import math
import os
import re
import threading
from collections.abc import Callable, Iterator, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from osgeo import gdal, osr

from ..base.errors import InputError
from ..base.nodata import FILL, Look, equals_code
from ..base.part_files import check_end, part_name, remove, remove_leftovers, remove_part
from .grid import ALIGNMENT, Grid, Window, columns_around
from .netcdf_axes import axes_of, lost_nan
from .packed import file_of, unpacked_name
from .storage import STORED_TAG
from .texts import OF_GDAL, tag_of, tags_of, text_of
from .whole_hdf5 import check_hdf5, is_hdf5

#: Value written for missing cells.
NODATA = FILL
#: Messages of GDAL longer than this (whole SQL scripts) lose their middle.
_LONGEST_REASON = 200
#: Without them GDAL takes the successors of superseded EPSG codes (of EPSG:3410, EASE-Grid 1 on a sphere,
#: EASE-Grid 2.0), and notes beside a .gz how long its content is.
_AS_STORED = {"OSR_USE_NON_DEPRECATED": "NO", "CPL_VSIL_GZIP_WRITE_PROPERTIES": "NO"}
#: How datums are called of which a file says no more than the ellipsoid.
_NO_DATUM = re.compile(r"(d_)?(unknown|unnamed|not[ _]?specified|unspecified|custom|undefined)|$", re.I)
#: Warnings of libtiff that cells, or tags that say what they are, were lost or made up.
_LOST = re.compile(
    r"Discarding \d+ bytes|due to lack of data|[Cc]orrupt|Premature end"
    r'|"(GDAL|Geo|Strip|Tile)\w+".* (ignored|truncated)'
    # Names, units and scales of a GeoTIFF are XML.
    r"|^Line \d+: "
)
#: Coordinates are smaller than this in any CRS, whatever its unit.
_FARTHEST = 1e12
#: Cells are wider than this: a billionth of a degree is a tenth of a millimetre.
_FINEST = 1e-9
#: What other programs, or an earlier run, left beside a file that is replaced: it would describe the old one.
_SIDE_CARS = (".aux.xml", ".ovr", ".msk", "-wal", "-shm", "-journal")
#: What takes the place of the ending of a shapefile in the files that belong to it.
_OF_SHAPEFILE = (".shx", ".dbf", ".prj", ".cpg", ".qpj", ".qix", ".sbn", ".sbx", ".idm", ".ind")

Found = TypeVar("Found")


class OffGrid(InputError):
    """A raster on no north-up grid, or not on that of others; `problem` is the sentence without advice."""

    def __init__(self, problem: str, advice: str):
        super().__init__(f"{problem}; {advice}.")
        self.problem = problem


@contextlib.contextmanager
def as_stored() -> Iterator[None]:
    """Inside, GDAL takes files for what they say, in this thread, and writes nothing beside them."""
    before = {option: gdal.GetThreadLocalConfigOption(option) for option in _AS_STORED}
    for option, value in _AS_STORED.items():
        gdal.SetThreadLocalConfigOption(option, value)
    try:
        yield
    finally:
        for option, value in before.items():
            gdal.SetThreadLocalConfigOption(option, value)


@contextlib.contextmanager
def gdal_errors() -> Iterator[list[str]]:
    """Collect GDAL's error messages of this thread instead of printing them.

    What libtiff only warns of (it goes on with what it has) is an error too, where something was lost.
    """
    messages: list[str] = []

    def handler(*arguments: Any) -> None:
        # Where a message, which may quote the file, is no UTF-8, GDAL 3.6 tells nothing; no call of GDAL may
        # follow then.
        level, _number, message = arguments or (gdal.CE_Failure, 0, "corrupt text in it")
        if level >= gdal.CE_Failure or _LOST.search(message):
            messages.append(message)

    gdal.PushErrorHandler(handler)
    try:
        yield messages
    finally:
        gdal.PopErrorHandler()


def reason_of(messages: Sequence[str], otherwise: str) -> str:
    """The first of GDAL's messages as part of a sentence, or `otherwise` where there is none."""
    reason = " ".join(messages[0].split()).rstrip(".") if messages else ""
    if len(reason) > _LONGEST_REASON:
        half = _LONGEST_REASON // 2
        reason = f"{reason[:half]} ... {reason[-half:]}"
    return reason or otherwise


def _naming_the_file(read: Callable[..., Found]) -> Callable[..., Found]:
    """Errors of GDAL in a function of a dataset become a refusal that names the file.

    GDAL looks at much of a file (masks, overviews, CRS) only when it is asked for it.
    """

    @functools.wraps(read)
    def guarded(dataset: gdal.Dataset, *arguments: Any, **named: Any) -> Found:
        try:
            return read(dataset, *arguments, **named)
        except OF_GDAL as error:
            reason = reason_of([str(error)], "unknown reason")
        raise InputError(
            f"{dataset.GetDescription()}: it cannot be read ({reason}); the file may be damaged, get it "
            "again."
        )

    return guarded


def open_dataset(
    path: str | Path,
    flags: int = gdal.OF_RASTER,
    drivers: list[str] | None = None,
    options: Sequence[str] = (),
) -> gdal.Dataset:
    """Open `path` read-only; works with GDAL's exceptions on or off.

    Parameters
    ----------
    path : path, or GDAL's name of a subdataset
        Of a packed file that holds one raster, that is opened.
    flags : int
        GDAL's OF_ flags.
    drivers : list of str, optional
        Short names of the drivers to try; without it all.
    options : sequence of str
        Open options, KEY=VALUE.

    Raises
    ------
    InputError
        If the file is missing or GDAL cannot read it.
    """
    path = str(path)
    if not os.path.exists(path) and not _is_gdal_name(path):
        raise InputError(f"{path}: there is no such file; check the path.")
    if flags & gdal.OF_RASTER:
        path = unpacked_name(path)
    file = file_of(path)
    if is_hdf5(file):
        check_hdf5(file)
    dataset = None
    with gdal_errors() as messages, as_stored():
        try:
            dataset = gdal.OpenEx(
                path, flags | gdal.OF_READONLY, allowed_drivers=drivers or [], open_options=list(options)
            )
            if dataset is not None and flags & gdal.OF_RASTER:
                # The keys of a GeoTIFF are read late: whatever is asked first would raise their error.
                dataset.GetGeoTransform()
                dataset.GetSpatialRef()
        except OF_GDAL as error:
            messages.append(str(error))
            dataset = None
    if dataset is None or any(map(_LOST.search, messages)):
        kind = "table" if flags & gdal.OF_VECTOR else "raster"
        if kind == "raster" and _holds_a_table(path):
            raise InputError(
                f"{path}: it holds no raster but a table, such as points; choose a raster, or make one of "
                "the points first (Processing Toolbox > Interpolation)."
            )
        raise InputError(
            f"{path}: GDAL cannot read it ({reason_of(messages, 'unknown format')}); "
            f"check that the file is whole and a {kind}."
        )
    return dataset


def _holds_a_table(path: str) -> bool:
    """Whether GDAL reads a file that is no raster: features, or a NetCDF file of lists."""
    with gdal_errors():
        try:
            if gdal.OpenEx(path, gdal.OF_VECTOR | gdal.OF_READONLY) is not None:
                return True
        except OF_GDAL:
            pass
        try:
            dataset = gdal.OpenEx(path, gdal.OF_MULTIDIM_RASTER | gdal.OF_READONLY)
            group = None if dataset is None else dataset.GetRootGroup()
            if group is None:
                return False
            names = group.GetMDArrayNames()
            return bool(names) and all(group.OpenMDArray(name).GetDimensionCount() < 2 for name in names)
        except OF_GDAL:
            return False


def check_source(source: str | Path | Sequence[str]) -> None:
    """Raise `InputError` if a file or folder is missing; a name of GDAL's is seen when opened."""
    for one in [source] if isinstance(source, (str, Path)) else source:
        if not Path(one).exists() and not _is_gdal_name(str(one)):
            raise InputError(f"INPUT: {one} does not exist; check the path.")


def close_dataset(dataset: gdal.Dataset) -> None:
    """Close a dataset that was written; errors go to `gdal_errors` or are raised as RuntimeError.

    Left to itself, a dataset closes in its destructor, which can only print.
    """
    # What `del` would call.  Not `Close`, which GDAL has from 3.8 on.
    type(dataset).__swig_destroy__(dataset)


def _is_gdal_name(path: str) -> bool:
    """Subdatasets (NETCDF:"file":variable) and virtual files are no paths of the file system."""
    # Two letters at least: C: is a drive.
    return path.startswith(("/vsi", "<VRTDataset")) or re.match(r"[A-Za-z]\w+:", path) is not None


def stored_crs(path: str, layer: str) -> str:
    """The CRS of a layer of a vector file as the file says it (`EPSG:code` or WKT); empty for none."""
    return _stored_crs(open_dataset(path, gdal.OF_VECTOR), layer)


@_naming_the_file
def _stored_crs(dataset: gdal.Dataset, layer: str) -> str:
    with as_stored():
        # Held by name: a layer must not outlive its dataset.
        found = dataset.GetLayerByName(layer) if layer else dataset.GetLayer(0)
        return crs_text(found.GetSpatialRef()) if found is not None else ""


def crs_text(reference: osr.SpatialReference | None) -> str:
    """`EPSG:code` where the authority is known, else WKT; empty where there is none or it is damaged."""
    if reference is None:
        return ""
    name, code = reference.GetAuthorityName(None), reference.GetAuthorityCode(None)
    if name and code:
        return f"{name}:{code}"
    with gdal_errors():
        try:
            return str(reference.ExportToWkt())
        except OF_GDAL:
            return ""


def spatial_reference(crs: str) -> osr.SpatialReference:
    """The OSR object of a CRS text, with x before y.

    Raises
    ------
    InputError
        If the text is no CRS.
    """
    with as_stored():
        reference = _parsed(crs)
    if reference is None:
        raise InputError(f"CRS {crs[:60]!r} is not known to GDAL; choose another one.")
    if successor(crs_text(reference)):
        # Whoever opens what is written with the code would take its successor.
        reference = _parsed(_without_code(reference)) or reference
    reference.SetAxisMappingStrategy(osr.OAMS_TRADITIONAL_GIS_ORDER)
    return reference


def _parsed(text: str) -> osr.SpatialReference | None:
    reference = osr.SpatialReference()
    with gdal_errors():
        try:
            failed = reference.SetFromUserInput(text) != 0
        except OF_GDAL:
            failed = True
    return None if failed else reference


@lru_cache(maxsize=256)
def successor(crs: str) -> str:
    """The `EPSG:code` of another CRS that GDAL, left to itself, takes for a superseded code; else empty."""
    taken = _parsed(crs) if re.match(r"EPSG:\d+$", crs) else None
    if taken is None or crs_text(taken) == crs:
        return ""
    with as_stored():
        meant = _parsed(crs)
    return "" if meant is None or meant.IsSame(taken) else crs_text(taken)


def _without_code(reference: osr.SpatialReference) -> str:
    return re.sub(r',\s*ID\["EPSG",\d+\]\]$', "]", reference.ExportToWkt(["FORMAT=WKT2_2019"]))


def same_crs(first: str, second: str) -> bool:
    """Whether two CRS texts mean the same; a datum without a name is that of its ellipsoid, WGS 84."""
    if first == second:
        return True
    one, other = spatial_reference(first), spatial_reference(second)
    return bool(one.IsSame(other)) or bool(_with_datum(one).IsSame(_with_datum(other)))


def _with_datum(reference: osr.SpatialReference) -> osr.SpatialReference:
    """A CRS on the ellipsoid of WGS 84 whose datum has no name, with that datum."""
    if not _NO_DATUM.match(reference.GetAttrValue("DATUM") or ""):
        return reference
    with gdal_errors():
        try:
            text = reference.ExportToProj4()
        except OF_GDAL:
            text = ""
    if "+ellps=WGS84" not in text:
        return reference
    return _parsed(text.replace("+ellps=WGS84", "+datum=WGS84")) or reference


@_naming_the_file
def dataset_grid(dataset: gdal.Dataset, label: str) -> Grid:
    """The grid of a dataset; `label` names it in messages.

    Raises
    ------
    InputError
        Without a CRS or georeference, for a rotated raster, for axes that are no rows and columns of a
        map, or for latitudes beyond the poles.
    """
    if not dataset.RasterCount:
        raise InputError(f"{label}: it holds no band of its own; {_subdataset_advice(dataset)}.")
    axes = axes_of(dataset)
    if axes.order:
        raise InputError(
            f"{label}: its variable is stored in the order {axes.order}, which is read as no map; store it "
            "as time, latitude, longitude."
        )
    tables = tags_of(dataset, "GEOLOCATION")
    transform = _transform(dataset)
    if transform is None and tables:
        places = f"{_variable(tables, 'Y')} and {_variable(tables, 'X')}"
        raise OffGrid(
            f"{label}: its cells lie on no regular grid (their places are in {places})",
            "warp it to a regular grid first (gdalwarp -geoloc)",
        )
    if transform is None and axes.degrees:
        raise InputError(
            f"{label}: GDAL finds no regular grid on its axes; store it as time, latitude, longitude, evenly "
            "spaced, with the units degrees_north and degrees_east."
        )
    with as_stored():
        reference = dataset.GetSpatialRef()
        # CF asks for no more than the units of the axes.
        crs = crs_text(reference) or ("EPSG:4326" if axes.degrees else "")
    if not crs:
        has = (
            "no coordinate reference system" if reference is None else "a damaged coordinate reference system"
        )
        raise InputError(f"{label}: it has {has}; assign one (Raster > Projections > Assign projection).")
    if transform is None:
        raise OffGrid(f"{label}: it has no georeference (no position and cell size)", "georeference it first")
    left, width, lean_x, top, lean_y, height = transform
    columns, rows = _size(dataset)
    for reach in (left, top, width * columns, height * rows):
        if not abs(reach) < _FARTHEST:
            raise InputError(
                f"{label}: its grid reaches to {reach:g}, where no map is; the file may be damaged, get it "
                "again or georeference it."
            )
    if max(abs(width), abs(lean_x)) < _FINEST or max(abs(height), abs(lean_y)) < _FINEST:
        raise InputError(
            f"{label}: its cells are {width:g} x {height:g} of a unit of its CRS, as no map's are; the file "
            "may be damaged, get it again or georeference it."
        )
    upright = (
        width > 0
        and height != 0
        and abs(lean_x) * rows <= ALIGNMENT * width
        and abs(lean_y) * columns <= ALIGNMENT * abs(height)
    )
    if not upright:
        raise OffGrid(f"{label}: its grid is rotated or mirrored", "warp it to a north-up grid first")
    if height > 0:
        top += height * rows
    grid = Grid(crs, left, top, width, abs(height), columns, rows)
    _check_latitudes(grid, label)
    return grid


def _check_latitudes(grid: Grid, label: str) -> None:
    """Raise `InputError` where centres of cells lie beyond a pole, as where longitudes pass for latitudes."""
    reference = spatial_reference(grid.crs)
    if not reference.IsGeographic():
        return
    pole = math.pi / 2 / reference.GetAngularUnits()
    furthest = max(abs(grid.bounds.top), abs(grid.bounds.bottom)) - grid.cell_height / 2
    if furthest > pole + ALIGNMENT * grid.cell_height:
        raise InputError(
            f"{label}: latitudes run from {grid.bounds.bottom:g} to {grid.bounds.top:g}, beyond {pole:g}; "
            "check whether latitude and longitude are exchanged, or its CRS is another."
        )


def _transform(dataset: gdal.Dataset) -> tuple[float, ...] | None:
    """GDAL's coefficients for the columns and rows of the map, whichever way they are stored."""
    transform = dataset.GetGeoTransform(can_return_null=True)
    if transform is None or not axes_of(dataset).transposed:
        return transform
    left, width, *others = (transform[number] for number in (3, 5, 4, 0, 2, 1))
    if width < 0:
        left, width = left + width * dataset.RasterYSize, -width
    return left, width, *others


def _is_mirrored(dataset: gdal.Dataset) -> bool:
    """Whether the columns of a transposed map run westwards, as in a group of a NetCDF file."""
    transform = dataset.GetGeoTransform(can_return_null=True)
    return axes_of(dataset).transposed and transform is not None and transform[5] < 0


def _size(dataset: gdal.Dataset) -> tuple[int, int]:
    """Columns and rows of the map."""
    size = dataset.RasterXSize, dataset.RasterYSize
    return size[::-1] if axes_of(dataset).transposed else size


def _variable(tables: dict[str, str], axis: str) -> str:
    return tables.get(f"{axis}_DATASET", "").rsplit(":", 1)[-1] or axis


def _subdataset_advice(dataset: gdal.Dataset) -> str:
    names = [name for name, _ in dataset.GetSubDatasets()]
    return f"name one of its variables, as {text_of(names[0])}" if names else "choose a raster"


@_naming_the_file
def read_band(
    dataset: gdal.Dataset,
    band_number: int,
    window: Window | None = None,
    dtype: type = np.float32,
    look: Look | None = None,
) -> np.ndarray:
    """A window of a band, shape (rows, columns), unscaled to its unit; missing cells are NaN.

    Missing is what the file says, and what `look` was told, as the file stores it. The others go through
    `look`, in search of codes that nobody declared; of our own whole numbers, any of which may look like a
    code, what they stand for does. Of a raster around the whole earth the window may reach
    beyond the first or the last column.
    """
    columns, rows = _size(dataset)
    window = window or Window(0, 0, rows, columns)
    transform = _transform(dataset)
    if window.col < 0 or window.col + window.width > columns:
        around = columns_around(transform[1] if transform else 0.0, columns)
        if around:
            parts = [read_band(dataset, band_number, part, dtype, look) for part in _turned(window, around)]
            return np.concatenate(parts, axis=1)
    south_up = transform is not None and transform[5] > 0
    row = rows - window.row - window.height if south_up else window.row
    mirrored = _is_mirrored(dataset)
    col = columns - window.col - window.width if mirrored else window.col
    place = col, row, window.width, window.height
    transposed = axes_of(dataset).transposed
    if transposed:
        place = row, col, window.height, window.width
    band, label = dataset.GetRasterBand(band_number), dataset.GetDescription()
    raw = _read_raw(band, label, place)
    missing = _missing(band, raw, label, place) | _transparent(dataset, band_number, label, place)
    lost = lost_nan(dataset, band_number, place)
    if lost is not None:
        missing |= lost
    scale, offset = band.GetScale(), band.GetOffset()
    values: np.ndarray = raw
    if scale not in (None, 1.0) or offset not in (None, 0.0):
        values = raw.astype(np.float64) * (1.0 if scale is None else scale) + (offset or 0.0)
    if look is not None:
        stored = values if tag_of(dataset, STORED_TAG) else raw
        if look.declared.codes:
            missing |= look.declared.missing(stored)
        look.add(stored[~missing] if missing.any() else stored)
    # NoData such as -1.8e308 has no place in float32.
    with np.errstate(over="ignore", invalid="ignore"):
        values = values.astype(dtype)
    values[missing | ~np.isfinite(values)] = np.nan
    if transposed:
        values = values.T
    if mirrored:
        values = values[:, ::-1]
    return values[::-1] if south_up else values


def _turned(window: Window, around: int) -> Iterator[Window]:
    """The parts of a window whose columns are counted on around the earth."""
    col, end = window.col, window.col + window.width
    while col < end:
        first = col % around
        width = min(end - col, around - first)
        yield Window(window.row, first, window.height, width)
        col += width


Place = tuple[int, int, int, int]


def _read_raw(band: gdal.Band, label: str, place: Place) -> np.ndarray:
    with gdal_errors() as messages:
        try:
            raw = band.ReadAsArray(*place)
        except OF_GDAL as error:
            messages.append(str(error))
            raw = None
    if raw is None or any(map(_LOST.search, messages)):
        raise InputError(
            f"{label}: its cells cannot be read ({reason_of(messages, 'unknown reason')}); "
            "the file may be damaged, get it again."
        )
    return np.asarray(raw)


def _missing(band: gdal.Band, raw: np.ndarray, label: str, place: Place) -> np.ndarray:
    """Which cells the NoData value or the mask band takes out."""
    nodata = band.GetNoDataValue()
    missing = np.zeros(raw.shape, bool) if nodata is None else equals_code(raw, nodata)
    if band.GetMaskFlags() & gdal.GMF_PER_DATASET:
        missing |= _read_raw(band.GetMaskBand(), label, place) == 0
    return missing


def _transparent(dataset: gdal.Dataset, band_number: int, label: str, place: Place) -> np.ndarray | bool:
    """Cells whose alpha is 0: GDAL itself takes an alpha band for a mask only where it is of bytes."""
    last = dataset.RasterCount
    alpha = dataset.GetRasterBand(last)
    if last == band_number or alpha.GetColorInterpretation() != gdal.GCI_AlphaBand:
        return False
    return np.asarray(_read_raw(alpha, label, place) == 0)


@contextlib.contextmanager
def whole_file(path: str | Path, in_folder: bool = False) -> Iterator[Path]:
    """A name beside `path` to write to; renamed to `path` at the end, removed on any error.

    Parameters
    ----------
    path : path
    in_folder : bool
        The name is that of `path` in a hidden folder, for formats that put the name into the file, or other
        files beside it, which are moved too.

    Raises
    ------
    InputError
        If it cannot be written, or its end got lost on a full disk.
    """
    path = Path(path)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(
            f"{path.parent}: the folder cannot be made ({error.strerror}); choose another one."
        ) from None
    # GDAL takes a folder with .xlsx in its name for a file.
    ending = "" if in_folder else path.suffix
    remove_leftovers(path, ending)
    part = part_name(path, f"{threading.get_ident():x}{path.suffix.encode().hex()}", ending)
    made = part / path.name if in_folder else part
    try:
        if in_folder:
            part.mkdir()
        yield made
        _put(made, path, sorted(set(part.iterdir()) - {made}) if in_folder else [])
    except OSError as error:
        if error.filename is not None and part not in (Path(error.filename), Path(error.filename).parent):
            # Another file's trouble, met while this one was written.
            raise
        raise InputError(
            f"{path}: it cannot be written ({error.strerror or error}); choose another place."
        ) from None
    finally:
        remove_part(part)
        remove(Path(f"{part}{ending}") for ending in _SIDE_CARS)


def _put(made: Path, path: Path, others: Sequence[Path]) -> None:
    """Give a file that was written its place, and the others that belong to it theirs."""
    for file in (made, *others):
        check_end(file)
    if others:
        # Without its main file nothing is read of a mixture of old and new ones.
        remove(
            [path, *(path.with_suffix(ending) for ending in _OF_SHAPEFILE if path.suffix.lower() == ".shp")]
        )
    for file in others:
        os.replace(file, path.with_name(file.name))
    os.replace(made, path)
    remove(Path(f"{path}{ending}") for ending in _SIDE_CARS)


def check_folders(source: str | Path | Sequence[str], folder: str | Path) -> None:
    """Raise `InputError` if the source is missing or the folder is a file."""
    check_source(source)
    if Path(folder).is_file():
        raise InputError(f"OUTPUT: {folder} is a file; choose a folder.")
