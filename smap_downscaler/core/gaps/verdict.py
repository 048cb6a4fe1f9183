"""Which way of filling gaps was best, and by how much, in plain words."""

from __future__ import annotations

from collections.abc import Sequence

from .scores import ALL_DISTANCES, CLIMATOLOGY, FOREST, LINEAR, MEDIAN, POOLED, GapScore, HiddenDays

_NAMES = {LINEAR: "linear interpolation", CLIMATOLOGY: "the climatology"}


def overall(rows: Sequence[GapScore], scope: str = POOLED) -> dict[str, GapScore]:
    """The scores of all distances together, by method."""
    return {row.method: row for row in rows if row.scope == scope and row.distance == ALL_DISTANCES}


def verdict(results: Sequence[HiddenDays], rows: Sequence[GapScore], period: int) -> str:
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
    text = (
        f"With runs of {_count(period, 'day')} hidden, the forests have an RMSE of {own.rmse:.4f} m3 m-3 "
        f"over {_count(own.n, 'hidden day')} of {_count(len(results), 'cell')}: "
        + " and ".join(_against(own.rmse, found[name]) for name in _NAMES)
        + f". They are better than linear interpolation in {wins:,} of {_count(len(results), 'cell')}."
    )
    best = min(_NAMES, key=lambda name: found[name].rmse)
    if found[best].rmse < own.rmse:
        text += f" Here {_NAMES[best]} fills gaps better than the forests do."
    middle = overall(rows, MEDIAN)[FOREST].r2
    if middle < 0:
        text += (
            f" The median over the cells of their R2 is {middle:.2f}: the mean of the cell's observed days "
            "would be nearer than they are."
        )
    return text


def _against(rmse: float, other: GapScore) -> str:
    told = f"{_NAMES[other.method]} ({other.rmse:.4f})"
    change = 100 * (rmse - other.rmse) / other.rmse if other.rmse else float(rmse > 0) * 100
    if round(change) == 0:
        return f"about as much as {told}"
    return f"{abs(change):.0f} % {'more' if change > 0 else 'less'} than {told}"


def _count(number: int, what: str) -> str:
    return f"{number:,} {what}" + ("" if number == 1 else "s")
