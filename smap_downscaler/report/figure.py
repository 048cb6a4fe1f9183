"""What all figures of the reports share: size, colours, axes of dates, PNG."""

from __future__ import annotations

import io
import math
from collections.abc import Sequence
from typing import Any

from ..core.grid import Bounds

#: Width of an A4 page between its margins, inches.
PAGE_WIDTH = 7.1
#: Okabe & Ito's colours, told apart with any colour vision; black comes last.
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#F0E442", "#000000")
#: Markers in the same order, so that nothing is told by colour alone.
MARKERS = ("o", "s", "^", "D", "v", "P", "X", "*")
#: The unit of soil moisture in matplotlib's words.
SOIL_MOISTURE_UNIT = "m$^3$ m$^{-3}$"
_DPI = 160


def new_figure(height: float, width: float = PAGE_WIDTH) -> Any:
    """An empty matplotlib figure, inches; made without pyplot, so that any thread may draw."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height), layout="constrained")
    FigureCanvasAgg(figure)
    return figure


def png(figure: Any) -> bytes:
    """The figure as a PNG; equal figures give equal bytes."""
    stream = io.BytesIO()
    figure.savefig(stream, format="png", dpi=_DPI, metadata={"Software": None})
    return stream.getvalue()


def date_axis(axis: Any, dates: Sequence[Any]) -> None:
    """Ticks of the x axis of dates: each of a few, round ones of many."""
    from matplotlib.dates import AutoDateLocator, ConciseDateFormatter

    if len(set(dates)) <= 12:
        axis.set_xticks(sorted(set(dates)))
        axis.set_xticklabels([date.isoformat() for date in sorted(set(dates))], rotation=40, ha="right")
        return
    locator = AutoDateLocator(minticks=4, maxticks=10)
    axis.xaxis.set_major_locator(locator)
    axis.xaxis.set_major_formatter(ConciseDateFormatter(locator))
    axis.xaxis.get_offset_text().set_size(8)


def scale_bar(axis: Any, bounds: Bounds) -> None:
    """A bar of a round number of kilometres at the lower left of a map in metres."""
    from matplotlib.patheffects import withStroke

    third = (bounds.right - bounds.left) / 3
    length = 10.0 ** math.floor(math.log10(third))
    length *= max(step for step in (1, 2, 5) if step * length <= third)
    x = bounds.left + 0.05 * (bounds.right - bounds.left)
    y = bounds.bottom + 0.06 * (bounds.top - bounds.bottom)
    halo = [withStroke(linewidth=2.5, foreground="white")]
    axis.plot([x, x + length], [y, y], color="black", linewidth=1.5, solid_capstyle="butt", path_effects=halo)
    axis.text(
        x + length / 2,
        y + 0.02 * (bounds.top - bounds.bottom),
        f"{length / 1000:g} km",
        fontsize=6.5,
        ha="center",
        va="bottom",
        path_effects=halo,
    )
