"""The report of 'Terrain indices': the three wetness indices side by side, and what was done to the DEM."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np

from ...base.words import text
from ...geo.graticule import MapFrame
from ...preflight.report import add_warnings
from ...report.atlas import AtlasPanel, atlas_png, degrees, ramp_of, scale_and_north
from ...report.figure import PAGE_WIDTH, new_figure, png
from ...report.map_parts import NO_VALUE, panel_letter
from ...report.number_text import fixed
from ...report.page import Page
from .numbers.outcome import RasterSummary, TerrainReport

#: Share of the values beyond either end of the common colour bar, %.
_TAIL = 2
#: Below this height over width, maps stand one above the other.
_WIDE = 0.4
_MOST_HEIGHT = 8.6
TITLES = {
    "twi_mtfd": "triangular multiple flow",
    "twi_fd8": "FD8",
    "twi_mfdmd": "MFD-md",
}


def terrain_page(
    facts: Sequence[tuple[str, str]],
    warnings: Sequence[str],
    found: TerrainReport,
    rasters: Sequence[RasterSummary],
    manifest: Mapping[str, Mapping[str, object]],
    footer: str,
    frame: MapFrame | None = None,
) -> Page:
    """The page.

    Parameters
    ----------
    facts : sequence of (name, value)
    warnings : sequence of str
    found : TerrainReport
    rasters : sequence of RasterSummary
        All over the same area; those named as in `TITLES` are drawn on one colour scale.
    manifest : mapping
        See `Page.manifest`.
    footer : str
        The last line.
    frame : MapFrame or None
        The frame of that area, for degrees, scale bar and north; None leaves them out.
    """
    page = Page("Terrain indices", "Wetness indices of a filled DEM by three ways of routing water")
    page.facts(facts)
    add_warnings(page, warnings)
    indices = [one for one in rasters if one.key in TITLES]
    page.heading("The wetness indices side by side").picture(
        wetness_png(indices, frame),
        "Maps of the topographic wetness indices on one colour scale",
        "TWI = ln(a / tan beta), ln m, on one scale from the 2nd to the 98th percentile of all; reduced "
        "pictures are means of cells. Dark: wet hollows and valley floors; hatched: no value. Water from "
        "beyond the DEM's edges is not known, so valleys that enter it are too dry there.",
    )
    page.paragraph(
        "FD8 spreads water over all lower neighbours, MFD-md gathers it where slopes are steep, and the "
        "triangular way follows the steepest facets. On SMAP's cells they are almost the same number: take "
        "one of them as a covariate."
    )
    page.heading("Statistics").table(
        ("raster", "unit", "cells", "min", "mean", "max", "SD", "water kept inside"),
        [_row(one, found.kept_shares) for one in rasters],
        "Of all valid cells at the DEM's own resolution. Water kept inside: share of the water that ends in "
        "inner cells without outflow; above 1 %, a larger MINIMUM_SLOPE lets it run on.",
    )
    others = [_panel(one) for one in rasters if one.key not in TITLES]
    if others:
        page.heading("What they rest on").picture(
            atlas_png(others, indices[0].bounds, frame),
            "Maps of the other rasters of the run, each with its colour bar",
            "Colours from the 2nd to the 98th percentile of each; hatched: no value.",
        )
    return page.manifest(manifest).footer(footer)


def _row(one: RasterSummary, kept_shares: Mapping[str, float]) -> tuple[str, ...]:
    share = kept_shares.get(one.key.partition("_")[2])
    numbers = (one.low, one.mean, one.high, one.sd)
    return (
        one.key,
        one.unit,
        text("{:,}", one.cells),
        *(fixed(number, ".5g") for number in numbers),
        "" if share is None else text("{:.2%}", share),
    )


def _panel(one: RasterSummary) -> AtlasPanel:
    if one.key.startswith("sca_"):
        # A few valley cells have thousands of times the area of the others.
        with np.errstate(divide="ignore", invalid="ignore"):
            return AtlasPanel(one.key, "log10 of m", np.log10(one.picture))
    return AtlasPanel("elevation, filled" if one.key == "filled" else one.key, one.unit, one.picture)


def wetness_png(indices: Sequence[RasterSummary], frame: MapFrame | None = None) -> bytes:
    """The indices as maps on one colour scale; returns a PNG.

    Raises
    ------
    ValueError
        Without an index.
    """
    from matplotlib import colormaps

    if not indices:
        raise ValueError("there is no wetness index to draw")
    bounds = indices[0].bounds
    aspect = (bounds.top - bounds.bottom) / (bounds.right - bounds.left)
    columns = 1 if aspect < _WIDE else len(indices)
    rows = math.ceil(len(indices) / columns)
    width = min(PAGE_WIDTH / columns, (_MOST_HEIGHT - 0.6) / rows / aspect)
    height = rows * (width * aspect + 0.3) + 0.6
    figure = new_figure(min(height, _MOST_HEIGHT))
    axes = figure.subplots(rows, columns, squeeze=False).ravel()
    values = np.concatenate([one.picture[np.isfinite(one.picture)] for one in indices])
    low, high = np.percentile(values, [_TAIL, 100 - _TAIL]) if values.size else (0.0, 1.0)
    ramp = colormaps[ramp_of("twi")]
    edges = (bounds.left, bounds.right, bounds.bottom, bounds.top)
    for number, (axis, one) in enumerate(zip(axes, indices)):
        image = axis.imshow(
            np.ma.masked_invalid(one.picture),
            extent=edges,
            cmap=ramp,
            vmin=low,
            vmax=high,
            interpolation="nearest",
        )
        axis.patch.set(**NO_VALUE)
        axis.set_autoscale_on(False)
        axis.set_xticks([])
        axis.set_yticks([])
        axis.set_title(f"({panel_letter(number)}) {one.key}, {TITLES[one.key]}", fontsize=8, pad=3)
        if frame is not None:
            degrees(axis, frame, width, number % columns == 0, number + columns >= len(indices))
    if frame is not None:
        scale_and_north(axes[0], frame, width)
    bar = figure.colorbar(
        image, ax=list(axes), orientation="horizontal", fraction=0.05, aspect=45, extend="both", pad=0.03
    )
    bar.set_label("topographic wetness index, ln m", fontsize=8)
    bar.ax.tick_params(labelsize=7)
    return png(figure)
