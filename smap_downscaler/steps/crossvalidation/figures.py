"""Figures of a cross-validation's scores: by date, over the cells, and how much each covariate tells."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from ...report.figure import COLOURS, MARKERS, SMAP_BAND, SOIL_MOISTURE_UNIT, date_axis, new_figure, png
from ...report.interval_figures import ImportanceSeries
from ...report.number_text import fixed
from ...stats.distribution import Distribution
from .numbers.schemes import BLOCKS, LOCATIONS, LOCATIONS_AND_DATES, PERIODS, RANDOM, scheme_text
from .numbers.summary import RiseRow, UnitScores

_SCHEMES = (RANDOM, BLOCKS, PERIODS, LOCATIONS, LOCATIONS_AND_DATES)
SCHEME_COLOURS = dict(zip(_SCHEMES, (COLOURS[0], COLOURS[1], COLOURS[1], COLOURS[2], COLOURS[1])))
_MARKERS = dict(zip(_SCHEMES, (MARKERS[0], MARKERS[1], MARKERS[1], MARKERS[2], MARKERS[1])))
_LINES = dict(zip(_SCHEMES, ("-", "--", "--", ":", "--")))
_DATES_WITH_LINES = 120
#: Per cent of the cells whose R2 may lie below the figure: that of a cell that hardly varies has no bottom.
WORST_CELLS = 10


def scores_by_date(scores: Mapping[str, UnitScores], block_km: float) -> bytes:
    """RMSE and R2 by date, the schemes beside each other (the paper's Fig. 4): a PNG."""
    figure = new_figure(5.2)
    upper, lower = figure.subplots(2, 1, sharex=True)
    upper.axhspan(*SMAP_BAND, color="#DDDDDD", zorder=0, label="SMAP's own accuracy")
    for axis, name in ((upper, "rmse"), (lower, "r2")):
        for scheme, found in scores.items():
            _line(axis, found, name, scheme, block_km)
        _finish(axis)
    upper.set_ylabel(f"RMSE, {SOIL_MOISTURE_UNIT}", fontsize=9)
    upper.set_ylim(bottom=0)
    lower.set_ylabel("R$^2$ = 1 - SSE/SST", fontsize=9)
    lower.set_ylim(_lowest_r2(scores, 0), 1)
    lower.axhline(0, color="#444444", linewidth=0.8)
    date_axis(lower, [day for found in scores.values() for day in found.units if isinstance(day, dt.date)])
    return png(figure)


def _finish(axis: Any) -> None:
    axis.grid(axis="y", color="#E5E5E5", linewidth=0.6)
    axis.set_axisbelow(True)
    axis.tick_params(labelsize=8)
    axis.legend(
        fontsize=7.5, columnspacing=1.5, frameon=False, loc="lower left", bbox_to_anchor=(0, 1.0), ncol=2
    )


def _lowest_r2(scores: Mapping[str, UnitScores], share: float) -> float:
    """Where the axis of R2 begins: 0, or below all but the worst `share` per cent."""
    known = np.concatenate([found.mean["r2"] for found in scores.values()])
    known = known[np.isfinite(known)]
    return min(0.0, 1.1 * float(np.percentile(known, share))) if known.size else 0.0


def _line(axis: Any, found: UnitScores, name: str, scheme: str, block_km: float) -> None:
    mean, sd = found.mean[name], found.sd[name]
    middle = Distribution.of(mean).median
    # Of many dates only the cloud can be read, not each with its SD.
    few = len(found.units) <= _DATES_WITH_LINES
    axis.errorbar(
        found.units,
        mean,
        yerr=sd if few and np.isfinite(sd).any() else None,
        color=SCHEME_COLOURS[scheme],
        marker=_MARKERS[scheme],
        markersize=4.0 if few else 2.5,
        linewidth=0.9 if few else 0.0,
        alpha=1.0 if few else 0.7,
        elinewidth=0.8,
        capsize=2,
        label=f"{scheme_text(scheme, block_km)} (median {fixed(middle, '.3f') or 'not defined'})",
    )


def scores_over_cells(scores: Mapping[str, UnitScores], block_km: float) -> bytes:
    """RMSE and R2 of the cells, each scheme's in ascending order: a PNG."""
    figure = new_figure(5.0)
    upper, lower = figure.subplots(2, 1, sharex=True)
    upper.axhspan(*SMAP_BAND, color="#DDDDDD", zorder=0, label="SMAP's own accuracy")
    for axis, name in ((upper, "rmse"), (lower, "r2")):
        for scheme, found in scores.items():
            values = np.sort(found.mean[name][np.isfinite(found.mean[name])])
            share = 100 * (np.arange(values.size) + 0.5) / max(values.size, 1)
            middle = Distribution.of(values).median
            axis.plot(
                share,
                values,
                color=SCHEME_COLOURS[scheme],
                linestyle=_LINES[scheme],
                label=f"{scheme_text(scheme, block_km)} (median {fixed(middle, '.3f') or 'not defined'})",
            )
        _finish(axis)
    upper.set_ylabel(f"RMSE, {SOIL_MOISTURE_UNIT}", fontsize=9)
    upper.set_ylim(bottom=0)
    lower.set_ylabel("R$^2$ = 1 - SSE/SST", fontsize=9)
    lower.set_ylim(_lowest_r2(scores, WORST_CELLS), 1)
    lower.axhline(0, color="#444444", linewidth=0.8)
    lower.set_xlim(0, 100)
    lower.set_xlabel("share of the cells below, %", fontsize=9)
    return png(figure)


def importance_series(
    rows: Sequence[RiseRow], schemes: Sequence[str], block_km: float
) -> tuple[list[str], list[ImportanceSeries]]:
    """Covariates in the order of `rows`, and the rise of the RMSE by each under each scheme."""
    covariates = list(dict.fromkeys(row.covariate for row in rows))
    found = {(row.scheme, row.covariate): (row.spread.median, row.spread.q1, row.spread.q3) for row in rows}
    series = []
    for scheme in schemes:
        numbers = [found.get((scheme, name), (np.nan,) * 3) for name in covariates]
        middle, low, high = np.array(numbers).T
        name = scheme_text(scheme, block_km)
        series.append(ImportanceSeries(name, middle, low, high, SCHEME_COLOURS[scheme], _MARKERS[scheme]))
    return covariates, series
