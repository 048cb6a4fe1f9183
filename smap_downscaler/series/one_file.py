"""One file of many dated maps: a VRT that names them, or a real multi-band GeoTIFF."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from pathlib import Path

from ..base.errors import InputError
from ..base.progress import SILENT, Progress
from ..geo.blocks import blocks
from ..geo.datasets import open_dataset, read_band
from ..geo.geotiff import Band, create_geotiff
from ..geo.grid import Grid
from ..geo.vrt import write_series_vrt
from .tags import NOT_FILLED, RUN_TAG, filled_tags, is_filled

_PIXELS_A_BLOCK = 1 << 21
#: Tags by which maps tell that they were made from SMAP.
_KEPT_TAGS = (RUN_TAG, "FORESTS")


def write_series_file(
    path: str | Path,
    grid: Grid,
    dates: Sequence[dt.date],
    files: Sequence[str | Path],
    unit: str,
    progress: Progress = SILENT,
) -> None:
    """Write the first bands of `files` as one file with a band a date; the ending says which kind.

    It tells where its values come from, as `files` do: from 'Fill gaps', or from SMAP by 'Downscale'.

    Raises
    ------
    InputError
        For an ending other than .vrt or .tif, or if the file cannot be written.
    """
    check_series_suffix(path)
    if len(dates) != len(files):
        raise ValueError(f"{len(dates)} dates for {len(files)} files")
    tags = _tags(files)
    if Path(path).suffix.lower() == ".vrt":
        write_series_vrt(path, grid, dates, files, unit, {**NOT_FILLED, **tags})
    else:
        _write_bands(path, grid, dates, files, unit, tags, progress)


def check_series_suffix(path: str | Path) -> None:
    """Raise `InputError` for an ending that no series is written with."""
    if Path(path).suffix.lower() not in {".vrt", ".tif", ".tiff"}:
        raise InputError(f"{path}: a series is written as .vrt or .tif; give it one of these endings.")


def _tags(files: Sequence[str | Path]) -> dict[str, str]:
    """What the first of the files, all made in one run, tells of where its values come from."""
    if not files:
        return {}
    first = str(files[0])
    dataset = open_dataset(first)
    tags = dataset.GetMetadata() or {}
    kept = {name: tags[name] for name in _KEPT_TAGS if name in tags}
    return {**kept, **filled_tags(is_filled(dataset, first))}


def _write_bands(
    path: str | Path,
    grid: Grid,
    dates: Sequence[dt.date],
    files: Sequence[str | Path],
    unit: str,
    tags: Mapping[str, str],
    progress: Progress,
) -> None:
    windows = list(blocks(grid, _PIXELS_A_BLOCK))
    counter = progress.counter(len(dates) * len(windows), "blocks copied")
    bands = [Band(date.isoformat(), unit, {"DATE": date.isoformat()}) for date in dates]
    with create_geotiff(path, grid, bands, tags) as tiff:
        for number, file in enumerate(files, start=1):
            source = open_dataset(file)
            for window in windows:
                tiff.write(read_band(source, 1, window), window, number)
                counter.advance()
