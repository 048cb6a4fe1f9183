"""Which rows are held out together: random folds, and spatial blocks (Roberts et al. 2017)."""

from __future__ import annotations

import numpy as np

from ..errors import InputError

RANDOM, BLOCKS = "random", "blocks"
#: Coordinates that all lie within these are taken for degrees.
_DEGREES_X, _DEGREES_Y = 360.0, 90.0


def fold_generator(seed: int, ordinal: int, repeat: int, *inner: int) -> np.random.Generator:
    """The randomness of the folds of a date and repeat; `inner` numbers tell inner folds apart."""
    return np.random.default_rng(np.random.SeedSequence([seed, ordinal, repeat, *inner]))


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
    """Raise `InputError` unless the coordinates can be metres; `label` names their table."""
    if not (np.all(np.isfinite(x)) and np.all(np.isfinite(y))):
        raise InputError(
            f"{label}: a cell has no x or y, which spatial blocks need; fill them in, or give BLOCKS 0."
        )
    if x.size > 1 and np.max(np.abs(x)) <= _DEGREES_X and np.max(np.abs(y)) <= _DEGREES_Y:
        raise InputError(
            f"{label}: x and y look like degrees, and spatial blocks need metres; give the cells metric "
            "coordinates, or give BLOCKS 0."
        )


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
    filled = np.zeros(min(folds, names.size), np.int64)
    fold_of_block = np.empty(names.size, np.int64)
    for block in order:
        fold = int(np.argmin(filled))
        fold_of_block[block] = fold
        filled[fold] += sizes[block]
    return fold_of_block[members]


def _check_folds(folds: int) -> None:
    if folds < 2:
        raise InputError(f"FOLDS is {folds}; give 2 or more.")
