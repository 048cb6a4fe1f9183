"""Granules for tests, with the groups, names and attributes of NASA's files.

Built after the structure of SPL3SMP 003 (single group) and 008 (`_AM` and `_PM`).
"""

from __future__ import annotations

from pathlib import Path

import h5py
import numpy as np

SHAPES = {"SPL3SMP": (406, 964), "SPL3SMP_E": (1624, 3856)}
NAMES = {"SPL3SMP": "SMAP_L3_SM_P", "SPL3SMP_E": "SMAP_L3_SM_P_E"}
FILL, NO_FLAG = np.float32(-9999), 65534
VALID_RANGE = (np.float32(0.02), np.float32(0.5))


def granule_name(date="20200105", product="SPL3SMP", release="R18290"):
    return f"{NAMES[product]}_{date}_{release}_001.h5"


def write_granule(
    folder,
    cells,
    date="20200105",
    product="SPL3SMP",
    release="R18290",
    name=None,
    layout="AM/PM",
    short_name=None,
    inside_date=None,
    shape=None,
    valid_range=VALID_RANGE,
    **options,
):
    """Write a granule and return its path.

    `cells` maps "AM" or "PM", or ("AM", "scav") for one of the other retrievals, to
    {(row, col): (soil moisture, flag)}; everything else is fill and no flag.
    `layout` "single" has one group for the morning.
    """
    path = Path(folder) / (name or granule_name(date, product, release))
    path.parent.mkdir(parents=True, exist_ok=True)
    shape = shape or SHAPES[product]
    day = inside_date or f"{date[:4]}-{date[4:6]}-{date[6:]}"
    with h5py.File(path, "w", **options) as file:
        about = file.create_group("Metadata/DatasetIdentification")
        about.attrs["shortName"] = short_name or product
        about.attrs["CompositeReleaseID"] = release
        about.attrs["fileName"] = path.name
        file.create_group("Metadata/Extent").attrs["rangeBeginningDateTime"] = f"{day}T00:00:00.000Z"
        for key, found in cells.items():
            overpass, retrieval = key if isinstance(key, tuple) else (key, "")
            group = "Soil_Moisture_Retrieval_Data" + (f"_{overpass}" if layout == "AM/PM" else "")
            ending = (f"_{retrieval}" if retrieval else "") + ("_pm" if overpass == "PM" else "")
            _write_pass(file.require_group(group), ending, found, shape, valid_range)
    return path


def _write_pass(group, ending, found, shape, valid_range):
    moisture, flags = np.full(shape, FILL), np.full(shape, NO_FLAG, np.uint16)
    for place, (value, flag) in found.items():
        moisture[place], flags[place] = value, flag
    width = shape[-1]
    options = {"chunks": (1,) * (len(shape) - 1) + (width,), "compression": "gzip", "compression_opts": 1}
    data = group.create_dataset(f"soil_moisture{ending}", data=moisture, **options)
    data.attrs["long_name"] = np.bytes_("Representative soil moisture measurement.")
    data.attrs["units"] = np.bytes_("cm**3/cm**3")
    data.attrs["_FillValue"] = FILL
    if valid_range:
        data.attrs["valid_min"], data.attrs["valid_max"] = valid_range
    flag = group.create_dataset(f"retrieval_qual_flag{ending}", data=flags, **options)
    flag.attrs["_FillValue"] = np.uint16(NO_FLAG)
    flag.attrs["flag_masks"] = np.bytes_("1s, 2s, 4s, 8s")
    if f"latitude{ending}" not in group and len(shape) == 2 and shape[0] < 1000:
        # As in real granules, where nothing was seen there are no coordinates either.
        group.create_dataset(f"latitude{ending}", data=np.full(shape, FILL), **options)


def truncate(path, share=0.6):
    """Cut a file off, as a broken download does."""
    data = Path(path).read_bytes()
    Path(path).write_bytes(data[: int(len(data) * share)])
    return len(data), int(len(data) * share)


LOGIN_PAGE = """<!DOCTYPE html>
<html lang="en"><head><title>Earthdata Login</title></head><body>Please log in.</body></html>
"""
