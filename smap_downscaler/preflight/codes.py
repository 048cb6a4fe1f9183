"""Whether the numbers of a raster are codes of classes, which have no mean."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np

from ..base.covariate_names import looks_like_classes

#: Different values: two are a yes and a no, whose mean is a share; more than these are no classes.
_LEAST, _MOST, _MOST_NAMED = 3, 30, 256
#: Values rarer than this are left aside, together no more of the cells than that.
_RARE, _MOST_RARE = 0.01, 0.1
#: Cells a value that are needed to judge.
_CELLS = 20
#: Of the whole numbers between the lowest and highest value so many are lacking, at least.
_GAPS = 0.2
#: How far apart neighbours that differ are in the order of the values, at least: 0 is next to each other,
#: as in a smooth field, 1 as far as any two cells.
_APART = 0.4
#: Of the runs of one value along a row so many return to one that the row had before: a value of a
#: measurement is hardly ever met again to the last digit.
_RETURNS = 0.25
#: Values that a sentence lists.
_LISTED = 6


def codes_by_name(texts: Iterable[str], values: np.ndarray) -> str:
    """The values as a text where names say that they are classes and they are whole numbers; else empty.

    Parameters
    ----------
    texts : iterable of str
        Names of the covariate, its band, its file.
    values : float array, shape (n,)
        A sample; NaN where missing.
    """
    if not any(map(looks_like_classes, texts)):
        return ""
    found = np.unique(values[np.isfinite(values)])
    if not _LEAST <= found.size <= _MOST_NAMED or (found != np.round(found)).any():
        return ""
    return _listed(found)


def codes_by_values(rows: Sequence[np.ndarray]) -> str:
    """The values as a text where they look like codes of classes; else empty.

    Classes are few whole numbers with gaps between them, side by side in any order, and come again and again.
    Measurements in steps (tens of percent) have neighbours a step apart; those of coarse pixels that were
    cut into fine ones (rain) hardly return to the very same number; counts are dense where they are many.

    Parameters
    ----------
    rows : sequence of float arrays, shape (n,)
        Rows of neighbouring cells of whole numbers; NaN where missing.
    """
    valid = [row[np.isfinite(row)] for row in rows]
    levels, counts = np.unique(np.concatenate([np.empty(0), *valid]), return_counts=True)
    total = int(counts.sum())
    common = levels[counts >= _RARE * total]
    kept = counts[counts >= _RARE * total].sum()
    if not _LEAST <= common.size <= _MOST or kept < (1 - _MOST_RARE) * total:
        return ""
    if total < _CELLS * common.size or (levels != np.round(levels)).any():
        return ""
    if 1 - common.size / (common[-1] - common[0] + 1) < _GAPS:
        return ""
    differing = apart = runs = returns = 0
    for row in rows:
        ranks = np.searchsorted(common, row[np.isin(row, common)])
        steps = np.abs(np.diff(ranks))
        differing += int((steps > 0).sum())
        apart += int(steps.sum())
        if ranks.size:
            along = 1 + int((steps > 0).sum())
            runs += along
            returns += along - np.unique(ranks).size
    if differing < common.size or returns < _RETURNS * runs:
        return ""
    if apart / differing - 1 < _APART * (_any_apart(counts[counts >= _RARE * total]) - 1):
        return ""
    return _listed(common)


def _any_apart(counts: np.ndarray) -> float:
    """How far apart in the order of the values any two cells of different values are on average."""
    order = np.arange(counts.size)
    pairs = np.outer(counts, counts).astype(np.float64)
    np.fill_diagonal(pairs, 0)
    return float((pairs * np.abs(order[:, None] - order)).sum() / pairs.sum())


def _listed(values: np.ndarray) -> str:
    more = values.size - _LISTED
    return ", ".join(f"{value:g}" for value in values[:_LISTED]) + (f" and {more} more" if more > 0 else "")
