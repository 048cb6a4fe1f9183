"""How far the filled values lie from an observation, what error that makes likely, and what to think of it.

Most gaps are shorter than a hidden run, so that their days lie nearer to an observation than hidden ones.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from ....base.progress import SILENT, Progress
from ....base.words import Text, counted, joined, text
from .baselines import distance
from .scores import (
    ALL_DISTANCES,
    CLIMATOLOGY,
    DISTANCES,
    FOREST,
    LINEAR,
    MEDIAN,
    POOLED,
    GapScore,
    HiddenDays,
)

#: Farther than all days, so that it falls into the last class.
_NEVER_SEEN = DISTANCES[-1][1]

_NAMES = {LINEAR: "linear interpolation", CLIMATOLOGY: "the climatology"}


def overall(rows: Sequence[GapScore], pooling: str = POOLED) -> dict[str, GapScore]:
    """The scores of all distances together, by method."""
    return {row.method: row for row in rows if row.scope == pooling and row.distance == ALL_DISTANCES}


def verdict(results: Sequence[HiddenDays], rows: Sequence[GapScore], period: int) -> Text:
    """Sentences that hold the forests against what needs no forest.

    Parameters
    ----------
    results : sequence of HiddenDays
        At least one.
    rows : sequence of GapScore
        What `score_gaps` makes of them.
    period : int
        Days of the hidden runs.
    """
    found = overall(rows)
    own = found[FOREST]
    wins = sum(result.score(FOREST, "rmse") < result.score(LINEAR, "rmse") for result in results)
    words = text(
        "With runs of {period} hidden, the forests have an RMSE of {rmse:.4f} m3 m-3 over {days} of {cells}: "
        "{others}. They are better than linear interpolation in {better:,} of {cells}.",
        period=counted(period, "day"),
        rmse=own.rmse,
        days=counted(own.n, "hidden day"),
        cells=counted(len(results), "cell"),
        others=joined(" and ", (_against(own.rmse, found[name]) for name in _NAMES)),
        better=wins,
    )
    best = min(_NAMES, key=lambda name: found[name].rmse)
    if found[best].rmse < own.rmse:
        words += f" Here {_NAMES[best]} fills gaps better than the forests do."
    middle = overall(rows, MEDIAN)[FOREST].r2
    if middle < 0:
        words += text(
            " The median over the cells of their R2 is {median:.2f}: the mean of the cell's observed days "
            "would be nearer than they are.",
            median=middle,
        )
    return words


def gaps_verdict(rows: Sequence[GapScore], filled: Mapping[str, int]) -> Text:
    """How far the filled values lie from an observation, and what error that makes likely, in sentences.

    Parameters
    ----------
    rows : sequence of GapScore
        What `score_gaps` makes of hidden days.
    filled : mapping
        What `filled_by_distance` makes of the values that were filled; empty text without any.
    """
    total = sum(filled.values())
    if not total:
        return Text()
    found = {name: _share(filled[name], total) for name, *_ in DISTANCES if filled.get(name)}
    first = next(iter(found))
    shares = [
        text("{} {}{} {}", share, "lie " if name == first else "", name, "day" if name == "1" else "days")
        for name, share in found.items()
    ]
    listed = joined(" and ", filter(None, (joined(", ", shares[:-1]), shares[-1])))
    words = text("Of {} {} from an observation of their cell.", counted(total, "filled value"), listed)
    own, line = (weighted_rmse(rows, filled, method) for method in (FOREST, LINEAR))
    left = filled_without_error(rows, filled)
    if left == total:
        return words + " At none of these distances a day was hidden, so their error is not known."
    words += text(
        " Hidden days at the same distances have an RMSE of {forests:.4f} m3 m-3 from the forests and "
        "{linear:.4f} from linear interpolation",
        forests=own,
        linear=line,
    )
    if left:
        share = _share(left, total)
        words += text("; {} of the filled values lie where no day was hidden, and are left out", share)
    return words + (". Linear interpolation fills such gaps better." if line < own else ".")


def _share(count: int, total: int) -> Text:
    share = 100 * count / total
    if 99.5 <= share < 100:
        return text("over {} %", 99)
    return text("{:.0f} %", share) if share >= 0.5 else text("under {} %", 1)


def _against(rmse: float, other: GapScore) -> Text:
    compared = text("{} ({:.4f})", _NAMES[other.method], other.rmse)
    change = 100 * (rmse - other.rmse) / other.rmse if other.rmse else float(rmse > 0) * 100
    if round(change) == 0:
        return text("about as much as {}", compared)
    return text("{:.0f} % {} than {}", abs(change), "more" if change > 0 else "less", compared)


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
    counts: dict[str, int] = dict.fromkeys((name for name, *_ in DISTANCES), 0)
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
    rmse_at = {row.distance: row.rmse for row in rows if row.scope == POOLED and row.method == method}
    weights = {name: count for name, count in filled.items() if name in rmse_at and count}
    total = sum(weights.values())
    if not total:
        return float("nan")
    return float(np.sqrt(sum(count * rmse_at[name] ** 2 for name, count in weights.items()) / total))


def filled_without_error(rows: Sequence[GapScore], filled: Mapping[str, int]) -> int:
    """Filled values at distances at which no day was hidden."""
    with_hidden_days = {row.distance for row in rows if row.scope == POOLED}
    return sum(count for name, count in filled.items() if name not in with_hidden_days)
