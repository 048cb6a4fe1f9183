"""What the model of a fold sees: its covariates, and its randomness."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from ....base.errors import InputError
from ....methods.base import Block, Cells
from ....methods.features import add_features, drop_constant
from ....methods.keys import BY_CELL, key_number
from .pieces import Piece
from .schemes import SCHEME_NUMBERS
from .settings import ValidationSettings


def used_columns(rows: Cells, settings: ValidationSettings) -> np.ndarray:
    """Numbers of the covariates, of the table and derived, that are used: int64, shape (p,).

    By cell those that vary, else all.

    Raises
    ------
    InputError
        If none varies.
    """
    derived = settings.features.names
    if settings.mode != BY_CELL:
        return np.arange(rows.x.shape[1] + len(derived))
    x = add_features(rows.x, rows.days, settings.features, rows.days, rows.y)
    kept = drop_constant(x, [""] * x.shape[1])[2]
    if not kept.size:
        raise InputError(
            "No covariate changes with time; add dated covariates to the table, or tick DAY_OF_YEAR."
        )
    return kept


def designed(
    rows: Cells, columns: np.ndarray, seen: np.ndarray, test: np.ndarray, settings: ValidationSettings
) -> tuple[Cells, Block]:
    """The rows that a model sees, and those that it predicts.

    Neighbours in time, of both, are looked for only among the rows that the model sees.

    Parameters
    ----------
    rows : Cells
    columns : int array
        Numbers of the covariates in use, see `used_columns`.
    seen, test : bool, shape (n,)

    """
    x_seen, x_test = (
        add_features(rows.x[mask], rows.days[mask], settings.features, rows.days, rows.y, ~seen)
        for mask in (seen, test)
    )
    names = (*rows.names, *settings.features.names)
    if columns.size < x_seen.shape[1]:
        x_seen, x_test = (np.ascontiguousarray(x[:, columns]) for x in (x_seen, x_test))
        names = tuple(names[column] for column in columns.tolist()) if rows.names else ()
    place = None if rows.coordinates is None else rows.coordinates[test]
    return replace(rows.take(seen), x=x_seen, names=names), Block(x_test, rows.days[test], place)


def model_key(piece: Piece, fold: int, inner: int = 0) -> int:
    """Tells the randomness of a model from that of all others; `inner` is 0 for the outer fold's own.

    The candidates of a grid share it, so that they differ by their settings alone.
    """
    numbers = [key_number(piece.key), SCHEME_NUMBERS[piece.scheme], piece.repeat, fold, inner]
    return int(np.random.SeedSequence(numbers).generate_state(1)[0])


def permuted_orders(n: int, p: int, seed: int, key: int) -> np.ndarray:
    """An order of `n` rows for each of `p` covariates: int64, shape (p, n).

    Drawn from the seed, the model's key and the covariate's number, after Breiman (2001), Machine Learning
    45, 5-32, with held-out rows in place of out-of-bag ones.
    """
    return np.stack(
        [
            np.random.default_rng(np.random.SeedSequence([seed, key, number])).permutation(n)
            for number in range(p)
        ]
    )
