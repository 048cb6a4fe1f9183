"""What maps have beside their colours: scale bar, north arrow, degrees along the frame, lines and points."""

from __future__ import annotations

import math
import string
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..base.words import text
from ..geo.graticule import MapFrame
from ..geo.grid import Bounds

#: The ground under the colours: what has no value is hatched, so that it does not depend on colour alone.
NO_VALUE = {"facecolor": "white", "edgecolor": "#8c8c8c", "hatch": "//////", "linewidth": 0.0}
#: Share of an edge at either end that has no labels.
_CORNER = 0.07
#: The sign of the legend for what has no value; the others are the kinds of overlays.
NO_VALUE_SIGN = "no value"
#: How lines and points are drawn, by their kind.
_LOOKS: dict[str, dict[str, Any]] = {
    "line": {"color": "black", "linewidth": 0.9},
    "thin": {"color": "#333333", "linewidth": 0.35},
    "border": {"color": "#555555", "linewidth": 0.5},
    "inner": {"color": "#9a9a9a", "linewidth": 0.3},
    "places": {"linestyle": "none"},
    "area": {"color": "#D55E00", "linewidth": 1.4},
    "points": {
        "color": "white",
        "marker": "^",
        "linestyle": "none",
        "markersize": 5,
        "markeredgecolor": "black",
        "markeredgewidth": 0.8,
    },
}


@dataclass(frozen=True)
class Overlay:
    """Lines or points over the maps, in the CRS of the frame.

    Parameters
    ----------
    label : str
        In the legend; empty for none.
    parts : sequence of float array, shape (n, 2)
        x and y: a line each, or points.
    kind : str
        `line`, `thin`, `border` and `inner` (lines in the background), `area` (filled), `points`, or
        `places` (of which only the names are seen).
    names : sequence of str
        Of the points, in their order; empty for none.
    """

    label: str
    parts: Sequence[np.ndarray]
    kind: str = "line"
    names: Sequence[str] = ()


def panel_letter(number: int) -> str:
    """a ... z, aa, ab ... for the panels 0, 1, 2 ..."""
    letters = ""
    number += 1
    while number:
        number, rest = divmod(number - 1, len(string.ascii_lowercase))
        letters = string.ascii_lowercase[rest] + letters
    return letters


def halo(width: float) -> list[Any]:
    """A white rim around lines and letters."""
    from matplotlib.patheffects import withStroke

    return [withStroke(linewidth=width, foreground="white")]


def round_length(metres: float) -> float:
    """The greatest 1, 2 or 5 times a power of ten that is at most `metres`."""
    length = 10.0 ** math.floor(math.log10(metres))
    return length * max(step for step in (1, 2, 5) if step * length <= metres)


def scale_bar(axis: Any, bounds: Bounds, metres_a_unit: float, metres: float = 0.0) -> None:
    """A bar of so many metres at the lower left; for 0 a round length, at most a third of the width."""
    width, height = bounds.right - bounds.left, bounds.top - bounds.bottom
    metres = metres or round_length(width * metres_a_unit / 3)
    length = metres / metres_a_unit
    x, y = bounds.left + 0.05 * width, bounds.bottom + 0.06 * height
    axis.plot(
        [x, x + length], [y, y], color="black", linewidth=1.5, solid_capstyle="butt", path_effects=halo(2.5)
    )
    axis.text(
        x + length / 2,
        y + 0.02 * height,
        text("{:g} km", metres / 1000) if metres >= 1000 else text("{:g} m", metres),
        fontsize=6.5,
        ha="center",
        va="bottom",
        path_effects=halo(2.5),
    )


def bar_length(frame: MapFrame, width: float, map_width: float) -> float:
    """Metres that a scale bar shows in a box of that width beside a map; widths in inches."""
    ground = (frame.bounds.right - frame.bounds.left) * frame.metres_a_unit
    return round_length(0.8 * ground * width / map_width)


