"""All covariates on one sheet (the paper's Fig. S1), small maps with a colour bar each."""

from __future__ import annotations

import io
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..core.grid import Bounds
from .furniture import scale_bar

#: Inside the margins of an A4 page, inches.
_WIDTH, _HEIGHT = 7.3, 9.2
#: What a panel needs beside its map: title, colour bar and its numbers.
_BESIDE = 0.5
_MOST_COLUMNS = 5
_DPI = 170
#: Share of the values beyond either end of the colour bar.
_TAIL = 2
#: Ramps of even lightness, readable with colour-blindness, by the beginning of a covariate's name.
_RAMPS = (
    (("elevation", "slope"), "cividis"),
    (("twi", "sca", "p_", "rain", "theta", "wv"), "YlGnBu"),
    (("clay", "sand", "silt", "soc", "bdod", "cec", "ocs", "ocd", "nitrogen", "ksat", "vg_"), "YlOrBr"),
    (("ndvi", "evi", "lai"), "YlGn"),
)
_MISSING = "#d9d9d9"


@dataclass(frozen=True)
class AtlasPanel:
    """A covariate: name, unit, values (rows, columns) at reduced size, NaN where missing."""

    name: str
    unit: str
    values: np.ndarray


def atlas_png(
    panels: Sequence[AtlasPanel], bounds: Bounds, metres_a_unit: float = 0.0, title: str = ""
) -> bytes:
    """Draw the sheet; returns a PNG.

    Parameters
    ----------
    panels : sequence of AtlasPanel
        All over the same area.
    bounds : Bounds
        Of that area.
    metres_a_unit : float
        Metres on the ground that a unit of the bounds is; 0 draws no scale bar.
    title : str

    Raises
    ------
    ValueError
        Without a panel.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    if not panels:
        raise ValueError("an atlas needs a panel")
    aspect = (bounds.top - bounds.bottom) / (bounds.right - bounds.left)
    columns, width = _layout(len(panels), aspect)
    rows = math.ceil(len(panels) / columns)
    size = columns * width, rows * (width * aspect + _BESIDE) + (0.4 if title else 0.05)
    figure = Figure(figsize=size, layout="constrained")
    FigureCanvasAgg(figure)
    figure.get_layout_engine().set(w_pad=0.05, h_pad=0.03, wspace=0.02, hspace=0.02)
    axes = figure.subplots(rows, columns, squeeze=False).ravel()
    for axis, panel in zip(axes, panels):
        _draw(figure, axis, panel, bounds)
    for axis in axes[len(panels) :]:
        axis.set_axis_off()
    if metres_a_unit:
        scale_bar(axes[0], bounds, metres_a_unit)
    if title:
        figure.suptitle(title, fontsize=10)
    target = io.BytesIO()
    figure.savefig(target, dpi=_DPI, format="png")
    return target.getvalue()


def _layout(count: int, aspect: float) -> tuple[int, float]:
    """Columns, and the width of a panel in inches: the largest panels that fit on a page."""
    best = (1, 0.0)
    for columns in range(1, min(count, _MOST_COLUMNS) + 1):
        rows = math.ceil(count / columns)
        width = min(_WIDTH / columns, (_HEIGHT / rows - _BESIDE) / aspect, 3.6)
        if width > best[1]:
            best = columns, width
    # Very many panels make a longer sheet rather than stamps.
    return best if best[1] >= 1.1 else (_MOST_COLUMNS, _WIDTH / _MOST_COLUMNS)


def _draw(figure: Any, axis: Any, panel: AtlasPanel, bounds: Bounds) -> None:
    from matplotlib import colormaps

    values = panel.values
    valid = values[np.isfinite(values)]
    low, high = np.percentile(valid, [_TAIL, 100 - _TAIL]) if valid.size else (0.0, 1.0)
    ramp = colormaps[ramp_of(panel.name)].with_extremes(bad=_MISSING)
    edges = (bounds.left, bounds.right, bounds.bottom, bounds.top)
    image = axis.imshow(
        np.ma.masked_invalid(values), extent=edges, cmap=ramp, vmin=low, vmax=high, interpolation="nearest"
    )
    axis.set_autoscale_on(False)
    axis.set_xticks([])
    axis.set_yticks([])
    for spine in axis.spines.values():
        spine.set_linewidth(0.4)
    axis.set_title(f"{panel.name}" + (f"  ({panel.unit})" if panel.unit else ""), fontsize=7.5, pad=3)
    # Every panel has a bar, so that the maps stand in line.
    bar = figure.colorbar(
        image,
        ax=axis,
        orientation="horizontal",
        fraction=0.06,
        pad=0.03,
        aspect=28,
        extend=_extend(valid, low, high),
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
    for beginnings, ramp in _RAMPS:
        if name.startswith(beginnings):
            return ramp
    return "viridis"


def _extend(valid: np.ndarray, low: float, high: float) -> str:
    if not valid.size:
        return "neither"
    below, beyond = bool(valid.min() < low), bool(valid.max() > high)
    return {(True, True): "both", (True, False): "min", (False, True): "max"}.get((below, beyond), "neither")
