"""Scores of days that were hidden and filled again, and the cells whose series a report shows."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from ....base.words import text
from ....stats import scores

FOREST, LINEAR, CLIMATOLOGY = "forest", "linear", "climatology"
#: What the methods are called in words.
METHOD_TEXTS = {
    FOREST: "forest",
    LINEAR: "linear interpolation",
    CLIMATOLOGY: "climatology",
}
#: Classes of the distance to the nearest remaining observation, days: name, least, most.
DISTANCES = (
    (text("{}", 1), 1, 1),
    (text("{}", 2), 2, 2),
    (text("{}-{}", 3, 5), 3, 5),
    (text("{}-{}", 6, 10), 6, 10),
    (text("over {}", 10), 11, 10**9),
)
ALL_DISTANCES = "all"
POOLED, MEDIAN, CELL = "pooled", "median", "cell"

_SCORES: dict[str, Callable[[np.ndarray, np.ndarray], float]] = {
    "rmse": scores.rmse,
    "mae": scores.mae,
    "bias": scores.bias,
    "ubrmse": scores.ubrmse,
    "r2": scores.r2,
}
SCORES = tuple(_SCORES)
#: Shares of all cells at which the shown cells lie, by R2.
SHOWN = (0.9, 0.5, 0.1)


@dataclass(frozen=True, eq=False)
class HiddenDays:
    """The days of a cell, each predicted while the run of days around it was hidden.

    Parameters
    ----------
    cell : tuple of int
        Row and column.
    days : int64, shape (n,)
        Ordinals, ascending.
    observed : float64, shape (n,)
        What SMAP saw, m3 m-3.
    distance : int64, shape (n,)
        Days to the nearest observation that was not hidden.
    predicted : dict of str to float64, shape (n,)
        By method.
    """

    cell: tuple[int, int]
    days: np.ndarray
    observed: np.ndarray
    distance: np.ndarray
    predicted: dict[str, np.ndarray]

    def score(self, method: str, name: str) -> float:
        """A score of all days; NaN where undefined."""
        return _SCORES[name](self.observed, self.predicted[method])


@dataclass(frozen=True)
class GapScore:
    """Scores of a method at a distance.

    `scope` is `pooled` (all days of all cells together), `median` (over the cells), or `cell` with its
    `row` and `col`; `n` the days and `cells` the cells behind it.  NaN where undefined.
    """

    scope: str
    row: int | None
    col: int | None
    distance: str
    method: str
    n: int
    cells: int
    rmse: float
    mae: float
    bias: float
    ubrmse: float
    r2: float


def score_gaps(results: Sequence[HiddenDays]) -> list[GapScore]:
    """Pooled scores and medians over the cells at each distance, then the scores of each cell.

    A cell with a single day at a distance has no R2 there, and its median is over the others.
    """
    classes = ((ALL_DISTANCES, 0, 10**9), *DISTANCES)
    found: list[GapScore] = []
    for name, least, most in classes:
        picked = [_between(result, least, most) for result in results]
        found += _together([result for result in picked if result.days.size], name)
    return found + [row for result in results for row in _of_cell(result)]


def _between(result: HiddenDays, least: int, most: int) -> HiddenDays:
    kept = (result.distance >= least) & (result.distance <= most)
    return HiddenDays(
        result.cell,
        result.days[kept],
        result.observed[kept],
        result.distance[kept],
        {method: values[kept] for method, values in result.predicted.items()},
    )


def _together(results: Sequence[HiddenDays], distance: str) -> Iterator[GapScore]:
    if not results:
        return
    observed = np.concatenate([result.observed for result in results])
    for method in results[0].predicted:
        predicted = np.concatenate([result.predicted[method] for result in results])
        pooled = [score(observed, predicted) for score in _SCORES.values()]
        each = np.array([[result.score(method, name) for name in SCORES] for result in results])
        medians = [_median(column) for column in each.T]
        for scope, numbers in ((POOLED, pooled), (MEDIAN, medians)):
            yield GapScore(scope, None, None, distance, method, len(observed), len(results), *numbers)


def _of_cell(result: HiddenDays) -> Iterator[GapScore]:
    for method in result.predicted:
        numbers = [result.score(method, name) for name in SCORES]
        yield GapScore(CELL, *result.cell, ALL_DISTANCES, method, len(result.days), 1, *numbers)


def _median(values: np.ndarray) -> float:
    known = values[np.isfinite(values)]
    return float(np.median(known)) if known.size else float("nan")


@dataclass(frozen=True, eq=False)
class CellCourse:
    """The filled series of a cell.

    Parameters
    ----------
    cell : tuple of int
        Row and column.
    dates : tuple of date
    values : float32, shape (n,)
        Soil moisture, m3 m-3; NaN where there is none.
    filled : bool, shape (n,)
        Which of them were filled.
    """

    cell: tuple[int, int]
    dates: tuple[dt.date, ...]
    values: np.ndarray
    filled: np.ndarray

    def shows(self, days: np.ndarray) -> np.ndarray:
        """Which of some days, ordinals of shape (m,), lie from its first to its last: bool, shape (m,)."""
        first, last = self.dates[0].toordinal(), self.dates[-1].toordinal()
        return np.asarray((days >= first) & (days <= last))


def typical_cells(results: Sequence[HiddenDays]) -> list[tuple[int, int]]:
    """A good, a middling and a poor cell: at 90, 50 and 10 % of all by the R2 of their hidden days."""
    scored = [(result.score(FOREST, "r2"), result.cell) for result in results]
    order = sorted((r2, cell) for r2, cell in scored if np.isfinite(r2))
    picked = [order[round(share * (len(order) - 1))][1] for share in SHOWN if order]
    return list(dict.fromkeys(picked))
