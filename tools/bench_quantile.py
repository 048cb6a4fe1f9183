"""Time of a quantile correlation beside that of statsmodels' quantile regressions of the same blocks.

    python tools/bench_quantile.py [DAYS [SCALES [RESAMPLES]]]

Two made-up series (400 days, scales of 1 to 20 days, 9 quantiles) are correlated on one core, once without
and once with 100 resamples; then statsmodels fits the same lines.  None of them may have a smaller loss.
"""

from __future__ import annotations

import argparse
import sys
import time
import warnings
from dataclasses import dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import numpy as np

from smap_downscaler.steps.quantiles.numbers.coarse_grain import PairedSeries, coarse_grain
from smap_downscaler.steps.quantiles.numbers.correlation import combine
from smap_downscaler.steps.quantiles.numbers.regression import check_loss, fit_lines
from smap_downscaler.steps.quantiles.numbers.run import Cell, correlate
from smap_downscaler.steps.quantiles.numbers.settings import QuantileSettings, parse_quantiles, parse_scales

FIRST_DAY = 737_425


def made_up(days: int) -> PairedSeries:
    """A map and a field that share a slow wetness and have noise of their own."""
    generator = np.random.default_rng(1)
    wetness = generator.normal(size=days)
    for day in range(1, days):
        wetness[day] += 0.9 * wetness[day - 1]
    x = 0.25 + 0.03 * wetness + 0.02 * generator.normal(size=days)
    y = 0.20 + 0.02 * wetness + 0.02 * generator.normal(size=days)
    return PairedSeries(FIRST_DAY + np.arange(days), x, y)


@dataclass(frozen=True, eq=False)
class Line:
    """One regression, and the intercept and slope that statsmodels found."""

    x: np.ndarray
    y: np.ndarray
    tau: float
    found: np.ndarray


def by_statsmodels(series: PairedSeries, settings: QuantileSettings) -> list[Line]:
    """The lines of y on x and of x on y of each cell, in the order of the cells."""
    from statsmodels.regression.quantile_regression import QuantReg

    lines = []
    with warnings.catch_warnings():
        # It tells where it stops short of its own tolerance.
        warnings.simplefilter("ignore")
        for scale in settings.scales:
            blocks = coarse_grain(series, scale, settings.least_days(scale))
            for tau in settings.quantiles:
                for x, y in ((blocks.x, blocks.y), (blocks.y, blocks.x)):
                    fit = QuantReg(y, np.stack([np.ones_like(x), x], axis=1)).fit(q=tau)
                    lines.append(Line(x, y, tau, fit.params))
    return lines


def excess_loss(line: Line) -> float:
    """By how much the loss of statsmodels' line is above that of the exact one."""
    exact = fit_lines(line.x[None], line.y[None], np.array([line.tau]))
    least = check_loss(line.y - exact.intercept[0] - exact.slope[0] * line.x, line.tau)
    return float(check_loss(line.y - line.found[0] - line.found[1] * line.x, line.tau) - least)


def timed_cells(series: PairedSeries, settings: QuantileSettings) -> tuple[list[Cell], float]:
    """The cells, and the wall seconds they took."""
    begun = time.perf_counter()
    cells = correlate({"": series}, {"all": None}, settings)
    return cells, time.perf_counter() - begun


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    for name, number in (("days", 400), ("scales", 20), ("resamples", 100)):
        parser.add_argument(name, type=int, nargs="?", default=number)
    options = parser.parse_args()
    series = made_up(options.days)
    scales, quantiles = parse_scales(f"1-{options.scales}"), parse_quantiles("0.1-0.9")
    timed_cells(series, QuantileSettings((1,), (0.5,)))
    cells, ours = timed_cells(series, QuantileSettings(scales, quantiles))
    _, resampled = timed_cells(series, QuantileSettings(scales, quantiles, bootstrap=options.resamples))
    begun = time.perf_counter()
    lines = by_statsmodels(series, QuantileSettings(scales, quantiles))
    wall = time.perf_counter() - begun
    slopes = np.array([line.found[1] for line in lines])
    apart = np.abs(combine(slopes[::2], slopes[1::2]) - np.array([cell.rho for cell in cells]))
    excess = [excess_loss(line) for line in lines]
    if min(excess) < -1e-9:
        raise SystemExit("a line of statsmodels is better than the linear programme's")
    print(f"{options.days} days, {len(scales)} scales, {len(quantiles)} quantiles: {len(lines)} lines")
    print(f"  linear programmes      {ours:8.2f} s")
    print(f"  statsmodels            {wall:8.2f} s, ratio {ours / wall:.3f}")
    print(f"  with {options.resamples:5} resamples   {resampled:8.2f} s")
    print(f"  coefficients apart by {np.median(apart):.5f} in the middle, {apart.max():.5f} at most")
    print(f"  losses of statsmodels above the exact ones by {max(excess):.2e} at most")


if __name__ == "__main__":
    main()
