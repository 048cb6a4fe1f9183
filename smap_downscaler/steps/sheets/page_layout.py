"""What stands where on the pages of a sheet, in inches from a page's upper left corner.

The picture (`drawing`) and the print layout (`toolbox.print_layout`) are both made from these pages.  The
picture is no export of the layout: QGIS's layouts are not thread safe, its exports cannot be cancelled,
and in the main thread they would hold up QGIS's window.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from ...base.errors import InputError
from ...geo.graticule import MapFrame
from ...geo.grid import Bounds, Grid
from ...report.atlas import extend_of
from ...report.figure import SOIL_MOISTURE_RAMP
from ...report.map_parts import NO_VALUE_SIGN, Overlay, round_length

A4_WIDTH, A4_HEIGHT = 8.27, 11.69
MARGIN = 0.4
#: Room for the sheet's title, a panel's title, labels left of and below the panels, and the legend.
_TITLE, _PANEL_TITLE, _LEFT, _BELOW, LEGEND = 0.4, 0.26, 0.5, 0.32, 1.0
_GAP = 0.14
_MOST_COLUMNS = 4
#: Panels are no narrower than this where there are several pages.
_NARROWEST = 1.5
#: Panels that are narrower have no room for names of points.
_NAMED = 2.0
#: Names on a map: points of their letters, height of their line, and distance from the point.
_NAME_SIZE, _NAME_HIGH, _BESIDE = 6.0, 0.12, 0.07
#: Width of a letter over its size.
_LETTER = 0.58
#: Per cent of the values beyond either end of the colours, and the least span of these, m3 m-3.
_TAIL, _LEAST_SPAN = 2, 0.02
_TOP = SOIL_MOISTURE_RAMP[-1][0]
#: Left, top, width and height.
Box = tuple[float, float, float, float]


@dataclass(frozen=True)
class Text:
    """A line of text in points, at the left, centre or right of its box, and in the middle of its height.

    With a `halo` it is readable over a map.
    """

    box: Box
    text: str
    size: float
    across: str = "left"
    halo: bool = False


@dataclass(frozen=True)
class MapItem:
    """A map on a page, or an overview in degrees that `marks` where another map lies, by its name.

    `frame` is what it shows.  `values`, shape (rows, columns), lie over `bounds`: soil moisture, m3 m-3, or
    of `terrain` elevation, m; NaN, where the map is hatched.  `overlays` are in the CRS of the frame; the
    edges of `cells` are among them.  Degrees stand along its `left` edge and `below`.
    """

    name: str
    box: Box
    frame: MapFrame
    values: np.ndarray | None
    bounds: Bounds
    overlays: Sequence[Overlay] = ()
    left: bool = True
    below: bool = True
    terrain: bool = False
    marks: str = ""
    cells: Grid | None = None


@dataclass(frozen=True)
class ColourBar:
    """The colours of a page's first map; `extend` says at which ends there are values beyond ("min", "both").

    Without ticks its ends are those of that map's values.
    """

    box: Box
    label: str
    ticks: Sequence[float] = ()
    extend: str = "neither"


@dataclass(frozen=True)
class Page:
    """A page; colours, scale and north are those of its first map."""

    height: float
    maps: Sequence[MapItem]
    texts: Sequence[Text]
    colour_bar: ColourBar | None
    legend: Box
    scale_bar: Box
    north_arrow: Box

    def signs(self) -> dict[str, str]:
        """The legend: by its label the kind of a sign."""
        found = {"no value": NO_VALUE_SIGN} if any(item.values is not None for item in self.maps) else {}
        overlays = (overlay for item in self.maps for overlay in item.overlays if overlay.label)
        return found | {overlay.label: overlay.kind for overlay in overlays}


@dataclass(frozen=True)
class SheetPanel:
    """Soil moisture, m3 m-3, shape (rows, columns), NaN where missing; a `note` stands right of the title."""

    title: str
    values: np.ndarray
    bounds: Bounds
    note: str = ""


def sheet_pages(
    title: str,
    frame: MapFrame,
    panels: Sequence[SheetPanel],
    overlays: Sequence[Overlay] = (),
    group: int = 1,
    footer: str = "",
    colours: tuple[float | None, float | None] = (None, None),
) -> list[Page]:
    """The pages of maps of soil moisture on one scale.

    Parameters
    ----------
    title : str
    frame : MapFrame
        What each panel shows.
    panels : sequence of SheetPanel
    overlays : sequence of Overlay
    group : int
        Panels that belong side by side.
    footer : str
        A line below the legend.
    colours : (float or None, float or None)
        Lowest and highest value of the colours, m3 m-3; None: see `colour_range`.
    """
    grid = fit_panels(len(panels), frame.aspect, group)
    valid = np.concatenate([panel.values[np.isfinite(panel.values)] for panel in panels])
    ticks = colour_ticks(*colour_range(valid, *colours))
    extend = extend_of(valid, ticks[0], ticks[-1])
    if grid.width < _NAMED:
        overlays = [replace(overlay, names=()) for overlay in overlays]
    count, right, scale = -(-len(panels) // grid.capacity), A4_WIDTH - MARGIN, min(grid.width, 2.0)
    pages = []
    for page in range(count):
        shown = panels[page * grid.capacity : (page + 1) * grid.capacity]
        top = grid.legend_top(-(-len(shown) // grid.columns))
        texts = [heading(f"{title} ({page + 1} of {count})" if count > 1 else title)]
        maps = []
        for number, panel in enumerate(shown):
            box = grid.panel(number)
            edges = number % grid.columns == 0, number + grid.columns >= len(shown)
            maps.append(MapItem(panel.title, box, frame, panel.values, panel.bounds, overlays, *edges))
            texts += [Text(above(box), panel.title, 7.5), Text(above(box), panel.note, 6.5, "right")]
            texts += names_on_map(maps[-1])
        for number, line in enumerate((frame.crs, footer)):
            texts.append(Text((MARGIN, top + 0.7 + 0.12 * number, right - MARGIN, 0.12), line, 6.5, "right"))
        bar = ColourBar((MARGIN + 0.2, top + 0.1, 2.9, 0.15), "soil moisture, m³ m⁻³", ticks, extend)
        legend = (MARGIN + 3.4, top, 1.6, LEGEND)
        beside = (right - 0.6 - scale, top + 0.05, scale, 0.45), (right - 0.5, top, 0.5, 0.5)
        pages.append(Page(top + LEGEND + MARGIN, maps, texts, bar, legend, *beside))
    return pages


def colour_range(
    values: np.ndarray, low: float | None = None, high: float | None = None
) -> tuple[float, float]:
    """Ends of the colours, m3 m-3: those given, else round numbers beyond the 2nd and 98th percentile.

    Parameters
    ----------
    values : float array, shape (n,)
        All that is drawn, without NaN.
    low, high : float, optional
        A low end that is given lies below the high one, and a high one above the low.

    Raises
    ------
    InputError
        If only one end is given, and no value lies on its right side.
    """
    first, last = np.percentile(values, (_TAIL, 100 - _TAIL)).tolist() if values.size else (0.0, _TOP)
    step = _round_step(max(last - first, _LEAST_SPAN))
    if low is None:
        low = math.floor(round(first / step, 6)) * step
        if high is not None and high <= low:
            raise InputError(
                f"MAXIMUM is {high:g}, and the maps have hardly a value below it; give MINIMUM too, or a "
                "larger MAXIMUM."
            )
    if high is None:
        high = max(math.ceil(round(last / step, 6)) * step, math.floor(round(first / step, 6) + 1) * step)
        if high <= low:
            raise InputError(
                f"MINIMUM is {low:g}, and the maps have hardly a value above it; give MAXIMUM too, or a "
                "smaller MINIMUM."
            )
    return round(low, 9), round(high, 9)


def colour_ticks(low: float, high: float) -> tuple[float, ...]:
    """Both ends, and round numbers between them that are not too close to them."""
    step = _round_step(high - low)
    between = (number * step for number in range(math.floor(low / step), math.ceil(high / step) + 1))
    room = 0.3 * step
    return low, *(round(at, 9) for at in between if low + room < at < high - room), high


def _round_step(span: float) -> float:
    return round_length(span / 3)


def names_on_map(item: MapItem) -> list[Text]:
    """The names of the points of a map, beside those that lie within its frame.

    Places have theirs in their middle, if it lies on no earlier one.
    """
    left, top, wide, high = item.box
    bounds, texts = item.frame.bounds, []
    taken: list[tuple[float, float, float]] = []
    for overlay in item.overlays:
        for (x, y), name in zip(np.concatenate([*overlay.parts, np.empty((0, 2))]), overlay.names):
            across = (x - bounds.left) / (bounds.right - bounds.left)
            down = (bounds.top - y) / (bounds.top - bounds.bottom)
            if not (0 <= across <= 1 and 0 <= down <= 1):
                continue
            middle = top + down * high - _NAME_HIGH / 2
            x = left + across * wide
            if overlay.kind == "places":
                half = name_width(name) / 2
                # The frame would cut it.
                if not top <= middle <= top + high - _NAME_HIGH:
                    continue
                if any(
                    abs(x - at) < half + own and abs(middle - line) < _NAME_HIGH for at, line, own in taken
                ):
                    continue
                taken.append((x, middle, half))
                box, where = (x - wide / 2, middle, wide, _NAME_HIGH), "centre"
            elif across < 0.7:
                box, where = (x + _BESIDE, middle, wide, _NAME_HIGH), "left"
            else:
                box, where = (x - _BESIDE - wide, middle, wide, _NAME_HIGH), "right"
            texts.append(Text(box, name, _NAME_SIZE, where, halo=True))
    return texts


def name_width(name: str) -> float:
    """About how wide a name on a map is."""
    return len(name) * _LETTER * _NAME_SIZE / 72


def heading(text: str) -> Text:
    """The title of a page."""
    return Text((MARGIN, MARGIN, A4_WIDTH - 2 * MARGIN, 0.25), text, 11, "centre")


def above(box: Box) -> Box:
    """Where the title of a map stands."""
    left, top, wide, _high = box
    return left, top - 0.2, wide, 0.18


@dataclass(frozen=True)
class PanelGrid:
    """Panels in rows and columns.

    Attributes
    ----------
    columns, rows : int
    width, height : float
        Of a panel's map.
    """

    columns: int
    rows: int
    width: float
    height: float

    @property
    def capacity(self) -> int:
        """Panels on a page."""
        return self.columns * self.rows

    def panel(self, number: int) -> Box:
        """The map of the panel that is `number`-th on its page, from 0."""
        row, column = divmod(number, self.columns)
        used = _LEFT + self.columns * self.width + (self.columns - 1) * _GAP
        left = (A4_WIDTH - used) / 2 + _LEFT + column * (self.width + _GAP)
        top = MARGIN + _TITLE + _PANEL_TITLE + row * (self.height + _PANEL_TITLE + _GAP)
        return left, top, self.width, self.height

    def legend_top(self, rows: int) -> float:
        """Where the legend begins below so many rows."""
        return MARGIN + _TITLE + rows * (self.height + _PANEL_TITLE + _GAP) - _GAP + _BELOW


def fit_panels(count: int, aspect: float, group: int = 1) -> PanelGrid:
    """The largest panels that fit on an A4 page, upright; as many as do where they would be too small.

    Parameters
    ----------
    count : int
        Panels.
    aspect : float
        Height over width of a map.
    group : int
        Panels that belong side by side.
    """
    options = [
        _fitted(columns, count, aspect)
        for columns in range(1, _MOST_COLUMNS + 1)
        if columns <= max(count, 1) and (columns % group == 0 or columns >= count)
    ] or [_fitted(group, count, aspect)]
    whole = [option for option in options if option.capacity >= count and option.width >= _NARROWEST]
    if whole:
        return max(whole, key=lambda option: option.width)
    return max(options, key=lambda option: (option.capacity, option.width))


def _fitted(columns: int, count: int, aspect: float) -> PanelGrid:
    """So many columns, and as many rows of them as are needed and fit."""
    across = (A4_WIDTH - 2 * MARGIN - _LEFT - (columns - 1) * _GAP) / columns
    down = A4_HEIGHT - 2 * MARGIN - _TITLE - _BELOW - LEGEND + _GAP
    needed = math.ceil(count / columns)
    most = max(int(down / (across * aspect + _PANEL_TITLE + _GAP)), 1)
    # A few rows more where the panels may be narrower than the columns.
    narrow = max(int(down / (_NARROWEST * aspect + _PANEL_TITLE + _GAP)), 1)
    rows = min(needed, max(most, narrow))
    width = min(across, (down / rows - _PANEL_TITLE - _GAP) / aspect)
    return PanelGrid(columns, rows, width, width * aspect)
