"""Levels of the model: the cells' means over the dates, and each date's departures; or a date alone.

A level is seen in two ways, with its terms and without them (kriging alone), each with its own likelihood:
maps lie between the two (AREAMODEL, proof of detail).
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from ...base.progress import SILENT, Progress
from .ground import Ground
from .likelihood import Fit, Part, Prior, Sight, Solved, estimate, inverse_of, solve
from .subcells import blocks_of, spread_evenly

#: Cells, dates, and dates with cells of their own, that variances are estimated on.
_MOST_CELLS, _MOST_DATES, _MOST_MASKS = 400, 36, 12
#: Dates whose own terms are laid out at a time.
_DATES_AT_ONCE = 16
#: Share of the cells that a date must see so that taking the others away is less work than a new inverse.
_MOST_SEEN = 0.55
#: By how much the likelihood of a rougher field must be better.
_BETTER = 1.0
#: How much wider coefficients spread about their means than their own variances, taken as known, say: each of
#: those is estimated from a handful of columns. Measured in held-out blocks (tools/NUMBERS.md).
UNSURE = 3.0
#: By how much terms make cells likelier, in L, where half of what evidence can add to the share of the detail
#: that is shown is added, how fast that goes, and the share without evidence and with the best.
GAIN, GAIN_STEP, LEAST_SHOWN, MOST_SHOWN = 6.0, 2.0, 0.4, 0.8


@dataclass(frozen=True, eq=False)
class Designs:
    """The terms of a level as cells see them, for all dates.

    Attributes
    ----------
    static : float64, shape (n, columns)
    factors : float64, shape (dates,)
        What they are taken times on each date.
    dated : float32, shape (dates, n, their columns), or None
        Terms that hang on the date.
    """

    static: np.ndarray
    factors: np.ndarray
    dated: np.ndarray | None = None

    def of(self, numbers: tuple[int, ...], index: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Design and factors of some dates and cells; see `likelihood.Sight`."""
        static, factors = self.static[index], self.factors[list(numbers)]
        if self.dated is None:
            if len(numbers) > 1:
                return static[None], factors
            return (static * factors[0])[None], np.ones(1)
        scaled = factors[:, None, None] * static
        dated = self.dated[np.ix_(np.array(numbers), index)]
        return np.concatenate([scaled, dated], axis=2), np.ones(len(numbers))


@dataclass(frozen=True, eq=False)
class Seen:
    """Dates on which the same cells were seen.

    Attributes
    ----------
    numbers : tuple of int
        Of the dates.
    index : int, shape (n,)
        Of the cells, among all of the model.
    cells : int, shape (n, 2)
        Their rows and columns in the window of the sub-cells.
    ys : float64, shape (dates, n)
    designs : Designs or None
        None: without terms.
    noise : float64, shape (n, n), or None
        Its covariance where it is no plain noise.
    """

    numbers: tuple[int, ...]
    index: np.ndarray
    cells: np.ndarray
    ys: np.ndarray
    designs: Designs | None
    noise: np.ndarray | None = None

    def take(self, mask: np.ndarray) -> Seen:
        """Some of the cells: bool, shape (n,)."""
        noise = None if self.noise is None else self.noise[np.ix_(mask, mask)]
        return replace(
            self,
            index=self.index[mask],
            cells=self.cells[mask],
            ys=self.ys[:, mask],
            noise=noise,
        )

    def dates(self, places: Sequence[int]) -> Seen:
        """Some of the dates."""
        numbers = tuple(self.numbers[place] for place in places)
        return replace(self, numbers=numbers, ys=self.ys[list(places)])

    def a_few_dates(self) -> Iterator[Seen]:
        """All of them, a few at a time where each has terms of its own, which take much memory."""
        apart = self.designs is not None and self.designs.dated is not None
        step = _DATES_AT_ONCE if apart else len(self.ys)
        for begin in range(0, len(self.ys), step):
            yield self.dates(range(begin, min(begin + step, len(self.ys))))

    def without_terms(self) -> Seen:
        """The same without columns."""
        return replace(self, designs=None)

    def sight(self, ground: Ground, hurst: float) -> Sight:
        """With the shapes of its covariance."""
        design, factors = self.design()
        return Sight(self.ys, design, factors, tuple(ground.shapes(self.cells, hurst, self.noise)))

    def design(self) -> tuple[np.ndarray, np.ndarray]:
        """Design and factors; see `likelihood.Sight`."""
        if self.designs is None:
            return np.zeros((1, len(self.index), 0)), np.ones(len(self.ys))
        return self.designs.of(self.numbers, self.index)


