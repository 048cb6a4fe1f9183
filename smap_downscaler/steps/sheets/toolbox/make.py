"""From the parameters of 'Map sheet' to what is drawn: maps, frames, overlays and the rows of the table."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ....base.dates import evenly_thinned, parse_dates
from ....base.errors import InputError
from ....base.nodata import DECLARE, Look
from ....base.progress import Progress
from ....geo.area import Area
from ....geo.bands import ELEVATION, one_band
from ....geo.datasets import dataset_grid, open_dataset
from ....geo.grid import Bounds, Grid
from ....geo.lattice import Transformation, cell_text, transform_bounds
from ....geo.map_frame import map_frame
from ....geo.sources import Source
from ....geo.to_fine_grid import FineResampler, blocks
from ....report.map_parts import Overlay
from ....report.number_text import fixed
from ....series.series import Series, open_series
from ....series.tags import unobserved_sentence
from ....stats.distribution import Moments
from ....toolbox.area import read_area
from ....toolbox.values import Values
from ..locator import Overview, locator_page, overview_bounds, part_bounds
from ..maps import (
    SMAP,
    SheetMap,
    cascade_maps,
    cell_lines,
    daily_maps,
    dates_of,
    display_grid,
    smap_map,
)
from ..page_layout import Page, SheetPanel, fit_panels, sheet_pages
from ..table import SheetRow
from .overlays import name_field, overlay, surroundings

DAYS, CASCADE, LOCATOR = "days", "cascade", "locator"
_TERRAIN_PIXELS = 900
_EDGE_POINTS = 50


@dataclass(frozen=True)
class MadeSheet:
    """A sheet of maps, or a locator.

    Parameters
    ----------
    title : str
    crs : str
        Of the maps.
    pages : sequence of Page
    rows : sequence of SheetRow
        Of the table.
    maps : sequence of SheetMap or None
        In the order of the panels; None where SMAP has no map of a date.  A locator has none.
    """

    title: str
    crs: str
    pages: Sequence[Page]
    rows: Sequence[SheetRow]
    maps: Sequence[SheetMap | None] = ()


def make_sheet(values: Values, progress: Progress) -> MadeSheet:
    """The maps of days, of one date at several resolutions, or where they lie.

    Raises
    ------
    InputError
        If there is nothing to draw, or a file cannot be read.
    """
    kind = values.choice("KIND")
    return _locator(values, progress) if kind == LOCATOR else _sheet(values, kind, progress)


def _sheet(values: Values, kind: str, progress: Progress) -> MadeSheet:
    asked = parse_dates(values.text("DATES"), "DATES")
    smap = open_series(values.paths("SMAP"), progress=progress) if values.given("SMAP") else None
    # SMAP and the map of a day stand side by side.
    group = 2 if smap and kind == DAYS else 1
    area = read_area(values, progress) if values.flag("CUT") else None
    if kind == CASCADE:
        maps = cascade_maps(values.path("SERIES"), asked, progress, area)
        title = f"Soil moisture, {maps[0].entry.date}"
    else:
        maps = _days(values, asked, group, area, progress)
        first, last = maps[0].entry.date, maps[-1].entry.date
        title = f"Soil moisture, {first}" + (f" to {last}" if len(maps) > 1 else "")
    title = values.text("TITLE") or title
    grid = maps[-1].grid
    frame = map_frame(grid.bounds, grid.crs)
    shown = _with_smap(maps, smap, kind, frame.bounds, grid.crs, area)
    _warn_of_other_values(shown, progress)
    _warn_of_filled(shown, progress)
    colours = colours_of(values)
    _warn_of_ends(shown, colours, progress)
    panels = [_panel(one, maps, number, kind, frame.bounds) for number, one in enumerate(shown)]
    overlays = _overlays(values, grid.crs, frame.bounds, progress)
    footer = f"maps of {cell_text(grid)}" if kind == DAYS else ""
    pages = sheet_pages(title, frame, panels, overlays, group, footer, colours)
    return MadeSheet(title, grid.crs, pages, _rows(pages, shown), shown)


def _rows(pages: Sequence[Page], maps: Sequence[SheetMap | None]) -> list[SheetRow]:
    numbers = [(page, panel) for page, one in enumerate(pages, 1) for panel in range(1, len(one.maps) + 1)]
    return [
        SheetRow(
            *pair,
            one.kind,
            one.entry.date.isoformat(),
            one.grid.cell_width,
            "m3 m-3",
            one.picture.moments,
            one.grid.bounds,
            one.grid.crs,
            one.entry.label,
        )
        for pair, one in zip(numbers, maps)
        if one is not None
    ]


def _days(
    values: Values, asked: Sequence[dt.date], group: int, area: Area | None, progress: Progress
) -> list[SheetMap]:
    """The maps of the dates that are asked for, or of evenly thinned ones."""
    series = open_series(values.paths("SERIES"), progress=progress)
    if asked:
        dates = dates_of(series, asked)
    else:
        series = series.between(*values.period())
        dates = evenly_thinned(series.dates, values.integer("PANELS"))
        if len(dates) < len(series.dates):
            progress.log(f"{len(dates)} of {len(series.dates)} dates are drawn; raise PANELS for more")
    bounds = series.grid.bounds if area is None else area.bounds_in(series.grid.crs)
    panels = fit_panels(
        len(dates) * group, (bounds.top - bounds.bottom) / (bounds.right - bounds.left), group
    )
    # No picture needs more pixels than its panel has dots.
    most = math.ceil(max(panels.width, panels.height) * values.integer("DPI"))
    return daily_maps(series, dates, most, progress, area)


def _with_smap(
    maps: Sequence[SheetMap],
    smap: Series | None,
    kind: str,
    bounds: Bounds,
    crs: str,
    area: Area | None,
) -> list[SheetMap | None]:
    """SMAP before each day's map, or before a cascade."""
    if smap is None:
        return list(maps)
    if kind == CASCADE:
        return [smap_map(smap, maps[0].entry.date, bounds, crs, area), *maps]
    return [one for day in maps for one in (smap_map(smap, day.entry.date, bounds, crs, area), day)]


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


