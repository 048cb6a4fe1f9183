"""What all figures share: size, colours, axes of dates, PNG."""

from __future__ import annotations

import datetime as dt
import io
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from pathlib import Path
from typing import Any, Literal

import numpy as np

from ..base.progress import check_cancelled
from ..base.words import Text
from .canvas import put_on_canvas

#: SMAP's own accuracy, m3 m-3: the mission's goal .04, and .06, as in the paper's discussion.
SMAP_BAND = (0.04, 0.06)

#: Width of an A4 page between its margins, inches.
PAGE_WIDTH = 7.1
#: Okabe & Ito's colours, distinct with any colour vision; black comes last.
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#F0E442", "#000000")
#: Markers in the same order, so that nothing depends on colour alone.
MARKERS = ("o", "s", "^", "D", "v", "P", "X", "*")
#: The unit of soil moisture in matplotlib's words.
SOIL_MOISTURE_UNIT = "m$^3$ m$^{-3}$"
#: Colours of soil moisture in figures and in QGIS styles, dry to wet, m3 m-3: brown to blue-green in even
#: steps of lightness, readable with colour-blindness (after ColorBrewer's BrBG).
SOIL_MOISTURE_RAMP = (
    (0.00, "#543005"),
    (0.05, "#8c510a"),
    (0.10, "#bf812d"),
    (0.15, "#dfc27d"),
    (0.20, "#f6e8c3"),
    (0.25, "#d9efe9"),
    (0.30, "#97d3ca"),
    (0.35, "#4aa59d"),
    (0.40, "#127a70"),
    (0.50, "#003c30"),
)
#: Dots an inch of pictures in pages.
DPI = 160
#: A line over dates ends where the next is so many days, and so many times the usual step, away.
_GAP_DAYS, _GAP_STEPS = 30.0, 10.0
#: Labels of dates that stand side by side over the width of a page.
_MOST_TICKS = 13


def soil_moisture_colormap() -> Any:
    """The ramp as a matplotlib colormap over 0...0.5 m3 m-3."""
    from matplotlib.colors import LinearSegmentedColormap

    top = SOIL_MOISTURE_RAMP[-1][0]
    return LinearSegmentedColormap.from_list(
        "soil_moisture", [(value / top, colour) for value, colour in SOIL_MOISTURE_RAMP]
    )


def new_figure(height: float, width: float = PAGE_WIDTH, layout: str | None = "constrained") -> Any:
    """An empty matplotlib figure, inches; made without pyplot, so that any thread may draw.

    With `layout` None everything stays where it is put.
    """
    from matplotlib.figure import Figure

    check_cancelled()
    figure = Figure(figsize=(width, height), layout=layout)
    put_on_canvas(figure)
    return figure


def _at_once(step: Callable[[], Any]) -> Any:
    return step()


def save_pages(
    path: str | Path,
    figures: Iterable[Any],
    dpi: int,
    call: Callable[[Callable[[], Any]], Any] = _at_once,
) -> None:
    """Write figures as a picture in the format that the ending names; several only as a .pdf.

    Each step that takes long is handed to `call`; no step touches the file, which is written at the end.
    """
    kind, stream = Path(path).suffix.lower(), io.BytesIO()
    if kind == ".pdf":
        from matplotlib.backends.backend_pdf import PdfPages

        pages = PdfPages(stream, metadata={"CreationDate": None})
        for figure in figures:
            call(partial(pages.savefig, figure, dpi=dpi))
        call(pages.close)
    else:
        (figure,) = figures
        nameless = {".png": {"Software": None}, ".svg": {"Date": None}}.get(kind)
        call(partial(figure.savefig, stream, format=kind[1:], dpi=dpi, metadata=nameless))
    Path(path).write_bytes(stream.getvalue())


class Picture(bytes):
    """A PNG that knows what is written in it."""

    #: Titles, legends and notes that have numbers, not the labels of ticks.
    texts: tuple[Text, ...] = ()


def png(figure: Any, dpi: int = DPI) -> Picture:
    """The figure as a PNG; equal figures give equal bytes."""
    stream = io.BytesIO()
    figure.savefig(stream, format="png", dpi=dpi, metadata={"Software": None})
    picture = Picture(stream.getvalue())
    picture.texts = _texts(figure)
    return picture


def _texts(figure: Any) -> tuple[Text, ...]:
    from matplotlib.text import Text as Artist

    ticks = {
        label
        for axes in figure.axes
        for axis in (axes.xaxis, axes.yaxis)
        for label in (*axis.get_ticklabels(which="both"), axis.get_offset_text())
    }
    artists = (each for each in figure.findobj(Artist) if each not in ticks and each.get_visible())
    return tuple(words for words in (each.get_text() for each in artists) if isinstance(words, Text))


