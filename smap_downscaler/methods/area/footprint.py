"""SMAP's footprint, chosen by the likelihood of some dates (AREAMODEL, footprint)."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from ...base.progress import SILENT, Pieces, Progress
from ...base.words import text
from .ground import Ground
from .likelihood import Fit, Prior, Sight, estimate
from .moments import Moments
from .subcells import Sights, blocks_of, spread_evenly

#: Full widths at half maximum to choose from, km.
FOOTPRINTS = (0.0, 20.0, 27.0, 33.0, 40.0)
#: Dates that are needed, and cells of each.
LEAST_DATES, _LEAST_CELLS, _MOST_CELLS = 6, 60, 400
#: SMAP's noise where one date tells it, m3 m-3, and how surely it is known: one SD, as a factor.
NOISE, UNSURE = 0.02, 1.2
#: By how much twice the likelihood of a wider footprint must be better.
_TOLD_APART = 20.0
#: Shapes of the field that are thought of: a smooth one looks like a footprint.
_HURSTS = (0.0, 0.3)


@dataclass(frozen=True)
class Footprint:
    """What was chosen.

    Attributes
    ----------
    km : float
    values : dict of float to float
        Twice the minimised likelihood by width; empty where there was no choice.
    note : str
        What the user should know, or empty.
    """

    km: float
    values: dict[float, float]
    note: str = ""


def choose_footprint(
    moments: Moments, cells: np.ndarray, cube: np.ndarray, progress: Progress = SILENT
) -> Footprint:
    """The width that the dates make most likely, each with coefficients of its own.

    Parameters
    ----------
    moments : Moments
    cells : int, shape (n, 2)
        In the window of the sub-cells.
    cube : float64, shape (dates, n)
        Soil moisture; NaN where missing.
    """
    where = tuple(cells.T)
    usable = {km: Sights(moments.subcells, moments.share, km).usable[where] for km in FOOTPRINTS}
    least = max(_LEAST_CELLS, 0.4 * usable[0.0].sum())
    widths = [km for km in FOOTPRINTS if usable[km].sum() >= least]
    common = np.all([usable[km] for km in widths], axis=0) if widths else np.zeros(len(cells), bool)
    enough = np.flatnonzero((np.isfinite(cube) & common).sum(axis=1) >= _LEAST_CELLS)
    if len(enough) < LEAST_DATES:
        return Footprint(
            0.0,
            {},
            f"SMAP's footprint is taken as none: {len(enough)} dates have {_LEAST_CELLS} cells or more, and "
            f"{LEAST_DATES} are needed to choose it; give FOOTPRINT if you know it",
        )
    if len(widths) < 2:
        return Footprint(
            0.0,
            {},
            "SMAP's footprint is taken as none: the fine stack reaches too little beyond the cells to choose "
            "it; use a stack that reaches 40 km beyond them, or give FOOTPRINT",
        )
    order = enough[np.argsort(np.nanmean(cube[enough], axis=1), kind="stable")]
    dates = [int(order[place]) for place in spread_evenly(len(order), LEAST_DATES)]
    alike = _alike(cells, np.isfinite(cube) & common, dates)
    values = {}
    start: dict[float, Fit] = {}
    # Products tell little of the footprint and take much time.
    p = len(moments.terms.scales.mean)
    kept = moments.terms.groups < p
    simple = replace(moments, design=np.ascontiguousarray(moments.design[:, :, kept]))
    groups = moments.terms.groups[kept]
    groups = np.unique(groups, return_inverse=True)[1].reshape(-1)
    fits = Pieces(progress, len(widths) * len(_HURSTS), "fits for the footprint")
    for km in widths:
        ground = Ground(simple, None, km)
        static = ground.static
        found = {}
        for hurst in _HURSTS:
            sights = [
                Sight(
                    cube[own][:, seen],
                    static[tuple(cells[seen].T)][None],
                    np.ones(len(own)),
                    tuple(ground.shapes(cells[seen], hurst)),
                    apart=True,
                )
                for seen, own in alike
            ]
            before = start.get(hurst)
            begin = before if before is not None and len(before.noise) == len(sights[0].shapes) else None
            prior = Prior(ground.noise_part, NOISE**2, UNSURE)
            fit = estimate([sights], groups, [prior], begin, fits)
            start[hurst], found[hurst] = fit, fit.value
        values[km] = 2.0 * min(found.values())
    # What is not told apart is taken as the narrower one, which costs least where it is wrong.
    least = min(values.values())
    best = next(km for km, value in values.items() if value <= least + _TOLD_APART)
    note = ""
    if best == FOOTPRINTS[-1]:
        note = text(
            "SMAP's footprint is {:g} km or wider: the widest that was tried fits best; give FOOTPRINT if "
            "you know it",
            best,
        )
    return Footprint(best, values, note)


def _alike(cells: np.ndarray, seen: np.ndarray, dates: list[int]) -> list[tuple[np.ndarray, list[int]]]:
    """Cells to look at, int, shape (n,), and the dates on which these were seen."""
    found: dict[bytes, tuple[np.ndarray, list[int]]] = {}
    for date in dates:
        own = np.flatnonzero(seen[date])
        own = own[blocks_of(cells[own], _MOST_CELLS)]
        found.setdefault(own.tobytes(), (own, []))[1].append(date)
    return list(found.values())