@dataclass(frozen=True, eq=False)
class Answer:
    """Best linear predictions of coefficients, means and fields of a level, in one window.

    Attributes
    ----------
    b : float64, shape (columns,)
    s : float64, shape (columns, columns)
        Posterior covariance of `b`, with variances as if they were known.
    index : int, shape (n,)
        Of the window's cells, among all of the model.
    means : float64, shape (dates,)
        NaN for dates without cells.
    alphas : float64, shape (dates, n)
        Weights of the cells; 0 where not seen.
    departures : float64, shape (dates, n)
        Of each cell from what the others say of it; NaN where not seen.
    unsure : float64, shape (dates, n)
        Variance of the departures; NaN where not seen.
    snr : float
        Posterior signal-to-noise of the detail.
    """

    b: np.ndarray
    s: np.ndarray
    index: np.ndarray
    means: np.ndarray
    alphas: np.ndarray
    departures: np.ndarray
    unsure: np.ndarray
    snr: float = 0.0

    @property
    def covariance(self) -> np.ndarray:
        """Of what is true about `b`, their variances being estimated too: float64, of the shape of `s`."""
        return UNSURE * self.s


@dataclass(frozen=True, eq=False)
class Half:
    """A level with its terms, or without: variances, and the answer of each window."""

    fit: Fit
    groups: np.ndarray
    answers: tuple[Answer, ...]


@dataclass(frozen=True, eq=False)
class Level:
    """A level, with its terms and without.

    Attributes
    ----------
    hurst : float
    full : Half or None
        None where there are no terms.
    plain : Half
    """

    hurst: float
    full: Half | None
    plain: Half

    @property
    def fullest(self) -> Half:
        """With its terms where there are some."""
        return self.full or self.plain

    @property
    def gain(self) -> float:
        """By how much its terms make the cells likelier: L without them less L with them."""
        return self.plain.fit.value - self.full.fit.value if self.full else 0.0

    @property
    def shown(self) -> float:
        """Lambda: which share of the detail is shown by evidence.

        What the covariates say within cells is never all true, and hardly ever of no use: on known truth and
        one scale up a part of it beats all and nothing (tools/NUMBERS.md).
        """
        if self.full is None:
            return 0.0
        more = 0.5 + 0.5 * math.tanh((self.gain - GAIN) / (2.0 * GAIN_STEP))
        return LEAST_SHOWN + (MOST_SHOWN - LEAST_SHOWN) * more


