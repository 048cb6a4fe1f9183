"""From the parameters of 'Map sheet' to what is drawn: maps, frames, overlays and the rows of the table."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ....base.dates import evenly_thinned, parse_dates
from ....base.errors import InputError
from ....base.progress import Progress
from ....geo.datasets import dataset_grid, open_dataset
from ....geo.grid import Bounds, Grid
from ....geo.lattice import Transformation, transform_bounds
from ....geo.map_frame import map_frame
from ....geo.sources import Source
from ....geo.to_fine_grid import FineResampler, blocks
from ....report.map_parts import Overlay
from ....report.number_text import fixed
from ....series.filled_tag import unobserved_sentence
from ....series.series import Series, open_series
from ....stats.moments import Moments
from ....toolbox.values import Values
from ..drawing import Sheet, SheetPanel
from ..locator import Locator, overview_bounds
from ..maps import (
    SMAP,
    SheetMap,
    cascade_maps,
    cell_lines,
    cell_text,
    daily_maps,
    dates_of,
    display_grid,
    smap_map,
)
from ..page_layout import arrange
from ..table import SheetRow
from .overlays import borders, overlay

DAYS, CASCADE, LOCATOR = "days", "cascade", "locator"
_TERRAIN_PIXELS = 900
_EDGE_POINTS = 50


@dataclass(frozen=True)
class MadeSheet:
    """A sheet, and its maps in the order of the panels; None where SMAP has no map of a date."""

    sheet: Sheet
    maps: Sequence[SheetMap | None]
    crs: str

    def rows(self) -> list[SheetRow]:
        """The rows of the table."""
        a_page = self.sheet.arrangement().capacity
        return [
            SheetRow(
                number // a_page + 1,
                number % a_page + 1,
                one.kind,
                one.entry.date.isoformat(),
                one.grid.cell_width,
                "m3 m-3",
                one.picture.moments,
                one.grid.bounds,
                one.grid.crs,
                one.entry.label,
            )
            for number, one in enumerate(self.maps)
            if one is not None
        ]


def make_sheet(values: Values, kind: str, progress: Progress) -> MadeSheet:
    """The maps of days, or of one date at several resolutions.

    Raises
    ------
    InputError
        If there is nothing to draw, or a file cannot be read.
    """
    asked = parse_dates(values.text("DATES"), "DATES")
    smap = open_series(values.path("SMAP"), progress=progress) if values.given("SMAP") else None
    # SMAP and the map of a day stand side by side.
    group = 2 if smap and kind == DAYS else 1
    if kind == CASCADE:
        maps = cascade_maps(values.path("SERIES"), asked, progress)
        title = f"Soil moisture, {maps[0].entry.date}"
    else:
        maps = _days(values, asked, group, progress)
        first, last = maps[0].entry.date, maps[-1].entry.date
        title = f"Soil moisture, {first}" + (f" to {last}" if len(maps) > 1 else "")
    grid = maps[-1].grid
    frame = map_frame(grid.bounds, grid.crs)
    shown = _with_smap(maps, smap, kind, frame.bounds, grid.crs)
    _warn_of_other_values(shown, progress)
    _warn_of_filled(shown, progress)
    panels = [_panel(one, maps, number, kind, frame.bounds) for number, one in enumerate(shown)]
    overlays = _overlays(values, grid.crs, progress)
    sheet = Sheet(
        values.text("TITLE") or title,
        frame,
        panels,
        overlays,
        group,
        f"maps of {cell_text(grid)}" if kind == DAYS else "",
    )
    return MadeSheet(sheet, shown, grid.crs)


def _days(values: Values, asked: Sequence[dt.date], group: int, progress: Progress) -> list[SheetMap]:
    """The maps of the dates that are asked for, or of evenly thinned ones."""
    series = open_series(values.path("SERIES"), progress=progress)
    if asked:
        dates = dates_of(series, asked)
    else:
        series = series.between(*values.period())
        dates = evenly_thinned(series.dates, values.integer("PANELS"))
        if len(dates) < len(series.dates):
            progress.log(f"{len(dates)} of {len(series.dates)} dates are drawn; raise PANELS for more")
    bounds = series.grid.bounds
    plan = arrange(len(dates) * group, (bounds.top - bounds.bottom) / (bounds.right - bounds.left), group)
    # No picture needs more pixels than its panel has dots.
    most = math.ceil(max(plan.width, plan.height) * values.integer("DPI"))
    return daily_maps(series, dates, most, progress)


def _with_smap(
    maps: Sequence[SheetMap], smap: Series | None, kind: str, bounds: Bounds, crs: str
) -> list[SheetMap | None]:
    """SMAP before each day's map, or before a cascade."""
    if smap is None:
        return list(maps)
    if kind == CASCADE:
        return [smap_map(smap, maps[0].entry.date, bounds, crs), *maps]
    return [one for day in maps for one in (smap_map(smap, day.entry.date, bounds, crs), day)]


def _warn_of_other_values(maps: Sequence[SheetMap | None], progress: Progress) -> None:
    """Colours and means are of no use where percent or undeclared missing values are drawn."""
    odd = [
        one
        for one in maps
        if one is not None and one.picture.moments.n
        if one.picture.moments.low < 0 or one.picture.moments.high > 1
    ]
    if odd:
        low = min(one.picture.moments.low for one in odd)
        high = max(one.picture.moments.high for one in odd)
        progress.warn(
            f"{odd[0].entry.label}: its values, or those of other maps drawn, reach from {low:.5g} to "
            f"{high:.5g}, beyond any soil moisture in m3 m-3; check the unit, and declare what stands for "
            "missing values as NoData."
        )


