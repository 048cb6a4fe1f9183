"""Rows dealt into folds: each by itself, or groups of them (blocks, cells, runs of days) as a whole."""

from __future__ import annotations

import numpy as np

from ....base.errors import InputError

#: Coordinates that all lie within these are taken for degrees.
_DEGREES_X, _DEGREES_Y = 360.0, 90.0


def fold_generator(seed: int, *numbers: int) -> np.random.Generator:
    """The randomness of folds; the numbers (date or cell, repeat, outer fold) keep them apart."""
    return np.random.default_rng(np.random.SeedSequence([seed, *numbers]))


def random_folds(rows: int, folds: int, generator: np.random.Generator) -> np.ndarray:
    """The fold 0...folds - 1 of each row: int64, shape (rows,); sizes differ by one at most.

    Raises
    ------
    InputError
        For fewer than two folds, or fewer rows than folds.
    """
    _check_folds(folds)
    if rows < folds:
        raise InputError(f"{rows} rows are too few for {folds} folds; give FOLDS a smaller number.")
    fold_of_row = np.empty(rows, np.int64)
    fold_of_row[generator.permutation(rows)] = np.arange(rows) % folds
    return fold_of_row


def check_coordinates(x: np.ndarray, y: np.ndarray, label: str) -> None:
    """Refuse coordinates that cannot be metres; `label` names their table.

    Parameters
    ----------
    x, y : float64, shape (n,)
        Of the cells' centres, metres.

    Raises
    ------
    InputError
        If one is missing, or all could be degrees.
    """
    if not (np.all(np.isfinite(x)) and np.all(np.isfinite(y))):
        raise InputError(
            f"{label}: a cell has no x or y, which spatial blocks need; fill them in, or give BLOCKS 0."
        )
    if x.size > 1 and np.max(np.abs(x)) <= _DEGREES_X and np.max(np.abs(y)) <= _DEGREES_Y:
        raise InputError(
            f"{label}: x and y look like degrees, and spatial blocks need metres; give the cells metric "
            "coordinates, or give BLOCKS 0."
        )


def cell_spacing(x: np.ndarray, y: np.ndarray) -> float:
    """Median distance of a cell's centre from the nearest other one, metres; 0 of fewer than two cells.

    Parameters
    ----------
    x, y : float64, shape (n,)
        Of the cells' centres, each once, metres.
    """
    from scipy.spatial import cKDTree

    if len(x) < 2:
        return 0.0
    places = np.column_stack([x, y])
    return float(np.median(cKDTree(places).query(places, k=2)[0][:, 1]))


def block_numbers(x: np.ndarray, y: np.ndarray, side: float, generator: np.random.Generator) -> np.ndarray:
    """The square block that each row lies in: int64, shape (n,), numbers from 0 without gaps.

    Parameters
    ----------
    x, y : float64, shape (n,)
        Coordinates, metres.
    side : float
        Side of a block, metres.
    generator : numpy.random.Generator
        Draws where the raster of blocks begins.

    Raises
    ------
    InputError
        If the side is not positive.
    """
    if not side > 0 or not np.isfinite(side):
        raise InputError(f"BLOCKS is {side / 1000:g} km; give a side of more than 0.")
    left, bottom = generator.uniform(0.0, side, 2)
    columns = np.floor((np.asarray(x, np.float64) - left) / side).astype(np.int64)
    rows = np.floor((np.asarray(y, np.float64) - bottom) / side).astype(np.int64)
    _, numbers = np.unique(np.stack([rows, columns], axis=1), axis=0, return_inverse=True)
    return np.asarray(numbers, np.int64).reshape(-1)


def block_folds(blocks: np.ndarray, folds: int, generator: np.random.Generator) -> np.ndarray:
    """The fold of each row, whole blocks together: int64, shape (n,).

    The largest block first, each goes to the fold that has the fewest rows so far (blocks of one
    size in random order).  With fewer blocks than folds there are as many folds as blocks.

    Parameters
    ----------
    blocks : int array, shape (n,)
        Block of each row.

    Raises
    ------
    InputError
        For fewer than two folds or two blocks.
    """
    _check_folds(folds)
    names, members = np.unique(blocks, return_inverse=True)
    if names.size < 2:
        raise InputError(
            f"All {blocks.size} cells lie in one block; give BLOCKS a smaller side, or 0 for random folds "
            "only."
        )
    sizes = np.bincount(members)
    order = generator.permutation(names.size)
    order = order[np.argsort(-sizes[order], kind="stable")]
    return _filled(sizes, order, folds)[members]


def dealt_folds(groups: np.ndarray, folds: int, generator: np.random.Generator) -> np.ndarray:
    """The fold of each row, whole groups together: int64, shape (n,).

    In random order each group goes to the fold that has the fewest rows so far, so that folds differ
    from repeat to repeat even where all groups differ in size.  At least as many groups as folds.

    Parameters
    ----------
    groups : int array, shape (n,)
        Cell, or run of days, of each row.

    Raises
    ------
    InputError
        For fewer than two folds.
    """
    _check_folds(folds)
    names, members = np.unique(groups, return_inverse=True)
    return _filled(np.bincount(members), generator.permutation(names.size), folds)[members]


def _filled(sizes: np.ndarray, order: np.ndarray, folds: int) -> np.ndarray:
    """The fold of each group; in the given order each goes where the fewest rows are."""
    filled = np.zeros(min(folds, sizes.size), np.int64)
    fold_of_group = np.empty(sizes.size, np.int64)
    for group in order:
        fold = int(np.argmin(filled))
        fold_of_group[group] = fold
        filled[fold] += sizes[group]
    return fold_of_group


def within(days: np.ndarray, held_out: np.ndarray, gap: int) -> np.ndarray:
    """Whether each day is a held-out one or at most `gap` days from one: bool, shape (n,).

    Parameters
    ----------
    days : int array, shape (n,)
    held_out : int array, shape (m,)
        m >= 1; both are ordinals of dates, in any order, also several times.
    gap : int
        Days, 0 or more.
    """
    known = np.unique(held_out)
    after = known[np.minimum(np.searchsorted(known, days), known.size - 1)]
    before = known[np.maximum(np.searchsorted(known, days, side="right") - 1, 0)]
    return np.asarray(np.minimum(np.abs(after - days), np.abs(days - before)) <= gap)


def _check_folds(folds: int) -> None:
    if folds < 2:
        raise InputError(f"FOLDS is {folds}; give 2 or more.")
