"""What is checked before layers are joined, as a table: CRS, shift, coverage, NoData, range, dates."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Sequence
from dataclasses import dataclass

from ..base.dates import period_text
from ..base.progress import Progress
from ..base.words import counted, joined, text
from ..geo.grid import ALIGNMENT, EASE2_CELLS, EASE2_LEFT, EASE2_TOP, Grid

HEADERS = ("layer", "CRS", "cell", "EASE shift", "covered", "NoData", "min", "max", "dates", "notes")
#: A shift against the EASE-Grid of more than this share of a cell is a warning.
_MOST_SHIFT = 0.1


@dataclass(frozen=True)
class LayerCheck:
    """A row of the table.

    Attributes
    ----------
    name : str
    crs : str
    cell : tuple of float
        Width and height in units of the CRS; NaN for what is no raster.
    shift : tuple of float, optional
        See `ease_shift`.
    covered, nodata : float
        Share of the area of work inside the raster, and of that without a value; NaN where not looked at.
    low, high : float
        Range of the values seen; NaN without any.
    dates : str
    notes : tuple of str
    single : bool
        Whether no more than one value was seen, which says nothing of how they vary.
    """

    name: str
    crs: str
    cell: tuple[float, float] = (math.nan, math.nan)
    shift: tuple[float, float] | None = None
    covered: float = math.nan
    nodata: float = math.nan
    low: float = math.nan
    high: float = math.nan
    dates: str = ""
    notes: tuple[str, ...] = ()
    single: bool = False

    @property
    def constant(self) -> bool:
        """Whether all values seen, of several, are one."""
        return self.low == self.high and not self.single

    @property
    def remarks(self) -> str:
        """The notes, and what the numbers show."""
        notes = [note for note in self.notes if note]
        if self.constant:
            notes.insert(0, "one value only")
        if self.nodata == 1:
            notes.insert(0, "no value in the sample")
        return joined("; ", notes)

    def texts(self) -> tuple[str, ...]:
        """The row under HEADERS."""
        return (
            self.name,
            _short_crs(self.crs),
            _cell_text(*self.cell),
            "" if self.shift is None else text("{:.2f}, {:.2f}", *self.shift),
            _percent(self.covered),
            _percent(self.nodata),
            _number(self.low),
            _number(self.high),
            self.dates,
            self.remarks,
        )


@dataclass(frozen=True)
class Preflight:
    """What was looked at before the work.

    Attributes
    ----------
    rows : sequence of LayerCheck
    warnings : sequence of str
    area : str
        What was looked at: "the SMAP cells".
    """

    rows: Sequence[LayerCheck]
    warnings: Sequence[str]
    area: str

    def log(self, progress: Progress) -> None:
        """Log the table, then the warnings."""
        progress.log("Before the work (a sample of each layer):")
        for line in table_lines(HEADERS, [row.texts() for row in self.rows]):
            progress.log(f"  {line}")
        for warning in self.warnings:
            progress.warn(warning)


def _cell_text(width: float, height: float) -> str:
    if math.isnan(width):
        return ""
    return (
        text("{:.6g}", width)
        if math.isclose(width, height, rel_tol=1e-6)
        else text("{:.6g} x {:.6g}", width, height)
    )


def _short_crs(crs: str) -> str:
    # WKT begins with the kind of CRS and its name.
    return crs if len(crs) <= 20 else crs.split('"')[1][:20] if '"' in crs else f"{crs[:17]}..."


def _percent(share: float) -> str:
    if math.isnan(share):
        return ""
    percent = 100 * share
    # What is not quite all or nothing must not look so.
    if 0 < percent < 0.05:
        return "<0.1 %"
    return ">99.9 %" if 99.95 <= percent < 100 else text("{:.1f} %", percent)


def _number(value: float) -> str:
    return "" if math.isnan(value) else text("{:.5g}", value)


def table_lines(headers: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    """A table as lines for a fixed-width font: columns aligned, a rule under the headers."""
    widths = [max(len(row[number]) for row in [headers, *rows]) for number in range(len(headers))]
    lines = [
        "  ".join(text.ljust(width) for text, width in zip(row, widths)).rstrip() for row in [headers, *rows]
    ]
    return [lines[0], "  ".join("-" * width for width in widths), *lines[1:]]


def ease_shift(grid: Grid) -> tuple[float, float] | None:
    """How far cells lie beside those of the EASE-Grid 2.0, in cells down and to the right, -0.5...0.5.

    Parameters
    ----------
    grid : Grid
        In the EASE-Grid's CRS.

    Returns
    -------
    tuple of float or None
        None where the cells are no whole part of SMAP's 36 km (36, 9, 3, 1 km...).
    """
    parts = _parts_of(EASE2_CELLS["36 km"], grid)
    if not parts:
        return None
    down = (EASE2_TOP - grid.top) / grid.cell_height
    right = (grid.left - EASE2_LEFT) / grid.cell_width
    shift = down - round(down), right - round(right)
    return _plain(shift[0]), _plain(shift[1])


def is_coarse(grid: Grid) -> bool:
    """Whether cells, on the EASE-Grid's projection, are as large as those of SMAP."""
    return any(_parts_of(side, grid) == 1 for side in EASE2_CELLS.values())


