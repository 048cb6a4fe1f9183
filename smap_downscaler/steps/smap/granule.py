"""Reading a granule of SPL3SMP (36 km) or SPL3SMP_E (9 km).

Two layouts: the groups `Soil_Moisture_Retrieval_Data_AM` and `..._PM` (whose
variables end in `_pm`), and the older single group of the morning overpass.
Coordinates come from the EASE-Grid 2.0, for the granule's own latitudes and
longitudes are fill values wherever nothing was seen.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from osgeo import gdal, gdal_array

from ...base.dates import find_date, parse_iso_date
from ...base.errors import InputError
from ...base.nodata import FILL
from ...geo.datasets import gdal_errors, open_dataset
from ...geo.grid import EASE2_SHAPES, Grid, Window, ease2_grid
from ...geo.texts import OF_GDAL, text_of, texts_of
from ...geo.whole_hdf5 import check_hdf5
from .numbers.screening import (
    NO_FLAG,
    PHYSICAL_RANGE,
    RETRIEVALS,
    Choices,
    Screened,
    merge_overpasses,
    screen,
)

PRODUCTS = {"SPL3SMP": "36 km", "SPL3SMP_E": "9 km"}
_GROUP = "Soil_Moisture_Retrieval_Data"
#: Group and ending of the variables by overpass; the first group that exists is taken.
_LAYOUTS = {"AM": ((f"{_GROUP}_AM", ""), (_GROUP, "")), "PM": ((f"{_GROUP}_PM", "_pm"),)}
_WANTED = "choose granules of SPL3SMP (SMAP_L3_SM_P_...) or SPL3SMP_E (SMAP_L3_SM_P_E_...)"


@dataclass(frozen=True)
class Granule:
    """What a granule says of itself."""

    path: str
    date: dt.date
    product: str
    release: str
    groups: tuple[str, ...]

    @property
    def lacks(self) -> str:
        """The overpass that it lacks while it should hold both; granules of the old layout hold AM alone."""
        there = [name for name in _LAYOUTS if f"{_GROUP}_{name}" in self.groups]
        return next(name for name in _LAYOUTS if name not in there) if len(there) == 1 else ""

    @property
    def grid(self) -> Grid:
        """The global EASE-Grid 2.0 of the product."""
        return ease2_grid(PRODUCTS[self.product])


def open_granule(path: str | Path) -> Granule:
    """Look at a granule without reading its cells.

    Raises
    ------
    InputError
        If it is no whole HDF5 file, of another product, or without a date.
    """
    path = str(path)
    check_hdf5(path)
    dataset = _open(path)
    root = dataset.GetRootGroup()
    groups = texts_of(root.GetGroupNames())
    about, extent = ("Metadata", "DatasetIdentification"), ("Metadata", "Extent")
    short_name = _group_text(root, about, "shortName")
    product = _product(path, root, groups, short_name)
    inside = parse_iso_date(_group_text(root, extent, "rangeBeginningDateTime"))
    return Granule(path, _date(path, inside), product, _group_text(root, about, "CompositeReleaseID"), groups)


def read_granule(
    granule: Granule, choices: Choices, window: Window | None = None, inside: np.ndarray | None = None
) -> Screened:
    """Soil moisture of a window of the granule's global grid, screened as `choices` say; see `screen`.

    Returns
    -------
    Screened
        float32, shape (rows, columns), m3 m-3, NaN where missing.  For overpass
        "both" the mean where both are valid, else the one.

    Raises
    ------
    InputError
        If the granule lacks the overpass or the retrieval, or cannot be read.
    """
    window = window or granule.grid.whole
    dataset = _open(granule.path)
    root = dataset.GetRootGroup()
    wanted = ("AM", "PM") if choices.overpass == "both" else (choices.overpass,)
    found = [place for overpass in wanted if (place := _place(granule.groups, overpass))]
    if not found:
        raise InputError(
            f"{granule.path}: it has no {choices.overpass} overpass (its group of retrievals is "
            f"{', '.join(name for name in granule.groups if name.startswith(_GROUP))}); "
            "choose another OVERPASS."
        )
    return merge_overpasses([_read_pass(granule, root, place, choices, window, inside) for place in found])


def _open(path: str) -> gdal.Dataset:
    return open_dataset(path, gdal.OF_MULTIDIM_RASTER, ["HDF5"])


def _place(groups: tuple[str, ...], overpass: str) -> tuple[str, str] | None:
    return next((place for place in _LAYOUTS[overpass] if place[0] in groups), None)


def _read_pass(
    granule: Granule,
    root: gdal.Group,
    place: tuple[str, str],
    choices: Choices,
    window: Window,
    inside: np.ndarray | None,
) -> Screened:
    group_name, ending = place
    group = _call(granule.path, root.OpenGroup, group_name)
    suffix = RETRIEVALS[choices.algorithm] + ending
    moisture = _array(granule, group, f"soil_moisture{suffix}", choices)
    flag = _array(granule, group, f"retrieval_qual_flag{suffix}", choices)
    low, high = PHYSICAL_RANGE
    flags = _cells(granule.path, flag, window)
    no_flag = _attribute(flag, "_FillValue", NO_FLAG)
    if no_flag != NO_FLAG:
        flags = np.where(flags == no_flag, NO_FLAG, flags).astype(np.uint16)
    return screen(
        _cells(granule.path, moisture, window),
        flags,
        choices.quality,
        (_attribute(moisture, "valid_min", low), _attribute(moisture, "valid_max", high)),
        _attribute(moisture, "_FillValue", FILL),
        inside,
    )


def _array(granule: Granule, group: gdal.Group, name: str, choices: Choices) -> gdal.MDArray:
    names = texts_of(group.GetMDArrayNames())
    if name not in names:
        has = sorted(item for item in names if item.startswith("soil_moisture") and "error" not in item)
        raise InputError(
            f"{granule.path}: it has no {name} for ALGORITHM {choices.algorithm} "
            f"(it has {', '.join(has) or 'no soil moisture'}); choose another ALGORITHM."
        )
    array = _call(granule.path, group.OpenMDArray, name)
    shape, whole = _shape(array), granule.grid.shape
    if shape != whole:
        raise InputError(
            f"{granule.path}: its {name} has {_times(shape)} cells, not {_times(whole)}; {_WANTED}."
        )
    return array


def _cells(path: str, array: gdal.MDArray, window: Window) -> np.ndarray:
    # Not ReadAsArray: without GDAL's exceptions it hands out uninitialised memory
    # where a block is damaged; Read gives None.
    start, count = [window.row, window.col], [window.height, window.width]
    cells = _call(path, array.Read, array_start_idx=start, count=count)
    dtype = gdal_array.GDALTypeCodeToNumericTypeCode(array.GetDataType().GetNumericDataType())
    return np.frombuffer(cells, dtype).reshape(count)


def _call(path: str, function: Callable[..., Any], *arguments: Any, **named: Any) -> Any:
    """A GDAL call that fails with None or RuntimeError, as GDAL's exceptions are off or on."""
    result = None
    with gdal_errors() as messages:
        try:
            result = function(*arguments, **named)
        except OF_GDAL as error:
            messages.append(str(error))
    if result is None:
        reason = messages[0].strip().rstrip(".") if messages else "unknown reason"
        raise InputError(f"{path}: it cannot be read ({reason}); the file may be damaged, download it again.")
    return result


