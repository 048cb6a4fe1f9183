"""One layer of many dated maps: a VRT with a band a date, written without opening the maps."""

from __future__ import annotations

import datetime as dt
import os
from collections.abc import Mapping, Sequence
from html import escape
from pathlib import Path

from .datasets import NODATA, spatial_reference, whole_file
from .geotiff import TILE
from .grid import Grid


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
    reference = spatial_reference(grid.crs)
    axes = ",".join(str(axis) for axis in reference.GetDataAxisToSRSAxisMapping())
    bands = "".join(
        _band(number, grid, date, _source(path, Path(file)), unit)
        for number, (date, file) in enumerate(zip(dates, files), start=1)
    )
    told = "".join(_tag(name, value) for name, value in (tags or {}).items())
    metadata = f"  <Metadata>{told}</Metadata>\n" if told else ""
    # repr of a NumPy number would name its type.
    transform = ", ".join(repr(float(number)) for number in grid.geotransform)
    with whole_file(path) as part:
        part.write_text(
            f'<VRTDataset rasterXSize="{grid.width}" rasterYSize="{grid.height}">\n'
            f'  <SRS dataAxisToSRSAxisMapping="{axes}">{escape(reference.ExportToWkt(), quote=False)}</SRS>\n'
            f"  <GeoTransform>{transform}</GeoTransform>\n{metadata}{bands}</VRTDataset>\n",
            encoding="utf-8",
        )


def _tag(name: str, value: str) -> str:
    return f'<MDI key="{escape(name)}">{escape(value, quote=False)}</MDI>'


def _source(vrt: Path, file: Path) -> tuple[str, int]:
    folder, file = vrt.parent.resolve(), file.resolve()
    if folder in file.parents:
        name = file.relative_to(folder).as_posix()
        # GDAL's parser drops blanks at the begin of a text.
        return f"./{name}" if name[0].isspace() else name, 1
    return os.fspath(file), 0


def _band(number: int, grid: Grid, date: dt.date, source: tuple[str, int], unit: str) -> str:
    name, relative = source
    size = f'xSize="{grid.width}" ySize="{grid.height}"'
    block = min(TILE, grid.width), min(TILE, grid.height)
    return (
        f'  <VRTRasterBand dataType="Float32" band="{number}">\n'
        f"    <Description>{date.isoformat()}</Description>\n"
        f"    <Metadata>{_tag('DATE', date.isoformat())}</Metadata>\n"
        f"    <NoDataValue>{NODATA:g}</NoDataValue>\n"
        f"    <UnitType>{escape(unit, quote=False)}</UnitType>\n"
        "    <SimpleSource>\n"
        f'      <SourceFilename relativeToVRT="{relative}">{escape(name, quote=False)}</SourceFilename>\n'
        "      <SourceBand>1</SourceBand>\n"
        f'      <SourceProperties RasterXSize="{grid.width}" RasterYSize="{grid.height}" DataType="Float32" '
        f'BlockXSize="{block[0]}" BlockYSize="{block[1]}"/>\n'
        f'      <SrcRect xOff="0" yOff="0" {size}/>\n      <DstRect xOff="0" yOff="0" {size}/>\n'
        "    </SimpleSource>\n  </VRTRasterBand>\n"
    )
