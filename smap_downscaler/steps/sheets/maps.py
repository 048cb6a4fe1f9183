"""The maps of a sheet: days of a series, one date at several resolutions, SMAP's cells beside them."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ...base.errors import InputError
from ...base.progress import SILENT, Progress
from ...geo.datasets import same_crs
from ...geo.grid import Bounds, Grid, Window
from ...geo.lattice import Lattice, Transformation, is_geographic
from ...geo.sampling import nearest
from ...geo.sources import window_over
from ...series.series import Series, SeriesEntry, open_series, raster_files
from ...stats.moments import Moments
from .pictures import MOST_PIXELS, MapPicture, read_picture

MAP, SMAP = "map", "SMAP"
#: Pixels along the longer side of a picture of SMAP's cells.
_SMAP_PIXELS = 600
#: More cells than these make no grid that can be seen.
_MOST_CELLS = 150


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


def cell_text(grid: Grid) -> str:
    """`100 m`, `3 km` or `0.05°`."""
    if is_geographic(grid.crs):
        return f"{grid.cell_width:.3g}°"
    side, unit = (grid.cell_width / 1000, "km") if grid.cell_width >= 999.5 else (grid.cell_width, "m")
    # SMAP's 9.008 km are 9 km to everybody.
    digits = 2 if abs(float(f"{side:.2g}") / side - 1) < 0.002 else 3
    return f"{float(f'{side:.{digits}g}'):g} {unit}"


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
    series: Series, dates: Sequence[dt.date], most: int = MOST_PIXELS, progress: Progress = SILENT
) -> list[SheetMap]:
    """The maps of the dates, in pictures of at most `most` pixels along a side.

    Raises
    ------
    InputError
        If a file cannot be read.
    """
    by_date = {entry.date: entry for entry in series.entries}
    return _read([(by_date[date], series.grid) for date in dates], most, progress)


def cascade_maps(path: str, asked: Sequence[dt.date], progress: Progress = SILENT) -> list[SheetMap]:
    """The maps of one date in a folder, from coarse to fine.

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
    found = [(entry, one.grid) for one in map(open_series, files) for entry in one.entries]
    dates = sorted({entry.date for entry, _ in found})
    if not asked and len(dates) > 1:
        raise InputError(
            f"{path}: it holds maps of {len(dates)} dates ({dates[0]} to {dates[-1]}); give DATES, the one "
            "to draw."
        )
    date = asked[0] if asked else dates[0]
    chosen = [(entry, grid) for entry, grid in found if entry.date == date]
    if not chosen:
        raise InputError(f"DATES: {path} holds no map of {date}; it holds {', '.join(map(str, dates[:10]))}.")
    chosen.sort(key=lambda item: -item[1].cell_width)
    last_entry, last = chosen[-1]
    for entry, grid in chosen:
        if not same_crs(grid.crs, last.crs):
            raise InputError(
                f"{entry.label}: its CRS differs from that of {last_entry.label}; the maps of a sheet need "
                "one CRS, so warp one of them."
            )
    return _read(chosen, MOST_PIXELS, progress)


def _read(chosen: Sequence[tuple[SeriesEntry, Grid]], most: int, progress: Progress) -> list[SheetMap]:
    maps = []
    for number, (entry, grid) in enumerate(chosen):
        part = progress.part(number / len(chosen), (number + 1) / len(chosen))
        maps.append(SheetMap(MAP, entry, grid, read_picture(entry.path, entry.band, grid, most, part)))
    return maps


def smap_map(smap: Series, date: dt.date, bounds: Bounds, crs: str) -> SheetMap | None:
    """SMAP's cells of a date over `bounds`, drawn as they are; None where it has none.

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
    moments.add(cells)
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
