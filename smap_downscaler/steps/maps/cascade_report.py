"""The report of a cascade: how the numbers of one date's map change with the resolution."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ...report.figure import COLOURS, MARKERS, SOIL_MOISTURE_UNIT, legend_above, light_grid, new_figure, png
from ...report.page import Page, Table

#: Number, label and style of each line.
_LINES = (("maximum", "maximum", ":"), ("mean", "mean, bar: one SD", "-"), ("minimum", "minimum", ":"))


def add_resolutions(
    page: Page, resolutions: Sequence[float], numbers: Mapping[str, Sequence[float]], table: Table
) -> None:
    """The section of a map's soil moisture by resolution.

    Parameters
    ----------
    page : Page
    resolutions : sequence of float
        Metres, from coarse to fine.
    numbers : mapping
        `minimum`, `mean`, `maximum` and `sd`, one value per resolution.
    table : Table
        One row per resolution.
    """
    page.heading("From coarse to fine (the paper's Fig. 5)")
    page.picture(
        figure_by_resolution(resolutions, numbers),
        "Lowest, mean and highest soil moisture of the map, and its standard deviation, by resolution",
        "The same forest on the same covariates, averaged to ever smaller cells. What grows from left to "
        "right is contrast that comes from the covariates alone.",
    )
    page.table(table.headers, table.rows)
    page.paragraph(
        "A forest is not linear: the mean of the fine map is not that of the coarse one, and the difference "
        "is a first measure of how much the step in scale changes the numbers. More detail is not more "
        "truth: only field data can show that."
    )


def figure_by_resolution(resolutions: Sequence[float], numbers: Mapping[str, Sequence[float]]) -> bytes:
    """Range, mean and SD over the resolutions, coarse on the left; returns a PNG."""
    figure = new_figure(2.8)
    axis = figure.subplots()
    positions = range(len(resolutions))
    for (name, label, style), colour, marker in zip(_LINES, COLOURS, MARKERS):
        spread = numbers["sd"] if name == "mean" else None
        axis.errorbar(
            positions,
            numbers[name],
            yerr=spread,
            color=colour,
            linestyle=style,
            marker=marker,
            markersize=4,
            linewidth=1.1,
            capsize=3,
            label=label,
        )
    axis.set_xticks(list(positions))
    axis.set_xticklabels([f"{side:g}" for side in resolutions])
    axis.set_xlabel("side of a cell, m", fontsize=8)
    axis.set_ylabel(f"soil moisture, {SOIL_MOISTURE_UNIT}", fontsize=8)
    axis.set_ylim(bottom=0)
    axis.tick_params(labelsize=7)
    light_grid(axis, "y")
    legend_above(axis, 3)
    return png(figure)