def light_grid(axis: Any, which: Literal["both", "x", "y"] = "both") -> None:
    """Thin grey lines at the ticks, below all that is drawn."""
    axis.grid(axis=which, color="#E5E5E5", linewidth=0.6)
    axis.set_axisbelow(True)


def legend_above(axis: Any, columns: int, **more: Any) -> None:
    """The legend over the upper edge, from the left; `more` as matplotlib has it."""
    axis.legend(fontsize=7.5, frameon=False, ncol=columns, loc="lower left", bbox_to_anchor=(0, 1.0), **more)


def add_squares(axis: Any, centres: np.ndarray, side: float, **looks: Any) -> Any:
    """Squares of a side around `centres`, shape (n, 2), as matplotlib's collection of polygons."""
    from matplotlib.collections import PolyCollection

    corners = side / 2 * np.array([(-1, -1), (1, -1), (1, 1), (-1, 1)])
    squares = PolyCollection(centres[:, None, :] + corners, **looks)
    axis.add_collection(squares)
    return squares


def finish_scores(upper: Any, lower: Any, r2: np.ndarray, worst: float = 0.0) -> None:
    """Labels and limits of axes with RMSE above R2: R2 begins at 0, or below all but the `worst` per cent.

    Parameters
    ----------
    upper, lower : matplotlib axes
    r2 : array, shape (n,)
        All that is drawn, NaN where undefined.
    worst : float
    """
    for axis in (upper, lower):
        light_grid(axis, "y")
        axis.tick_params(labelsize=8)
    upper.set_ylabel(f"RMSE, {SOIL_MOISTURE_UNIT}", fontsize=9)
    upper.set_ylim(bottom=0)
    lower.set_ylabel("R$^2$ = 1 - SSE/SST", fontsize=9)
    known = r2[np.isfinite(r2)]
    lower.set_ylim(min(0.0, 1.1 * float(np.percentile(known, worst))) if known.size else 0.0, 1)
    lower.axhline(0, color="#444444", linewidth=0.8)


def date_axis(axis: Any, dates: Sequence[dt.date]) -> None:
    """Ticks of the x axis of dates, each with its year: the first, the last, and some between them.

    Lines that are drawn already, also on axes that share it, end where many dates lack, and begin anew.
    """
    from matplotlib.dates import date2num

    for other in axis.figure.axes:
        if axis.get_shared_x_axes().joined(axis, other):
            for line in other.lines:
                _part_at_gaps(line)
    shown = date_ticks(dates)
    axis.set_xticks(date2num(shown))
    axis.set_xticklabels([date.isoformat() for date in shown], rotation=40, ha="right")


def _part_at_gaps(line: Any) -> None:
    """Put a point without a value into each gap of a line over dates."""
    x, y = np.asarray(line.get_xdata(orig=False), np.float64), line.get_ydata(orig=False)
    steps = np.diff(x)
    if not (steps > 0).all() or not steps.size:
        return
    after = np.nonzero(steps > max(_GAP_DAYS, _GAP_STEPS * float(np.median(steps))))[0] + 1
    marks = line.get_markevery()
    if marks is not None:
        line.set_markevery((np.asarray(marks) + np.searchsorted(after, marks, side="right")).tolist())
    line.set_data(np.insert(x, after, x[after] - 1), np.insert(np.asarray(y, np.float64), after, np.nan))


def date_ticks(dates: Sequence[dt.date]) -> list[dt.date]:
    """The first and the last date, and as many others as have room: of many dates round ones.

    Parameters
    ----------
    dates : sequence of date
        In any order, any number of times.

    Returns
    -------
    list of date
        Ascending, at least a twelfth of the whole span apart; empty for no date.
    """
    known = sorted(set(dates))
    if len(known) < 3:
        return known
    first, last = known[0], known[-1]
    between = known[1:-1] if len(known) < _MOST_TICKS else _round_dates(first, last)
    shown, room = [first], (last - first) / (_MOST_TICKS - 1)
    for date in between:
        if date - shown[-1] >= room and last - date >= room:
            shown.append(date)
    return [*shown, last]


def _round_dates(first: dt.date, last: dt.date) -> list[dt.date]:
    from matplotlib.dates import AutoDateLocator, num2date

    locator = AutoDateLocator(minticks=4, maxticks=_MOST_TICKS - 1)
    ticks = locator.tick_values(*(dt.datetime.combine(date, dt.time()) for date in (first, last)))
    return [tick.date() for tick in num2date(ticks)]


def cell_step(x: np.ndarray, y: np.ndarray) -> float:
    """The distance of neighbouring cells at `x` and `y`, shape (n,), in their unit.

    It is the least difference of their x or y, up to rounding to 0.001; 1 for a single cell.
    """
    steps = [np.diff(np.unique(np.round(values, 3))) for values in (x, y)]
    found = np.concatenate(steps)
    return float(np.min(found)) if found.size else 1.0
