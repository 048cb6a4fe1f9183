"""All covariates on one sheet (the paper's Fig. S1), small maps with a colour bar each."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..geo.graticule import MapFrame
from ..geo.grid import Bounds
from .canvas import put_on_canvas
from .figure import png
from .map_parts import NO_VALUE, frame_axis, north_arrow, panel_letter, scale_bar
from .number_text import STORED_UNIT, UNIT

#: Inside the margins of an A4 page, inches.
_WIDTH, _HEIGHT = 7.3, 9.2
#: A sheet of maps that stands below other things on a page is no higher.
PART_OF_PAGE = 4.2
#: What a panel needs beside its map: title, colour bar and its numbers.
_BESIDE = 0.5
_MOST_COLUMNS = 5
#: Panels may be this much smaller than the largest that fit where no place on the sheet stays empty then.
_FULL_SHEET = 0.65
#: Narrower maps are stamps, inches.
_LEAST_WIDTH = 1.1
_DPI = 170
#: Share of the values beyond either end of the colour bar.
_TAIL = 2
#: Ramps of even lightness, readable with colour-blindness, by a word in a covariate's name.
_RAMPS = (
    (r"elev|dem(?:_|$)|slope", "cividis"),
    (r"^soil moisture", "BrBG"),
    (r"twi|sca(?:_|$)|rain|precip|theta|wv\d|^p_", "YlGnBu"),
    (r"clay|sand|silt|soc|bdod|cec|ocs|ocd|nitrogen|ksat|vg_", "YlOrBr"),
    (r"ndvi|evi(?:_|$)|lai(?:_|$)", "YlGn"),
)
#: Covariates of one kind and unit, to be compared: they share the ends of their colour bars.
_KINDS = ("twi_", "p_", "soil moisture")
#: Side of a map that has room for labels of degrees, inches.
_ROOM_FOR_DEGREES = 1.0
#: Side of the north arrow, inches at least, and as a share of the map.
_ARROW, _ARROW_SHARE = 0.28, 0.16
#: Letters of titles, points: usual and least size, and width of a letter over its size.
_TITLE, _LEAST_TITLE, _LETTER = 7.5, 5.0, 0.56


@dataclass(frozen=True)
class AtlasPanel:
    """A covariate: name, unit, values (rows, columns) at reduced size, NaN where missing."""

    name: str
    unit: str
    values: np.ndarray


def atlas_png(
    panels: Sequence[AtlasPanel],
    bounds: Bounds,
    frame: MapFrame | None = None,
    title: str = "",
    height: float = _HEIGHT,
) -> bytes:
    """Draw the sheet; returns a PNG.

    Panels have letters; those of one kind and unit (three wetness indices, rain of the seasons) share the
    ends of their colour bars.

    Parameters
    ----------
    panels : sequence of AtlasPanel
        All over the same area.
    bounds : Bounds
        Of that area.
    frame : MapFrame or None
        The frame of that area, for degrees along the outer maps, scale bar and north; None leaves them out.
    title : str
    height : float
        Of the sheet at most, inches; very many panels need more.

    Raises
    ------
    ValueError
        Without a panel.
    """
    from matplotlib.figure import Figure

    if not panels:
        raise ValueError("an atlas needs a panel")
    aspect = (bounds.top - bounds.bottom) / (bounds.right - bounds.left)
    columns, width = _layout(len(panels), aspect, height)
    rows = math.ceil(len(panels) / columns)
    size = columns * width, rows * (width * aspect + _BESIDE) + (0.4 if title else 0.05)
    figure = Figure(figsize=size, layout="constrained")
    put_on_canvas(figure)
    figure.get_layout_engine().set(w_pad=0.05, h_pad=0.03, wspace=0.02, hspace=0.02)
    axes = figure.subplots(rows, columns, squeeze=False).ravel()
    for number, (axis, panel, ends) in enumerate(zip(axes, panels, colour_ends(panels))):
        _draw(figure, axis, panel, bounds, ends)
        _label(axis, panel, number, width)
        if frame is not None:
            outer = number % columns == 0, number + columns >= len(panels)
            degrees(axis, frame, width, *outer)
    for axis in axes[len(panels) :]:
        axis.set_axis_off()
    if frame is not None:
        scale_and_north(axes[0], frame, width)
    if title:
        figure.suptitle(title, fontsize=10)
    return png(figure, _DPI)


def degrees(axis: Any, frame: MapFrame, width: float, left: bool, below: bool) -> None:
    """Degrees along the outer edges of a map of that width in inches, where it has room for them."""
    frame_axis(
        axis, frame, left and width * frame.aspect >= _ROOM_FOR_DEGREES, below and width >= _ROOM_FOR_DEGREES
    )


def scale_and_north(axis: Any, frame: MapFrame, width: float) -> None:
    """Scale bar and north arrow within a map of that width in inches; no arrow where it has no room."""
    scale_bar(axis, frame.bounds, frame.metres_a_unit)
    height = width * frame.aspect
    side = max(_ARROW, _ARROW_SHARE * min(width, height))
    if side <= min(width, height) / 2:
        wide, high = side / width, side / height
        north_arrow(axis.inset_axes((0.98 - wide, 0.95 - high, wide, high)), frame.north)


def colour_ends(panels: Sequence[AtlasPanel]) -> list[tuple[float, float]]:
    """Lowest and highest value of the colour bar of each panel: percentiles of its kind's values."""
    kinds = [_kind(panel, number) for number, panel in enumerate(panels)]
    values: dict[object, list[np.ndarray]] = {}
    for kind, panel in zip(kinds, panels):
        values.setdefault(kind, []).append(panel.values[np.isfinite(panel.values)])
    ends = {kind: _percentiles(np.concatenate(parts)) for kind, parts in values.items()}
    return [ends[kind] for kind in kinds]


