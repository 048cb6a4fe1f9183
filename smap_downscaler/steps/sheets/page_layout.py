"""Where panels, title and legend stand on an A4 page, inches from its upper left corner."""

from __future__ import annotations

import math
from dataclasses import dataclass

A4_WIDTH, A4_HEIGHT = 8.27, 11.69
MARGIN = 0.4
#: Room for the sheet's title, a panel's title, labels left of and below the panels, and the legend.
_TITLE, _PANEL_TITLE, _LEFT, _BELOW, LEGEND = 0.4, 0.26, 0.5, 0.32, 1.0
_GAP = 0.14
_MOST_COLUMNS = 4
#: Panels are no narrower than this where there are several pages.
_NARROWEST = 1.5
Box = tuple[float, float, float, float]


@dataclass(frozen=True)
class Arrangement:
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
        """Left, top, width and height of the map of the panel that is `number`-th on its page, from 0."""
        row, column = divmod(number, self.columns)
        used = _LEFT + self.columns * self.width + (self.columns - 1) * _GAP
        left = (A4_WIDTH - used) / 2 + _LEFT + column * (self.width + _GAP)
        top = MARGIN + _TITLE + _PANEL_TITLE + row * (self.height + _PANEL_TITLE + _GAP)
        return left, top, self.width, self.height

    def legend_top(self, rows: int) -> float:
        """Where the legend begins below so many rows."""
        return MARGIN + _TITLE + rows * (self.height + _PANEL_TITLE + _GAP) - _GAP + _BELOW


def arrange(count: int, aspect: float, group: int = 1) -> Arrangement:
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


def place(box: Box, height: float) -> list[float]:
    """A box as matplotlib's fractions from the lower left of a page of that height."""
    left, top, wide, high = box
    return [left / A4_WIDTH, 1 - (top + high) / height, wide / A4_WIDTH, high / height]


def _fitted(columns: int, count: int, aspect: float) -> Arrangement:
    """So many columns, and as many rows of them as are needed and fit."""
    across = (A4_WIDTH - 2 * MARGIN - _LEFT - (columns - 1) * _GAP) / columns
    down = A4_HEIGHT - 2 * MARGIN - _TITLE - _BELOW - LEGEND + _GAP
    needed = math.ceil(count / columns)
    most = max(int(down / (across * aspect + _PANEL_TITLE + _GAP)), 1)
    # A few rows more where the panels may be narrower than the columns.
    narrow = max(int(down / (_NARROWEST * aspect + _PANEL_TITLE + _GAP)), 1)
    rows = min(needed, max(most, narrow))
    width = min(across, (down / rows - _PANEL_TITLE - _GAP) / aspect)
    return Arrangement(columns, rows, width, width * aspect)