def _attribute(holder: gdal.MDArray | gdal.Group, name: str, default: Any) -> Any:
    with gdal_errors():
        try:
            attribute = holder.GetAttribute(name)
            value = attribute.Read() if attribute else None
        except OF_GDAL:
            value = None
    return default if value is None else value


def _group_text(root: gdal.Group, names: tuple[str, ...], attribute: str) -> str:
    group = root
    for name in names:
        if name not in texts_of(group.GetGroupNames()):
            return ""
        group = group.OpenGroup(name)
    value = _attribute(group, attribute, "")
    return (text_of(value) if isinstance(value, (str, bytes)) else str(value)).strip()


def _shape(array: gdal.MDArray) -> tuple[int, ...]:
    return tuple(int(dimension.GetSize()) for dimension in array.GetDimensions())


def _times(shape: tuple[int, ...]) -> str:
    return " x ".join(str(size) for size in shape)


def _product(path: str, root: gdal.Group, groups: tuple[str, ...], short_name: str) -> str:
    if short_name and short_name not in PRODUCTS:
        raise InputError(f"{path}: it is of the product {short_name}; {_WANTED}.")
    place = _place(groups, "AM") or _place(groups, "PM")
    if place is None:
        inside = f"the groups {', '.join(groups)}" if groups else "no group"
        raise InputError(f"{path}: it has no group {_GROUP} (it has {inside}); {_WANTED}.")
    group = _call(path, root.OpenGroup, place[0])
    name = f"soil_moisture{place[1]}"
    if name not in texts_of(group.GetMDArrayNames()):
        raise InputError(f"{path}: its group {place[0]} has no {name}; {_WANTED}.")
    shape = _shape(_call(path, group.OpenMDArray, name))
    for product, resolution in PRODUCTS.items():
        if shape == EASE2_SHAPES[resolution]:
            return product
    sizes = " nor ".join(f"{_times(EASE2_SHAPES[size])} ({name})" for name, size in PRODUCTS.items())
    raise InputError(
        f"{path}: its soil moisture has {_times(shape)} cells, neither {sizes}, so it is of another level or "
        f"a cut-out; {_WANTED}, whole."
    )


def _date(path: str, inside: dt.date | None) -> dt.date:
    named = name_date(path)
    if named and inside and named != inside:
        raise InputError(
            f"{path}: its name says {named} but its metadata say {inside}; give it its original name again."
        )
    date = named or inside
    if date is None:
        raise InputError(
            f"{path}: neither its name nor its metadata hold a date; give it its original name again "
            "(SMAP_L3_SM_P_20150402_R13080_001.h5)."
        )
    return date


def name_date(path: str | Path) -> dt.date | None:
    """The date in a granule's file name, or None; in NASA's names other digits do not count."""
    name = Path(path).name
    official = re.match(r"SMAP_L3_SM_P(?:_E)?_(\d{8})_", name)
    return find_date(official.group(1) if official else name)