def scale_bar_beside(axis: Any, frame: MapFrame, size: tuple[float, float], map_width: float) -> None:
    """A scale bar on an axis of its own, of that size, beside a map of that width; inches."""
    units = (frame.bounds.right - frame.bounds.left) * size[0] / map_width
    box = Bounds(0.0, 0.0, units, units * size[1] / size[0])
    axis.set_axis_off()
    axis.set_xlim(box.left, box.right)
    axis.set_ylim(box.bottom, box.top)
    scale_bar(axis, box, frame.metres_a_unit, bar_length(frame, size[0], map_width))


def north_arrow(axis: Any, north: tuple[float, float]) -> None:
    """An arrow to true north, in the middle of an axis of its own."""
    axis.set_axis_off()
    x, y = north
    axis.annotate(
        "",
        xy=(0.5 + 0.35 * x, 0.45 + 0.35 * y),
        xytext=(0.5 - 0.35 * x, 0.45 - 0.35 * y),
        xycoords="axes fraction",
        arrowprops={"arrowstyle": "-|>", "facecolor": "black", "linewidth": 1.2, "path_effects": halo(3.0)},
    )
    axis.text(
        0.5 + 0.52 * x,
        0.45 + 0.52 * y,
        "N",
        ha="center",
        va="center",
        fontsize=8,
        transform=axis.transAxes,
        path_effects=halo(2.5),
    )


def frame_axis(
    axis: Any, frame: MapFrame, left: bool = True, below: bool = True, hatched: bool = True
) -> None:
    """Limits of a map, hatched where it has no value, and degrees along the edges that are asked for."""
    bounds = frame.bounds
    axis.set_autoscale_on(False)
    axis.set_xlim(bounds.left, bounds.right)
    axis.set_ylim(bounds.bottom, bounds.top)
    if hatched:
        axis.patch.set(**NO_VALUE)
    for spine in axis.spines.values():
        spine.set_linewidth(0.5)
    meridians = _labelled(frame.west_east, bounds.left, bounds.right, below)
    parallels = _labelled(frame.south_north, bounds.bottom, bounds.top, left)
    axis.set_xticks(*meridians)
    axis.set_yticks(*parallels, rotation=90, va="center")
    axis.tick_params(labelsize=6, length=2, width=0.4, pad=1.5)


def _labelled(
    lines: Sequence[tuple[float, str]], first: float, last: float, shown: bool
) -> tuple[list[float], list[str]]:
    """Ticks and their labels; those close to a corner would run into the next map's."""
    room = _CORNER * (last - first)
    return [at for at, _ in lines], [
        text if shown and first + room <= at <= last - room else "" for at, text in lines
    ]


def draw_overlays(axis: Any, overlays: Sequence[Overlay]) -> None:
    """Outlines and points over a map."""
    for overlay in overlays:
        look = dict(_LOOKS[overlay.kind])
        if overlay.kind == "line":
            look["path_effects"] = halo(2.0)
        for part in overlay.parts:
            if overlay.kind == "area":
                axis.fill(part[:, 0], part[:, 1], color=look["color"], alpha=0.3, linewidth=0)
            axis.plot(part[:, 0], part[:, 1], **look)


def legend_handles(signs: Mapping[str, str]) -> list[Any]:
    """What stands in the legend: by their labels the kinds of signs."""
    from matplotlib.colors import to_rgba
    from matplotlib.lines import Line2D
    from matplotlib.patches import Patch

    handles: list[Any] = []
    for label, kind in signs.items():
        if kind == NO_VALUE_SIGN:
            handles.append(Patch(label=label, **{**NO_VALUE, "linewidth": 0.5}))
        elif kind == "area":
            edge = _LOOKS[kind]["color"]
            handles.append(Patch(label=label, facecolor=to_rgba(edge, 0.3), edgecolor=edge, linewidth=1.2))
        else:
            handles.append(Line2D([], [], label=label, **_LOOKS[kind]))
    return handles