def _warn_of_filled(maps: Sequence[SheetMap | None], progress: Progress) -> None:
    """What 'Fill gaps' filled looks like what SMAP saw."""
    filled = next((one for one in maps if one is not None and one.entry.filled), None)
    if filled is not None:
        progress.warn(unobserved_sentence(filled.entry.label, "are drawn", "SMAP"))


def _panel(
    one: SheetMap | None, maps: Sequence[SheetMap], number: int, kind: str, bounds: Bounds
) -> SheetPanel:
    if one is None:
        date = maps[number // 2 if kind == DAYS else 0].entry.date
        return SheetPanel(f"{date}, no SMAP", np.full((1, 1), np.nan, np.float32), bounds)
    name = one.cell if kind == CASCADE else str(one.entry.date)
    if one.kind == SMAP:
        name = f"SMAP, {one.cell}" if kind == CASCADE else f"{name}, SMAP"
    found = one.picture.moments
    note = "no value"
    if found.n:
        note = (
            "mean " + fixed(found.mean, ".3f") + (f", SD {fixed(found.sd, '.3f')}" if kind == CASCADE else "")
        )
    return SheetPanel(name, one.picture.values, one.picture.bounds, note)


def _overlays(values: Values, crs: str, progress: Progress) -> list[Overlay]:
    return [
        *overlay(values, "AOI", "study area", crs, progress),
        *overlay(values, "STATIONS", "stations", crs, progress),
    ]


@dataclass(frozen=True)
class MadeLocator:
    """The locator, and the row of its table."""

    locator: Locator
    row: SheetRow
    crs: str

    def rows(self) -> list[SheetRow]:
        """The rows of the table."""
        return [self.row]


def make_locator(values: Values, progress: Progress) -> MadeLocator:
    """Where the maps (without them SMAP's cells) lie.

    Raises
    ------
    InputError
        If there is neither, or a file cannot be read.
    """
    smap = open_series(values.path("SMAP"), progress=progress) if values.given("SMAP") else None
    area = open_series(values.path("SERIES"), progress=progress) if values.given("SERIES") else smap
    if area is None:
        raise InputError(
            "SERIES and SMAP are both empty; give one of them, so that there is a place to show."
        )
    grid = area.grid
    frame = map_frame(grid.bounds, grid.crs)
    outline = _outline(grid.bounds, grid.crs)
    around = overview_bounds(transform_bounds(grid.bounds, grid.crs, "EPSG:4326"))
    overlays = _overlays(values, grid.crs, progress)
    if smap is not None:
        cells = cell_lines(smap.grid, grid.bounds, grid.crs)
        if cells:
            overlays.insert(0, Overlay(f"SMAP cells, {cell_text(smap.grid)}", cells, thin=True))
    elevation, moments, dem = None, Moments(), ""
    if values.given("DEM"):
        dem = values.raster_path("DEM")
        elevation = _elevation(dem, grid, progress)
        moments.add(elevation)
    locator = Locator(
        values.text("TITLE") or "Study area",
        frame,
        map_frame(around, "EPSG:4326"),
        outline,
        borders(values, "BORDERS", around, progress),
        elevation,
        overlays,
        "the maps" if values.given("SERIES") else "SMAP",
    )
    kind, unit = ("elevation", "m") if dem else ("extent", "")
    row = SheetRow(
        1, 1, kind, None, grid.cell_width, unit, moments, grid.bounds, grid.crs, dem or area.source
    )
    return MadeLocator(locator, row, grid.crs)


def _outline(bounds: Bounds, crs: str) -> np.ndarray:
    """The edge of the bounds in degrees, shape (n, 2), closed."""
    along, zero = np.linspace(0, 1, _EDGE_POINTS), np.zeros(_EDGE_POINTS)
    u = np.concatenate([along, zero + 1, along[::-1], zero])
    v = np.concatenate([zero, along, zero + 1, along[::-1]])
    x = bounds.left + u * (bounds.right - bounds.left)
    y = bounds.bottom + v * (bounds.top - bounds.bottom)
    return np.stack(Transformation(crs, "EPSG:4326")(x, y), axis=1)


def _elevation(path: str, grid: Grid, progress: Progress) -> np.ndarray:
    """Elevation over the area at the size of a picture, m, NaN where missing."""
    dem = dataset_grid(open_dataset(path), f"DEM ({path})")
    drawn = display_grid(grid.bounds, grid.crs, _TERRAIN_PIXELS)
    resampler = FineResampler([Source(path, 1, dem)], drawn, progress=progress)
    out = np.full(drawn.shape, np.nan, np.float32)
    for window in blocks(drawn):
        for _number, values in resampler.block(window):
            out[window.slices] = values
    if not np.isfinite(out).any():
        raise InputError(f"DEM ({path}) has no value over the area; choose one that covers it.")
    return out


def check_dates(values: Values) -> None:
    """Raise `InputError` for dates that cannot be read."""
    parse_dates(values.text("DATES"), "DATES")
    values.period()