def _parts_of(side: float, grid: Grid) -> int:
    """How many cells of a grid make up a side, 0 where they are not square or no whole part of it."""
    parts = round(side / grid.cell_width)
    drift = max(
        grid.width * abs(grid.cell_width * parts / side - 1),
        grid.height * abs(grid.cell_height * parts / side - 1),
    )
    return parts if drift <= ALIGNMENT else 0


def _plain(shift: float) -> float:
    """The shift without rounding noise; half a cell is half a cell down or to the right."""
    if abs(shift) < ALIGNMENT:
        return 0.0
    return shift + 1 if shift < ALIGNMENT - 0.5 else shift


def shift_sentence(label: str, shift: tuple[float, float]) -> str:
    """The warning for a shift, empty for a small one.

    Half a cell is what becomes of coordinates of centres taken for corners.
    """
    down, right = shift
    if max(abs(down), abs(right)) <= _MOST_SHIFT:
        return ""
    parts = [
        text("{:.2f} cells {}", abs(part), way)
        for part, way in ((down, "south" if down > 0 else "north"), (right, "east" if right > 0 else "west"))
        if part
    ]
    sentence = text("{}: its cells lie {} of those of the EASE-Grid 2.0", label, joined(" and ", parts))
    half = all(part == 0 or abs(abs(part) - 0.5) < _MOST_SHIFT for part in shift)
    if half:
        sentence += ", as where coordinates of cell centres were taken for corners"
    return sentence + "; export it anew on the grid."


def gaps(dates: Sequence[dt.date]) -> list[tuple[dt.date, dt.date]]:
    """First and last day of each run of days that ascending `dates` leave out."""
    day = dt.timedelta(days=1)
    return [(one + day, other - day) for one, other in zip(dates, dates[1:]) if (other - one).days > 1]


def dates_text(dates: Sequence[dt.date]) -> str:
    """`31, 2021-01-01 to 2021-01-31`."""
    return text("{}, {}", len(dates), period_text(dates)) if dates else ""


def gaps_note(dates: Sequence[dt.date]) -> str:
    """How many days a series lacks between its first and last, and the longest gap; empty without any."""
    found = gaps(dates)
    if not found:
        return ""
    count = sum((last - first).days + 1 for first, last in found)
    longest = max(found, key=lambda gap: gap[1] - gap[0])
    return text("{} missing between (longest gap {})", counted(count, "day"), period_text(longest))


def dates_note(missing: Sequence[dt.date], of: int) -> str:
    """On how many of `of` dates of SMAP a dated covariate has no raster; empty where it has all."""
    if not missing:
        return ""
    shown = ", ".join(str(date) for date in missing[:3])
    more = ", ..." if len(missing) > 3 else ""
    return text("no raster on {} of {} dates ({}{})", len(missing), of, shown, more)
