"""How far the filled values lie from an observation, and what error that makes likely.

Most gaps are shorter than a hidden run, so that their days lie nearer to an observation than hidden ones.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from ....base.progress import SILENT, Progress
from .baselines import distance
from .scores import DISTANCES, POOLED, GapScore

#: Farther than all days, so that it falls into the last class.
_NEVER_SEEN = DISTANCES[-1][1]


def filled_by_distance(
    days: np.ndarray, seen: np.ndarray, filled: np.ndarray, progress: Progress = SILENT
) -> dict[str, int]:
    """Filled values in each of `DISTANCES` by days to the nearest observation of their cell.

    Those of a cell without any observation count as the farthest.

    Parameters
    ----------
    days : int64, shape (n,)
        Ordinals, ascending.
    seen, filled : bool, shape (n, cells)
        Days with an observation, and those that were filled.
    """
    counts = dict.fromkeys((name for name, *_ in DISTANCES), 0)
    for column in range(seen.shape[1]):
        progress.check()
        wanted, known = days[filled[:, column]], days[seen[:, column]]
        far = distance(known, wanted) if known.size else np.full(wanted.shape, _NEVER_SEEN)
        for name, least, most in DISTANCES:
            counts[name] += int(np.count_nonzero((far >= least) & (far <= most)))
    return counts


def weighted_rmse(rows: Sequence[GapScore], filled: Mapping[str, int], method: str) -> float:
    """The RMSE of hidden days if they lay as far from an observation as the filled values do.

    sqrt(sum over c of w_c RMSE_c^2 / sum over c of w_c), w_c the filled values in class c of the distances
    and RMSE_c that of the hidden days of all cells in it, over the classes that have hidden days.  NaN
    where no filled value lies in such a class.

    Parameters
    ----------
    rows : sequence of GapScore
        What `scores.score_gaps` makes.
    filled : mapping
        What `filled_by_distance` makes.
    method : str
    """
    told = {row.distance: row.rmse for row in rows if row.scope == POOLED and row.method == method}
    weights = {name: count for name, count in filled.items() if name in told and count}
    total = sum(weights.values())
    if not total:
        return float("nan")
    return float(np.sqrt(sum(count * told[name] ** 2 for name, count in weights.items()) / total))


def untold(rows: Sequence[GapScore], filled: Mapping[str, int]) -> int:
    """Filled values at distances at which no day was hidden."""
    told = {row.distance for row in rows if row.scope == POOLED}
    return sum(count for name, count in filled.items() if name not in told)
