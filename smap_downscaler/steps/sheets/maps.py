"""The maps of a sheet: days of a series, one date at several resolutions, SMAP's cells beside them.

Their numbers are those of every pixel; their pictures are of reduced size.
"""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ...base.errors import InputError
from ...base.nodata import Look
from ...base.progress import SILENT, Progress
from ...geo.area import Area, Cells
from ...geo.blocks import windows
from ...geo.datasets import open_dataset, read_band, same_crs
from ...geo.grid import Bounds, Grid, Window
from ...geo.lattice import Lattice, Transformation, cell_text
from ...geo.sampling import nearest
from ...geo.sources import window_over
from ...series.series import Series, SeriesEntry, open_series, raster_files
from ...stats.distribution import Moments

MAP, SMAP = "map", "SMAP"
#: Pixels along the longer side of a picture, at most: those of half an A4 page at 300 dpi.
MOST_PIXELS = 1200
PIXELS_PER_STRIP = 1 << 20
#: Pixels along the longer side of a picture of SMAP's cells.
_SMAP_PIXELS = 600
#: More cells than these make no grid that can be seen.
_MOST_CELLS = 150


@dataclass(frozen=True)
class MapPicture:
    """A map at reduced size.

    Attributes
    ----------
    values : float32 array, shape (rows, columns)
        Means of the valid pixels, NaN where there is none.
    bounds : Bounds
        Of the values: up to a picture's pixel beyond the map to the right and below.
    moments : Moments
        Of all pixels of the map.
    """

    values: np.ndarray
    bounds: Bounds
    moments: Moments


@dataclass(frozen=True)
class SheetMap:
    """A map of a sheet: what it is, where it lies, and its picture."""

    kind: str
    entry: SeriesEntry
    grid: Grid
    picture: MapPicture

    @property
    def cell(self) -> str:
        """The size of its cells for the reader."""
        return cell_text(self.grid)


def dates_of(series: Series, asked: Sequence[dt.date]) -> list[dt.date]:
    """The asked dates, of which each must be there.

    Raises
    ------
    InputError
        If the series lacks one.
    """
    lacking = [date for date in asked if not series.has(date)]
    if lacking:
        raise InputError(
            f"DATES: {series.source} holds no map of {lacking[0]} (it runs from {series.dates[0]} to "
            f"{series.dates[-1]}); choose other dates."
        )
    return list(asked)


def daily_maps(
    series: Series,
    dates: Sequence[dt.date],
    most: int = MOST_PIXELS,
    progress: Progress = SILENT,
    area: Area | None = None,
) -> list[SheetMap]:
    """The maps of the dates (of a study area), in pictures of at most `most` pixels along a side.

    Raises
    ------
    InputError
        If a file cannot be read.
    """
    by_date = {entry.date: entry for entry in series.entries}
    return _read([(by_date[date], series.grid, series.look) for date in dates], most, progress, area)


def cascade_maps(
    path: str, asked: Sequence[dt.date], progress: Progress = SILENT, area: Area | None = None
) -> list[SheetMap]:
    """The maps of one date in a folder (of a study area), from coarse to fine.

    Raises
    ------
    InputError
        If there are maps of several dates and none is chosen, none of the chosen one, or their CRS differ.
    """
    if len(asked) > 1:
        raise InputError(f"DATES names {len(asked)} dates, and a cascade shows one; give one date.")
    files = [str(file) for file in raster_files(Path(path))] if Path(path).is_dir() else [path]
    if not files:
        raise InputError(f"{path}: the folder holds no raster; choose the folder that 'Cascade' made.")
    found = [(entry, one.grid, one.look) for one in map(open_series, files) for entry in one.entries]
    dates = sorted({entry.date for entry, _grid, _look in found})
    if not asked and len(dates) > 1:
        raise InputError(
            f"{path}: it holds maps of {len(dates)} dates ({dates[0]} to {dates[-1]}); give DATES, the one "
            "to draw."
        )
    date = asked[0] if asked else dates[0]
    chosen = [one for one in found if one[0].date == date]
    if not chosen:
        raise InputError(f"DATES: {path} holds no map of {date}; it holds {', '.join(map(str, dates[:10]))}.")
    chosen.sort(key=lambda item: -item[1].cell_width)
    last_entry, last, _look = chosen[-1]
    for entry, grid, _look in chosen:
        if not same_crs(grid.crs, last.crs):
            raise InputError(
                f"{entry.label}: its CRS differs from that of {last_entry.label}; the maps of a sheet need "
                "one CRS, so warp one of them."
            )
    return _read(chosen, MOST_PIXELS, progress, area)


def _read(
    chosen: Sequence[tuple[SeriesEntry, Grid, Look | None]],
    most: int,
    progress: Progress,
    area: Area | None,
) -> list[SheetMap]:
    maps: list[SheetMap] = []
    inside: dict[Grid, Cells] = {}
    for number, (entry, grid, look) in enumerate(chosen):
        part = progress.part(number / len(chosen), (number + 1) / len(chosen))
        if area is not None and grid not in inside:
            inside[grid] = area.inside(grid, entry.label, progress=part)
            area.log_kept(inside[grid], "pixel", progress, "are left out")
        cells = inside.get(grid)
        picture = read_picture(entry.path, entry.band, grid, most, part, look, cells)
        maps.append(SheetMap(MAP, entry, grid if cells is None else grid.crop(cells.window), picture))
    return maps