def choose(
    seen: Sequence[Seen],
    ground: Ground,
    groups: np.ndarray,
    hursts: Sequence[float],
    priors: Sequence[Prior],
    progress: Progress = SILENT,
) -> tuple[float, Fit, dict[float, float]]:
    """H, variances, and the likelihood by H, on some of the cells and dates.

    Of those whose L is within `_BETTER` of the best H is the smallest, and with a footprint the middle one: a
    rough field makes more of what the footprint hides than there is.
    """
    thin = thinned(seen)
    fits: dict[float, Fit] = {}
    for hurst in hursts:
        start = next(iter(fits.values()), None)
        fits[hurst] = estimate([[one.sight(ground, hurst) for one in thin]], groups, priors, start, progress)
    best = min(fit.value for fit in fits.values())
    alike = [hurst for hurst, fit in sorted(fits.items()) if fit.value <= best + _BETTER]
    hurst = alike[len(alike) // 2 if ground.footprint_km > 0 else 0]
    return hurst, fits[hurst], {hurst: fit.value for hurst, fit in fits.items()}


def thinned(seen: Sequence[Seen]) -> list[Seen]:
    """Blocks of cells and some dates: what variances are estimated on."""
    places = [(group, place) for group, one in enumerate(seen) for place in range(len(one.ys))]
    # Dates come in the order of their wetness, whatever their cells.
    places.sort(key=lambda pair: (float(seen[pair[0]].ys[pair[1]].mean()), seen[pair[0]].numbers[pair[1]]))
    most = _MOST_DATES if len(seen) <= _MOST_MASKS else _MOST_MASKS
    chosen = [places[number] for number in spread_evenly(len(places), most)]
    found = []
    for group, one in enumerate(seen):
        own = [place for number, place in chosen if number == group]
        if own:
            found.append(one.dates(own).take(blocks_of(one.cells, _MOST_CELLS)))
    return found


def answer(
    seen: Sequence[Seen],
    ground: Ground,
    groups: np.ndarray,
    hurst: float,
    fit: Fit,
    dates: int,
    index: np.ndarray,
    scatter: np.ndarray,
    progress: Progress = SILENT,
) -> Answer:
    """What the cells of a window say, with given variances.

    Parameters
    ----------
    seen : sequence of Seen
    ground : Ground
    groups : int64, shape (columns,)
    hurst : float
    fit : Fit
    dates : int
        How many there are in all.
    index : int, shape (n,)
        Of the window's cells, among all of the model; ascending.
    scatter : float64, shape (columns, columns)
        Of the columns about the mean of their cell, for pixels.
    """
    columns = groups.size
    j, h = np.zeros((columns, columns)), np.zeros(columns)
    cells = np.zeros((len(index), 2), np.int64)
    for one in seen:
        cells[np.searchsorted(index, one.index)] = one.cells
    whole: Solved | None = None
    newest: tuple[Seen, Part] | None = None

    # Of a level of many dates, each with cells of its own, each takes long.
    looks = progress.counter(len(seen) * (2 if columns else 1), "looks at dates for a fit")

    def part(one: Seen) -> Part:
        # A level of one set of cells is looked at twice, and worked out once.
        nonlocal newest
        if newest is None or newest[0] is not one:
            newest = one, made(one)
        return newest[1]

    def made(one: Seen) -> Part:
        nonlocal whole
        progress.check()
        if one.noise is not None or len(one.index) < _MOST_SEEN * len(index):
            return solve(ground.shapes(one.cells, hurst, one.noise), fit.noise).of()
        if whole is None:
            whole = solve(ground.shapes(cells, hurst), fit.noise)
        return whole.of(np.isin(index, one.index))

    for one in seen if columns else ():
        own = part(one)
        for some in one.a_few_dates():
            design, factors = some.design()
            shared = len(design) < len(some.ys)
            squares = float(factors @ factors) if shared else 1.0
            ys = (factors @ some.ys)[None] if shared else some.ys
            for terms, values in zip(design, ys):
                projected = own.project(terms)
                j += squares * (terms.T @ projected)
                h += projected.T @ values
        looks.advance()
    s = inverse_of(j + np.diag(1.0 / fit.groups[groups]))[0] if columns else np.zeros((0, 0))
    b = s @ h
    root = np.linalg.cholesky(s) if columns else s
    means, alphas = np.full(dates, np.nan), np.zeros((dates, len(index)))
    departures, unsure = (np.full((dates, len(index)), np.nan) for _ in range(2))
    for one in seen:
        own = part(one)
        at, diagonal = np.searchsorted(index, one.index), own.diagonal
        for some in one.a_few_dates():
            design, factors = some.design()
            lengths = [np.square(own.project(terms @ root)).sum(axis=1) for terms in design]
            for number, date in enumerate(some.numbers):
                which = number if len(design) == len(some.ys) else 0
                rest = some.ys[number] - factors[number] * (design[which] @ b)
                means[date] = float(own.weights @ rest)
                weights = own.project(rest)
                alphas[date, at] = weights
                known = diagonal - factors[number] ** 2 * lengths[which]
                known = np.maximum(known, 1e-12 * diagonal)
                departures[date, at] = weights / known
                unsure[date, at] = 1.0 / known
        looks.advance()
    return Answer(b, s, index, means, alphas, departures, unsure, signal_to_noise(b, s, scatter))


def signal_to_noise(b: np.ndarray, s: np.ndarray, scatter: np.ndarray) -> float:
    """Which part of the detail's variance is known after the data (AREAMODEL, proof of detail)."""
    signal = float(b @ scatter @ b)
    total = signal + float(np.vdot(s, scatter))
    return signal / total if total > 0 else 0.0
