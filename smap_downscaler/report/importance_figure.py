"""How much each covariate tells: one figure for forests and for their cross-validation."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from .figure import new_figure, png

_MOST_COVARIATES = 30


@dataclass(frozen=True, eq=False)
class ImportanceSeries:
    """The importance of all covariates under one kind of folds, or of one kind of forests.

    Parameters
    ----------
    name : str
        For the legend.
    values, low, high : arrays, shape (p,)
        Points, and both ends of their spread; NaN where there is none.
    colour, marker : str
    """

    name: str
    values: np.ndarray
    low: np.ndarray
    high: np.ndarray
    colour: str
    marker: str


def importance_figure(covariates: Sequence[str], series: Sequence[ImportanceSeries], label: str) -> bytes:
    """The importance of the covariates, in their order from the top, of 30 at most: a PNG.

    Parameters
    ----------
    covariates : sequence of str
        p names, most important first.
    series : sequence of ImportanceSeries
        A point a covariate each, beside each other.
    label : str
        What is drawn, with its unit.
    """
    shown = min(len(covariates), _MOST_COVARIATES)
    figure = new_figure(0.9 + 0.17 * shown * (0.8 + 0.4 * len(series)))
    axis = figure.subplots()
    for number, one in enumerate(series):
        values, low, high = (part[:shown] for part in (one.values, one.low, one.high))
        places = np.arange(shown) + 0.22 * (number - (len(series) - 1) / 2)
        axis.errorbar(
            values,
            places,
            xerr=np.nan_to_num([values - low, high - values]).clip(0),
            color=one.colour,
            marker=one.marker,
            markersize=5,
            linewidth=0,
            elinewidth=1.0,
            capsize=2,
            label=one.name,
        )
    axis.axvline(0, color="#444444", linewidth=0.8)
    axis.set_yticks(np.arange(shown), list(covariates[:shown]), fontsize=8)
    axis.set_ylim(shown - 0.5, -0.5)
    axis.tick_params(axis="x", labelsize=8)
    # A point is followed to its name.
    axis.grid(color="#E5E5E5", linewidth=0.6)
    axis.set_axisbelow(True)
    axis.set_xlabel(label, fontsize=8.5)
    if len(series) > 1:
        axis.legend(
            fontsize=7.5, columnspacing=1.5, frameon=False, loc="lower left", bbox_to_anchor=(0, 1.0), ncol=3
        )
    return png(figure)
