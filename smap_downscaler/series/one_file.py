"""One file of many dated maps: a VRT that names them without opening them, or a multi-band GeoTIFF."""

from __future__ import annotations

import datetime as dt
import os
from collections.abc import Mapping, Sequence
from html import escape
from pathlib import Path

from ..base.errors import InputError
from ..base.progress import SILENT, Progress, heard_by
from ..geo.blocks import blocks
from ..geo.datasets import open_dataset, read_band, spatial_reference, whole_file
from ..geo.geotiff import TILE, Band, create_geotiff, storage_of
from ..geo.grid import Grid
from ..geo.storage import STEP, STORED_TAG, Storage, overview_factors
from ..geo.texts import tags_of
from .tags import NOT_FILLED, RUN_TAG, filled_tags, is_filled

_PIXELS_A_BLOCK = 1 << 21
#: Tags that say that maps were made from SMAP, and that their whole numbers are no codes.
_KEPT_TAGS = (RUN_TAG, "FORESTS", STORED_TAG)


def write_series_file(
    path: str | Path,
    grid: Grid,
    dates: Sequence[dt.date],
    files: Sequence[str | Path],
    unit: str,
    progress: Progress = SILENT,
    filled: bool = False,
) -> None:
    """Write the first bands of `files` as one file with one band per date; the ending says which kind.

    All of them are stored as the first one is, and so is the file.

    Its tags say where its values come from, as those of the first file do: 'Fill gaps', or SMAP by
    'Downscale'.  `filled` says that others are filled, so that nobody need open them all.

    Raises
    ------
    InputError
        For an ending other than .vrt or .tif, or if the file cannot be written.
    """
    check_series_suffix(path)
    if len(dates) != len(files):
        raise ValueError(f"{len(dates)} dates for {len(files)} files")
    tags = {**_tags(files), **filled_tags(filled)}
    if Path(path).suffix.lower() == ".vrt":
        write_series_vrt(path, grid, dates, files, unit, {**NOT_FILLED, **tags})
    else:
        _write_bands(path, grid, dates, files, unit, tags, progress)


def check_series_suffix(path: str | Path) -> None:
    """Raise `InputError` for an ending that no series is written with."""
    if Path(path).suffix.lower() not in {".vrt", ".tif", ".tiff"}:
        raise InputError(f"{path}: a series is written as .vrt or .tif; give it one of these endings.")


def _tags(files: Sequence[str | Path]) -> dict[str, str]:
    """The tags of the first of the files, all made in one run, that say where its values come from."""
    if not files:
        return {}
    first = str(files[0])
    dataset = open_dataset(first)
    tags = tags_of(dataset)
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
    storage = storage_of(open_dataset(files[0])) if files else Storage()
    with heard_by(progress), create_geotiff(path, grid, bands, tags, storage=storage) as tiff:
        for number, file in enumerate(files, start=1):
            source = open_dataset(file)
            for window in windows:
                tiff.write(read_band(source, 1, window), window, number)
                counter.advance()


def write_series_vrt(
    path: str | Path,
    grid: Grid,
    dates: Sequence[dt.date],
    files: Sequence[str | Path],
    unit: str,
    tags: Mapping[str, str] | None = None,
) -> None:
    """Write a VRT whose bands are the first bands of `files`, described by their dates.

    Files in the folder of the VRT or below are named relative to it, so that the folder can be moved.
    `tags` are those of the VRT itself.

    Raises
    ------
    InputError
        If it cannot be written.
    """
    path = Path(path)
    if len(dates) != len(files):
        raise ValueError(f"{len(dates)} dates for {len(files)} files")
    storage = storage_of(open_dataset(files[0])) if files else Storage()
    reference = spatial_reference(grid.crs)
    axes = ",".join(str(axis) for axis in reference.GetDataAxisToSRSAxisMapping())
    bands = "".join(
        _band(number, grid, date, _source(path, Path(file)), unit, storage)
        for number, (date, file) in enumerate(zip(dates, files), start=1)
    )
    items = "".join(_tag(name, value) for name, value in (tags or {}).items())
    metadata = f"  <Metadata>{items}</Metadata>\n" if items else ""
    factors = " ".join(map(str, overview_factors(grid))) if storage.overviews else ""
    # Left to itself, GDAL opens all files to learn which overviews they have.
    overviews = f'  <OverviewList resampling="nearest">{factors}</OverviewList>\n' if factors else ""
    # repr of a NumPy number would name its type.
    transform = ", ".join(repr(float(number)) for number in grid.geotransform)
    with whole_file(path) as part:
        part.write_text(
            f'<VRTDataset rasterXSize="{grid.width}" rasterYSize="{grid.height}">\n'
            f'  <SRS dataAxisToSRSAxisMapping="{axes}">{escape(reference.ExportToWkt(), quote=False)}</SRS>\n'
            f"  <GeoTransform>{transform}</GeoTransform>\n{metadata}{bands}{overviews}</VRTDataset>\n",
            encoding="utf-8",
        )


def _tag(name: str, value: str) -> str:
    return f'<MDI key="{escape(name)}">{escape(value, quote=False)}</MDI>'


def _source(vrt: Path, file: Path) -> tuple[str, int]:
    folder, file = vrt.parent.resolve(), file.resolve()
    if folder in file.parents:
        name = file.relative_to(folder).as_posix()
        # GDAL's parser drops blanks at the beginning of a text.
        return f"./{name}" if name[0].isspace() else name, 1
    return os.fspath(file), 0


def _band(
    number: int, grid: Grid, date: dt.date, source: tuple[str, int], unit: str, storage: Storage
) -> str:
    name, relative = source
    data_type = storage.data_type.capitalize()
    scale = f"    <Offset>0</Offset>\n    <Scale>{STEP:g}</Scale>\n" if storage.counts_steps else ""
    size = f'xSize="{grid.width}" ySize="{grid.height}"'
    block = min(TILE, grid.width), min(TILE, grid.height)
    return (
        f'  <VRTRasterBand dataType="{data_type}" band="{number}">\n'
        f"    <Description>{date.isoformat()}</Description>\n"
        f"    <Metadata>{_tag('DATE', date.isoformat())}</Metadata>\n"
        f"    <NoDataValue>{storage.nodata:g}</NoDataValue>\n"
        f"    <UnitType>{escape(unit, quote=False)}</UnitType>\n{scale}"
        "    <SimpleSource>\n"
        f'      <SourceFilename relativeToVRT="{relative}">{escape(name, quote=False)}</SourceFilename>\n'
        "      <SourceBand>1</SourceBand>\n"
        f'      <SourceProperties RasterXSize="{grid.width}" RasterYSize="{grid.height}" '
        f'DataType="{data_type}" BlockXSize="{block[0]}" BlockYSize="{block[1]}"/>\n'
        f'      <SrcRect xOff="0" yOff="0" {size}/>\n      <DstRect xOff="0" yOff="0" {size}/>\n'
        "    </SimpleSource>\n  </VRTRasterBand>\n"
    )
