"""Randomness of the models of a cross-validation, and the error where covariates are permuted."""

from __future__ import annotations

import numpy as np

from ....methods.keys import key_number
from .pieces import Piece
from .schemes import SCHEME_NUMBERS


def model_key(piece: Piece, fold: int, inner: int = 0) -> int:
    """Tells the randomness of a model from that of all others; `inner` is 0 for the outer fold's own.

    The candidates of a grid share it, so that they differ by their settings alone.
    """
    numbers = [key_number(piece.unit), SCHEME_NUMBERS[piece.scheme], piece.repeat, fold, inner]
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
