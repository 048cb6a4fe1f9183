"""How sure a model is of pixels, before the data and after them (AREAMODEL, intervals)."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from ...base.kept import Kept
from ...base.progress import SILENT, Progress, heard_by
from .fitted import Fitted
from .lags import below_part
from .levels import UNSURE, Answer, Half
from .spread import Piece, Spread, directions_of
from .still import Still, flat
from .sure import Squares, Sure, squares_of, variance_of

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix

#: Pixels of a piece, and how many of them have their terms worked out at once.
_PIXELS_A_PIECE, _PIXELS_AT_ONCE = 1 << 17, 4096
#: Share of the cells that a date must see so that taking the others away is less work than to begin anew.
_MOST_SEEN = 2 / 3
#: Bytes that what all cells tell of sub-cells may take, while dates are worked out from it, if nobody says.
_MOST_SPREAD = 256 * 2**20


class Followed(NamedTuple):
    """The directions along which the coefficients of a level are followed.

    Attributes
    ----------
    directions : float64, shape (columns, r)
    mixed : float32, shape (size of the basis that it needs, r)
        Those of the static columns by the terms' basis.
    dated : float64, shape (dated columns, r)
    rest : float
        See `directions_of`.
    """

    directions: np.ndarray
    mixed: np.ndarray
    dated: np.ndarray
    rest: float


class Variances:
    """The variance of what is true about a model's means.

    Terms are taken in single precision: a variance needs no more, and it takes half the time.

    Parameters
    ----------
    fitted : Fitted

    Attributes
    ----------
    pieces : Kept
        What all cells tell of sub-cells; others may use its room too.
    """

    def __init__(self, fitted: Fitted):
        self._fitted = fitted
        self.pieces: Kept[Piece] = Kept(_MOST_SPREAD)

    @property
    def _of_day(self) -> int | None:
        """The level whose variance hangs on the day; None where none does."""
        if self._fitted.core.two_levels:
            return 1
        return None if self._fitted.core.dated is None else 0

    def of(self, still: Still, x: np.ndarray, progress: Progress = SILENT) -> Iterator[Sure]:
        """What the variances of pixels share on all days, a piece of them at a time.

        Parameters
        ----------
        still : Still
        x : float, shape (n, p)
            Their covariates, of which the static ones count.
        """
        places, weights = (one.reshape(-1, 4) for one in (still.between.indices, still.between.data))
        for begin in range(0, len(places), _PIXELS_A_PIECE):
            numbers = np.arange(begin, min(begin + _PIXELS_A_PIECE, len(places)))
            for own in still.windows:
                some = numbers if own.weight is None else numbers[own.weight[numbers] > 0]
                if not len(some):
                    continue
                squares, corners = squares_of(places[some], weights[some], some)
                weight = None if own.weight is None else own.weight[squares.pixels].astype(np.float32)
                mean = None if still.mean_dated is None else still.mean_dated[squares.pixels]
                with heard_by(progress):
                    yield self._sure(own.number, squares, corners, weight, x[squares.pixels], mean, progress)

    def _sure(
        self,
        window: int,
        squares: Squares,
        corners: np.ndarray,
        weight: np.ndarray | None,
        x: np.ndarray,
        mean_dated: np.ndarray | None,
        progress: Progress,
    ) -> Sure:
        """Of pixels in the order of their squares."""
        fitted, core, n = self._fitted, self._fitted.core, len(x)
        levels = range(len(core.levels))
        follow = [self._followed(level, window) for level in levels]
        seen = [np.empty((n, one.mixed.shape[1] + 4), np.float32) for one in follow]
        for own in seen:
            own[:, -4:] = corners
        z = np.empty((n, len(core.moments.terms.scales.mean)), np.float32)
        products = any(len(one.mixed) == len(core.moments.terms.mixing) for one in follow)
        for begin in range(0, n, _PIXELS_AT_ONCE):
            progress.check()
            some = slice(begin, begin + _PIXELS_AT_ONCE)
            z[some] = fitted.standard(x[some])
            basis = core.moments.terms.basis(z[some], np.float32, products)
            for own, one in zip(seen, follow):
                own[some, :-4] = (one.mixed.T @ basis[: len(one.mixed)]).T
        known = np.zeros(n, np.float32)
        changes, lengths = np.zeros((n, 4), np.float32), np.zeros(n, np.float32)
        for level, own in zip(levels, seen):
            known += np.float32(self._below(level, window) + follow[level].rest)
            lengths = np.einsum("ij,ij->i", own[:, :-4], own[:, :-4])
            if level == self._of_day:
                changes = own
            else:
                known += np.float32(fitted.kept_back(level, window))
                known += variance_of(squares, own, lengths, 1.0, self._image(level, window, 0, progress))
        if core.dated is None or self._of_day is None:
            return Sure(window, squares, weight, known, changes, lengths, None, None)
        return Sure(window, squares, weight, known, changes, lengths, z, mean_dated)

    def after(self, sure: Sure, day: int, dated: np.ndarray, progress: Progress = SILENT) -> np.ndarray:
        """Variance of pixels when SMAP is known, as far as a window counts: float32, shape (n,).

        Parameters
        ----------
        sure : Sure
        day : int
            Ordinal.
        dated : float, shape (n, q)
            Dated covariates, in the order of `sure`.
        """
        level, fitted, total = self._of_day, self._fitted, sure.known
        if level is not None:
            seen, lengths = sure.seen, sure.lengths
            factor = fitted.wetness(day) if level else 1.0
            # What is kept back of the pattern is off where it is true.
            kept_back = factor**2 * fitted.kept_back(level, sure.window)
            if sure.z is not None:
                seen, factor = self._with_dated(level, sure, factor, dated), 1.0
                lengths = np.einsum("ij,ij->i", seen[:, :-4], seen[:, :-4])
            with heard_by(progress):
                image = self._image(level, sure.window, day, progress)
            total = total + variance_of(sure.squares, seen, lengths, factor, image)
            total += np.float32(kept_back)
        return total if sure.weight is None else sure.weight * total

    def _with_dated(self, level: int, sure: Sure, factor: float, dated: np.ndarray) -> np.ndarray:
        """The terms of a day along the directions, without what its reference takes off; see `Sure.seen`."""
        core, found = self._fitted.core, sure.seen.copy()
        one = self._followed(level, sure.window)
        if core.dated is None or sure.z is None or not len(one.dated):
            return found
        own, width = found[:, :-4], core.dated.terms.width()
        own *= np.float32(factor)
        standard = core.dated.terms.scales.z(np.asarray(dated, np.float64))
        mixed = (core.dated.terms.mixing @ one.dated[:width]).astype(np.float32)
        own += (mixed.T @ core.dated.terms.basis(standard, np.float32)).T
        if core.dated.with_products:
            standard = standard.astype(np.float32)
            if sure.mean_dated is not None:
                standard -= sure.mean_dated
            p = sure.z.shape[1]
            for number in range(standard.shape[1]):
                part = one.dated[width + number * p : width + (number + 1) * p].astype(np.float32)
                own += (standard[:, number, None] * sure.z) @ part
        return found

    def _image(self, level: int, window: int, day: int, progress: Progress) -> np.ndarray:
        """t and B of sub-cells on a day: float32, shape (sub-cells, 1 + r); see `Sure`."""
        fitted, core = self._fitted, self._fitted.core

        def made() -> np.ndarray:
            half = fitted.half(level)
            one, follow = half.answers[window], self._followed(level, window)
            shape, width = core.subcells.fine_shape, follow.mixed.shape[1]
            if fitted.seen_at(level, one, day) is None:
                found = np.zeros((*shape, 1 + width), np.float32)
                prior = float(half.fit.noise[0]) * fitted.ground.tables(core.levels[level].hurst).part
                found[:, :, 0] = prior + core.gap_sd**2
            else:
                found = self._seen(level, window, day, half, one, follow.directions)
            if core.dated is not None and core.two_levels and len(follow.dated):
                # Terms of a day are beside their mean over the dates, and these are those of the pattern.
                curves = core.dated.terms.width()
                found[:, :, 1:] += (1 if level else -1) * (
                    core.dated.reference[:, :, :curves] @ follow.dated[:curves]
                )
            return flat(found)

        key = "sure", level, window, day if level == self._of_day else None
        return fitted.kept(key, made)

    def _seen(
        self, level: int, window: int, day: int, half: Half, one: Answer, directions: np.ndarray
    ) -> np.ndarray:
        """t and M V of sub-cells where SMAP saw cells of the window: see `Spread.of`."""
        fitted, core = self._fitted, self._fitted.core
        place = fitted.seen_at(level, one, day) or 0
        pattern = core.two_levels and not level
        seen = np.ones(len(one.index), bool) if pattern else np.isfinite(core.cube[place][one.index])
        factor = fitted.wetness(day) if level else 1.0
        design = fitted.cell_design(level, one.index[seen], place, factor)[:, : len(directions)]
        noise = core.pattern_noise(fitted.ground, one.index) if pattern else None

        def spread(cells: np.ndarray) -> Spread:
            hurst, box = core.levels[level].hurst, core.windows[window].parts_of(core.subcells)
            return Spread(fitted.ground, cells, noise, hurst, half.fit.noise, box)

        cells, followed = core.cells[one.index], design @ directions
        if not (core.two_levels and level) or seen.mean() < _MOST_SEEN:
            return spread(cells[seen]).of_all(followed)
        whole = fitted.kept(("spread", window), partial(spread, cells))

        def piece_of(begin: int) -> Piece:
            return self.pieces.of(("spread", window, begin), partial(whole.piece, begin))

        return whole.of(seen, followed, piece_of)

    def before(
        self, window: int, day: int, z: np.ndarray, dated: np.ndarray, between: csr_matrix
    ) -> np.ndarray:
        """The same before the data, of field and coefficients alone: float64, shape (n,).

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
        fitted, core, total = self._fitted, self._fitted.core, np.zeros(len(z))
        terms = core.moments.terms
        static = np.asarray((terms.mixing.T @ terms.basis(z)).T)
        for level, own in enumerate(core.levels):
            half = fitted.half(level)
            total += self._below(level, window)
            total += float(half.fit.noise[0]) * fitted.ground.tables(own.hurst).part
            if fitted.seen_at(level, half.answers[window], day) is None:
                total += core.gap_sd**2
            if len(half.groups):
                factor = fitted.wetness(day) if level else 1.0
                design = factor * static[:, fitted.static_columns(level)]
                if core.dated is not None:
                    more = self._dated(level, dated, z, between)
                    design = np.concatenate([design, more], axis=1)
                total += np.square(design) @ (UNSURE * half.fit.groups[half.groups])
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

    def _below(self, level: int, window: int) -> float:
        """Variance of the field within a sub-cell."""
        core, own = self._fitted.core, self._fitted.core.levels[level]
        variance = float(self._fitted.half(level).fit.noise[0])
        return variance * below_part(core.subcells.part_km, core.moments.pixel_km, own.hurst)

    def _followed(self, level: int, window: int) -> Followed:
        """The directions of a level's coefficients."""
        fitted, terms = self._fitted, self._fitted.core.moments.terms
        one = fitted.half(level).answers[window]

        def made() -> Followed:
            if not one.b.size:
                return Followed(np.zeros((0, 0)), np.zeros((0, 0), np.float32), np.zeros((0, 0)), 0.0)
            static = fitted.static_columns(level)
            directions, rest = directions_of(one.covariance, self._scatter(static, len(one.b)))
            mixed = terms.mixing[:, static] @ directions[: len(static)]
            # Departures have no products.
            needed = len(mixed) if len(static) == terms.width() else len(mixed) - len(terms.pairs)
            return Followed(directions, mixed[:needed].astype(np.float32), directions[len(static) :], rest)

        return fitted.kept(("directions", level, window), made)

    def _scatter(self, static: np.ndarray, columns: int) -> np.ndarray:
        """How the terms vary about the mean of their cell, which is what cells tell little of."""
        found = np.eye(columns)
        found[: len(static), : len(static)] = self._fitted.core.moments.scatter[np.ix_(static, static)]
        return found
