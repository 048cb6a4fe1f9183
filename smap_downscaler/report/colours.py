"""The colours of soil moisture, the same in figures and in QGIS styles."""

from __future__ import annotations

from typing import Any

#: Dry to wet, m3 m-3: brown to blue-green in even steps of lightness, readable with
#: colour-blindness (after ColorBrewer's BrBG).
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


def soil_moisture_colormap() -> Any:
    """The ramp as a matplotlib colormap over 0...0.5 m3 m-3."""
    from matplotlib.colors import LinearSegmentedColormap

    top = SOIL_MOISTURE_RAMP[-1][0]
    return LinearSegmentedColormap.from_list(
        "soil_moisture", [(value / top, colour) for value, colour in SOIL_MOISTURE_RAMP]
    )
