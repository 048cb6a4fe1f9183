"""Hyper-parameters of a forest, in scikit-learn's words."""

from __future__ import annotations

import operator
from dataclasses import asdict, dataclass

from ...base.errors import InputError

#: Field -> (name of the QGIS parameter, least, greatest, whether None is allowed).
_RANGES: dict[str, tuple[str, int, int, bool]] = {
    "n_estimators": ("N_ESTIMATORS", 1, 100_000, False),
    "max_features": ("MAX_FEATURES", 1, 32_767, True),
    "sample_size": ("SAMPLE_SIZE", 2, 2**31 - 1, True),
    "min_samples_split": ("MIN_SAMPLES_SPLIT", 2, 2**31 - 1, False),
    "min_samples_leaf": ("MIN_SAMPLES_LEAF", 1, 2**31 - 1, False),
    "max_depth": ("MAX_DEPTH", 1, 2**31 - 1, True),
    "seed": ("SEED", 0, 2**31 - 1, False),
}


def _whole_number(value: object) -> int | None:
    """`value` as int if it is a whole number of an integer type (NumPy's too), else None."""
    if isinstance(value, bool):
        return None
    try:
        return operator.index(value)  # type: ignore[arg-type]
    except TypeError:
        return None


@dataclass(frozen=True)
class ForestSettings:
    """What a forest is grown with.

    Parameters
    ----------
    n_estimators : int
        Trees.
    max_features : int or None
        Covariates tried at each split (mtry); None: a third of them.
    sample_size : int or None
        Rows drawn with replacement for each tree; None: as many as there are.
    min_samples_split : int
        Fewest distinct rows in a node that may be split.
    min_samples_leaf : int
        Fewest distinct rows in a leaf.
    max_depth : int or None
        Maximum depth of a tree; None: no limit.
    seed : int
        Seed of all randomness.

    A value out of its range raises `InputError` with the name of the QGIS parameter.
    """

    n_estimators: int
    max_features: int | None
    sample_size: int | None
    min_samples_split: int
    min_samples_leaf: int
    max_depth: int | None
    seed: int

    def __post_init__(self) -> None:
        for field, (parameter, least, greatest, optional) in _RANGES.items():
            value = getattr(self, field)
            if value is None and optional:
                continue
            whole = _whole_number(value)
            if whole is None or not least <= whole <= greatest:
                raise InputError(
                    f"{parameter} is {value!r}; give a whole number from {least} to {greatest}"
                    + (", or leave it empty." if optional else ".")
                )
            object.__setattr__(self, field, whole)

    def mtry(self, covariates: int) -> int:
        """Covariates tried at each split out of `covariates` (Breiman's p / 3 without a number)."""
        if self.max_features is None:
            return max(1, covariates // 3)
        return min(self.max_features, covariates)

    def draws(self, rows: int) -> int:
        """Rows drawn for each tree out of `rows`."""
        return rows if self.sample_size is None else min(self.sample_size, rows)

    def as_dict(self) -> dict[str, int | None]:
        """The fields by name, for JSON; ``ForestSettings(**d)`` is the way back."""
        return asdict(self)


#: The paper's Table 5 (100 trees, mtry 7, sample size 1278); `min_samples_split` 4 comes closest
#: to ranger's node size 5, which counts bootstrap duplicates (scikit-learn counts distinct rows).
PAPER = ForestSettings(
    n_estimators=100,
    max_features=7,
    sample_size=1278,
    min_samples_split=4,
    min_samples_leaf=1,
    max_depth=None,
    seed=1,
)
