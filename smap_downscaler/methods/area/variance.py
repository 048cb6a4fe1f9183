"""How sure a model is of pixels, before the data and after them (AREAMODEL, intervals)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ...base.progress import SILENT, Progress, heard_by
from .fitted import Fitted
from .lags import below_part
from .levels import Answer, Half
from .spread import directions_of, spread_of
from .still import flat

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix

#: Pixels whose terms are worked out at once.
_PIXELS_AT_ONCE = 4096


class Variances:
    """The variance of what is true about a model's means.

    Terms are taken in single precision: a variance needs no more, and it takes half the time.

    Parameters
    ----------
    fitted : Fitted
    """

    def __init__(self, fitted: Fitted):
        self._fitted = fitted

    def after(
        self,
        window: int,
        day: int,
        z: np.ndarray,
        dated: np.ndarray,
        between: csr_matrix,
        progress: Progress = SILENT,
    ) -> np.ndarray:
        """Variance at a window's pixels when SMAP is known, float64, shape (n,).

        Parameters
        ----------
        window : int
            Its number.
        day : int
            Ordinal.
        z : float64, shape (n, p)
            Standard static covariates.
        dated : float, shape (n, q)
            Dated ones.
        between : csr_matrix, shape (n, sub-cells)
            Weights of the sub-cells; see `Still`.
        """
        total = np.empty(len(z))
        for begin in range(0, len(z), _PIXELS_AT_ONCE):
            some = slice(begin, begin + _PIXELS_AT_ONCE)
            total[some] = self._after(window, day, z[some], dated[some], between[some], progress)
        return total

    def _after(
        self,
        window: int,
        day: int,
        z: np.ndarray,
        dated: np.ndarray,
        between: csr_matrix,
        progress: Progress,
    ) -> np.ndarray:
        fitted, core, total = self._fitted, self._fitted.core, np.zeros(len(z))
        basis = core.moments.terms.basis(z, np.float32)
        for level, own in enumerate(core.levels):
            half = fitted.half(level)
            one, v = half.answers[window], float(half.fit.noise[0])
            total += v * below_part(core.subcells.part_km, core.moments.pixel_km, own.hurst)
            directions, mixed, rest = self._directions(level, window, one)
            factor = fitted.wetness(day) if level else 1.0
            seen = factor * (mixed.T @ basis).T
            if core.dated is not None and len(directions):
                static = len(fitted.static_columns(level))
                seen = seen + self._dated(level, dated, z, between) @ directions[static:]
            if fitted.seen_at(level, one, day) is None:
                total += v * fitted.ground.tables(own.hurst).part + core.gap_sd**2
            else:
                both = between @ flat(self._spread(level, window, day, half, directions, progress))
                total += both[:, 0]
                seen -= both[:, 1:]
            # What is kept back of the pattern is off where it is true.
            rest += factor**2 * fitted.kept_back(level, window)
            total += np.square(seen).sum(axis=1) + rest
        return total

    def before(
        self,
        window: int,
        day: int,
        z: np.ndarray,
        dated: np.ndarray,
        between: csr_matrix,
    ) -> np.ndarray:
        """The same before the data, of field and coefficients alone, float64, shape (n,)."""
        fitted, core, total = self._fitted, self._fitted.core, np.zeros(len(z))
        terms = core.moments.terms
        static = np.asarray((terms.mixing.T @ terms.basis(z)).T)
        for level, own in enumerate(core.levels):
            half = fitted.half(level)
            below = below_part(core.subcells.part_km, core.moments.pixel_km, own.hurst)
            total += float(half.fit.noise[0]) * (below + fitted.ground.tables(own.hurst).part)
            if fitted.seen_at(level, half.answers[window], day) is None:
                total += core.gap_sd**2
            if len(half.groups):
                factor = fitted.wetness(day) if level else 1.0
                design = factor * static[:, fitted.static_columns(level)]
                if core.dated is not None:
                    more = self._dated(level, dated, z, between)
                    design = np.concatenate([design, more], axis=1)
                total += np.square(design) @ half.fit.groups[half.groups]
        return total

    def _dated(self, level: int, dated: np.ndarray, z: np.ndarray, between: csr_matrix) -> np.ndarray:
        """The dated terms of a level at pixels: float64, shape (n, columns)."""
        core = self._fitted.core
        if core.dated is None:
            return np.zeros((len(z), 0))
        if not core.two_levels:
            return core.dated.of(dated, z, None)
        reference = between @ flat(core.dated.reference)
        return core.dated.of(dated, z, reference) if level else reference[:, : core.dated.terms.width()]

    def _directions(self, level: int, window: int, one: Answer) -> tuple[np.ndarray, np.ndarray, float]:
        """See `directions_of`; the directions by the terms' basis too: float32, shape (size of it, r)."""
        fitted = self._fitted

        def made() -> tuple[np.ndarray, np.ndarray, float]:
            mixing = fitted.core.moments.terms.mixing
            if not one.b.size:
                return np.zeros((0, 0)), np.zeros((len(mixing), 0), np.float32), 0.0
            static = fitted.static_columns(level)
            directions, rest = directions_of(one.s, self._scatter(static, len(one.b)))
            mixed = (mixing[:, static] @ directions[: len(static)]).astype(np.float32)
            return directions, mixed, rest

        return fitted.kept(("directions", level, window, one.b.size), made)

    def _scatter(self, static: np.ndarray, columns: int) -> np.ndarray:
        """How the terms vary about the mean of their cell, which is what cells tell little of."""
        found = np.eye(columns)
        found[: len(static), : len(static)] = self._fitted.core.moments.scatter[np.ix_(static, static)]
        return found

    def _spread(
        self, level: int, window: int, day: int, half: Half, directions: np.ndarray, progress: Progress
    ) -> np.ndarray:
        """See `spread_of`."""
        fitted, core = self._fitted, self._fitted.core

        def made() -> np.ndarray:
            one = half.answers[window]
            place = fitted.seen_at(level, one, day) or 0
            index = one.index
            if level or not core.two_levels:
                index = index[np.isfinite(core.cube[place][index])]
            pattern = core.two_levels and not level
            noise = core.pattern_noise(fitted.ground, index) if pattern else None
            factor = fitted.wetness(day) if level else 1.0
            design = fitted.cell_design(level, index, place, factor)[:, : len(directions)]
            return spread_of(
                fitted.ground,
                core.cells[index],
                noise,
                design,
                directions,
                core.levels[level].hurst,
                half.fit.noise,
                progress,
            )

        with heard_by(progress):
            return fitted.kept(("spread", level, window, day if level else None, len(directions)), made)
