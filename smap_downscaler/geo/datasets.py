"""Opening rasters whatever GDAL's exception mode, and writing files whole or not at all."""

from __future__ import annotations

import contextlib
import os
import re
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
from osgeo import gdal, osr

from ..base.errors import InputError
from ..base.nodata import FILL, Look, equals_code
from ..base.part_files import check_end, part_name, remove, remove_leftovers, remove_part
from .grid import ALIGNMENT, Grid, Window

#: Value written for missing cells.
NODATA = FILL
#: Messages of GDAL longer than this (whole SQL scripts) lose their middle.
_LONGEST_REASON = 200
#: What other programs, or an earlier run, left beside a file that is replaced: it would describe the old one.
_SIDE_CARS = (".aux.xml", ".ovr", ".msk", "-wal", "-shm", "-journal")
#: What takes the place of the ending of a shapefile in the files that belong to it.
_OF_SHAPEFILE = (".shx", ".dbf", ".prj", ".cpg", ".qpj", ".qix", ".sbn", ".sbx", ".idm", ".ind")


@contextlib.contextmanager
def gdal_errors() -> Iterator[list[str]]:
    """Collect GDAL's error messages of this thread instead of printing them."""
    messages: list[str] = []

    def handler(level: int, _number: int, message: str) -> None:
        if level >= gdal.CE_Failure:
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
    dataset = None
    with gdal_errors() as messages:
        try:
            dataset = gdal.OpenEx(
                path, flags | gdal.OF_READONLY, allowed_drivers=drivers or [], open_options=list(options)
            )
        except RuntimeError as error:
            messages.append(str(error))
    if dataset is None:
        kind = "table" if flags & gdal.OF_VECTOR else "raster"
        raise InputError(
            f"{path}: GDAL cannot read it ({reason_of(messages, 'unknown format')}); "
            f"check that the file is whole and a {kind}."
        )
    return dataset


def check_source(source: str | Path) -> None:
    """Raise `InputError` if a file or folder is missing; a NETCDF:"file":variable is seen when opened."""
    if not Path(source).exists() and ":" not in str(source)[2:]:
        raise InputError(f"INPUT: {source} does not exist; check the path.")


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


def crs_text(reference: osr.SpatialReference | None) -> str:
    """`EPSG:code` where the authority is known, else WKT; empty where there is none."""
    if reference is None:
        return ""
    name, code = reference.GetAuthorityName(None), reference.GetAuthorityCode(None)
    if name and code:
        return f"{name}:{code}"
    return str(reference.ExportToWkt())


def spatial_reference(crs: str) -> osr.SpatialReference:
    """The OSR object of a CRS text, with x before y.

    Raises
    ------
    InputError
        If the text is no CRS.
    """
    reference = osr.SpatialReference()
    with gdal_errors():
        try:
            failed = reference.SetFromUserInput(crs) != 0
        except RuntimeError:
            failed = True
    if failed:
        raise InputError(f"CRS {crs[:60]!r} is not known to GDAL; choose another one.")
    reference.SetAxisMappingStrategy(osr.OAMS_TRADITIONAL_GIS_ORDER)
    return reference


def same_crs(first: str, second: str) -> bool:
    """Whether two CRS texts mean the same."""
    return first == second or bool(spatial_reference(first).IsSame(spatial_reference(second)))


def dataset_grid(dataset: gdal.Dataset, label: str) -> Grid:
    """The grid of a dataset; `label` names it in messages.

    Raises
    ------
    InputError
        Without a CRS or georeference, or for a rotated raster.
    """
    if not dataset.RasterCount:
        raise InputError(f"{label}: it holds no band of its own; {_subdataset_advice(dataset)}.")
    crs = crs_text(dataset.GetSpatialRef()) or _crs_of_degrees(dataset)
    if not crs:
        raise InputError(
            f"{label}: it has no coordinate reference system; "
            "assign one (Raster > Projections > Assign projection)."
        )
    transform = dataset.GetGeoTransform(can_return_null=True)
    if transform is None:
        raise InputError(
            f"{label}: it has no georeference (no position and cell size); georeference it first."
        )
    left, width, lean_x, top, lean_y, height = transform
    upright = (
        width > 0
        and height != 0
        and abs(lean_x) * dataset.RasterYSize <= ALIGNMENT * width
        and abs(lean_y) * dataset.RasterXSize <= ALIGNMENT * abs(height)
    )
    if not upright:
        raise InputError(f"{label}: its grid is rotated or mirrored; warp it to a north-up grid first.")
    if height > 0:
        top += height * dataset.RasterYSize
    return Grid(crs, left, top, width, abs(height), dataset.RasterXSize, dataset.RasterYSize)


def _subdataset_advice(dataset: gdal.Dataset) -> str:
    names = [name for name, _ in dataset.GetSubDatasets()]
    return f"name one of its variables, as {names[0]}" if names else "choose a raster"


def _crs_of_degrees(dataset: gdal.Dataset) -> str:
    """WGS 84 for a NetCDF file on a latitude and longitude grid, where CF asks for no more than units."""
    if dataset.GetDriver().ShortName != "netCDF" or dataset.GetGeoTransform(can_return_null=True) is None:
        return ""
    units = {text.lower() for key, text in dataset.GetMetadata().items() if key.endswith("#units")}
    north = {"degrees_north", "degree_north", "degrees_n", "degree_n"}
    east = {"degrees_east", "degree_east", "degrees_e", "degree_e"}
    return "EPSG:4326" if units & north and units & east else ""


def read_band(
    dataset: gdal.Dataset,
    band_number: int,
    window: Window | None = None,
    dtype: type = np.float32,
    look: Look | None = None,
) -> np.ndarray:
    """A window of a band, shape (rows, columns), unscaled to its unit; missing cells are NaN.

    Missing is what the file says, and what `look` was told, as the file stores it. The others go through
    `look`, in search of codes that nobody declared.
    """
    window = window or Window(0, 0, dataset.RasterYSize, dataset.RasterXSize)
    transform = dataset.GetGeoTransform(can_return_null=True)
    south_up = transform is not None and transform[5] > 0
    row = dataset.RasterYSize - window.row - window.height if south_up else window.row
    place = window.col, row, window.width, window.height
    band, label = dataset.GetRasterBand(band_number), dataset.GetDescription()
    raw = _read_raw(band, label, place)
    missing = _missing(band, raw, label, place) | _transparent(dataset, band_number, label, place)
    if look is not None:
        if look.declared.codes:
            missing |= look.declared.missing(raw)
        look.add(raw[~missing] if missing.any() else raw)
    scale, offset = band.GetScale(), band.GetOffset()
    values: np.ndarray = raw
    if scale not in (None, 1.0) or offset not in (None, 0.0):
        values = raw.astype(np.float64) * (1.0 if scale is None else scale) + (offset or 0.0)
    # NoData such as -1.8e308 has no place in float32.
    with np.errstate(over="ignore", invalid="ignore"):
        values = values.astype(dtype)
    values[missing | ~np.isfinite(values)] = np.nan
    return values[::-1] if south_up else values


Place = tuple[int, int, int, int]


def _read_raw(band: gdal.Band, label: str, place: Place) -> np.ndarray:
    with gdal_errors() as messages:
        try:
            raw = band.ReadAsArray(*place)
        except RuntimeError as error:
            messages.append(str(error))
            raw = None
    if raw is None:
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


def check_folders(source: str | Path, folder: str | Path) -> None:
    """Raise `InputError` if the source is missing or the folder is a file."""
    check_source(source)
    if Path(folder).is_file():
        raise InputError(f"OUTPUT: {folder} is a file; choose a folder.")
