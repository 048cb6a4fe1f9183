"""Figures of an experiment: errors beside interpolation, and how much of the pattern is found."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ...base.words import text
from ...report.figure import COLOURS, MARKERS, light_grid, new_figure, png
from .numbers.scores import KNOWN_TRUTH, CaseScore, mean
from .numbers.verdict import BILINEAR, explained

#: Where the axis of errors ends: what lies farther is drawn at its end.
_FROM, _TO = 0.5, 1.5
#: Methods in the figure of shares, at most.
_MOST_LINES = 8


def ratio_figure(cases: Sequence[CaseScore]) -> bytes:
    """RMSE over that of bilinear interpolation, a mark a case, a line of methods, a panel a footprint: a PNG.

    Parameters
    ----------
    cases : sequence of CaseScore
        Of one number of dates.
    """
    methods = list(dict.fromkeys(one.method for one in cases))
    footprints = sorted({one.case.footprint_km for one in cases})
    figure = new_figure(0.24 * len(methods) + 1.0)
    axes = np.atleast_1d(figure.subplots(1, len(footprints), sharey=True, sharex=True))
    for axis, footprint in zip(axes, footprints):
        own = [one for one in cases if one.case.footprint_km == footprint]
        for row, method in enumerate(methods):
            ratios = [one.scores["ratio"] for one in own if one.method == method]
            if not ratios:
                continue
            shift = np.linspace(-0.2, 0.2, len(ratios)) if len(ratios) > 1 else [0.0]
            axis.plot(
                np.clip(ratios, _FROM, _TO),
                row + np.asarray(shift),
                linestyle="",
                marker="o",
                markersize=2.6,
                color=COLOURS[5],
                zorder=2,
            )
            axis.plot(
                np.clip(mean(ratios), _FROM, _TO),
                row,
                marker="D",
                markersize=5,
                color=COLOURS[1] if mean(ratios) > 1 else COLOURS[0],
                zorder=3,
            )
        axis.axvline(1, color="#444444", linewidth=0.9)
        if cases[0].case.test == KNOWN_TRUTH:
            axis.set_title(text("footprint {:g} km", footprint), fontsize=8.5)
        axis.set_xlim(_FROM - 0.02, _TO + 0.02)
        light_grid(axis, "x")
        axis.tick_params(labelsize=7.5)
    figure.supxlabel("RMSE over that of bilinear interpolation", fontsize=8)
    axes[0].set_yticks(range(len(methods)), methods)
    axes[0].set_ylim(len(methods) - 0.5, -0.5)
    return png(figure)


def pattern_figure(cases: Sequence[CaseScore]) -> bytes:
    """Share of the variance within cells that maps explain, by the share that covariates make: a PNG.

    Parameters
    ----------
    cases : sequence of CaseScore
        Of known truth and one number of dates.
    """
    methods = [name for name in dict.fromkeys(one.method for one in cases) if _has_pattern(cases, name)]
    footprints = sorted({one.case.footprint_km for one in cases})
    shares = sorted({one.case.share for one in cases})
    figure = new_figure(2.9)
    axes = np.atleast_1d(figure.subplots(1, len(footprints), sharey=True))
    for axis, footprint in zip(axes, footprints):
        axis.plot([0, 1], [0, 1], color="#888888", linewidth=0.8, linestyle=":")
        for number, method in enumerate(methods[-_MOST_LINES:]):
            found = [
                mean(
                    [
                        explained(one)
                        for one in cases
                        if (one.case.footprint_km, one.case.share, one.method) == (footprint, share, method)
                    ]
                )
                for share in shares
            ]
            axis.plot(
                shares,
                found,
                color="#444444" if method == BILINEAR else COLOURS[number % len(COLOURS)],
                linestyle="--" if method == BILINEAR else "-",
                marker=MARKERS[number % len(MARKERS)],
                markersize=4,
                linewidth=1.1,
                label=method,
            )
        axis.set_title(text("footprint {:g} km", footprint), fontsize=8.5)
        axis.set_xlim(0, min(1.0, max(shares) + 0.15))
        axis.set_ylim(0, max(shares) + 0.15)
        light_grid(axis)
        axis.tick_params(labelsize=7.5)
    axes[0].set_ylabel("share that maps explain", fontsize=8)
    figure.supxlabel("share of the variance within cells that covariates make", fontsize=8)
    axes[-1].legend(fontsize=7.5, frameon=False, loc="upper left", bbox_to_anchor=(1.0, 1.0))
    return png(figure)


def _has_pattern(cases: Sequence[CaseScore], method: str) -> bool:
    return any(np.isfinite(one.scores["r_within"]) for one in cases if one.method == method)