def _warn_of_ends(
    maps: Sequence[SheetMap | None], ends: tuple[float | None, float | None], progress: Progress
) -> None:
    """Between ends that are far from all values, of percent for one, all maps have one colour."""
    drawn = [one.picture.moments for one in maps if one is not None and one.picture.moments.n]
    if not drawn:
        return
    low, high = min(one.low for one in drawn), max(one.high for one in drawn)
    first, last = (given if given is not None else end for given, end in zip(ends, (low, high)))
    if high < first or low > last or high <= 1 < last:
        progress.warn(
            f"MINIMUM and MAXIMUM: the maps run from {low:.3g} to {high:.3g} m3 m-3, so that all look alike "
            f"with colours from {first:.3g} to {last:.3g}; give ends nearer to these values."
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


def _overlays(values: Values, crs: str, seen: Bounds, progress: Progress) -> list[Overlay]:
    return [
        *overlay(values, "AOI", "study area", crs, seen, progress),
        *overlay(
            values,
            "STATIONS",
            "stations",
            crs,
            seen,
            progress,
            name_field(values, "STATIONS", "STATION_NAMES"),
        ),
    ]


def _locator(values: Values, progress: Progress) -> MadeSheet:
    smap = open_series(values.paths("SMAP"), progress=progress) if values.given("SMAP") else None
    area = open_series(values.paths("SERIES"), progress=progress) if values.given("SERIES") else smap
    if area is None:
        raise InputError(
            "SERIES and SMAP are both empty; give one of them, so that there is a place to show."
        )
    grid = area.grid
    frame = map_frame(grid.bounds, grid.crs)
    outline = _outline(grid.bounds, grid.crs)
    region = overview_bounds(transform_bounds(grid.bounds, grid.crs, "EPSG:4326"))
    part = part_bounds(region)
    overlays = _overlays(values, grid.crs, frame.bounds, progress)
    if smap is not None:
        cells = cell_lines(smap.grid, grid.bounds, grid.crs)
        if cells:
            overlays.insert(0, Overlay(f"SMAP cells, {cell_text(smap.grid)}", cells, "thin"))
    elevation, moments, dem = None, Moments(), ""
    if values.given("DEM"):
        dem = values.raster_path("DEM")
        elevation = _elevation(dem, grid, progress)
        moments.add(elevation)
    title = values.text("TITLE") or "Study area"
    page = locator_page(
        title,
        frame,
        *(
            Overview(map_frame(bounds, "EPSG:4326"), surroundings(values, "BORDERS", bounds, inner, progress))
            for bounds, inner in ((region, True), (part, False))
        ),
        outline,
        elevation,
        overlays,
        "the maps" if values.given("SERIES") else "SMAP",
        smap.grid if smap else None,
    )
    kind, unit = ("elevation", "m") if dem else ("extent", "")
    row = SheetRow(
        1, 1, kind, None, grid.cell_width, unit, moments, grid.bounds, grid.crs, dem or area.source
    )
    return MadeSheet(title, grid.crs, [page], [row])


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
    dataset = open_dataset(path)
    dem, band = dataset_grid(dataset, f"DEM ({path})"), one_band(dataset, f"DEM ({path})", ELEVATION)
    drawn = display_grid(grid.bounds, grid.crs, _TERRAIN_PIXELS)
    look = Look(f"DEM ({path})", "it", advice=DECLARE)
    resampler = FineResampler([Source(path, band, dem, look=look)], drawn, progress=progress)
    out = np.full(drawn.shape, np.nan, np.float32)
    for window in blocks(drawn):
        for _number, values in resampler.block(window):
            out[window.slices] = values
    look.check()
    if not np.isfinite(out).any():
        raise InputError(f"DEM ({path}) has no value over the area; choose one that covers it.")
    return out


def check_dates(values: Values) -> None:
    """Raise `InputError` for dates that cannot be read."""
    parse_dates(values.text("DATES"), "DATES")
    values.period()


def colours_of(values: Values) -> tuple[float | None, float | None]:
    """Lowest and highest value of the colours where they are given.

    Raises
    ------
    InputError
        If the lowest is not below the highest.
    """
    low, high = (values.number(name) if values.given(name) else None for name in ("MINIMUM", "MAXIMUM"))
    if low is not None and high is not None and low >= high:
        raise InputError(f"MINIMUM is {low:g} and MAXIMUM {high:g}; give a MAXIMUM above MINIMUM.")
    return low, high