def smap_map(
    smap: Series, date: dt.date, bounds: Bounds, crs: str, area: Area | None = None
) -> SheetMap | None:
    """SMAP's cells of a date over `bounds` (that a study area touches), drawn as they are; None without any.

    Raises
    ------
    InputError
        If the two do not meet.
    """
    window = window_over(smap.grid, bounds, crs, margin=0)
    if window is None:
        raise InputError(f"SMAP ({smap.source}) and the maps do not meet; choose series of one area.")
    if not smap.has(date):
        return None
    grid, cells, moments = smap.grid.crop(window), smap.read(date, window), Moments()
    if area is None:
        moments.add(cells)
    else:
        kept = area.touched(smap.grid, f"SMAP ({smap.source})").mask(window)
        moments.add(cells[kept])
        cells[~kept] = np.nan
    drawn = display_grid(bounds, crs)
    values = nearest(cells, *Lattice(drawn, grid).positions()).astype(np.float32)
    entry = next(entry for entry in smap.entries if entry.date == date)
    return SheetMap(SMAP, entry, grid, MapPicture(values, bounds, moments))


def display_grid(bounds: Bounds, crs: str, most: int = _SMAP_PIXELS) -> Grid:
    """Pixels over the very bounds."""
    width, height = bounds.right - bounds.left, bounds.top - bounds.bottom
    columns = max(round(most * min(1.0, width / height)), 1)
    rows = max(round(most * min(1.0, height / width)), 1)
    return Grid(crs, bounds.left, bounds.top, width / columns, height / rows, columns, rows)


def cell_lines(grid: Grid, bounds: Bounds, crs: str) -> list[np.ndarray]:
    """The edges of the cells over `bounds`, in `crs`, shape (n, 2) each; none of too many cells."""
    window = window_over(grid, bounds, crs, margin=0)
    if window is None or max(window.height, window.width) > _MOST_CELLS:
        return []
    return _edges(grid.crop(window), crs, window)


def _edges(cells: Grid, crs: str, window: Window) -> list[np.ndarray]:
    to_map = Transformation(cells.crs, crs)
    edges = cells.bounds
    x = np.linspace(edges.left, edges.right, window.width + 1)
    y = np.linspace(edges.bottom, edges.top, window.height + 1)
    lines = [to_map(np.full_like(y, at), y) for at in x] + [to_map(x, np.full_like(x, at)) for at in y]
    return [np.stack(line, axis=1) for line in lines]


def read_picture(
    path: str,
    band: int,
    grid: Grid,
    most: int = MOST_PIXELS,
    progress: Progress = SILENT,
    look: Look | None = None,
    inside: Cells | None = None,
) -> MapPicture:
    """Read a band on `grid`, or only what lies `inside` a study area, strip by strip, through a look.

    Raises
    ------
    InputError
        If the file cannot be read, or holds a code of no value that nobody declared.
    """
    whole = grid.whole if inside is None else inside.window
    step = math.ceil(max(whole.height, whole.width) / most)
    dataset, moments, strips = open_dataset(path), Moments(), []
    height = max(PIXELS_PER_STRIP // whole.width // step, 1) * step
    counter = progress.counter(whole.height, "rows read")
    for window in windows(whole, height):
        values = read_band(dataset, band, window, look=look)
        if inside is None:
            moments.add(values)
        else:
            kept = inside.mask(window)
            moments.add(values[kept])
            values[~kept] = np.nan
        strips.append(block_means(values, step))
        counter.advance(window.height)
    if look is not None:
        look.check()
    return _picture(np.concatenate(strips), grid.crop(whole), step, moments)


def picture_of(values: np.ndarray, grid: Grid, most: int = MOST_PIXELS) -> MapPicture:
    """A map at reduced size of an array of the shape of `grid`, NaN where missing."""
    step, moments = math.ceil(max(grid.shape) / most), Moments()
    moments.add(values)
    return _picture(block_means(values, step), grid, step, moments)


def _picture(values: np.ndarray, grid: Grid, step: int, moments: Moments) -> MapPicture:
    rows, columns = values.shape
    edges = Grid(
        grid.crs, grid.left, grid.top, grid.cell_width * step, grid.cell_height * step, columns, rows
    )
    return MapPicture(values, edges.bounds, moments)


def block_means(values: np.ndarray, step: int) -> np.ndarray:
    """Means of the valid of `step` x `step` pixels, float32; blocks cut off at the right and below count too.

    Parameters
    ----------
    values : float array, shape (rows, columns)
        NaN where missing.
    step : int
        1 or more.
    """
    if step == 1:
        return values.astype(np.float32)
    rows, columns = (-(-size // step) for size in values.shape)
    padded = np.full((rows * step, columns * step), np.nan)
    padded[: values.shape[0], : values.shape[1]] = values
    blocks = padded.reshape(rows, step, columns, step)
    valid = np.isfinite(blocks)
    count = valid.sum(axis=(1, 3))
    total = np.where(valid, blocks, 0.0).sum(axis=(1, 3))
    with np.errstate(invalid="ignore"):
        return np.where(count > 0, total / count, np.nan).astype(np.float32)