def _kind(panel: AtlasPanel, number: int) -> object:
    for beginning in _KINDS:
        if panel.name.startswith(beginning):
            return beginning, panel.unit
    return number


def _percentiles(valid: np.ndarray) -> tuple[float, float]:
    if not valid.size:
        return 0.0, 1.0
    low, high = np.percentile(valid, [_TAIL, 100 - _TAIL])
    return float(low), float(high)


def _layout(count: int, aspect: float, height: float = _HEIGHT) -> tuple[int, float]:
    """Columns, and the width of a panel in inches: the largest panels that fit, or nearly so.

    Of those that are nearly as large, the most columns that leave no place empty are taken.
    """
    widths = {
        columns: _panel_width(count, columns, aspect, height) for columns in range(1, _MOST_COLUMNS + 1)
    }
    # Of equals the most columns, which make the lowest sheet.
    best = max(widths, key=lambda columns: (widths[columns], columns))
    full = [
        columns
        for columns, width in widths.items()
        if count % columns == 0 and width >= _FULL_SHEET * widths[best]
    ]
    if count % best and full:
        best = full[-1]
    if widths[best] >= _LEAST_WIDTH:
        return best, widths[best]
    # Very many panels make a longer sheet rather than stamps; a single one still fits on a page.
    return _MOST_COLUMNS, min(_WIDTH / _MOST_COLUMNS, (height - _BESIDE) / aspect)


def _panel_width(count: int, columns: int, aspect: float, height: float) -> float:
    if columns > count:
        return 0.0
    rows = math.ceil(count / columns)
    return min(_WIDTH / columns, (height / rows - _BESIDE) / aspect, 3.6)


def _label(axis: Any, panel: AtlasPanel, number: int, width: float) -> None:
    unit = UNIT if panel.unit == STORED_UNIT else panel.unit
    text = f"({panel_letter(number)}) {panel.name}" + (f"  ({unit})" if unit not in ("", "1") else "")
    size = min(_TITLE, max(_LEAST_TITLE, 72 * width / (_LETTER * len(text))))
    axis.set_title(text, fontsize=size, pad=3)


def _draw(figure: Any, axis: Any, panel: AtlasPanel, bounds: Bounds, ends: tuple[float, float]) -> None:
    from matplotlib import colormaps

    values = panel.values
    valid = values[np.isfinite(values)]
    low, high = ends
    edges = (bounds.left, bounds.right, bounds.bottom, bounds.top)
    image = axis.imshow(
        np.ma.masked_invalid(values),
        extent=edges,
        cmap=colormaps[ramp_of(panel.name)],
        vmin=low,
        vmax=high,
        interpolation="nearest",
    )
    axis.patch.set(**NO_VALUE)
    axis.set_autoscale_on(False)
    axis.set_xticks([])
    axis.set_yticks([])
    for spine in axis.spines.values():
        spine.set_linewidth(0.4)
    # Every panel has a bar, so that the maps stand in line.
    bar = figure.colorbar(
        image,
        ax=axis,
        orientation="horizontal",
        fraction=0.06,
        pad=0.03,
        aspect=28,
        extend=extend_of(valid, low, high),
    )
    if not valid.size:
        axis.text(0.5, 0.5, "no value", transform=axis.transAxes, ha="center", va="center", fontsize=8)
        bar.ax.clear()
        bar.ax.set_axis_off()
        return
    bar.ax.tick_params(labelsize=6, length=2, width=0.4, pad=1)
    bar.outline.set_linewidth(0.4)
    if low == high:
        bar.set_ticks([low], labels=[f"{low:g}"])
    else:
        bar.ax.locator_params(nbins=4)


def ramp_of(name: str) -> str:
    """The matplotlib colour ramp of a covariate."""
    for words, ramp in _RAMPS:
        if re.search(rf"(?:^|_)(?:{words})", name):
            return ramp
    return "viridis"


def extend_of(valid: np.ndarray, low: float, high: float) -> str:
    """Which ends of a colour bar from `low` to `high` have values beyond, as matplotlib says it."""
    if not valid.size:
        return "neither"
    below, beyond = bool(valid.min() < low), bool(valid.max() > high)
    return {(True, True): "both", (True, False): "min", (False, True): "max"}.get((below, beyond), "neither")
