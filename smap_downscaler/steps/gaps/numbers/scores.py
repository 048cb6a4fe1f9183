"""Scores of days that were hidden and filled again: by method, by distance to what remained, by cell."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from ....stats import scores

FOREST, LINEAR, CLIMATOLOGY = "forest", "linear", "climatology"
#: What the methods are called in words.
METHOD_TEXTS = {
    FOREST: "forest",
    LINEAR: "linear interpolation",
    CLIMATOLOGY: "climatology",
}
#: Classes of the distance to the nearest remaining observation, days: name, least, most.
DISTANCES = (("1", 1, 1), ("2", 2, 2), ("3-5", 3, 5), ("6-10", 6, 10), ("over 10", 11, 10**9))
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
